/**
 * Collection `trades`: one document per fill. Both fills of a trade carry the same `tradeId` (the API's `id`); a document's own id is that and
 * one more digit, 0 for the taker's fill and 1 for the maker's. The taker's fill of every trade is stored, the maker's where a user (not the house) made it: the public trades of
 * a market are its taker fills that happened in the book (PUBLIC_TRADES), a user's own trades are the fills that carry the user's id.
 */
import type { CollectionSpec } from './collection.ts';

/** As the API shows a fill to its owner. */
export interface Trade {
  readonly id: string;
  /** null: no order stood behind it (takeover by the insurance fund, auto-deleveraging). */
  readonly orderId: string | null;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly role: 'maker' | 'taker';
  readonly price: string;
  readonly quantity: string;
  /** price × quantity, in quote. */
  readonly quoteQuantity: string;
  readonly fee: string;
  readonly feeAsset: string;
  /** Perpetual only. */
  readonly realizedPnl?: string;
  readonly timestamp: number;
  readonly seq: number;
}

/** As the API shows a trade to everybody; `side` is the taker's. */
export interface PublicTrade {
  readonly id: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly price: string;
  readonly quantity: string;
  readonly quoteQuantity: string;
  readonly timestamp: number;
  readonly seq: number;
}

export interface TradeDoc extends Trade {
  readonly tradeId: string;
  readonly userId: string;
  readonly accountId: number;
  readonly cause: 'order' | 'liquidation' | 'takeover' | 'adl';
}

export const trades: CollectionSpec<TradeDoc> = {
  name: 'trades',
  indexes: [
    { fields: { symbol: 1, timestamp: -1 } },
    { fields: { userId: 1, timestamp: -1 } },
    { fields: { orderId: 1 }, sparse: true },
  ],
  filters: ['role', 'cause', 'seq'],
  ids: 'numbers',
  changing: [],
  repeated: ['userId', 'symbol', 'role', 'cause'],
  fields: {
    id: 'always', tradeId: 'always', orderId: 'always', symbol: 'always', side: 'always', role: 'always', price: 'always', quantity: 'always', quoteQuantity: 'always',
    fee: 'always', feeAsset: 'always', realizedPnl: 'optional', timestamp: 'always', seq: 'always', userId: 'always', accountId: 'always', cause: 'always',
  },
  projected: true,
  decimals: ['price', 'quantity', 'quoteQuantity', 'fee', 'realizedPnl'],
  dates: ['timestamp'],
};

/** Newest first; for `Find.sort`. Those of one millisecond follow by id. */
export const NEWEST_TRADES = { timestamp: -1 } as const;

export function ownTrade(doc: TradeDoc): Trade {
  const { tradeId, orderId, symbol, side, role, price, quantity, quoteQuantity, fee, feeAsset, realizedPnl, timestamp, seq } = doc;
  const trade: { -readonly [K in keyof Trade]: Trade[K] } = { id: tradeId, orderId, symbol, side, role, price, quantity, quoteQuantity, fee, feeAsset, timestamp, seq };
  if (realizedPnl !== undefined) trade.realizedPnl = realizedPnl;
  return trade;
}

/** The fills that are a market's public trades; for `Find.where`. */
export const PUBLIC_TRADES = { role: 'taker', cause: { in: ['order', 'liquidation'] } } as const;
