/** Candles as the API shows them: stored bars, those that are still being built, and for times without trades bars that repeat the close before. */
import type { Millis, Seq } from '../engine/units.ts';
import type { Collection } from '../models/collection.ts';
import { KLINE_INTERVALS, type Kline, type KlineDoc, type KlineInterval, publicKline } from '../models/klines.ts';
import { type Bar, type BarTrade, INTERVAL_MS, addToBar, barDocument, firstBar, openTimeOf } from './bars.ts';
import type { ListedMarket } from './context.ts';

/** Bars kept per interval: the running one and those that may not be stored yet. */
const KEPT_BARS = 5;
const PAGE = 500;

interface Series {
  readonly interval: KlineInterval;
  readonly length: Millis;
  /** Ascending. */
  readonly bars: Bar[];
  /** Trades up to here are in. */
  lastSeq: Seq;
  /** Of the last trade in a bar that was here and is not any more. */
  droppedSeq: Seq;
}

/** The newest bars of one market. */
export class LiveBars {
  readonly #series: readonly Series[] = KLINE_INTERVALS.map((interval) => ({ interval, length: INTERVAL_MS[interval], bars: [], lastSeq: 0, droppedSeq: 0 }));

  /** Takes stored bars, ascending. */
  restore(interval: KlineInterval, bars: readonly Bar[]): void {
    const series = this.#of(interval);
    series.bars.push(...bars.slice(-KEPT_BARS));
    series.lastSeq = bars.at(-1)?.seq ?? 0;
  }

  /** Trades come in order; one that is already in is left out. */
  add(trade: BarTrade, time: Millis): void {
    // By index: an iterator would be one more object for each trade.
    for (let i = 0; i < this.#series.length; i++) {
      const series = this.#series[i]!;
      if (trade.seq <= series.lastSeq) continue;
      series.lastSeq = trade.seq;
      const last = series.bars.at(-1);
      if (last !== undefined && time < last.openTime + series.length) addToBar(last, trade);
      else {
        series.bars.push(firstBar(openTimeOf(time, series.interval), trade));
        if (series.bars.length > KEPT_BARS) series.droppedSeq = series.bars.shift()!.seq;
      }
    }
  }

  /** Ascending. */
  bars(interval: KlineInterval): readonly Bar[] {
    return this.#of(interval).bars;
  }

  /** What is stored must hold everything up to here, so that with the bars that are kept none is missing. */
  storedUpTo(interval: KlineInterval): Seq {
    return this.#of(interval).droppedSeq;
  }

  #of(interval: KlineInterval): Series {
    return this.#series.find((series) => series.interval === interval)!;
  }
}

export interface KlineQuery {
  readonly interval: KlineInterval;
  /** Bars that begin at or after; absent: the newest `limit`. */
  readonly from?: Millis;
  /** Bars that begin at or before; absent: now. */
  readonly to?: Millis;
  readonly limit: number;
}

/** Ascending and gap-free from the first bar that ever was. Reads the collection; `live` overrides what it says. */
export async function readKlines(stored: Collection<KlineDoc>, live: LiveBars, listed: ListedMarket, query: KlineQuery, now: Millis): Promise<Kline[]> {
  const { interval, limit } = query;
  const step = INTERVAL_MS[interval];
  const newest = openTimeOf(Math.min(query.to ?? now, now), interval);
  const first = query.from === undefined ? newest - (limit - 1) * step : ceilOpenTime(query.from, interval);
  const last = Math.min(newest, first + (limit - 1) * step);
  if (last < first) return [];
  const fresh = live.bars(interval).map((bar) => barDocument(bar, interval, listed));
  const bars = new Map<Millis, KlineDoc>();
  for (const doc of await storedBetween(stored, listed.market.symbol, interval, first, last)) bars.set(doc.openTime, doc);
  for (const doc of fresh) bars.set(doc.openTime, doc);
  let before = bars.has(first) ? undefined : await lastBefore(stored, fresh, listed.market.symbol, interval, first);
  const klines: Kline[] = [];
  for (let openTime = first; openTime <= last; openTime += step) {
    const bar = bars.get(openTime);
    before = bar ?? before;
    if (bar !== undefined) klines.push(publicKline(bar));
    else if (before !== undefined) klines.push(emptyKline(openTime, openTime + step - 1, before.close));
  }
  return klines;
}

/** The bar that is being built at `now`, or an empty one after the last; undefined before the first trade. */
export function currentKline(live: LiveBars, interval: KlineInterval, listed: ListedMarket, now: Millis): Kline | undefined {
  const last = live.bars(interval).at(-1);
  if (last === undefined) return undefined;
  const openTime = openTimeOf(now, interval);
  if (last.openTime >= openTime) return publicKline(barDocument(last, interval, listed));
  return emptyKline(openTime, openTime + INTERVAL_MS[interval] - 1, listed.units.formatPrice(last.close));
}

/** The bar that began at `openTime`; undefined when it had no trades, or is not among the newest any more. */
export function liveKline(live: LiveBars, interval: KlineInterval, listed: ListedMarket, openTime: Millis): Kline | undefined {
  const bar = live.bars(interval).find((one) => one.openTime === openTime);
  return bar === undefined ? undefined : publicKline(barDocument(bar, interval, listed));
}

function emptyKline(openTime: Millis, closeTime: Millis, price: string): Kline {
  return [openTime, price, price, price, price, '0', closeTime, '0', 0];
}

function ceilOpenTime(time: Millis, interval: KlineInterval): Millis {
  const openTime = openTimeOf(time, interval);
  return openTime === time ? openTime : openTime + INTERVAL_MS[interval];
}

async function storedBetween(stored: Collection<KlineDoc>, symbol: string, interval: KlineInterval, first: Millis, last: Millis): Promise<KlineDoc[]> {
  const docs: KlineDoc[] = [];
  let cursor: string | undefined;
  do {
    const page = await stored.find({ where: { symbol, interval, openTime: { gte: first, lte: last } }, sort: { openTime: 1 }, limit: PAGE, ...(cursor !== undefined && { cursor }) });
    docs.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return docs;
}

async function lastBefore(stored: Collection<KlineDoc>, fresh: readonly KlineDoc[], symbol: string, interval: KlineInterval, time: Millis): Promise<KlineDoc | undefined> {
  const live = fresh.findLast((doc) => doc.openTime < time);
  if (live !== undefined) return live;
  const { items } = await stored.find({ where: { symbol, interval, openTime: { lt: time } }, sort: { openTime: -1 }, limit: 1 });
  return items[0];
}
