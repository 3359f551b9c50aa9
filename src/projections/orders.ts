/**
 * What events make of an order. The one implementation: the projector stores its result, services answer with it, sockets send it.
 */
import type { Event, EventOf, FillSide } from '../engine/events.ts';
import type { OrderView } from '../engine/reader.ts';
import type { AccountId, Lots, OrderId, Seq } from '../engine/units.ts';
import { type Order, type OrderDoc, publicOrder } from '../models/orders.ts';
import { ownTrade } from '../models/trades.ts';
import { type FoldContext, type ListedMarket, ownerOf } from './context.ts';
import { fillOf } from './trades.ts';

/** Calls `visit` for each order that the event touches, with the account that owns it. */
export function forEachOrder(event: Event, visit: (order: OrderId, account: AccountId) => void): void {
  switch (event.type) {
    case 'order_accepted':
      return visit(event.seq, event.account);
    case 'order_rested':
    case 'order_closed':
    case 'order_reduced':
    case 'order_amended':
      return visit(event.order, event.account);
    case 'trade':
      // 0: no order stood behind this side.
      if (event.taker.order !== 0) visit(event.taker.order, event.taker.account);
      if (event.maker.order !== 0) visit(event.maker.order, event.maker.account);
      return;
    default:
      return;
  }
}

/** The order `id` after the event; unchanged by events of other orders. Throws when the order is touched before it was accepted. */
export function evolveOrder(order: OrderDoc | undefined, event: Event, id: OrderId, context: FoldContext): OrderDoc | undefined {
  if (event.type === 'order_accepted') return event.seq === id ? accepted(event, context) : order;
  if (!touches(event, id)) return order;
  if (order === undefined) throw new Error(`event ${event.seq} touches order ${id}, which is not known`);
  const updatedAt = context.time;
  const { seq } = event;
  switch (event.type) {
    case 'order_rested':
      return { ...order, updatedAt, seq };
    case 'order_closed':
      return { ...order, updatedAt, seq, status: event.status, closeReason: event.reason };
    case 'order_reduced': {
      const { units } = context.catalog.byId(event.market);
      const filled = units.quantity(order.filledQuantity) ?? 0;
      return { ...order, updatedAt, seq, quantity: units.formatQuantity(filled + event.remaining), remainingQuantity: units.formatQuantity(event.remaining) };
    }
    case 'order_amended': {
      const { units } = context.catalog.byId(event.market);
      return { ...order, updatedAt, seq, price: units.formatPrice(event.price), quantity: units.formatQuantity(event.quantity), remainingQuantity: units.formatQuantity(event.remaining) };
    }
    case 'trade': {
      const side = event.taker.order === id ? event.taker : event.maker;
      const { status, filledQuantity, remainingQuantity, averagePrice, fee } = progress(side, side.remaining === 0 ? 'filled' : 'partially_filled', order.feeAsset, context.catalog.byId(event.market));
      return { ...order, updatedAt, seq, status, filledQuantity, remainingQuantity, averagePrice, fee };
    }
    default:
      return order;
  }
}

/** The order as the API shows it after `events`, with the fills that happened in them. `before`: as it stood when they began; absent for one they accept. */
export function foldOrder(before: OrderDoc | undefined, events: readonly Event[], id: OrderId, context: FoldContext): Order {
  let order = before;
  const fills = [];
  for (const event of events) {
    order = evolveOrder(order, event, id, context);
    if (event.type !== 'trade') continue;
    if (event.taker.order === id) fills.push(ownTrade(fillOf(event, 'taker', context)));
    else if (event.maker.order === id) fills.push(ownTrade(fillOf(event, 'maker', context)));
  }
  if (order === undefined) throw new Error(`order ${id} is not in these events`);
  return publicOrder(order, fills);
}

/** An open order of the live state as the fold of its events would have it. */
export function orderFromView(view: OrderView, context: Pick<FoldContext, 'catalog' | 'owners'>): OrderDoc {
  const listed = context.catalog.byId(view.market);
  const { market, units } = listed;
  const feeAsset = market.type === 'spot' && view.side === 'buy' ? listed.base.code : listed.quote.code;
  const { status, filledQuantity, remainingQuantity, averagePrice, fee } = view.filled === 0 ? untouched(view.remaining, listed) : progress(view, 'partially_filled', feeAsset, listed);
  return {
    id: String(view.id),
    clientOrderId: view.clientOrderId === '' ? null : view.clientOrderId,
    symbol: market.symbol,
    side: view.side,
    type: view.type,
    status,
    price: view.type === 'market' ? null : units.formatPrice(view.price),
    stopPrice: null,
    // Without what was cut off a reduce-only order.
    quantity: view.filled === 0 ? remainingQuantity : units.formatQuantity(view.filled + view.remaining),
    filledQuantity,
    remainingQuantity,
    averagePrice,
    timeInForce: view.timeInForce,
    postOnly: view.postOnly,
    reduceOnly: view.reduceOnly,
    selfTradePrevention: view.selfTradePrevention,
    fee,
    feeAsset,
    createdAt: view.createdAt,
    updatedAt: view.updatedAt,
    seq: view.seq,
    userId: ownerOf(view.account, context),
    accountId: view.account,
  };
}

function touches(event: Event, id: OrderId): boolean {
  if (event.type === 'trade') return event.taker.order === id || event.maker.order === id;
  return (event.type === 'order_rested' || event.type === 'order_closed' || event.type === 'order_reduced' || event.type === 'order_amended') && event.order === id;
}

function accepted(event: EventOf<'order_accepted'> & { readonly seq: Seq }, context: FoldContext): OrderDoc {
  const { order: { market, side, type, price, quantity, timeInForce, postOnly, reduceOnly, selfTradePrevention, clientOrderId }, account, lock, seq } = event;
  const { time } = context;
  return orderFromView({
    id: seq, account, market, side, type, price, quantity, filled: 0, remaining: quantity, filledQuote: 0, filledFee: 0, lock,
    timeInForce, postOnly, reduceOnly, selfTradePrevention, clientOrderId, createdAt: time, updatedAt: time, seq,
  }, context);
}

type Progress = Pick<OrderDoc, 'status' | 'filledQuantity' | 'remainingQuantity' | 'averagePrice' | 'fee'>;

function untouched(remaining: Lots, { units }: ListedMarket): Progress {
  return { status: 'new', filledQuantity: '0', remainingQuantity: units.formatQuantity(remaining), averagePrice: null, fee: '0' };
}

function progress(at: Pick<FillSide, 'filled' | 'remaining' | 'filledQuote' | 'filledFee'>, status: OrderDoc['status'], feeAsset: string, { market, base, units }: ListedMarket): Progress {
  return {
    status,
    filledQuantity: units.formatQuantity(at.filled),
    remainingQuantity: units.formatQuantity(at.remaining),
    averagePrice: units.formatAverage(at.filledQuote, at.filled, market.quotePerTickLot),
    fee: market.type === 'spot' && feeAsset === base.code ? units.formatBase(at.filledFee) : units.formatQuote(at.filledFee),
  };
}
