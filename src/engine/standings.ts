/** What each account has in each market: its position, leverage, and sums over its resting orders. Typed arrays by slot; a slot is never given up. Decides nothing. */
import { HeapIndex } from './heap.ts';
import { IntMap } from './int-map.ts';
import { Rows } from './rows.ts';
import type { AccountId, MarketId } from './units.ts';

/** Accounts and markets share one key: account × MAX_MARKETS + market. */
export const MAX_MARKETS = 4096;

const INITIAL_STANDINGS = 16;
/** 15 float64 fields and 7 int32 fields, rounded up so that rows begin with a cache line. */
const STRIDE = 16;

/** Fields by slot (a row number: int32, a multiple of STRIDE). `open` may replace every array: read them again after it. */
export class Standings {
  account!: Int32Array;
  market!: Int32Array;
  /** Signed lots; 0 = no position. */
  size!: Float64Array;
  cost!: Float64Array;
  margin!: Float64Array;
  realized!: Float64Array;
  /** 0 = the market's default. */
  leverage!: Float64Array;
  updatedAt!: Float64Array;
  seq!: Float64Array;
  /** 1 while the margin call stands. */
  called!: Int32Array;
  /** Place in the market's list of positions. */
  listed!: Int32Array;
  /** Open orders of any kind, and lots left of the resting ones: all, and the reduce-only among them. */
  openOrders!: Int32Array;
  restingBuy!: Float64Array;
  restingSell!: Float64Array;
  reducingBuy!: Float64Array;
  reducingSell!: Float64Array;
  /** Places in the market's heaps of positions that an adverse price, or a recovery, concerns next. */
  readonly adverse = new HeapIndex();
  readonly recovery = new HeapIndex();

  readonly #slots = new IntMap(1024);
  readonly #rows = new Rows(STRIDE, INITIAL_STANDINGS);
  #end = 0;

  constructor() {
    this.#view();
  }

  /** -1 = the account never had anything to do with the market. */
  find(account: AccountId, market: MarketId): number {
    return this.#slots.get(account * MAX_MARKETS + market);
  }

  open(account: AccountId, market: MarketId): number {
    const key = account * MAX_MARKETS + market;
    const found = this.#slots.get(key);
    if (found >= 0) return found;
    const slot = this.#end;
    this.#end += STRIDE;
    if (slot === this.#rows.end) {
      this.#rows.grow();
      this.#view();
    }
    this.account[slot] = account;
    this.market[slot] = market;
    this.listed[slot] = -1;
    this.adverse.place[slot] = -1;
    this.recovery.place[slot] = -1;
    this.#slots.set(key, slot);
    return slot;
  }

  /** Orders the standings without regard to history. */
  keyOf(slot: number): number {
    return this.account[slot] * MAX_MARKETS + this.market[slot];
  }

  /** In order of opening. */
  forEach(visit: (slot: number) => void): void {
    for (let slot = 0; slot < this.#end; slot += STRIDE) visit(slot);
  }

  #view(): void {
    const rows = this.#rows;
    this.size = rows.wide(0);
    this.cost = rows.wide(1);
    this.margin = rows.wide(2);
    this.realized = rows.wide(3);
    this.leverage = rows.wide(4);
    this.restingBuy = rows.wide(5);
    this.restingSell = rows.wide(6);
    this.adverse.key = rows.wide(7);
    this.adverse.tie = rows.wide(8);
    this.updatedAt = rows.wide(9);
    this.seq = rows.wide(10);
    this.reducingBuy = rows.wide(11);
    this.reducingSell = rows.wide(12);
    this.recovery.key = rows.wide(13);
    this.recovery.tie = rows.wide(14);
    this.account = rows.narrow(0);
    this.market = rows.narrow(1);
    this.called = rows.narrow(2);
    this.listed = rows.narrow(3);
    this.openOrders = rows.narrow(4);
    this.adverse.place = rows.narrow(5);
    this.recovery.place = rows.narrow(6);
  }
}
