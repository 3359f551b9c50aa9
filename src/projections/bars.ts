/** Candles in integers: which bar a moment belongs to, what a trade does to a bar, and how a bar is written. */
import type { Amount, Lots, Millis, Seq, Ticks } from '../engine/units.ts';
import { KLINE_INTERVALS, type KlineDoc, type KlineInterval } from '../models/klines.ts';
import { LargeSum, formatLarge, storedLarge } from './amounts.ts';
import type { ListedMarket } from './context.ts';

const MINUTE: Millis = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const INTERVAL_MS: Readonly<Record<KlineInterval, Millis>> = {
  '1m': MINUTE, '5m': 5 * MINUTE, '15m': 15 * MINUTE, '30m': 30 * MINUTE, '1h': HOUR, '4h': 4 * HOUR, '1d': DAY, '1w': 7 * DAY,
};
/** Weeks begin on Monday, 00:00 UTC; the epoch was a Thursday. */
const WEEK_OFFSET = 4 * DAY;

export interface Bar {
  readonly openTime: Millis;
  open: Ticks;
  high: Ticks;
  low: Ticks;
  close: Ticks;
  /** Lots. */
  readonly volume: LargeSum;
  /** Quote minor units. */
  readonly quoteVolume: LargeSum;
  count: number;
  /** Of the last trade in it. */
  seq: Seq;
}

/** When the bar began that `time` lies in. */
export function openTimeOf(time: Millis, interval: KlineInterval): Millis {
  const length = INTERVAL_MS[interval];
  const offset = interval === '1w' ? WEEK_OFFSET : 0;
  return Math.floor((time - offset) / length) * length + offset;
}

export interface BarTrade {
  readonly seq: Seq;
  readonly price: Ticks;
  readonly quantity: Lots;
  readonly notional: Amount;
}

export function firstBar(openTime: Millis, trade: BarTrade): Bar {
  const { price } = trade;
  const bar: Bar = { openTime, open: price, high: price, low: price, close: price, volume: new LargeSum(), quoteVolume: new LargeSum(), count: 0, seq: 0 };
  addToBar(bar, trade);
  return bar;
}

export function addToBar(bar: Bar, trade: BarTrade): void {
  if (trade.price > bar.high) bar.high = trade.price;
  if (trade.price < bar.low) bar.low = trade.price;
  bar.close = trade.price;
  bar.volume.add(trade.quantity);
  bar.quoteVolume.add(trade.notional);
  bar.count++;
  bar.seq = trade.seq;
}

export function barId(symbol: string, interval: KlineInterval, openTime: Millis): string {
  return `${symbol}:${interval}:${openTime}`;
}

export function barDocument(bar: Bar, interval: KlineInterval, { market, base, quote, units }: ListedMarket): KlineDoc {
  return {
    id: barId(market.symbol, interval, bar.openTime),
    symbol: market.symbol,
    interval,
    openTime: bar.openTime,
    closeTime: bar.openTime + INTERVAL_MS[interval] - 1,
    open: units.formatPrice(bar.open),
    high: units.formatPrice(bar.high),
    low: units.formatPrice(bar.low),
    close: units.formatPrice(bar.close),
    volume: formatLarge(bar.volume.value * BigInt(market.basePerLot), base.scale),
    quoteVolume: formatLarge(bar.quoteVolume.value, quote.scale),
    count: bar.count,
    seq: bar.seq,
  };
}

export function storedBar(doc: KlineDoc, { market, base, quote, units }: ListedMarket): Bar {
  const price = (text: string): Ticks => {
    const ticks = units.price(text);
    if (ticks === undefined) throw new Error(`the stored candle ${doc.id} is not in the market's units`);
    return ticks;
  };
  return {
    openTime: doc.openTime,
    open: price(doc.open),
    high: price(doc.high),
    low: price(doc.low),
    close: price(doc.close),
    volume: new LargeSum(storedLarge(doc.volume, base.scale) / BigInt(market.basePerLot)),
    quoteVolume: new LargeSum(storedLarge(doc.quoteVolume, quote.scale)),
    count: doc.count,
    seq: doc.seq,
  };
}

/** The bars of one market that are being built, one per interval. */
export class BarBuilder {
  readonly #current: (Bar | undefined)[] = KLINE_INTERVALS.map(() => undefined);
  readonly #ends: Millis[] = KLINE_INTERVALS.map(() => 0);

  /** Adds a trade to each interval's bar; `load` gives the bar of a time that was begun before this builder was made; `touched` gets every bar that changed. */
  add(trade: BarTrade, time: Millis, load: (interval: KlineInterval, openTime: Millis) => Bar | undefined, touched: (interval: KlineInterval, bar: Bar) => void): void {
    for (let i = 0; i < KLINE_INTERVALS.length; i++) {
      const interval = KLINE_INTERVALS[i]!;
      let bar = this.#current[i];
      if (bar === undefined || time >= this.#ends[i]!) {
        const openTime = openTimeOf(time, interval);
        bar = load(interval, openTime);
        if (bar === undefined) bar = firstBar(openTime, trade);
        else if (trade.seq > bar.seq) addToBar(bar, trade);
        this.#current[i] = bar;
        this.#ends[i] = openTime + INTERVAL_MS[interval];
      } else if (trade.seq > bar.seq) {
        addToBar(bar, trade);
      }
      touched(interval, bar);
    }
  }
}
