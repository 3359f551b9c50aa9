/** Collection `users`: who may sign in, and the engine account that is theirs. */
import type { CollectionSpec } from './collection.ts';

export interface UserDoc {
  readonly id: string;
  /** Lower case. */
  readonly email: string;
  /** argon2id, PHC string. */
  readonly passwordHash: string;
  readonly roles: readonly ('user' | 'admin')[];
  readonly status: 'active' | 'frozen';
  /** The user's engine account. */
  readonly account: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly lastLoginAt: number | null;
  /** SHA-256 of the Idempotency-Key that the user registered with. */
  readonly registrationKey?: string;
}

export const users: CollectionSpec<UserDoc> = {
  name: 'users',
  indexes: [
    { fields: { email: 1 }, unique: true },
    { fields: { account: 1 }, unique: true },
    { fields: { createdAt: -1 } },
    { fields: { registrationKey: 1 }, sparse: true },
  ],
  filters: ['status'],
  dates: ['createdAt', 'updatedAt', 'lastLoginAt'],
};
