/**
 * Orders of a user: placing, amending, canceling. REST and sockets both end here. It leaves every decision to the engine and answers with
 * the fold of what that decided.
 */
import type { Command, NewOrder } from '../engine/commands.ts';
import type { EventOf, ItemResult } from '../engine/events.ts';
import type { OrderView } from '../engine/reader.ts';
import { reject, type Reject } from '../engine/reject.ts';
import type { Millis, OrderId } from '../engine/units.ts';
import type { Order, OrderDoc } from '../models/orders.ts';
import type { FoldContext } from '../projections/context.ts';
import { foldOrder, foldOrders, orderFromView } from '../projections/orders.ts';
import type { CommandMeta, Committed, CommittedRecord, Sequencer } from '../sequencer/sequencer.ts';
import type { Principal } from '../types/principal.ts';
import { Refusal, statusOf, type Code } from '../types/refusal.ts';
import { unknownSymbol, type Catalog } from './catalog.ts';
import { commit, granted } from './commit.ts';
import { orderIdOf, type OrderHistory, type OrderQuery } from './order-history.ts';
import { lotsOf, newOrderOf, NOWHERE, ticksOf, type NewOrderInput } from './order-input.ts';
import type { Listing } from './paging.ts';

/** One item of a batch: an order, or why it cannot be one. */
export type BatchItem = NewOrderInput | { readonly invalid: string };

/** What one item of a batch came to; `status` is what the item alone would have been answered with. */
export interface BatchResult {
  readonly status: number;
  readonly order?: Order;
  readonly error?: { readonly code: Code; readonly detail: string };
}

export interface Canceled {
  readonly canceled: number;
  readonly ids: readonly string[];
}

export interface DeadManSwitch {
  /** null = all markets. */
  readonly symbol: string | null;
  readonly timeoutMs: number;
  /** null = disarmed. */
  readonly deadline: number | null;
}

export interface OrderServiceParts {
  readonly sequencer: Sequencer;
  readonly catalog: Catalog;
  readonly history: OrderHistory;
}

export class OrderService {
  readonly #sequencer: Sequencer;
  readonly #catalog: Catalog;
  readonly #history: OrderHistory;

  constructor({ sequencer, catalog, history }: OrderServiceParts) {
    this.#sequencer = sequencer;
    this.#catalog = catalog;
    this.#history = history;
  }

  /** The order with its fills, once durable; a repeated clientOrderId or key gives the first reply again. */
  place(principal: Principal, input: NewOrderInput, meta?: CommandMeta): Promise<Order>;
  /** What `reply` makes of it, as soon as it is known. */
  place<T extends object>(principal: Principal, input: NewOrderInput, meta: CommandMeta | undefined, reply: (order: Order) => T): Promise<T>;
  place(principal: Principal, input: NewOrderInput, meta?: CommandMeta, reply: (order: Order) => object = itself): Promise<object> {
    try {
      return this.#place(principal, granted(newOrderOf(input, this.#catalog)), meta, reply);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** As `place`, for an order in engine units. */
  placeOrder(principal: Principal, order: NewOrder, meta?: CommandMeta): Promise<Order> {
    return this.#place(principal, order, meta, itself);
  }

  #place<T extends object>({ account }: Principal, order: NewOrder, meta: CommandMeta | undefined, reply: (order: Order) => T): Promise<T> {
    return commit(this.#sequencer, { type: 'place_order', account, order }, meta, ({ events, time }) => {
      const event = events.find(
        (candidate): candidate is EventOf<'order_accepted'> =>
          candidate.type === 'order_accepted' && candidate.account === account && candidate.order.clientOrderId === order.clientOrderId,
      );
      if (event === undefined) throw new Error('a committed order was not accepted');
      return reply(foldOrder(undefined, events, event.seq, this.#context(time)));
    });
  }

  /** Places the items in turn as one unit. One result per item, in order; one that is refused refuses no other. */
  placeBatch(principal: Principal, items: readonly BatchItem[], meta?: CommandMeta): Promise<BatchResult[]>;
  /** What `reply` makes of them, as soon as they are known. */
  placeBatch<T extends object>(principal: Principal, items: readonly BatchItem[], meta: CommandMeta | undefined, reply: (results: BatchResult[]) => T): Promise<T>;
  async placeBatch({ account }: Principal, items: readonly BatchItem[], meta?: CommandMeta, reply: (results: BatchResult[]) => object = itself): Promise<object> {
    const parsed = items.map((item) => this.#itemOf(item));
    const orders = parsed.filter((item): item is NewOrder => !('ok' in item));
    if (orders.length === 0) return reply(parsed.map((item) => refused(item as Reject)));
    return commit(this.#sequencer, { type: 'place_orders', account, orders }, meta, (committed) => {
      const outcomes = itemsOf(committed, orders.length);
      const placed = this.#placed(committed, outcomes.flatMap((result) => (result.ok ? [result.order] : [])));
      const results = outcomes.values();
      return reply(parsed.map((item, index) => {
        const result = 'ok' in item ? item : (results.next().value as ItemResult);
        if (result.ok) return { status: 201, order: placed.get(result.order)! };
        return refused(result.code === 'UNKNOWN_SYMBOL' ? reject('UNKNOWN_SYMBOL', unknownSymbol((items[index] as NewOrderInput).symbol)) : result);
      }));
    });
  }

  /** For the engine, or what refuses it here whenever it comes. */
  #itemOf(item: BatchItem): NewOrder | Reject {
    if ('invalid' in item) return reject('VALIDATION_FAILED', item.invalid);
    const order = newOrderOf(item, this.#catalog);
    return 'ok' in order && order.code === 'UNKNOWN_SYMBOL' ? NOWHERE : order;
  }

  /** As the command left them that placed them, which for a repeated item is an earlier one. */
  #placed({ events, time, earlier = [] }: Committed, ids: readonly OrderId[]): ReadonlyMap<OrderId, Order> {
    const placed = new Map<OrderId, Order>();
    const take = (source: Pick<CommittedRecord, 'events' | 'time'>): void => {
      const accepted = new Set(source.events.map(({ seq }) => seq));
      const here = ids.filter((id) => accepted.has(id) && !placed.has(id));
      for (const [id, order] of foldOrders(source.events, here, this.#context(source.time))) placed.set(id, order);
    };
    for (const record of earlier) take(record);
    take({ events, time });
    return placed;
  }

  /** Changes price, total quantity or both of an open order. NOT_FOUND, ORDER_NOT_OPEN, or what the engine says. */
  async amend(principal: Principal, ref: string, change: { readonly price?: string; readonly quantity?: string }, meta?: CommandMeta): Promise<Order> {
    const view = this.#history.open(principal, ref);
    const ended = view === undefined ? await this.#ended(principal, ref, meta) : undefined;
    const listed = ended === undefined ? this.#catalog.byId((view as OrderView).market) : this.#catalog.named(ended.symbol);
    const price = change.price === undefined ? undefined : granted(ticksOf(change.price, listed));
    const quantity = change.quantity === undefined ? undefined : granted(lotsOf(change.quantity, listed));
    return this.#change(principal, view ?? (ended as OrderDoc), (order) => ({ type: 'amend_order', account: principal.account, order, price, quantity }), meta);
  }

  /** NOT_FOUND or ORDER_NOT_OPEN. */
  async cancel(principal: Principal, ref: string, meta?: CommandMeta): Promise<Order> {
    const target = this.#history.open(principal, ref) ?? (await this.#ended(principal, ref, meta));
    return this.#change(principal, target, (order) => ({ type: 'cancel_order', account: principal.account, order }), meta);
  }

  /** One result per reference, in order. */
  async cancelBatch(principal: Principal, refs: readonly string[], meta?: CommandMeta): Promise<BatchResult[]> {
    const views = refs.map((ref) => this.#history.open(principal, ref));
    const before = views.map((view) => (view === undefined ? undefined : orderFromView(view, this.#context(0))));
    // 0 is nobody's order: what is not open keeps its place, so that a repeated key finds the results in the same order.
    const orders = refs.map((ref, index) => views[index]?.id ?? orderIdOf(ref) ?? 0);
    const committed = await commit(this.#sequencer, { type: 'cancel_orders', account: principal.account, orders }, meta);
    const context = this.#context(committed.time);
    return Promise.all(
      itemsOf(committed, refs.length).map(async (result, index) => {
        const ref = refs[index] as string;
        // The engine knows open orders only: whether it ever was this user's order, history tells.
        if (!result.ok) return refused(result.code === 'ORDER_NOT_OPEN' ? await this.#whyNotOpen(principal, ref) : result);
        return { status: 200, order: foldOrder(before[index] ?? (await this.#history.stored(principal, ref)), committed.events, result.order, context) };
      }),
    );
  }

  /** All open orders, of one market or of all. */
  async cancelAll({ account }: Principal, { symbol }: { readonly symbol?: string }, meta?: CommandMeta): Promise<Canceled> {
    const market = this.#catalog.narrowed(symbol)?.id;
    const { events } = await commit(this.#sequencer, { type: 'cancel_orders', account, market }, meta);
    const ids = events.flatMap((event) => (event.type === 'order_closed' && event.account === account ? [String(event.order)] : []));
    return { canceled: ids.length, ids };
  }

  /** Arms the dead-man switch for one market or all; `timeoutMs` 0 disarms it. */
  async cancelAfter({ account }: Principal, { timeoutMs, symbol }: { readonly timeoutMs: number; readonly symbol?: string }, meta?: CommandMeta): Promise<DeadManSwitch> {
    const market = this.#catalog.narrowed(symbol)?.id;
    const { events } = await commit(this.#sequencer, { type: 'cancel_after', account, timeoutMs, market }, meta);
    // Disarming what is not armed is no event at all.
    const set = events.find((event): event is EventOf<'cancel_after_set'> => event.type === 'cancel_after_set' && event.account === account && event.market === (market ?? -1));
    return { symbol: symbol ?? null, timeoutMs, deadline: timeoutMs === 0 || set === undefined ? null : set.deadline };
  }

  /** By id or `client:<clientOrderId>`, with its fills. NOT_FOUND. */
  get(principal: Principal, ref: string): Promise<Order> {
    return this.#history.get(principal, ref);
  }

  /** Open and ended orders, newest first. */
  list(principal: Principal, query: OrderQuery): Promise<Listing<Order>> {
    return this.#history.list(principal, query);
  }

  /** `target` is the open order as it is at this moment; or one that has ended, which only a repeated key can still be about. */
  async #change(principal: Principal, target: OrderView | OrderDoc, command: (order: OrderId) => Command, meta?: CommandMeta): Promise<Order> {
    const open = typeof target.id === 'number' ? orderFromView(target as OrderView, this.#context(0)) : undefined;
    const id = Number(target.id);
    const committed = await commit(this.#sequencer, command(id), meta);
    // Of a repeat the first reply again, however far the order has moved on since.
    const before = open === undefined || committed.replayed ? await this.#history.asBefore(principal, id, committed.events[0]?.seq ?? committed.seq) : open;
    return foldOrder(before, committed.events, id, this.#context(committed.time));
  }

  /** The stored order, where an Idempotency-Key may tell more about it; else refuses. */
  async #ended(principal: Principal, ref: string, meta: CommandMeta | undefined): Promise<OrderDoc> {
    // History knows what is committed; what ended the order may only be executed yet.
    await this.#sequencer.barrier();
    const doc = await this.#history.stored(principal, ref);
    if (meta?.idempotencyKey === undefined) throw notOpen(ref);
    return doc;
  }

  async #whyNotOpen(principal: Principal, ref: string): Promise<Pick<Reject, 'code' | 'detail'>> {
    try {
      await this.#sequencer.barrier();
      await this.#history.stored(principal, ref);
      return reject('ORDER_NOT_OPEN', notOpen(ref).message);
    } catch (error) {
      if (error instanceof Refusal && error.code === 'NOT_FOUND') return reject('NOT_FOUND', error.message);
      throw error;
    }
  }

  #context(time: Millis): FoldContext {
    return { catalog: this.#catalog, owners: this.#sequencer.state, time };
  }
}

function refused({ code, detail }: Pick<Reject, 'code' | 'detail'>): BatchResult {
  return { status: statusOf(code), error: { code, detail } };
}

function notOpen(ref: string): Refusal {
  return new Refusal('ORDER_NOT_OPEN', `order ${ref.slice(0, 50)} is not open any more`);
}

function itemsOf({ results }: Committed, count: number): readonly ItemResult[] {
  if (results?.length !== count) throw new Error(`a batch of ${count} came back with ${results?.length ?? 'no'} results`);
  return results;
}

function itself<T>(value: T): T {
  return value;
}
