/** Collection `sessions`: one document per refresh token in use. Rotation replaces `refreshHash` and keeps `family`; reuse of an old token ends the family. */
import type { CollectionSpec } from './collection.ts';

export interface SessionDoc {
  readonly id: string;
  readonly userId: string;
  /** SHA-256 of the refresh token, hex. */
  readonly refreshHash: string;
  /** All sessions that descend from one login. */
  readonly family: string;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** The document goes away at this time. */
  readonly expiresAt: number;
  readonly ip: string;
  readonly userAgent: string;
}

export const sessions: CollectionSpec<SessionDoc> = {
  name: 'sessions',
  indexes: [
    { fields: { refreshHash: 1 }, unique: true },
    { fields: { userId: 1, createdAt: -1 } },
    { fields: { family: 1 } },
  ],
  ttl: { field: 'expiresAt', seconds: 0 },
  dates: ['createdAt', 'lastUsedAt', 'expiresAt'],
};
