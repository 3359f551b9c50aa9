/** Collection `auditlogs`: who did what to whom, from where, and how it ended. Written by services, never changed. */
import type { CollectionSpec } from './collection.ts';

export interface AuditLogDoc {
  readonly id: string;
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
  /** What changed; without secrets. */
  readonly details: Readonly<Record<string, unknown>>;
}

export const auditlogs: CollectionSpec<AuditLogDoc> = {
  name: 'auditlogs',
  indexes: [
    { fields: { timestamp: -1 } },
    { fields: { actor: 1, timestamp: -1 } },
    { fields: { action: 1, timestamp: -1 } },
    { fields: { target: 1, timestamp: -1 } },
  ],
  filters: ['outcome'],
  dates: ['timestamp'],
};
