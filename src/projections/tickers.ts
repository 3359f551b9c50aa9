/** Tickers and statistics: the last 24 hours of a market, its prices and its best bid and ask, as the API shows them. Everything in them is durable. */
import { formatDecimal } from '../engine/decimal.ts';
import { nextFunding } from '../engine/market-state.ts';
import type { Market } from '../engine/market.ts';
import type { PricesView } from '../engine/reader.ts';
import { assertNever, type Lots, type Millis, type Ppm, type Ticks } from '../engine/units.ts';
import { formatRate } from '../types/market-units.ts';
import { formatLarge } from './amounts.ts';
import type { Bar } from './bars.ts';
import type { ListedMarket } from './context.ts';
import type { MarketEvent } from './market-events.ts';
import { DAY_MINUTES, RollingDay, type Window } from './rolling-day.ts';
import { type TradeEvent, isPublic } from './trades.ts';

/** null = not known yet. Volume in base, quoteVolume in quote, over the last 24 hours; open = the first price of these. */
export interface Ticker {
  readonly symbol: string;
  readonly last: string | null;
  readonly bid: string | null;
  readonly ask: string | null;
  readonly open: string | null;
  readonly high: string | null;
  readonly low: string | null;
  readonly volume: string;
  readonly quoteVolume: string;
  readonly change: string;
  readonly changePercent: string;
  readonly count: number;
  readonly openTime: number;
  readonly closeTime: number;
  readonly index?: string;
  readonly mark?: string;
  /** Perpetuals only, so for those below. */
  readonly fundingRate?: string;
  readonly nextFundingTime?: number;
  readonly openInterest?: string;
}

/** What a span of time came to. */
export interface SpanStats {
  readonly open: string | null;
  readonly high: string | null;
  readonly low: string | null;
  readonly close: string | null;
  readonly volume: string;
  readonly quoteVolume: string;
  readonly count: number;
  /** quoteVolume ÷ volume. */
  readonly weightedAveragePrice: string | null;
  /** (high − low) ÷ low, in percent. */
  readonly rangePercent: string;
}

export interface MarketStats {
  readonly symbol: string;
  readonly lastHour: SpanStats;
  readonly lastDay: SpanStats;
  /** ask − bid. */
  readonly spread: string | null;
  readonly openInterest?: string;
  readonly timestamp: number;
}

/** Best prices of the public book; undefined = none. */
export interface Touch {
  readonly bid: Ticks | undefined;
  readonly ask: Ticks | undefined;
}

/** What a ticker begins with. */
export type TickerPrices = Pick<PricesView, 'last' | 'index' | 'mark' | 'fundingRate' | 'nextFundingTime' | 'openInterest'>;

/** Of a market that was created at `time`. The live state may know more by now, which comes as events. */
export function pricesOfNew({ fundingIntervalMs }: Pick<Market, 'fundingIntervalMs'>, time: Millis): TickerPrices {
  return { last: 0, index: 0, mark: 0, fundingRate: 0, nextFundingTime: nextFunding(time, fundingIntervalMs), openInterest: 0 };
}

const HOUR_MINUTES = 60;
const SECOND: Millis = 1_000;

/** One market's figures, folded from committed events. */
export class MarketTicker {
  readonly #day = new RollingDay();
  #last: Ticks;
  #index: Ticks;
  #mark: Ticks;
  #fundingRate: Ppm;
  #nextFundingTime: Millis;
  #openInterest: Lots;
  #fundingIntervalMs: Millis;

  /** @param prices as they were when everything before the first event that comes was committed. */
  constructor(market: Pick<Market, 'fundingIntervalMs'>, prices: TickerPrices) {
    this.#fundingIntervalMs = market.fundingIntervalMs;
    this.#last = prices.last;
    this.#index = prices.index;
    this.#mark = prices.mark;
    this.#fundingRate = prices.fundingRate;
    this.#nextFundingTime = prices.nextFundingTime;
    this.#openInterest = prices.openInterest;
  }

  /** Minutes that were counted before, oldest first. */
  restore(bars: readonly Bar[]): void {
    for (const bar of bars) this.#day.restore(bar);
  }

  /** A trade of the last 24 hours: also one that the prices given at the start already contain. */
  count(trade: TradeEvent, time: Millis): void {
    if (isPublic(trade)) this.#day.add(trade, time);
  }

  /** What an event of this market, after the start, changes beside the count of trades; `time` is that of its record. */
  evolve(event: MarketEvent, time: Millis): void {
    switch (event.type) {
      case 'trade': {
        if (isPublic(event)) this.#last = event.price;
        this.#openInterest += openInterestDelta(event);
        return;
      }
      case 'prices_updated':
        this.#index = event.index;
        this.#mark = event.mark;
        this.#fundingRate = event.fundingRate;
        return;
      case 'funding_started':
      case 'funding_settled':
        this.#nextFundingTime = event.nextTime;
        return;
      case 'market_updated': {
        const { market: { fundingIntervalMs }, nextFundingTime } = event;
        if (fundingIntervalMs !== this.#fundingIntervalMs) this.#nextFundingTime = nextFundingTime ?? nextFunding(time, fundingIntervalMs);
        this.#fundingIntervalMs = fundingIntervalMs;
        return;
      }
      case 'market_created':
        return;
      default:
        return assertNever(event);
    }
  }

  ticker(listed: ListedMarket, touch: Touch, now: Millis): Ticker {
    const { market, base, quote, units } = listed;
    const day = this.#day.window(now, DAY_MINUTES);
    const price = (ticks: Ticks | undefined): string | null => (ticks === undefined || ticks === 0 ? null : units.formatPrice(ticks));
    const quiet = day.count === 0;
    const open = quiet ? this.#last : day.open;
    return {
      symbol: market.symbol,
      last: price(this.#last),
      bid: price(touch.bid),
      ask: price(touch.ask),
      open: price(open),
      high: price(quiet ? this.#last : day.high),
      low: price(quiet ? this.#last : day.low),
      volume: formatLarge(day.volume * BigInt(market.basePerLot), base.scale),
      quoteVolume: formatLarge(day.quoteVolume, quote.scale),
      change: units.formatPrice(this.#last - open),
      changePercent: percent(this.#last - open, open),
      count: day.count,
      openTime: day.openTime,
      closeTime: wholeSecond(now),
      ...(this.#index > 0 && { index: units.formatPrice(this.#index) }),
      ...(this.#mark > 0 && { mark: units.formatPrice(this.#mark) }),
      ...(market.type === 'perpetual' && {
        fundingRate: formatRate(this.#fundingRate), nextFundingTime: this.#nextFundingTime, openInterest: units.formatQuantity(this.#openInterest),
      }),
    };
  }

  stats(listed: ListedMarket, { bid, ask }: Touch, now: Millis): MarketStats {
    const { market, units } = listed;
    return {
      symbol: market.symbol,
      lastHour: spanStats(this.#day.window(now, HOUR_MINUTES), listed),
      lastDay: spanStats(this.#day.window(now, DAY_MINUTES), listed),
      spread: bid === undefined || ask === undefined ? null : units.formatPrice(ask - bid),
      ...(market.type === 'perpetual' && { openInterest: units.formatQuantity(this.#openInterest) }),
      timestamp: wholeSecond(now),
    };
  }
}

/** So long public data may be kept: as long as nothing else changes, what was kept is confirmed. */
function wholeSecond(time: Millis): Millis {
  return time - (time % SECOND);
}

function spanStats(span: Window, { market, base, quote, units }: ListedMarket): SpanStats {
  const price = (ticks: Ticks): string | null => (span.count === 0 ? null : units.formatPrice(ticks));
  return {
    open: price(span.open),
    high: price(span.high),
    low: price(span.low),
    close: price(span.close),
    volume: formatLarge(span.volume * BigInt(market.basePerLot), base.scale),
    quoteVolume: formatLarge(span.quoteVolume, quote.scale),
    count: span.count,
    weightedAveragePrice: span.count === 0 ? null : units.formatAverage(span.quoteVolume, span.volume, market.quotePerTickLot),
    rangePercent: percent(span.high - span.low, span.low),
  };
}

/** part ÷ whole in percent, two decimals. */
function percent(part: number, whole: number): string {
  return whole === 0 ? '0' : formatDecimal(Math.round((part / whole) * 10_000), 2);
}

/** Lots held long after the trade less those before. */
function openInterestDelta(event: TradeEvent): Lots {
  const bought = event.takerSide === 'buy' ? event.taker : event.maker;
  const sold = event.takerSide === 'buy' ? event.maker : event.taker;
  if (bought.position === undefined || sold.position === undefined) return 0;
  // A trade with oneself changes nothing, and its two sides' positions follow one another.
  if (bought.account === sold.account) return 0;
  return long(bought.position.size) - long(bought.position.size - event.quantity) + long(sold.position.size) - long(sold.position.size + event.quantity);
}

function long(size: Lots): Lots {
  return Math.max(0, size);
}
