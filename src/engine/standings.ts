/** What each account has in each market: its position, leverage, and sums over its resting orders. Typed arrays by slot; a slot is never given up. Decides nothing. */
import { HeapIndex } from './heap.ts';
import { IntMap } from './int-map.ts';
import { doubled } from './pool.ts';
import type { AccountId, MarketId } from './units.ts';

/** Accounts and markets share one key: account × MAX_MARKETS + market. */
export const MAX_MARKETS = 4096;

export class Standings {
  account = new Int32Array(16);
  market = new Int32Array(16);
  /** Signed lots; 0 = no position. */
  size = new Float64Array(16);
  cost = new Float64Array(16);
  margin = new Float64Array(16);
  realized = new Float64Array(16);
  /** 0 = the market's default. */
  leverage = new Float64Array(16);
  updatedAt = new Float64Array(16);
  seq = new Float64Array(16);
  /** 1 while the margin call stands. */
  called = new Int32Array(16);
  /** Place in the market's list of positions. */
  listed = new Int32Array(16);
  /** Open orders of any kind, and lots left of the resting ones: all, and the reduce-only among them. */
  openOrders = new Int32Array(16);
  restingBuy = new Float64Array(16);
  restingSell = new Float64Array(16);
  reducingBuy = new Float64Array(16);
  reducingSell = new Float64Array(16);
  /** Places in the market's heaps of positions that an adverse price, or a recovery, concerns next. */
  readonly adverse = new HeapIndex();
  readonly recovery = new HeapIndex();

  readonly #slots = new IntMap(1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Grows now when it would soon: from four fifths of what it holds before that. Replaces every array, as `open` does. */
  makeRoom(): void {
    if (this.#count * 5 > this.account.length * 4) this.#grow();
    this.#slots.makeRoom();
  }

  /** -1 = the account never had anything to do with the market. */
  find(account: AccountId, market: MarketId): number {
    return this.#slots.get(account * MAX_MARKETS + market);
  }

  open(account: AccountId, market: MarketId): number {
    const key = account * MAX_MARKETS + market;
    const found = this.#slots.get(key);
    if (found >= 0) return found;
    const slot = this.#count++;
    if (slot === this.account.length) this.#grow();
    this.account[slot] = account;
    this.market[slot] = market;
    this.listed[slot] = -1;
    this.#slots.set(key, slot);
    return slot;
  }

  /** Orders the standings without regard to history. */
  keyOf(slot: number): number {
    return this.account[slot] * MAX_MARKETS + this.market[slot];
  }

  #grow(): void {
    this.account = doubled(this.account);
    this.market = doubled(this.market);
    this.size = doubled(this.size);
    this.cost = doubled(this.cost);
    this.margin = doubled(this.margin);
    this.realized = doubled(this.realized);
    this.leverage = doubled(this.leverage);
    this.updatedAt = doubled(this.updatedAt);
    this.seq = doubled(this.seq);
    this.called = doubled(this.called);
    this.listed = doubled(this.listed);
    this.openOrders = doubled(this.openOrders);
    this.restingBuy = doubled(this.restingBuy);
    this.restingSell = doubled(this.restingSell);
    this.reducingBuy = doubled(this.reducingBuy);
    this.reducingSell = doubled(this.reducingSell);
    this.adverse.reserve(this.account.length);
    this.recovery.reserve(this.account.length);
  }
}
