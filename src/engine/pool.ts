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

export function isPrevention(value: SelfTradePrevention): boolean {
  return PREVENTIONS.includes(value);
}

export function selfTradePreventionOf(flags: number): SelfTradePrevention {
  return PREVENTIONS[(flags >>> PREVENTION_SHIFT) & 3];
}

const INITIAL_ORDERS = 64;
/** Beyond this many orders the pool grows by half instead of doubling. */
const LARGE = 1 << 16;
/** Fields of each width per order. */
const STRIDE = 10;

/**
 * Order fields by slot (int32, a multiple of STRIDE). The arrays of one width are views of one buffer, shifted against each other, so that the fields
 * of an order lie side by side: touching an order that is not in the cache costs three or four lines, not one per field.
 * `allocate` may replace every array: read them from the pool again after it, never keep them across it.
 * A slot's fields hold what its previous user left, except the client order id (empty) and the links (-1).
 */
export class OrderPool {
  id!: Float64Array;
  quantity!: Float64Array;
  remaining!: Float64Array;
  /** Lots filled; quantity less filled and remaining was canceled. */
  filled!: Float64Array;
  filledQuote!: Float64Array;
  filledFee!: Float64Array;
  lock!: Float64Array;
  createdAt!: Float64Array;
  updatedAt!: Float64Array;
  /** Of the last event that touched the order. */
  seq!: Float64Array;
  account!: Int32Array;
  market!: Int32Array;
  /** Slot of the account's standing in the market; kept by the engine. */
  standing!: Int32Array;
  /** Ticks, at most 2^31 - 1. */
  price!: Int32Array;
  flags!: Int32Array;
  /** The list of an account's open orders; kept by the engine. */
  nextOfAccount!: Int32Array;
  prevOfAccount!: Int32Array;
  /** First in, first out within a price level; kept by the book. `next` also chains the free slots. */
  next!: Int32Array;
  prev!: Int32Array;
  /** The price level it rests in; kept by the book. */
  level!: Int32Array;

  #wide = new Float64Array(0);
  #narrow = new Int32Array(0);
  /** By slot / STRIDE. */
  readonly #clientOrderIds: string[] = [];
  #free = -1;
  /** Slots from here on were never used. */
  #fresh = 0;
  #live = 0;

  constructor() {
    this.#reserve(INITIAL_ORDERS);
  }

  /** Slots in use. */
  get live(): number {
    return this.#live;
  }

  /** Grows now when it would soon: from four fifths of what it holds before that. Replaces every array, as `allocate` does. */
  makeRoom(): void {
    if (this.#fresh * 5 > this.#wide.length * 4) this.#growFrom(this.#wide.length / STRIDE);
  }

  /** A slot whose fields the caller sets. */
  allocate(): number {
    let slot = this.#free;
    if (slot >= 0) {
      this.#free = this.next[slot];
    } else {
      slot = this.#fresh;
      if (slot === this.#wide.length) this.#growFrom(slot / STRIDE);
      this.#fresh += STRIDE;
      this.#clientOrderIds.push('');
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
    this.setClientOrderId(slot, '');
    this.next[slot] = this.#free;
    this.#free = slot;
    this.#live--;
  }

  /** Empty string = none. */
  clientOrderId(slot: number): string {
    return this.#clientOrderIds[slot / STRIDE];
  }

  setClientOrderId(slot: number, id: string): void {
    const at = slot / STRIDE;
    if (this.#clientOrderIds[at] !== id) this.#clientOrderIds[at] = id;
  }

  #growFrom(orders: number): void {
    this.#reserve(orders + (orders < LARGE ? orders : orders >> 1));
  }

  #reserve(orders: number): void {
    const wide = new Float64Array(orders * STRIDE);
    const narrow = new Int32Array(orders * STRIDE);
    wide.set(this.#wide);
    narrow.set(this.#narrow);
    this.#wide = wide;
    this.#narrow = narrow;
    this.id = wide.subarray(0);
    this.remaining = wide.subarray(1);
    this.lock = wide.subarray(2);
    this.filled = wide.subarray(3);
    this.filledQuote = wide.subarray(4);
    this.filledFee = wide.subarray(5);
    this.updatedAt = wide.subarray(6);
    this.seq = wide.subarray(7);
    this.quantity = wide.subarray(8);
    this.createdAt = wide.subarray(9);
    this.next = narrow.subarray(0);
    this.prev = narrow.subarray(1);
    this.level = narrow.subarray(2);
    this.flags = narrow.subarray(3);
    this.price = narrow.subarray(4);
    this.account = narrow.subarray(5);
    this.standing = narrow.subarray(6);
    this.nextOfAccount = narrow.subarray(7);
    this.prevOfAccount = narrow.subarray(8);
    this.market = narrow.subarray(9);
  }
}

/** A copy of twice the length; the new half is zero. */
export function doubled<T extends Float64Array | Int32Array>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(array.length * 2);
  larger.set(array);
  return larger;
}
