/** Collection `sessions`: one document per login. Its refresh token rotates in place; a document that is gone is a session that has ended. */
import type { CollectionSpec } from './collection.ts';

export interface SessionDoc {
  readonly id: string;
  readonly userId: string;
  /** SHA-256 of the one refresh token that is good now, hex. */
  readonly refreshHash: string;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** The document goes away at this time: idle or absolute expiry, whichever is first. */
  readonly expiresAt: number;
  /** No rotation reaches beyond this time. */
  readonly absoluteExpiresAt: number;
  readonly ip: string;
  readonly userAgent: string;
}

export const sessions: CollectionSpec<SessionDoc> = {
  name: 'sessions',
  indexes: [{ fields: { userId: 1, createdAt: -1 } }],
  ttl: { field: 'expiresAt', seconds: 0 },
  dates: ['createdAt', 'lastUsedAt', 'expiresAt', 'absoluteExpiresAt'],
};
