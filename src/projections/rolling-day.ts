/** What traded in one market in the last 24 hours, minute by minute. In integers; `tickers.ts` writes it. */
import type { Millis, Seq, Ticks } from '../engine/units.ts';
import { LargeSum } from './amounts.ts';
import type { Bar, BarTrade } from './bars.ts';

const MINUTE: Millis = 60_000;
export const DAY_MINUTES = 1_440;

/** Over the minutes that began after `openTime`; prices 0 = nothing traded. */
export interface Window {
  readonly openTime: Millis;
  readonly open: Ticks;
  readonly high: Ticks;
  readonly low: Ticks;
  readonly close: Ticks;
  /** Lots. */
  readonly volume: bigint;
  /** Quote minor units. */
  readonly quoteVolume: bigint;
  readonly count: number;
}

export class RollingDay {
  /** One slot for each minute of a day; `minute` tells which day's. */
  readonly #minute = new Float64Array(DAY_MINUTES).fill(-1);
  readonly #open = new Float64Array(DAY_MINUTES);
  readonly #high = new Float64Array(DAY_MINUTES);
  readonly #low = new Float64Array(DAY_MINUTES);
  readonly #close = new Float64Array(DAY_MINUTES);
  readonly #volume = new Float64Array(DAY_MINUTES);
  readonly #quoteVolume = new Float64Array(DAY_MINUTES);
  readonly #count = new Float64Array(DAY_MINUTES);
  #lastSeq: Seq = 0;
  /** Windows by length, with what they were made of: they are asked for more often than they change. */
  readonly #made = new Map<number, { readonly minute: number; readonly seq: Seq; readonly window: Window }>();

  /** Takes a minute that was counted before: for starting from stored candles, oldest first. */
  restore(bar: Bar): void {
    const slot = this.#slot(bar.openTime);
    this.#open[slot] = bar.open;
    this.#high[slot] = bar.high;
    this.#low[slot] = bar.low;
    this.#close[slot] = bar.close;
    this.#volume[slot] = Number(bar.volume.value);
    this.#quoteVolume[slot] = Number(bar.quoteVolume.value);
    this.#count[slot] = bar.count;
    this.#lastSeq = bar.seq;
  }

  /** Trades come in order; one that is already counted is left out. */
  add(trade: BarTrade, time: Millis): void {
    if (trade.seq <= this.#lastSeq) return;
    this.#lastSeq = trade.seq;
    const { price } = trade;
    const slot = this.#slot(time);
    if (this.#count[slot] === 0) {
      this.#open[slot] = price;
      this.#high[slot] = price;
      this.#low[slot] = price;
    } else if (price > this.#high[slot]!) {
      this.#high[slot] = price;
    } else if (price < this.#low[slot]!) {
      this.#low[slot] = price;
    }
    this.#close[slot] = price;
    this.#volume[slot]! += trade.quantity;
    this.#quoteVolume[slot]! += trade.notional;
    this.#count[slot]!++;
  }

  /** The last `minutes` (at most a day), the running one included. */
  window(now: Millis, minutes: number): Window {
    const minute = Math.floor(now / MINUTE);
    const made = this.#made.get(minutes);
    if (made !== undefined && made.minute === minute && made.seq === this.#lastSeq) return made.window;
    const window = this.#sum(minute, minutes);
    this.#made.set(minutes, { minute, seq: this.#lastSeq, window });
    return window;
  }

  #sum(last: number, minutes: number): Window {
    const first = last - minutes + 1;
    let open = 0;
    let high = 0;
    let low = 0;
    let close = 0;
    const volume = new LargeSum();
    const quoteVolume = new LargeSum();
    let count = 0;
    for (let minute = first; minute <= last; minute++) {
      const slot = minute % DAY_MINUTES;
      if (this.#minute[slot] !== minute) continue;
      if (count === 0) {
        open = this.#open[slot]!;
        low = this.#low[slot]!;
      }
      if (this.#high[slot]! > high) high = this.#high[slot]!;
      if (this.#low[slot]! < low) low = this.#low[slot]!;
      close = this.#close[slot]!;
      volume.add(this.#volume[slot]!);
      quoteVolume.add(this.#quoteVolume[slot]!);
      count += this.#count[slot]!;
    }
    return { openTime: first * MINUTE, open, high, low, close, volume: volume.value, quoteVolume: quoteVolume.value, count };
  }

  /** The slot of a moment's minute, emptied when it held another day's. */
  #slot(time: Millis): number {
    const minute = Math.floor(time / MINUTE);
    const slot = minute % DAY_MINUTES;
    if (this.#minute[slot] !== minute) {
      this.#minute[slot] = minute;
      this.#volume[slot] = 0;
      this.#quoteVolume[slot] = 0;
      this.#count[slot] = 0;
    }
    return slot;
  }
}
