/** Collection `accounts`: which user or house maker owns an engine account. Folded from `account_opened`. */
import type { CollectionSpec } from './collection.ts';

export interface AccountDoc {
  /** The engine account as a decimal string. */
  readonly id: string;
  readonly accountId: number;
  readonly userId: string;
  readonly kind: 'user' | 'house';
  readonly createdAt: number;
  readonly seq: number;
}

export const accounts: CollectionSpec<AccountDoc> = {
  name: 'accounts',
  indexes: [{ fields: { userId: 1 } }],
  projected: true,
  dates: ['createdAt'],
};
