/**
 * What events make of an order. The one implementation: the projector stores its result, services answer with it, sockets send it.
 */
import type { NewOrder } from '../engine/commands.ts';
import type { Event, EventOf, FillSide } from '../engine/events.ts';
import type { OrderView } from '../engine/reader.ts';
import { type AccountId, assertNever, type Lots, type OrderId, type Seq, type Side } from '../engine/units.ts';
import { type Order, type OrderDoc, publicOrder } from '../models/orders.ts';
import { type Trade, ownTrade } from '../models/trades.ts';
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
    case 'noted':
    case 'asset_created':
    case 'market_created':
    case 'market_updated':
    case 'account_opened':
    case 'deposited':
    case 'transferred':
    case 'insurance_funded':
    case 'leverage_set':
    case 'margin_adjusted':
    case 'cancel_after_set':
    case 'prices_updated':
    case 'margin_called':
    case 'margin_call_cleared':
    case 'position_liquidated':
    case 'funding_paid':
    case 'funding_started':
    case 'funding_deferred':
    case 'funding_advanced':
    case 'funding_settled':
      return;
    default:
      return assertNever(event);
  }
}

/** The order `id` after the event; unchanged by events of other orders. Throws when the order is touched before it was accepted. */
export function evolveOrder(order: OrderDoc | undefined, event: Event, id: OrderId, context: FoldContext): OrderDoc | undefined {
  if (event.type === 'order_accepted') return event.seq === id ? accepted(event, context) : order;
  if (!touches(event, id)) return order;
  if (order === undefined) throw new Error(`event ${event.seq} touches order ${id}, which is not known`);
  const changed: { -readonly [K in keyof OrderDoc]: OrderDoc[K] } = { ...order };
  changed.updatedAt = context.time;
  changed.seq = event.seq;
  switch (event.type) {
    case 'order_closed':
      changed.status = event.status;
      changed.closeReason = event.reason;
      break;
    case 'order_reduced': {
      const { units } = context.catalog.byId(event.market);
      const filled = units.quantity(order.filledQuantity) ?? 0;
      changed.quantity = units.formatQuantity(filled + event.remaining);
      changed.remainingQuantity = units.formatQuantity(event.remaining);
      break;
    }
    case 'order_amended': {
      const { units } = context.catalog.byId(event.market);
      changed.price = units.formatPrice(event.price);
      changed.quantity = units.formatQuantity(event.quantity);
      changed.remainingQuantity = units.formatQuantity(event.remaining);
      break;
    }
    case 'trade': {
      const side = event.taker.order === id ? event.taker : event.maker;
      const { status, filledQuantity, remainingQuantity, averagePrice, fee } = progress(side, side.remaining === 0 ? 'filled' : 'partially_filled', order.feeAsset, context.catalog.byId(event.market));
      changed.status = status;
      changed.filledQuantity = filledQuantity;
      changed.remainingQuantity = remainingQuantity;
      changed.averagePrice = averagePrice;
      changed.fee = fee;
      break;
    }
    default:
      // Resting changes nothing that is shown.
      break;
  }
  return changed;
}

/** The order as the API shows it after `events`, with the fills that happened in them. `before`: as it stood when they began; absent for one they accept. */
export function foldOrder(before: OrderDoc | undefined, events: readonly Event[], id: OrderId, context: FoldContext): Order {
  const folding: Folding = { order: before, fills: [] };
  for (const event of events) fold(folding, event, id, context);
  return shown(folding, id);
}

/** As `foldOrder`, for orders that the events accept; one pass over the events, however many orders there are. */
export function foldOrders(events: readonly Event[], ids: readonly OrderId[], context: FoldContext): ReadonlyMap<OrderId, Order> {
  const foldings = new Map<OrderId, Folding>(ids.map((id) => [id, { order: undefined, fills: [] }]));
  for (const event of events) {
    forEachOrder(event, (id) => {
      const folding = foldings.get(id);
      if (folding !== undefined) fold(folding, event, id, context);
    });
  }
  return new Map(ids.map((id) => [id, shown(foldings.get(id)!, id)]));
}

interface Folding {
  order: OrderDoc | undefined;
  readonly fills: Trade[];
}

function fold(folding: Folding, event: Event, id: OrderId, context: FoldContext): void {
  folding.order = evolveOrder(folding.order, event, id, context);
  if (event.type !== 'trade') return;
  if (event.taker.order === id) folding.fills.push(ownTrade(fillOf(event, 'taker', context)));
  else if (event.maker.order === id) folding.fills.push(ownTrade(fillOf(event, 'maker', context)));
}

function shown({ order, fills }: Folding, id: OrderId): Order {
  if (order === undefined) throw new Error(`order ${id} is not in these events`);
  return publicOrder(order, fills);
}

/** An open order of the live state as the fold of its events would have it. */
export function orderFromView(view: OrderView, context: Pick<FoldContext, 'catalog' | 'owners'>): OrderDoc {
  const listed = context.catalog.byId(view.market);
  const at = view.filled === 0 ? untouched(view.remaining, listed) : progress(view, 'partially_filled', feeAssetOf(view.side, listed), listed);
  // Without what was cut off a reduce-only order.
  return document(view, view, view.filled + view.remaining, at, listed, context);
}

/** An order, when it came and when it changed. */
type Stamp = Pick<OrderView, 'id' | 'account' | 'createdAt' | 'updatedAt' | 'seq'>;

function document(terms: NewOrder, stamp: Stamp, quantity: Lots, at: Progress, listed: ListedMarket, context: Pick<FoldContext, 'owners'>): OrderDoc {
  const { market, units } = listed;
  return {
    id: String(stamp.id),
    clientOrderId: terms.clientOrderId === '' ? null : terms.clientOrderId,
    symbol: market.symbol,
    side: terms.side,
    type: terms.type,
    status: at.status,
    price: terms.type === 'market' ? null : units.formatPrice(terms.price),
    stopPrice: null,
    quantity: units.formatQuantity(quantity),
    filledQuantity: at.filledQuantity,
    remainingQuantity: at.remainingQuantity,
    averagePrice: at.averagePrice,
    timeInForce: terms.timeInForce,
    postOnly: terms.postOnly,
    reduceOnly: terms.reduceOnly,
    selfTradePrevention: terms.selfTradePrevention,
    fee: at.fee,
    feeAsset: feeAssetOf(terms.side, listed),
    createdAt: stamp.createdAt,
    updatedAt: stamp.updatedAt,
    seq: small(stamp.seq),
    userId: ownerOf(stamp.account, context),
    accountId: stamp.account,
  };
}

/**
 * The same number, as V8 keeps small integers in objects; what is read from a typed array comes as a double. Objects of one form that hold now this and now that
 * are made anew by the slowest of its ways, each time.
 */
function small(value: number): number {
  const integer = value | 0;
  return integer === value ? integer : value;
}

function feeAssetOf(side: Side, { market, base, quote }: ListedMarket): string {
  return market.type === 'spot' && side === 'buy' ? base.code : quote.code;
}

function touches(event: Event, id: OrderId): boolean {
  if (event.type === 'trade') return event.taker.order === id || event.maker.order === id;
  return (event.type === 'order_rested' || event.type === 'order_closed' || event.type === 'order_reduced' || event.type === 'order_amended') && event.order === id;
}

function accepted(event: EventOf<'order_accepted'> & { readonly seq: Seq }, context: FoldContext): OrderDoc {
  const { order, account, seq } = event;
  const { time } = context;
  const listed = context.catalog.byId(order.market);
  return document(order, { id: seq, account, createdAt: time, updatedAt: time, seq }, order.quantity, untouched(order.quantity, listed), listed, context);
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
