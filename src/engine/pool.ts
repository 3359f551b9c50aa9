/** Storage of all open orders of one engine: a struct of arrays with a free list. Decides nothing; the book and the engine write its fields. */
import type { NewOrder, OrderType, SelfTradePrevention, TimeInForce } from './commands.ts';
import type { Side } from './units.ts';

/** Bits of `flags`. */
export const SELL = 1;
export const MARKET = 2;
const TIME_IN_FORCE_SHIFT = 2;
export const POST_ONLY = 1 << 4;
export const REDUCE_ONLY = 1 << 5;
const PREVENTION_SHIFT = 6;
/** The order stands in the book; set and cleared by the book. */
export const RESTING = 1 << 8;

const TIMES_IN_FORCE: readonly TimeInForce[] = ['GTC', 'IOC', 'FOK'];
const PREVENTIONS: readonly SelfTradePrevention[] = ['expire_taker', 'expire_maker', 'expire_both', 'none'];

/** The flags of an order that does not rest yet. */
export function packFlags(order: NewOrder): number {
  return (order.side === 'sell' ? SELL : 0)
    | (order.type === 'market' ? MARKET : 0)
    | (TIMES_IN_FORCE.indexOf(order.timeInForce) << TIME_IN_FORCE_SHIFT)
    | (order.postOnly ? POST_ONLY : 0)
    | (order.reduceOnly ? REDUCE_ONLY : 0)
    | (PREVENTIONS.indexOf(order.selfTradePrevention) << PREVENTION_SHIFT);
}

export function sideOf(flags: number): Side {
  return (flags & SELL) === 0 ? 'buy' : 'sell';
}

export function typeOf(flags: number): OrderType {
  return (flags & MARKET) === 0 ? 'limit' : 'market';
}

export function timeInForceOf(flags: number): TimeInForce {
  return TIMES_IN_FORCE[(flags >>> TIME_IN_FORCE_SHIFT) & 3];
}

export function selfTradePreventionOf(flags: number): SelfTradePrevention {
  return PREVENTIONS[(flags >>> PREVENTION_SHIFT) & 3];
}

const INITIAL_CAPACITY = 64;

/**
 * Order fields by slot (int32). `allocate` may replace every array: read them from the pool again after it, never keep them across it.
 * A slot's fields hold what its previous user left, except `clientOrderId` (empty) and the links (-1).
 */
export class OrderPool {
  id = new Float64Array(INITIAL_CAPACITY);
  quantity = new Float64Array(INITIAL_CAPACITY);
  remaining = new Float64Array(INITIAL_CAPACITY);
  /** Lots filled; quantity less filled and remaining was canceled. */
  filled = new Float64Array(INITIAL_CAPACITY);
  filledQuote = new Float64Array(INITIAL_CAPACITY);
  filledFee = new Float64Array(INITIAL_CAPACITY);
  lock = new Float64Array(INITIAL_CAPACITY);
  createdAt = new Float64Array(INITIAL_CAPACITY);
  updatedAt = new Float64Array(INITIAL_CAPACITY);
  /** Of the last event that touched the order. */
  seq = new Float64Array(INITIAL_CAPACITY);
  account = new Int32Array(INITIAL_CAPACITY);
  market = new Int32Array(INITIAL_CAPACITY);
  /** Slot of the account's standing in the market; kept by the engine. */
  standing = new Int32Array(INITIAL_CAPACITY);
  /** Ticks, at most 2^31 - 1. */
  price = new Int32Array(INITIAL_CAPACITY);
  flags = new Int32Array(INITIAL_CAPACITY);
  /** The list of an account's open orders; kept by the engine. */
  nextOfAccount = new Int32Array(INITIAL_CAPACITY);
  prevOfAccount = new Int32Array(INITIAL_CAPACITY);
  /** First in, first out within a price level; kept by the book. `next` also chains the free slots. */
  next = new Int32Array(INITIAL_CAPACITY);
  prev = new Int32Array(INITIAL_CAPACITY);
  /** The price level it rests in; kept by the book. */
  level = new Int32Array(INITIAL_CAPACITY);
  /** Empty string = none. */
  readonly clientOrderId: string[] = [];

  #free = -1;
  /** Slots from here on were never used. */
  #fresh = 0;
  #live = 0;

  /** Slots in use. */
  get live(): number {
    return this.#live;
  }

  /** A slot whose fields the caller sets. */
  allocate(): number {
    let slot = this.#free;
    if (slot >= 0) {
      this.#free = this.next[slot];
    } else {
      slot = this.#fresh++;
      if (slot === this.id.length) this.#grow();
      this.clientOrderId.push('');
    }
    this.#live++;
    this.next[slot] = -1;
    this.prev[slot] = -1;
    this.nextOfAccount[slot] = -1;
    this.prevOfAccount[slot] = -1;
    return slot;
  }

  /** The order must have left the book. */
  free(slot: number): void {
    if (this.clientOrderId[slot] !== '') this.clientOrderId[slot] = '';
    this.next[slot] = this.#free;
    this.#free = slot;
    this.#live--;
  }

  #grow(): void {
    this.id = doubled(this.id);
    this.quantity = doubled(this.quantity);
    this.remaining = doubled(this.remaining);
    this.filled = doubled(this.filled);
    this.filledQuote = doubled(this.filledQuote);
    this.filledFee = doubled(this.filledFee);
    this.lock = doubled(this.lock);
    this.createdAt = doubled(this.createdAt);
    this.updatedAt = doubled(this.updatedAt);
    this.seq = doubled(this.seq);
    this.account = doubled(this.account);
    this.market = doubled(this.market);
    this.standing = doubled(this.standing);
    this.price = doubled(this.price);
    this.flags = doubled(this.flags);
    this.nextOfAccount = doubled(this.nextOfAccount);
    this.prevOfAccount = doubled(this.prevOfAccount);
    this.next = doubled(this.next);
    this.prev = doubled(this.prev);
    this.level = doubled(this.level);
  }
}

/** A copy of twice the length; the new half is zero. */
export function doubled<T extends Float64Array | Int32Array>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(array.length * 2);
  larger.set(array);
  return larger;
}
