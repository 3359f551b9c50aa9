/** The order book of one market: price–time priority over the slots of an order pool. Matches nothing itself and knows nothing of money. */
import { doubled, RESTING, SELL } from './pool.ts';
import type { OrderPool } from './pool.ts';
import { PriceTree } from './price-tree.ts';
import type { Lots, Side, Ticks } from './units.ts';

/** Both sides of the book. Prices are 1 … MAX_PRICE ticks; 0 stands for none, as does slot -1. */
export class Book {
  readonly #pool: OrderPool;
  readonly #bids: BookSide;
  readonly #asks: BookSide;

  constructor(pool: OrderPool) {
    this.#pool = pool;
    this.#bids = new BookSide(pool, false);
    this.#asks = new BookSide(pool, true);
  }

  bestBid(): Ticks {
    return this.#bids.best;
  }

  bestAsk(): Ticks {
    return this.#asks.best;
  }

  /** First order at the best price of `side`. */
  best(side: Side): number {
    return this.#side(side).first();
  }

  /** First order at `price`. */
  firstOf(side: Side, price: Ticks): number {
    return this.#side(side).firstOf(price);
  }

  /** The order behind this one at the same price. */
  next(slot: number): number {
    return this.#pool.next[slot];
  }

  /** The next worse price that has orders. */
  nextLevel(side: Side, price: Ticks): Ticks {
    return this.#side(side).worse(price);
  }

  /** Puts an order at the back of its level: `price`, `remaining` and the side flag of the pool say which. Throws RangeError for a price that no book takes. */
  add(slot: number): void {
    this.#sideOf(slot).add(slot);
  }

  /** Takes an order out of the book; its slot stays the caller's. */
  remove(slot: number): void {
    this.#sideOf(slot).remove(slot);
  }

  /** Lowers what is left of a resting order by `by` lots; it keeps its place, even with nothing left (then remove it). */
  reduce(slot: number, by: Lots): void {
    this.#sideOf(slot).reduce(slot, by);
  }

  /** Sum of what is left of the orders at `price`. */
  levelQuantity(side: Side, price: Ticks): Lots {
    return this.#side(side).quantityAt(price);
  }

  /** Price and sum of what is left, best first, at most `limit` levels. */
  depth(side: Side, limit: number): [Ticks, Lots][] {
    const half = this.#side(side);
    const rows: [Ticks, Lots][] = [];
    for (let price = half.best; price !== 0 && rows.length < limit; price = half.worse(price)) {
      rows.push([price, half.quantityAt(price)]);
    }
    return rows;
  }

  /** Tree nodes in use; 2 when the book is empty. For checks that nothing leaks. */
  get nodes(): number {
    return this.#bids.nodes + this.#asks.nodes;
  }

  #side(side: Side): BookSide {
    return side === 'sell' ? this.#asks : this.#bids;
  }

  #sideOf(slot: number): BookSide {
    return (this.#pool.flags[slot] & SELL) === 0 ? this.#bids : this.#asks;
  }
}

/** One side: levels in a pool of their own, found by price through the tree, by order through `pool.level`. */
class BookSide {
  /** Best price; 0 = none. */
  best: Ticks = 0;
  readonly #pool: OrderPool;
  readonly #asks: boolean;
  readonly #tree = new PriceTree();
  #bestLevel = -1;
  /** By level. `#head` also chains the free ones. */
  #head = new Int32Array(16);
  #tail = new Int32Array(16);
  #quantity = new Float64Array(16);
  #free = -1;
  #fresh = 0;

  constructor(pool: OrderPool, asks: boolean) {
    this.#pool = pool;
    this.#asks = asks;
  }

  get nodes(): number {
    return this.#tree.nodes;
  }

  first(): number {
    return this.#bestLevel < 0 ? -1 : this.#head[this.#bestLevel];
  }

  firstOf(price: Ticks): number {
    const level = this.#find(price);
    return level < 0 ? -1 : this.#head[level];
  }

  quantityAt(price: Ticks): Lots {
    const level = this.#find(price);
    return level < 0 ? 0 : this.#quantity[level];
  }

  worse(price: Ticks): Ticks {
    return this.#asks ? this.#tree.above(price) : this.#tree.below(price);
  }

  add(slot: number): void {
    const pool = this.#pool;
    const price = pool.price[slot];
    let level = this.#find(price);
    if (level < 0) {
      level = this.#open(price);
      this.#head[level] = slot;
      pool.prev[slot] = -1;
    } else {
      const last = this.#tail[level];
      pool.next[last] = slot;
      pool.prev[slot] = last;
    }
    pool.next[slot] = -1;
    this.#tail[level] = slot;
    this.#quantity[level] += pool.remaining[slot];
    pool.level[slot] = level;
    pool.flags[slot] |= RESTING;
  }

  remove(slot: number): void {
    const pool = this.#pool;
    const level = pool.level[slot];
    const next = pool.next[slot];
    const prev = pool.prev[slot];
    pool.flags[slot] &= ~RESTING;
    if (next < 0 && prev < 0) {
      this.#close(level, pool.price[slot]);
      return;
    }
    this.#quantity[level] -= pool.remaining[slot];
    if (prev < 0) this.#head[level] = next;
    else pool.next[prev] = next;
    if (next < 0) this.#tail[level] = prev;
    else pool.prev[next] = prev;
  }

  reduce(slot: number, by: Lots): void {
    this.#pool.remaining[slot] -= by;
    this.#quantity[this.#pool.level[slot]] -= by;
  }

  #find(price: Ticks): number {
    return price === this.best ? this.#bestLevel : this.#tree.find(price);
  }

  #open(price: Ticks): number {
    const level = this.#allocate();
    this.#tree.insert(price, level);
    if (this.best === 0 || (this.#asks ? price < this.best : price > this.best)) {
      this.best = price;
      this.#bestLevel = level;
    }
    return level;
  }

  #close(level: number, price: Ticks): void {
    this.#tree.remove(price);
    this.#head[level] = this.#free;
    this.#free = level;
    if (level === this.#bestLevel) {
      this.best = this.worse(price);
      this.#bestLevel = this.best === 0 ? -1 : this.#tree.find(this.best);
    }
  }

  #allocate(): number {
    let level = this.#free;
    if (level >= 0) {
      this.#free = this.#head[level];
    } else {
      level = this.#fresh++;
      if (level === this.#head.length) {
        this.#head = doubled(this.#head);
        this.#tail = doubled(this.#tail);
        this.#quantity = doubled(this.#quantity);
      }
    }
    this.#quantity[level] = 0;
    return level;
  }
}
