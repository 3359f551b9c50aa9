/** Collection `auditlogs`: who did what to whom, before and after, from where. Append-only; each entry carries the hash of the one before it. */
import type { CollectionSpec } from './collection.ts';

export interface AuditLogDoc {
  /** `seq` with leading zeros, so that ids sort like the chain. */
  readonly id: string;
  /** Position in the chain, from 1. */
  readonly seq: number;
  readonly timestamp: number;
  /** The acting user's id, or `system`. */
  readonly actor: string;
  /** `noun.verb`, e.g. `market.update`, `auth.login`. */
  readonly action: string;
  /** What it was done to: a user id, a symbol, an order id; empty = nothing in particular. */
  readonly target: string;
  readonly outcome: 'ok' | 'refused';
  readonly ip: string;
  readonly requestId: string;
  /** What was there before and after; without secrets. */
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  /** Of the entry before; empty for the first. */
  readonly previousHash: string;
  /** SHA-256 over all other fields, hex. */
  readonly hash: string;
}

export const auditlogs: CollectionSpec<AuditLogDoc> = {
  name: 'auditlogs',
  indexes: [
    { fields: { seq: 1 }, unique: true },
    { fields: { timestamp: -1 } },
    { fields: { actor: 1, timestamp: -1 } },
    { fields: { action: 1, timestamp: -1 } },
    { fields: { target: 1, timestamp: -1 } },
  ],
  filters: ['outcome'],
  dates: ['timestamp'],
};
