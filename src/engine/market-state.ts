/** One market's moving parts: book, prices, samples, open positions and the heaps that say which of them a price concerns. Decides nothing. */
import { Book } from './book.ts';
import { IndexedHeap } from './heap.ts';
import { riskTable } from './margin.ts';
import type { RiskTable } from './margin.ts';
import type { Asset, Market } from './market.ts';
import type { OrderPool } from './pool.ts';
import type { Settlement } from './settlement.ts';
import type { Standings } from './standings.ts';
import { Wording } from './wording.ts';
import type { Lots, Millis, Ppm, Ticks } from './units.ts';

/** Window of the basis mean in the mark price: at most this many samples, none older than this. */
const WINDOW_SAMPLES = 60;
const WINDOW_MS = 60_000;
const DEFAULT_LEVERAGE = 10;

export interface BasisSample {
  readonly time: Millis;
  readonly basis: Ticks;
}

export class MarketState {
  market: Market;
  risk: RiskTable;
  readonly perpetual: boolean;
  readonly words: Wording;
  readonly book: Book;
  /** 0 = not known yet. */
  index: Ticks = 0;
  mark: Ticks = 0;
  last: Ticks = 0;
  manualMark = false;
  /** Predicted for the end of the running interval. */
  fundingRate: Ppm = 0;
  /** 0 on spot. */
  nextFundingTime: Millis = 0;
  premiumSum = 0;
  premiumCount = 0;
  updatedAt: Millis = 0;
  /** Of funding, while it is under way in pages. */
  settlement: Settlement | undefined = undefined;
  /** Lots held long, which are as many as are held short. */
  openInterest: Lots = 0;
  /** Standing slots with a position, in no order. */
  readonly positions: number[] = [];
  /** Positions by the next mark that calls or (once called) liquidates them. */
  readonly adverseLong: IndexedHeap;
  readonly adverseShort: IndexedHeap;
  /** Called positions by the mark at which their call stands. */
  readonly recoveryLong: IndexedHeap;
  readonly recoveryShort: IndexedHeap;
  /**
   * Positions that nobody could take when they were last due; tried again on the next price. No part of the logical state: every look puts them back among the watched
   * before it begins, where a restored engine has them all the time, so both do the same at each command. The restored one only asks for a look at once (`nextTimer`).
   */
  readonly stuck: number[] = [];
  /** Counts price updates, for caches of views. */
  version = 0;
  samples: BasisSample[] = [];

  constructor(market: Market, assets: readonly Asset[], pool: OrderPool, standings: Standings) {
    this.market = market;
    this.perpetual = market.type === 'perpetual';
    this.words = new Wording(market, assets);
    this.risk = riskTable(market.riskTiers);
    this.book = new Book(pool);
    this.adverseLong = new IndexedHeap(standings.adverse, 'greatest first');
    this.adverseShort = new IndexedHeap(standings.adverse, 'least first');
    this.recoveryLong = new IndexedHeap(standings.recovery, 'least first');
    this.recoveryShort = new IndexedHeap(standings.recovery, 'greatest first');
  }

  update(market: Market): void {
    this.market = market;
    this.risk = riskTable(market.riskTiers);
  }

  /** What positions are valued at: the mark, until there is one the last price. 0 = neither is known. */
  get valuation(): Ticks {
    return this.mark !== 0 ? this.mark : this.last;
  }

  get defaultLeverage(): number {
    return defaultLeverage(this.market);
  }

  /** Samples that still count at `time`. */
  samplesAt(time: Millis): BasisSample[] {
    return this.samples.filter((sample) => sample.time > time - WINDOW_MS);
  }

  addSample(sample: BasisSample): void {
    const kept = this.samplesAt(sample.time);
    if (kept.length === WINDOW_SAMPLES) kept.shift();
    kept.push(sample);
    this.samples = kept;
  }
}

/** Leverage of whoever has set none. */
export function defaultLeverage({ maxLeverage }: Market): number {
  return Math.min(DEFAULT_LEVERAGE, maxLeverage);
}

/** The next multiple of the interval after `time`. */
export function nextFunding(time: Millis, intervalMs: Millis): Millis {
  return intervalMs === 0 ? 0 : (Math.floor(time / intervalMs) + 1) * intervalMs;
}
