/** Turns a page of a service into a reply. */
import type { Listing } from '../services/paging.ts';
import type { Reply } from '../types/route.ts';

export function listReply<T>({ items, nextCursor, seq }: Listing<T>): Reply<readonly T[]> {
  return nextCursor === undefined && seq === undefined ? { data: items } : { data: items, meta: { nextCursor, seq } };
}
