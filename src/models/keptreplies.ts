/** Collection `keptreplies`: what a write with an Idempotency-Key was answered first, where no record of the journal tells all of it. Ends after a day. */
import type { CollectionSpec } from './collection.ts';

export interface KeptReplyDoc {
  /** `account:key`. */
  readonly id: string;
  /** Of the request, sealed: the request itself may hold a password. */
  readonly fingerprint: string;
  /** JSON as it was sent; empty = a reply without a body. The status is the route's: only successes are kept. */
  readonly body: string;
  readonly createdAt: number;
}

export const keptreplies: CollectionSpec<KeptReplyDoc> = {
  name: 'keptreplies',
  indexes: [],
  ttl: { field: 'createdAt', seconds: 86_400 },
  dates: ['createdAt'],
};
