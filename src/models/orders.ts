/** Collection `orders`: the orders of users, open and ended. Orders of house makers are not stored (they are in the journal and the live book). */
import type { CloseReason } from '../types/close-reasons.ts';
import type { CollectionSpec } from './collection.ts';
import type { Trade } from './trades.ts';

/** As the API shows it. `null` = has none. quantity = filledQuantity + remainingQuantity always; after an order has ended, remaining is what was not filled. */
export interface Order {
  /** Decimal string. */
  readonly id: string;
  readonly clientOrderId: string | null;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly type: 'limit' | 'market';
  readonly status: 'new' | 'partially_filled' | 'filled' | 'canceled' | 'expired';
  readonly price: string | null;
  readonly stopPrice: string | null;
  readonly quantity: string;
  readonly filledQuantity: string;
  readonly remainingQuantity: string;
  readonly averagePrice: string | null;
  readonly timeInForce: 'GTC' | 'IOC' | 'FOK';
  readonly postOnly: boolean;
  readonly reduceOnly: boolean;
  readonly selfTradePrevention: 'expire_taker' | 'expire_maker' | 'expire_both' | 'none';
  /** Of all fills so far; negative = rebate. */
  readonly fee: string;
  readonly feeAsset: string;
  /** Why it was canceled or expired. */
  readonly closeReason?: CloseReason;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Of the last event that touched it. */
  readonly seq: number;
  /** In replies to placing, oldest first. */
  readonly fills?: readonly Trade[];
}

export interface OrderDoc extends Omit<Order, 'fills'> {
  readonly userId: string;
  readonly accountId: number;
}

export const orders: CollectionSpec<OrderDoc> = {
  name: 'orders',
  indexes: [
    { fields: { userId: 1, status: 1, createdAt: -1 } },
    { fields: { userId: 1, createdAt: -1 } },
    { fields: { userId: 1, symbol: 1, createdAt: -1 } },
    { fields: { userId: 1, clientOrderId: 1 }, sparse: true },
  ],
  ids: 'numbers',
  changing: ['status'],
  repeated: ['userId', 'status', 'symbol'],
  fields: {
    id: 'always', clientOrderId: 'always', symbol: 'always', side: 'always', type: 'always', status: 'always', price: 'always', stopPrice: 'always', quantity: 'always',
    filledQuantity: 'always', remainingQuantity: 'always', averagePrice: 'always', timeInForce: 'always', postOnly: 'always', reduceOnly: 'always', selfTradePrevention: 'always',
    fee: 'always', feeAsset: 'always', closeReason: 'optional', createdAt: 'always', updatedAt: 'always', seq: 'always', userId: 'always', accountId: 'always',
  },
  projected: true,
  decimals: ['price', 'stopPrice', 'quantity', 'filledQuantity', 'remainingQuantity', 'averagePrice', 'fee'],
  dates: ['createdAt', 'updatedAt'],
};

/** Newest first; for `Find.sort`. Those of one millisecond follow by id. */
export const NEWEST_ORDERS = { createdAt: -1 } as const;

/** What its owner may see of it. Named field by field, as everything that is made once an order or fill: taking an object apart and leaving some of it out costs ten times as much. */
export function publicOrder(doc: OrderDoc, fills?: readonly Trade[]): Order {
  const order: { -readonly [K in keyof Order]: Order[K] } = {
    id: doc.id,
    clientOrderId: doc.clientOrderId,
    symbol: doc.symbol,
    side: doc.side,
    type: doc.type,
    status: doc.status,
    price: doc.price,
    stopPrice: doc.stopPrice,
    quantity: doc.quantity,
    filledQuantity: doc.filledQuantity,
    remainingQuantity: doc.remainingQuantity,
    averagePrice: doc.averagePrice,
    timeInForce: doc.timeInForce,
    postOnly: doc.postOnly,
    reduceOnly: doc.reduceOnly,
    selfTradePrevention: doc.selfTradePrevention,
    fee: doc.fee,
    feeAsset: doc.feeAsset,
    createdAt: doc.createdAt,
    updatedAt: doc.updatedAt,
    seq: doc.seq,
  };
  if (doc.closeReason !== undefined) order.closeReason = doc.closeReason;
  if (fills !== undefined) order.fills = fills;
  return order;
}
