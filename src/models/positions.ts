/**
 * Collection `positions`: each position of a user from its opening to its closing. What moves with the mark (unrealised P&L, margin ratio,
 * liquidation price, ADL rank) is not stored: the live state answers it for open positions.
 */
import type { CollectionSpec } from './collection.ts';

export interface PositionDoc {
  /** `<accountId>:<symbol>:<openedSeq>`: a position that flips or reopens is another document. */
  readonly id: string;
  readonly userId: string;
  readonly accountId: number;
  readonly symbol: string;
  readonly side: 'long' | 'short';
  readonly status: 'open' | 'closed';
  /** "0" once closed. */
  readonly quantity: string;
  /** The largest it ever was. */
  readonly maxQuantity: string;
  /** Of the open quantity; of the last one once closed. */
  readonly entryPrice: string;
  readonly leverage: number;
  readonly marginMode: 'isolated';
  readonly margin: string;
  /** Since it was opened; fees and funding apart. */
  readonly realizedPnl: string;
  readonly fees: string;
  readonly funding: string;
  readonly openedAt: number;
  readonly closedAt: number | null;
  readonly updatedAt: number;
  readonly seq: number;
}

export const positions: CollectionSpec<PositionDoc> = {
  name: 'positions',
  indexes: [
    { fields: { userId: 1, status: 1 } },
    { fields: { userId: 1, updatedAt: -1 } },
  ],
  filters: ['symbol', 'side', 'seq'],
  changing: ['status', 'updatedAt', 'seq'],
  repeated: ['userId', 'status', 'symbol', 'side'],
  fields: {
    id: 'always', userId: 'always', accountId: 'always', symbol: 'always', side: 'always', status: 'always', quantity: 'always', maxQuantity: 'always', entryPrice: 'always',
    leverage: 'always', marginMode: 'always', margin: 'always', realizedPnl: 'always', fees: 'always', funding: 'always', openedAt: 'always', closedAt: 'always', updatedAt: 'always', seq: 'always',
  },
  projected: true,
  decimals: ['quantity', 'maxQuantity', 'entryPrice', 'margin', 'realizedPnl', 'fees', 'funding'],
  dates: ['openedAt', 'closedAt', 'updatedAt'],
};

/** Last touched first; for `Find.sort`. */
export const NEWEST_POSITIONS = { updatedAt: -1, seq: -1 } as const;
