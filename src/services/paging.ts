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

/** A page of a list that is short enough to be held whole. Its cursor is a position. */
export function pageOf<T>(all: readonly T[], query: ListQuery): Listing<T> {
  const start = query.cursor === undefined ? (query.offset ?? 0) : positionOf(query.cursor);
  const items = all.slice(start, start + query.limit);
  return start + items.length < all.length ? { items, nextCursor: `p${start + items.length}` } : { items };
}

function positionOf(cursor: string): number {
  if (!/^p[1-9][0-9]{0,8}$/.test(cursor)) throw Refusal.field('cursor', 'is not the cursor of this list');
  return Number(cursor.slice(1));
}
