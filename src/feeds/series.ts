/** What is known of one instrument on one venue: its last quote and trade, how old they may get, and how reliable it has been. Time comes in with each call. */
import { isTime, type ClockOffset } from './clock-offset.ts';
import type { Tick } from './source.ts';

export interface SeriesLimits {
  /** A price is stale when older than this many of its usual gaps, … */
  readonly staleFactor: number;
  /** … but not before this, … */
  readonly staleMinMs: number;
  /** … and always after this. */
  readonly staleMaxMs: number;
  /** Of the mid: a wider quote has no usable middle. */
  readonly maxSpread: number;
  /** Time constant of the reliability score. */
  readonly reliabilityMs: number;
}

export type TickFault = 'crossed' | 'late' | 'old' | 'wide';
export type PriceFault = 'stale' | 'crossed' | 'wide';

export interface SeriesPrice {
  readonly price: number;
  readonly ageMs: number;
  /** Age at which it will be stale. */
  readonly staleAfterMs: number;
}

interface Dated {
  /** Receive time less the message's delay. */
  readonly atMs: number;
  /** By the venue's clock; undefined: the message had no time. */
  readonly eventTimeMs: number | undefined;
}

/** Time-weighted mean gap between updates: long silences count for as long as they last. */
class Cadence {
  #lastMs: number | undefined;
  #gapMs: number | undefined;

  seen(nowMs: number): void {
    if (this.#lastMs !== undefined) {
      const gap = Math.max(0, nowMs - this.#lastMs);
      this.#gapMs = this.#gapMs === undefined ? gap : this.#gapMs + (1 - Math.exp(-gap / 60_000)) * (gap - this.#gapMs);
    }
    this.#lastMs = nowMs;
  }

  /** What lies between the last update and the next is no gap. */
  interrupt(): void {
    this.#lastMs = undefined;
  }

  staleAfterMs({ staleFactor, staleMinMs, staleMaxMs }: SeriesLimits): number {
    return this.#gapMs === undefined ? staleMaxMs : Math.min(staleMaxMs, Math.max(staleMinMs, this.#gapMs * staleFactor));
  }
}

export class Series {
  readonly source: string;
  readonly pair: string;
  readonly kind: Tick['kind'];
  readonly #limits: SeriesLimits;
  readonly #clock: ClockOffset;
  readonly #quoteCadence = new Cadence();
  readonly #tradeCadence = new Cadence();
  #quote: (Dated & { readonly bid: number; readonly ask: number }) | undefined;
  #trade: (Dated & { readonly price: number }) | undefined;
  #sequence = 0;
  #crossed = false;
  #reliability = 0.5;
  #assessedMs: number | undefined;

  /** `clock` is shared by the series of one venue. */
  constructor(of: Pick<Tick, 'source' | 'pair' | 'kind'>, limits: SeriesLimits, clock: ClockOffset) {
    this.source = of.source;
    this.pair = of.pair;
    this.kind = of.kind;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** 0…1: how much of the recent past it was healthy, fresh and near the others. */
  get reliability(): number {
    return this.#reliability;
  }

  /** Takes a tick, or says why not. */
  observe(tick: Tick): TickFault | undefined {
    const eventTimeMs = isTime(tick.eventTimeMs, tick.receivedTimeMs) ? tick.eventTimeMs : undefined;
    const delay = eventTimeMs === undefined ? 0 : this.#clock.delayOf(eventTimeMs, tick.receivedTimeMs);
    if (delay > this.#limits.staleMaxMs) return 'late';
    const dated = { atMs: tick.receivedTimeMs - delay, eventTimeMs };
    const quoteFault = tick.bid === undefined && tick.ask === undefined ? undefined : this.#observeQuote(tick, dated);
    if (tick.last === undefined || isBefore(dated, this.#trade)) return quoteFault;
    this.#trade = { price: tick.last, ...dated };
    this.#tradeCadence.seen(tick.receivedTimeMs);
    return quoteFault;
  }

  #observeQuote(tick: Tick, dated: Dated): TickFault | undefined {
    const bid = tick.bid ?? this.#quote?.bid;
    const ask = tick.ask ?? this.#quote?.ask;
    if (bid === undefined || ask === undefined) return undefined;
    if (tick.sequence === undefined ? isBefore(dated, this.#quote) : tick.sequence < this.#sequence) return 'old';
    this.#sequence = tick.sequence ?? this.#sequence;
    this.#quoteCadence.seen(tick.receivedTimeMs);
    this.#crossed = bid > ask;
    if (this.#crossed) return 'crossed';
    this.#quote = { bid, ask, ...dated };
    return isWide(bid, ask, this.#limits) ? 'wide' : undefined;
  }

  /** The venue starts its numbering anew: a new connection. */
  reconnected(): void {
    this.#sequence = 0;
  }

  /** Our clock has jumped: what it jumped over was no silence of the venue. */
  clockJumped(): void {
    this.#quoteCadence.interrupt();
    this.#tradeCadence.interrupt();
  }

  /** Last trade within the quote, the middle of the quote without one, or the last trade without a fresh quote. */
  price(nowMs: number): SeriesPrice | PriceFault {
    if (this.#crossed) return 'crossed';
    const quote = this.#fresh(this.#quote, this.#quoteCadence, nowMs);
    const trade = this.#fresh(this.#trade, this.#tradeCadence, nowMs);
    if (quote === undefined) return trade === undefined ? 'stale' : { price: trade.of.price, ageMs: trade.ageMs, staleAfterMs: trade.staleAfterMs };
    const { bid, ask } = quote.of;
    if (trade === undefined && isWide(bid, ask, this.#limits)) return 'wide';
    const price = trade === undefined ? (bid + ask) / 2 : Math.min(ask, Math.max(bid, trade.of.price));
    return { price, ageMs: quote.ageMs, staleAfterMs: quote.staleAfterMs };
  }

  /** Age of the newest thing known of it, ms; undefined when nothing is. */
  ageMs(nowMs: number): number | undefined {
    const newest = Math.max(this.#quote?.atMs ?? -Infinity, this.#trade?.atMs ?? -Infinity);
    return newest === -Infinity ? undefined : Math.max(0, nowMs - newest);
  }

  /** Updates the score: 0 while it does not count, else the mean of 1, its freshness and its nearness (both 0…1). */
  assess(nowMs: number, counts: boolean, freshness: number, nearness: number): void {
    const elapsed = this.#assessedMs === undefined ? 0 : Math.max(0, nowMs - this.#assessedMs);
    this.#assessedMs = nowMs;
    const sample = counts ? (1 + freshness + nearness) / 3 : 0;
    this.#reliability += (1 - Math.exp(-elapsed / this.#limits.reliabilityMs)) * (sample - this.#reliability);
  }

  #fresh<T extends Dated>(of: T | undefined, cadence: Cadence, nowMs: number): { readonly of: T; readonly ageMs: number; readonly staleAfterMs: number } | undefined {
    if (of === undefined) return undefined;
    const ageMs = Math.max(0, nowMs - of.atMs);
    const staleAfterMs = cadence.staleAfterMs(this.#limits);
    return ageMs > staleAfterMs ? undefined : { of, ageMs, staleAfterMs };
  }
}

/** By the venue's own times; one without a time is as new as its message. */
function isBefore({ eventTimeMs }: Dated, last: Dated | undefined): boolean {
  return eventTimeMs !== undefined && last?.eventTimeMs !== undefined && eventTimeMs < last.eventTimeMs;
}

function isWide(bid: number, ask: number, { maxSpread }: SeriesLimits): boolean {
  return ask - bid > maxSpread * ((ask + bid) / 2);
}
