/**
 * Ticks of many venues to one index per pair: a weighted median of fresh, healthy sources. Pure: time comes in with each call.
 *
 * Which sources serve BASE-QUOTE is a fallback order of six tiers: spot in the same quote; spot in another US dollar (USD, USDT, USDC, BUSD, …) at a rate between the two
 * that is itself quoted; the same at par where nobody quotes one; then the same three for perpetuals. Tiers are added until the quorum is reached, each venue counts once, with its best tier.
 * A source drops out when it is stale, crossed, or further than the limit from the median of the others, and must then be sound for a while before it counts again.
 * Below the quorum the index freezes: the market becomes reduce_only, and halted when that lasts.
 */
import { VenueClocks } from './clock-offset.ts';
import { median, weightedMedian, withoutDictator } from './median.ts';
import { distance, withoutOutliers } from './outliers.ts';
import { DollarRates, type Rate, type RateLimits } from './rates.ts';
import { Series, type PriceFault, type SeriesLimits, type TickFault } from './series.ts';
import { splitPair, type InstrumentKind, type Tick } from './source.ts';

export interface AggregatorOptions extends SeriesLimits, RateLimits {
  /** Independent sources an index needs where that many are expected at all. */
  readonly quorum: number;
  /** Fraction from the median of the others beyond which a source, or a rate, is an outlier. */
  readonly outlierLimit: number;
  /** A dropped source comes back after being within this fraction … */
  readonly rejoinLimit: number;
  /** … for this long. */
  readonly rejoinAfterMs: number;
  /** How long a market that never had an index may go without one before it is made safe. */
  readonly startGraceMs: number;
  /** reduce_only turns to halted after this. */
  readonly haltAfterMs: number;
  /** Quotes that stand for a US dollar. Others are never converted. */
  readonly dollars: readonly string[];
  /** By venue; 1 where it is not named. */
  readonly venueWeights: Readonly<Record<string, number>>;
  /** Weight of each of the six tiers. */
  readonly tierWeights: readonly number[];
}

export const AGGREGATOR_DEFAULTS: AggregatorOptions = {
  staleFactor: 4, staleMinMs: 5_000, staleMaxMs: 60_000, maxSpread: 0.05, reliabilityMs: 300_000,
  quorum: 2, outlierLimit: 0.02, rejoinLimit: 0.01, rejoinAfterMs: 2_000, startGraceMs: 10_000, haltAfterMs: 30_000,
  dollars: ['USDT', 'USD', 'USDC', 'BUSD', 'FDUSD', 'TUSD', 'USDP', 'HUSD'], maxDepeg: 0.1,
  venueWeights: {}, tierWeights: [1, 0.8, 0.5, 0.4, 0.3, 0.2],
};

/** The engine's words, which may not be imported here: the compiler compares them where a report becomes a command (`services/prices.ts`). */
export type Safety = 'normal' | 'reduce_only' | 'halted';
export type SourceFault = PriceFault | 'outlier' | 'rejoining' | 'standby' | 'doubtful_rate';

export interface SourceReport {
  readonly source: string;
  readonly pair: string;
  readonly kind: InstrumentKind;
  /** In the index's quote; 0 when it has none. */
  readonly price: number;
  /** Share of the index, 0…1. */
  readonly weight: number;
  readonly healthy: boolean;
  /** Why it does not count: `standby` is sound but not needed. */
  readonly fault?: SourceFault;
  readonly ageMs: number;
  readonly reliability: number;
}

/** What a former run left of a pair. */
export interface Standing {
  /** Its last index, in its quote. */
  readonly index: number;
  readonly safety: Safety;
}

export interface IndexReport {
  readonly pair: string;
  /** Last good value, of a former run until there is a new one; undefined before the first. */
  readonly index?: number;
  /** Whether `index` is of now. */
  readonly live: boolean;
  readonly safety: Safety;
  /** Sources that count, and how many are needed. */
  readonly counting: number;
  readonly quorum: number;
  readonly sources: readonly SourceReport[];
}

interface Candidate {
  readonly series: Series;
  readonly tier: number;
  readonly price: number;
  readonly ageMs: number;
  readonly staleAfterMs: number;
  readonly fault: SourceFault | undefined;
}

interface Membership {
  counted: boolean;
  /** Sound again since; undefined = not now. */
  soundSinceMs: number | undefined;
}

interface IndexState {
  index: number | undefined;
  firstAskedMs: number;
  lostSinceMs: number | undefined;
  /** The market is not yet what it was: index back since, or still lost. */
  recovering: boolean;
  liveSinceMs: number | undefined;
  readonly members: Map<Series, Membership>;
}

/** Instruments of which prices are kept: far more than any market needs, so that a chatty recording cannot fill the memory. */
const MAX_SERIES = 5_000;

export class Aggregator {
  readonly #options: AggregatorOptions;
  readonly #clocks = new VenueClocks();
  readonly #series = new Map<string, Series>();
  readonly #byBase = new Map<string, Series[]>();
  readonly #indices = new Map<string, IndexState>();
  readonly #rates: DollarRates;

  constructor(options: Partial<AggregatorOptions> = {}) {
    this.#options = { ...AGGREGATOR_DEFAULTS, ...options };
    this.#rates = new DollarRates(this.#options);
  }

  /** Quotes that stand for a US dollar. */
  get dollars(): readonly string[] {
    return this.#options.dollars;
  }

  /** Takes a tick, or says why it was rejected. */
  observe(tick: Tick): TickFault | 'too_many' | undefined {
    const key = `${tick.source} ${tick.pair} ${tick.kind}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      if (this.#series.size >= MAX_SERIES) return 'too_many';
      series = new Series(tick, this.#options, this.#clocks.of(tick.source));
      this.#series.set(key, series);
      const [base] = splitPair(tick.pair);
      this.#byBase.set(base, [...(this.#byBase.get(base) ?? []), series]);
    }
    return series.observe(tick);
  }

  /** A venue connected anew: its update numbers may start over. */
  reconnected(source: string): void {
    for (const series of this.#series.values()) if (series.source === source) series.reconnected();
  }

  /** The wall clock has jumped. Prices are as old as they are by `nowMs`; how far the venues' clocks are from ours, and how often they send, is learnt anew. */
  clockJumped(): void {
    this.#clocks.forget();
    for (const series of this.#series.values()) series.clockJumped();
  }

  /** Forgets every venue's prices (another recording begins); indices stay at their last good values. */
  reset(nowMs: number): void {
    this.#series.clear();
    this.#byBase.clear();
    this.#clocks.clear();
    this.#rates.clear();
    for (const state of this.#indices.values()) {
      state.members.clear();
      state.lostSinceMs ??= nowMs;
      state.liveSinceMs = undefined;
      state.recovering = state.index !== undefined;
    }
  }

  /** Reliability per venue: the mean over its instruments that serve an index. */
  reliabilities(): ReadonlyMap<string, number> {
    const sums = new Map<string, { sum: number; count: number }>();
    for (const state of this.#indices.values()) {
      for (const series of state.members.keys()) {
        const entry = sums.get(series.source) ?? { sum: 0, count: 0 };
        sums.set(series.source, { sum: entry.sum + series.reliability, count: entry.count + 1 });
      }
    }
    return new Map([...sums].map(([source, { sum, count }]) => [source, sum / count]));
  }

  /** Our clock − the venue's, ms. */
  clockOffsetMs(source: string): number {
    return this.#clocks.offsetMs(source);
  }

  /** How far our clock is ahead of those of all venues, ms, ≥ 0. */
  clockAheadMs(nowMs: number): number {
    return this.#clocks.aheadMs(nowMs);
  }

  /** Whether an instrument can serve the index of `pair`. */
  serves(pair: string, instrument: { readonly pair: string; readonly kind: InstrumentKind }): boolean {
    const [base, quote] = splitPair(pair);
    const [ofBase, ofQuote] = splitPair(instrument.pair);
    return base === ofBase && instrument.kind !== 'future' && (quote === ofQuote || (this.#isDollar(quote) && this.#isDollar(ofQuote)));
  }

  /**
   * The index of `pair` now. `expected`: independent sources that are configured for it; the quorum asks for no more than those. `before`: what there was of it when this
   * process first looked; that index is lost until there is a new one.
   */
  evaluate(pair: string, nowMs: number, expected: number, before?: Standing): IndexReport {
    const state = this.#stateOf(pair, nowMs);
    if (state.index === undefined && before !== undefined) goOnFrom(state, before, nowMs);
    const quorum = Math.max(1, Math.min(this.#options.quorum, expected));
    const candidates = this.#candidates(pair, nowMs, state, quorum);
    const chosen = this.#choose(candidates, quorum);
    const live = chosen.length >= quorum;
    const weights = this.#weights(chosen);
    if (live) state.index = weightedMedian(chosen.map((candidate, at) => ({ value: candidate.price, weight: weights[at] })));
    state.lostSinceMs = live ? undefined : (state.lostSinceMs ?? nowMs);
    state.liveSinceMs = live ? (state.liveSinceMs ?? nowMs) : undefined;
    state.recovering = live ? state.recovering && nowMs - (state.liveSinceMs ?? nowMs) < this.#options.rejoinAfterMs : state.recovering || state.index !== undefined;
    const sources = candidates.map((candidate) => this.#report(candidate, chosen, live ? weights : [], state, nowMs));
    return { pair, index: state.index, live, safety: this.#safety(state, nowMs), counting: chosen.length, quorum, sources };
  }

  /** Every source with a price or without, its tier, and whether it is sound by itself. */
  #candidates(pair: string, nowMs: number, state: IndexState, quorum: number): Candidate[] {
    const [base] = splitPair(pair);
    const candidates: Candidate[] = [];
    for (const series of this.#byBase.get(base) ?? []) {
      if (!this.serves(pair, series)) continue;
      const { tier, rate } = this.#tierOf(pair, series, nowMs);
      const seen = series.price(nowMs);
      const member = memberOf(state, series);
      if (typeof seen === 'string' || rate === undefined) {
        Object.assign(member, { counted: false, soundSinceMs: undefined });
        candidates.push({ series, tier, price: 0, ageMs: series.ageMs(nowMs) ?? 0, staleAfterMs: 1, fault: typeof seen === 'string' ? seen : 'doubtful_rate' });
      } else {
        candidates.push({ series, tier, price: seen.price * rate, ageMs: seen.ageMs, staleAfterMs: seen.staleAfterMs, fault: undefined });
      }
    }
    this.#rejoin(candidates, state, nowMs, quorum);
    return candidates.sort((a, b) => a.tier - b.tier);
  }

  /**
   * Hysteresis: who was dropped counts again after being near those who count, or near the middle of all, for long enough. Those who count judge only as a quorum:
   * fewer, such as the first one to be seen, know no better than who comes.
   */
  #rejoin(candidates: Candidate[], state: IndexState, nowMs: number, quorum: number): void {
    const sound = candidates.filter(({ fault }) => fault === undefined);
    const counted = sound.filter(({ series }) => memberOf(state, series).counted);
    const references = counted.length < quorum ? [] : [counted, sound].map((judges) => median(judges.map(({ price }) => price)));
    for (const [at, candidate] of candidates.entries()) {
      const member = memberOf(state, candidate.series);
      if (candidate.fault !== undefined || member.counted) continue;
      const near = references.length === 0 || references.some((reference) => distance(candidate.price, reference) <= this.#options.rejoinLimit);
      member.soundSinceMs = near ? (member.soundSinceMs ?? nowMs) : undefined;
      // The first to come, and those who join an index that is not yet known, need not wait.
      const waits = state.members.size > 0 && state.index !== undefined && state.lostSinceMs === undefined;
      const ready = near && (!waits || nowMs - (member.soundSinceMs ?? nowMs) >= this.#options.rejoinAfterMs);
      if (!ready) candidates[at] = { ...candidate, fault: near ? 'rejoining' : 'outlier' };
    }
  }

  /** Adds tier by tier until the quorum stands, dropping the one furthest from the median of the others while it is beyond the limit. */
  #choose(candidates: readonly Candidate[], quorum: number): Candidate[] {
    let chosen: Candidate[] = [];
    for (const tier of new Set(candidates.map((candidate) => candidate.tier))) {
      const venues = new Set<string>();
      const pool = candidates.filter(({ fault, tier: own, series }) => {
        if (fault !== undefined || own > tier || venues.has(series.source)) return false;
        venues.add(series.source);
        return true;
      });
      chosen = withoutOutliers(pool, this.#options.outlierLimit);
      if (chosen.length >= quorum) break;
    }
    return chosen;
  }

  /** Of two in the same tier neither rules; of two in different tiers the better one does, and the other is its witness. */
  #weights(chosen: readonly Candidate[]): number[] {
    if (chosen.length === 2 && chosen[0].tier === chosen[1].tier) return [1, 1];
    const { tierWeights, venueWeights } = this.#options;
    return withoutDictator(chosen.map(({ tier, series }) => tierWeights[tier] * (venueWeights[series.source] ?? 1) * Math.max(0.1, series.reliability)));
  }

  #report(candidate: Candidate, chosen: readonly Candidate[], weights: readonly number[], state: IndexState, nowMs: number): SourceReport {
    const { series, price, ageMs, staleAfterMs } = candidate;
    const at = chosen.indexOf(candidate);
    const member = memberOf(state, series);
    const fault = candidate.fault ?? (at >= 0 ? undefined : this.#unchosen(candidate, chosen, state));
    const sound = fault === undefined || fault === 'standby';
    member.counted = sound;
    if (sound) member.soundSinceMs ??= nowMs;
    else if (fault === 'outlier') member.soundSinceMs = undefined;
    const deviation = state.index === undefined || price === 0 ? 0 : distance(price, state.index);
    // A doubtful rate says nothing of who is converted with it.
    if (fault !== 'doubtful_rate') series.assess(nowMs, sound, Math.max(0, 1 - ageMs / staleAfterMs), Math.max(0, 1 - deviation / this.#options.outlierLimit));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const { source, pair, kind, reliability } = series;
    const weight = at >= 0 && total > 0 ? weights[at] / total : 0;
    return { source, pair, kind, price, weight, healthy: sound, ...(fault === undefined ? {} : { fault }), ageMs, reliability };
  }

  /** Why a sound candidate does not count: it lies apart from those who do, or they suffice. */
  #unchosen(candidate: Candidate, chosen: readonly Candidate[], state: IndexState): SourceFault {
    const reference = chosen.length > 0 ? median(chosen.map(({ price }) => price)) : state.index;
    const apart = chosen.length === 0 || reference === undefined || distance(candidate.price, reference) > this.#options.outlierLimit;
    return apart ? 'outlier' : 'standby';
  }

  /** `rate` undefined: it is doubtful. */
  #tierOf(pair: string, series: Series, nowMs: number): { readonly tier: number; readonly rate: number | undefined } {
    const [, quote] = splitPair(pair);
    const [, from] = splitPair(series.pair);
    const first = series.kind === 'spot' ? 0 : 3;
    if (from === quote) return { tier: first, rate: 1 };
    const found = this.#rate(from, quote, nowMs);
    return { tier: found?.quoted === false ? first + 2 : first + 1, rate: found?.rate };
  }

  /** What one `from` is worth in `to`: each venue quotes it once, either way round. */
  #rate(from: string, to: string, nowMs: number): Rate | undefined {
    const quotes = new Map<string, number>();
    for (const [base, pair, invert] of [[from, `${from}-${to}`, false], [to, `${to}-${from}`, true]] as const) {
      for (const series of this.#byBase.get(base) ?? []) {
        if (series.pair !== pair || series.kind !== 'spot' || quotes.has(series.source)) continue;
        const found = series.price(nowMs);
        if (typeof found !== 'string') quotes.set(series.source, invert ? 1 / found.price : found.price);
      }
    }
    return this.#rates.of(from, to, [...quotes.values()]);
  }

  /** An index that came back must last before its market is normal again. */
  #safety(state: IndexState, nowMs: number): Safety {
    if (state.lostSinceMs === undefined) return state.recovering ? 'reduce_only' : 'normal';
    if (state.index === undefined && nowMs - state.firstAskedMs < this.#options.startGraceMs) return 'normal';
    return nowMs - state.lostSinceMs >= this.#options.haltAfterMs ? 'halted' : 'reduce_only';
  }

  #stateOf(pair: string, nowMs: number): IndexState {
    const known = this.#indices.get(pair);
    if (known !== undefined) return known;
    const made: IndexState = { index: undefined, firstAskedMs: nowMs, lostSinceMs: undefined, recovering: false, liveSinceMs: undefined, members: new Map() };
    this.#indices.set(pair, made);
    return made;
  }

  #isDollar(quote: string): boolean {
    return this.dollars.includes(quote);
  }
}

/** An index of a former run is old: its market is no safer than it was until there is a new one. */
function goOnFrom(state: IndexState, { index, safety }: Standing, nowMs: number): void {
  state.index = index;
  state.recovering = safety !== 'normal';
  state.lostSinceMs = safety === 'halted' ? -Infinity : (state.lostSinceMs ?? nowMs);
}

function memberOf(state: IndexState, series: Series): Membership {
  const known = state.members.get(series);
  if (known !== undefined) return known;
  const made: Membership = { counted: false, soundSinceMs: undefined };
  state.members.set(series, made);
  return made;
}
