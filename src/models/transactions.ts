/**
 * Collection `transactions`: the statement of a wallet, one line for each event that changed its total, but for trades: their lines are made of
 * the user's fills when they are read. Both together add up to the wallet's total. Moving money between available, locked and margin changes
 * no total and is no line.
 */
import type { CollectionSpec } from './collection.ts';

export type TransactionType = 'deposit' | 'transfer' | 'trade' | 'funding' | 'liquidation';

/** As the API shows it. */
export interface Transaction {
  /** The seq and two more digits, which tell the lines of one event apart; later ones are larger. */
  readonly id: string;
  readonly type: TransactionType;
  readonly account: 'spot' | 'futures';
  readonly asset: string;
  /** Net change of the wallet's total, signed, fee included. */
  readonly amount: string;
  /** What of it was a fee (paid: positive). */
  readonly fee: string;
  /** What of it was realised P&L; perpetual trades only. */
  readonly realizedPnl?: string;
  readonly symbol: string | null;
  /** The trade, order or liquidation it belongs to. */
  readonly reference: string | null;
  readonly status: 'completed';
  readonly timestamp: number;
  readonly seq: number;
}

export interface TransactionDoc extends Transaction {
  readonly userId: string;
  readonly accountId: number;
}

export const transactions: CollectionSpec<TransactionDoc> = {
  name: 'transactions',
  indexes: [{ fields: { userId: 1, timestamp: -1 } }],
  filters: ['asset', 'type'],
  ids: 'numbers',
  changing: [],
  repeated: ['userId', 'asset', 'type'],
  fields: {
    id: 'always', type: 'always', account: 'always', asset: 'always', amount: 'always', fee: 'always', realizedPnl: 'optional', symbol: 'always', reference: 'always', status: 'always',
    timestamp: 'always', seq: 'always', userId: 'always', accountId: 'always',
  },
  projected: true,
  decimals: ['amount', 'fee'],
  dates: ['timestamp'],
};

/** Newest first; for `Find.sort`. Those of one millisecond follow by id. */
export const NEWEST_TRANSACTIONS = { timestamp: -1 } as const;

/** What its owner may see of it. */
export function publicTransaction(doc: TransactionDoc): Transaction {
  const { userId: _user, accountId: _account, ...transaction } = doc;
  return transaction;
}
