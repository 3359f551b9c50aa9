/** Collection `wallets`: a user's balance per asset in the spot and in the futures wallet. */
import type { CollectionSpec } from './collection.ts';

/** As the API shows it: total = available + locked (+ margin). */
export interface Wallet {
  readonly account: 'spot' | 'futures';
  readonly asset: string;
  readonly total: string;
  readonly available: string;
  readonly locked: string;
  /** Held by positions; futures only. */
  readonly margin?: string;
  readonly seq: number;
}

export interface WalletDoc extends Wallet {
  /** `<accountId>:<account>:<asset>` */
  readonly id: string;
  readonly userId: string;
  readonly accountId: number;
  readonly updatedAt: number;
}

export const wallets: CollectionSpec<WalletDoc> = {
  name: 'wallets',
  indexes: [{ fields: { userId: 1, asset: 1 } }],
  filters: ['account'],
  changing: [],
  repeated: ['userId', 'account'],
  fields: {
    id: 'always', account: 'always', asset: 'always', total: 'always', available: 'always', locked: 'always', margin: 'optional', seq: 'always',
    userId: 'always', accountId: 'always', updatedAt: 'always',
  },
  projected: true,
  decimals: ['total', 'available', 'locked', 'margin'],
  dates: ['updatedAt'],
};
