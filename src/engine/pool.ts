/** Storage of all open orders of one engine: a struct of arrays with a free list. Decides nothing; the book and the engine write its fields. */
import type { NewOrder, OrderType, SelfTradePrevention, TimeInForce } from './commands.ts';
import { Rows } from './rows.ts';
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

const INITIAL_ORDERS = 64;
/** Fields of each width per order. */
const STRIDE = 10;

/**
 * Order fields by slot (a row number: int32, a multiple of STRIDE).
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

  readonly #rows = new Rows(STRIDE, INITIAL_ORDERS);
  /** By slot / STRIDE. */
  readonly #clientOrderIds: string[] = [];
  #free = -1;
  /** Slots from here on were never used. */
  #fresh = 0;
  #live = 0;

  constructor() {
    this.#view();
  }

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
      slot = this.#fresh;
      this.#fresh += STRIDE;
      if (slot === this.#rows.end) {
        this.#rows.grow();
        this.#view();
      }
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

  /** In the order of how often they are touched together. */
  #view(): void {
    const rows = this.#rows;
    this.id = rows.wide(0);
    this.remaining = rows.wide(1);
    this.lock = rows.wide(2);
    this.filled = rows.wide(3);
    this.filledQuote = rows.wide(4);
    this.filledFee = rows.wide(5);
    this.updatedAt = rows.wide(6);
    this.seq = rows.wide(7);
    this.quantity = rows.wide(8);
    this.createdAt = rows.wide(9);
    this.next = rows.narrow(0);
    this.prev = rows.narrow(1);
    this.level = rows.narrow(2);
    this.flags = rows.narrow(3);
    this.price = rows.narrow(4);
    this.account = rows.narrow(5);
    this.standing = rows.narrow(6);
    this.nextOfAccount = rows.narrow(7);
    this.prevOfAccount = rows.narrow(8);
    this.market = rows.narrow(9);
  }
}

/** A copy of twice the length; the new half is zero. */
export function doubled<T extends Float64Array | Int32Array>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(array.length * 2);
  larger.set(array);
  return larger;
}
