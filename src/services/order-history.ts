/** Orders looked up: the open ones in the live state, the ended ones in history. Somebody else's order is answered exactly like one that never was. */
import type { OrderView } from '../engine/reader.ts';
import type { OrderId, Seq } from '../engine/units.ts';
import type { Collection } from '../models/collection.ts';
import { NEWEST_ORDERS, publicOrder, type Order, type OrderDoc } from '../models/orders.ts';
import { numberOfId } from '../models/query.ts';
import { ownTrade, type TradeDoc } from '../models/trades.ts';
import { storedAmount } from '../projections/amounts.ts';
import { orderFromView } from '../projections/orders.ts';
import type { Sequencer } from '../sequencer/sequencer.ts';
import type { Principal } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';
import type { Catalog } from './catalog.ts';
import type { Consistency } from './consistency.ts';
import { given, span, type ListQuery, type Listing } from './paging.ts';

export interface OrderQuery extends ListQuery {
  readonly status?: readonly Order['status'][];
  readonly symbol?: string;
  readonly from?: number;
  readonly to?: number;
}

export interface OrderHistoryParts {
  readonly sequencer: Pick<Sequencer, 'state'>;
  readonly consistency: Consistency;
  readonly catalog: Catalog;
  readonly orders: Collection<OrderDoc>;
  readonly trades: Collection<TradeDoc>;
}

/** Before a client's own id. */
const CLIENT = 'client:';
const MAX_FILLS = 500;

export class OrderHistory {
  readonly #parts: OrderHistoryParts;

  constructor(parts: OrderHistoryParts) {
    this.#parts = parts;
  }

  /** The user's open order that `ref` names, by id or `client:<clientOrderId>`. At once: nothing can happen to it before a command that follows in the same turn, but what is due by time. */
  open({ account }: Principal, ref: string): OrderView | undefined {
    const { state } = this.#parts.sequencer;
    if (ref.startsWith(CLIENT)) return state.orderByClientId(account, ref.slice(CLIENT.length));
    const id = orderIdOf(ref);
    const view = id === undefined ? undefined : state.order(id);
    return view?.account === account ? view : undefined;
  }

  /** The user's order that `ref` names, open or ended, as it is stored. Throws NOT_FOUND. */
  async stored({ userId }: Principal, ref: string): Promise<OrderDoc> {
    const { consistency, orders } = this.#parts;
    const clientOrderId = ref.startsWith(CLIENT) ? ref.slice(CLIENT.length) : undefined;
    if (clientOrderId === undefined) await consistency.caughtUp();
    const doc =
      clientOrderId === undefined
        ? await orders.get(ref)
        : (await consistency.find(orders, { where: { userId, clientOrderId }, sort: NEWEST_ORDERS, limit: 1 })).items[0];
    if (doc === undefined || doc.userId !== userId) throw unknownOrder(ref);
    return doc;
  }

  /** With its fills, oldest first, at most 500. */
  async get(principal: Principal, ref: string): Promise<Order> {
    const { catalog, consistency, trades } = this.#parts;
    const open = await consistency.live((state) => {
      const view = this.open(principal, ref);
      return view === undefined ? undefined : orderFromView(view, { catalog, owners: state });
    });
    const doc = open ?? (await this.stored(principal, ref));
    if (doc.filledQuantity === '0') return publicOrder(doc, []);
    const where = { orderId: doc.id, userId: principal.userId, seq: { lte: doc.seq } };
    const { items } = await consistency.find(trades, { where, sort: { seq: 1 }, limit: MAX_FILLS });
    return publicOrder(doc, items.map(ownTrade));
  }

  /** The user's order as it stood before event `seq`, but for what the events from there on tell: price, quantity and remaining are of now. */
  async asBefore(principal: Principal, id: OrderId, seq: Seq): Promise<OrderDoc> {
    const { catalog, sequencer } = this.#parts;
    const doc = await this.stored(principal, String(id));
    const { market, base, quote, units } = catalog.named(doc.symbol);
    const fills = await this.#fillsBefore(doc, seq);
    const feeScale = doc.feeAsset === quote.code ? quote.scale : base.scale;
    const sum = (of: (fill: TradeDoc) => number): number => fills.reduce((total, fill) => total + of(fill), 0);
    const view = {
      ...doc,
      id,
      account: principal.account,
      market: market.id,
      price: units.price(doc.price ?? '') ?? 0,
      quantity: units.quantity(doc.quantity) ?? 0,
      remaining: units.quantity(doc.remainingQuantity) ?? 0,
      filled: sum((fill) => units.quantity(fill.quantity) ?? 0),
      filledQuote: sum((fill) => storedAmount(fill.quoteQuantity, quote.scale)),
      filledFee: sum((fill) => storedAmount(fill.fee, feeScale)),
      lock: 0,
      clientOrderId: doc.clientOrderId ?? '',
    };
    return orderFromView(view, { catalog, owners: sequencer.state });
  }

  /** Open and ended, newest first. */
  async list({ userId }: Principal, query: OrderQuery): Promise<Listing<Order>> {
    const { catalog, consistency, orders } = this.#parts;
    const symbol = catalog.narrowed(query.symbol)?.symbol;
    const { status, limit, cursor, offset } = query;
    const where = given({ userId, status: status === undefined ? undefined : { in: status }, symbol, createdAt: span(query) });
    const page = await consistency.find(orders, { where, sort: NEWEST_ORDERS, limit, cursor, offset });
    return { ...page, items: page.items.map((doc) => publicOrder(doc)) };
  }

  async #fillsBefore({ id, userId }: OrderDoc, seq: Seq): Promise<TradeDoc[]> {
    const fills: TradeDoc[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#parts.trades.find({ where: { orderId: id, userId, seq: { lt: seq } }, sort: { seq: 1 }, limit: MAX_FILLS, ...(cursor !== undefined && { cursor }) });
      fills.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return fills;
  }
}

/** undefined: not the form of an id, so no order has it. */
export function orderIdOf(ref: string): number | undefined {
  return numberOfId(ref) || undefined;
}

export function unknownOrder(ref: string): Refusal {
  return new Refusal('NOT_FOUND', `there is no order ${ref.slice(0, 50)}`);
}
