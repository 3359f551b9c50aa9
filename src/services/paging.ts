/** Lists as services give them: newest first, a page at a time. */
import { Refusal } from '../types/refusal.ts';

export interface ListQuery {
  /** 1…500. */
  readonly limit: number;
  /** Opaque, from the page before; a foreign one is refused with VALIDATION_FAILED. */
  readonly cursor?: string;
  readonly offset?: number;
}

export interface Listing<T> {
  readonly items: T[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
  /** What the list reflects at least. */
  readonly seq?: number;
}

/** The conditions that are present. */
export function given<T extends object>(conditions: T): T {
  return Object.fromEntries(Object.entries(conditions).filter(([, value]) => value !== undefined)) as T;
}

/** A span of time as a condition on a field in ms, both ends included; undefined when unbounded. */
export function span({ from, to }: { readonly from?: number; readonly to?: number }): { readonly gte?: number; readonly lte?: number } | undefined {
  return from === undefined && to === undefined ? undefined : given({ gte: from, lte: to });
}

/** A page of a list that is short enough to be held whole, and does not move. Its cursor is a position. */
export function pageOf<T>(all: readonly T[], query: ListQuery): Listing<T> {
  const start = query.cursor === undefined ? (query.offset ?? 0) : numberOf(query.cursor, 'p');
  const items = all.slice(start, start + query.limit);
  return start + items.length < all.length ? { items, nextCursor: `p${start + items.length}` } : { items };
}

/** A page of what happened, newest first, while more goes on happening. Its cursor is the seq of the last item. */
export function pageOfEvents<T extends { readonly seq: number }>(all: readonly T[], query: ListQuery): Listing<T> {
  const before = query.cursor === undefined ? undefined : numberOf(query.cursor, 's');
  const older = before === undefined ? all.slice(query.offset ?? 0) : all.filter(({ seq }) => seq < before);
  const items = older.slice(0, query.limit);
  return items.length < older.length ? { items, nextCursor: `s${items.at(-1)?.seq}` } : { items };
}

function numberOf(cursor: string, kind: 'p' | 's'): number {
  if (cursor[0] !== kind || !/^[1-9][0-9]{0,15}$/.test(cursor.slice(1))) throw Refusal.field('cursor', 'is not the cursor of this list');
  return Number(cursor.slice(1));
}
