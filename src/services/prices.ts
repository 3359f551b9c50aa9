/**
 * The price feed: sources → aggregator → one `set_prices` command at a time for all markets, and `set_safety` when what the prices allow has changed. Orders never wait
 * for it: at most one command is under way, and what is newer by then is sent instead of what was. A silent feed makes its markets safe by this service's own timer. A market
 * whose price is refused holds up no other.
 */
import type { CommandOf } from '../engine/commands.ts';
import { isStricter, SAFETIES } from '../engine/market.ts';
import type { MarketId, Ticks } from '../engine/units.ts';
import { Aggregator, AGGREGATOR_DEFAULTS, type AggregatorOptions, type IndexReport, type SourceReport, type Standing } from '../feeds/aggregator.ts';
import { createSource } from '../feeds/create.ts';
import type { FeedsMode } from '../feeds/mode.ts';
import { splitPair, type PriceSource, type SourceListener, type Tick } from '../feeds/source.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { ListedMarket } from '../projections/context.ts';
import type { CommandMeta, Committed, Sequencer } from '../sequencer/sequencer.ts';
import { formatRate } from '../types/market-units.ts';
import { Refusal } from '../types/refusal.ts';
import type { Clock } from '../utils/clock.ts';
import type { Catalog } from './catalog.ts';
import { commit } from './commit.ts';
import { ExchangeClockLog } from './exchange-clock-log.ts';
import { RefusedPrices } from './refused-prices.ts';
import { SourceLog, type SourceInfo } from './source-log.ts';

/** As in the API: decimal strings. */
export interface ManualPrice {
  readonly symbol: string;
  readonly index: string;
  readonly mark?: string;
}

/** A source of a market's index, as in the API. `price` in quote ('0' = none now), `weight` its share of the index. */
export interface IndexSource {
  readonly name: string;
  readonly price: string;
  readonly weight: string;
  readonly healthy: boolean;
  readonly ageMs: number;
}

export interface FeedAlert {
  readonly subject: 'source' | 'market' | 'feed';
  /** Venue or symbol. */
  readonly name: string;
  readonly state: string;
  readonly detail: string;
  /** ms since the epoch. */
  readonly time: number;
}

export interface FeedStatus {
  readonly mode: FeedsMode['mode'];
  /** What prices come from now: `auto` is live or simulated. */
  readonly active: string;
  readonly sources: readonly SourceInfo[];
  readonly indices: readonly (Omit<IndexReport, 'sources'> & { readonly symbols: readonly string[]; readonly sources: readonly SourceReport[] })[];
}

export interface PriceFeedParts {
  readonly mode: FeedsMode;
  readonly sequencer: Sequencer;
  readonly catalog: Catalog;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Instead of the one that `mode` asks for. */
  readonly source?: PriceSource;
  readonly aggregator?: Partial<AggregatorOptions>;
  /** Time between two looks at the sources. */
  readonly everyMs?: number;
}

type Price = CommandOf<'set_prices'>['prices'][number];
type SetSafety = CommandOf<'set_safety'>;

export function createPriceFeed(parts: PriceFeedParts): PriceFeedService {
  return new PriceFeedService(parts);
}

const EVERY_MS = 500;
/** An index that does not move is confirmed this often. */
const HEARTBEAT_MS = 10_000;
const MAX_REASON = 200;

export class PriceFeedService {
  readonly #parts: PriceFeedParts;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #source: PriceSource | undefined;
  readonly #aggregator: Aggregator;
  readonly #log: SourceLog;
  readonly #clockLog: ExchangeClockLog;
  readonly #listeners = new Set<(alert: FeedAlert) => void>();
  readonly #sent = new Map<MarketId, { readonly index: Ticks; readonly atMs: number }>();
  readonly #refused: RefusedPrices;
  #reports: ReadonlyMap<string, IndexReport> = new Map();
  #markets: readonly ListedMarket[] = [];
  /** Bases of the markets: ticks of others are dropped at the door. */
  #bases: ReadonlySet<string> = new Set();
  #unsubscribe: () => void = () => undefined;
  #ignoreJumps: () => void = () => undefined;
  #cancel: () => void = () => undefined;
  #stopped = false;
  #submitting: Promise<void> | undefined;
  /** Whether the last command could not be submitted, so that it is said once. */
  #failing = false;

  constructor(parts: PriceFeedParts) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#logger = parts.logger.child({ part: 'prices' });
    this.#aggregator = new Aggregator(parts.aggregator);
    this.#refused = new RefusedPrices({ ...AGGREGATOR_DEFAULTS, ...parts.aggregator });
    this.#source = parts.source ?? createSource(parts.mode, { clock: this.#clock, logger: this.#logger, startPrices: this.#startPrices() });
    this.#log = new SourceLog(parts.metrics, this.#aggregator);
    this.#clockLog = new ExchangeClockLog(this.#logger);
  }

  /** Throws when the source cannot be set up (a replay without files). Unreachable venues are no such thing: they become a safe state. */
  async start(): Promise<void> {
    this.#refreshMarkets();
    this.#unsubscribe = this.#parts.sequencer.onCommitted(({ events }) => {
      if (events.some((event) => event.type === 'market_created')) this.#refreshMarkets();
    });
    this.#ignoreJumps = this.#clock.onJump(() => this.#aggregator.clockJumped());
    await this.#source?.start(this.#listener());
    this.#logger.info(this.#source === undefined ? 'prices are set by hand' : `prices are asked of the source ${this.#source.name}`);
    // At once: an index of a former run is old, and no order may fill at its mark.
    this.update();
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    this.#unsubscribe();
    this.#ignoreJumps();
    await this.#source?.stop();
    await this.#submitting;
  }

  /** Called on each change of a source's or market's state. Returns how to stop. */
  onAlert(listener: (alert: FeedAlert) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Sets index and mark by hand. CONFLICT unless FEEDS=manual; UNKNOWN_SYMBOL; VALIDATION_FAILED for what is no price. Resolves with what `answer` makes of it. */
  setManual(prices: readonly ManualPrice[], meta?: CommandMeta): Promise<Committed>;
  setManual<T extends object>(prices: readonly ManualPrice[], meta: CommandMeta | undefined, answer: (committed: Committed) => T): Promise<T>;
  async setManual(prices: readonly ManualPrice[], meta?: CommandMeta, answer: (committed: Committed) => object = (committed) => committed): Promise<object> {
    if (this.#parts.mode.mode !== 'manual') throw new Refusal('CONFLICT', 'prices are set by hand only with FEEDS=manual');
    const converted = prices.map(({ symbol, index, mark }, at) => {
      const { market, units } = this.#parts.catalog.named(symbol);
      const ticks = (path: 'index' | 'mark', text: string): Ticks => {
        const found = units.nearestTick(Number(text));
        if (found === undefined) throw Refusal.field(`prices.${at}.${path}`, 'must be a positive price');
        return found;
      };
      return { market: market.id, index: ticks('index', index), ...(mark === undefined ? {} : { mark: ticks('mark', mark) }) };
    });
    return commit(this.#parts.sequencer, { type: 'set_prices', prices: converted }, meta, answer);
  }

  /** Sources of a market's index; empty when it has none. UNKNOWN_SYMBOL. */
  sourcesOf(symbol: string): IndexSource[] {
    const { market, units } = this.#parts.catalog.named(symbol);
    const report = this.#reports.get(pairOf(market));
    return (report?.sources ?? []).map((source) => {
      const ticks = units.nearestTick(source.price);
      return {
        name: nameOf(source),
        price: ticks === undefined ? '0' : units.formatPrice(ticks),
        weight: formatRate(Math.round(source.weight * 1_000_000)),
        healthy: source.healthy,
        ageMs: Math.round(source.ageMs),
      };
    });
  }

  status(): FeedStatus {
    const now = this.#clock.now();
    const indices = [...this.#reports.values()].map((report) => ({ ...report, symbols: this.#marketsOf(report.pair).map(({ market }) => market.symbol) }));
    return { mode: this.#parts.mode.mode, active: this.#source?.name ?? 'manual', sources: this.#log.infos(now), indices };
  }

  /** Degraded while a market is not normal because of its prices, or none has a price and nobody but an administrator brings any. Orders that reduce risk work all the same, so this is no reason to take the process out of service. */
  health(): { readonly status: 'ok' | 'degraded'; readonly detail: string } {
    const unsafe = this.#markets.flatMap(({ market }) => {
      const { safety, symbol } = this.#parts.catalog.byId(market.id).market;
      return safety === 'normal' ? [] : [`${symbol} is ${safety}`];
    });
    if (unsafe.length > 0) return { status: 'degraded', detail: unsafe.join(', ') };
    return this.#source === undefined ? this.#healthByHand() : { status: 'ok', detail: `prices from ${this.#source.name}` };
  }

  /** Nobody but an administrator brings prices, and without any nothing goes on. Markets that are left out on purpose are no fault. */
  #healthByHand(): { readonly status: 'ok' | 'degraded'; readonly detail: string } {
    const markets = this.#parts.catalog.all();
    const none = markets.filter(({ market }) => this.#parts.sequencer.state.prices(market.id).index === 0).map(({ market }) => market.symbol);
    const missing = none.length === 0 ? '' : `no price yet: ${none.join(', ')}`;
    if (none.length === markets.length && none.length > 0) return { status: 'degraded', detail: `${missing}; set them with POST /api/v1/admin/prices` };
    return { status: 'ok', detail: missing === '' ? 'prices from hand' : `prices from hand; ${missing}` };
  }

  #listener(): SourceListener {
    return {
      onTick: (tick) => this.#observe(tick),
      onState: (source, state, detail) => {
        if (state === 'connected') this.#aggregator.reconnected(source);
        this.#log.changed(source, state, detail, this.#clock.now());
        this.#alert('source', source, state, detail);
      },
      onFault: (source) => this.#log.faulted(source, this.#clock.now()),
      onReset: (reason) => {
        this.#aggregator.reset(this.#feedTime());
        this.#alert('feed', this.#source?.name ?? 'feed', 'reset', reason);
      },
    };
  }

  /** What ages of prices are measured by: a recording at 60 times real speed ages as fast as it plays. */
  #feedTime(): number {
    return this.#source?.now?.() ?? this.#clock.now();
  }

  #observe(tick: Tick): void {
    const [base] = splitPair(tick.pair);
    if (!this.#bases.has(base)) return;
    this.#log.ticked(tick.source, this.#clock.now(), this.#aggregator.observe(tick));
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#cancel = this.#clock.after(this.#parts.everyMs ?? EVERY_MS, () => {
      this.update();
      this.#schedule();
    });
  }

  /** One look at all sources; submits what has changed unless a command is still under way. Called by the timer. */
  update(): void {
    const now = this.#clock.now();
    this.#reports = this.#source === undefined ? new Map() : this.#evaluate(this.#source, this.#feedTime());
    // Of a recording it would be the clock of the machine that recorded it.
    if (this.#source?.now === undefined) this.#clockLog.look(this.#aggregator.clockAheadMs(now));
    this.#log.evaluated([...this.#reports.values()]).forEach(({ source, pair, healthy, detail }) =>
      this.#alert('source', source, healthy ? 'healthy' : 'unhealthy', `${pair}: ${detail}`));
    if (this.#submitting !== undefined) return;
    const prices = this.#prices(now);
    const safeties = this.#safeties(now);
    if (prices.length + safeties.length === 0) return;
    this.#submitting = this.#submit(prices, safeties).finally(() => {
      this.#submitting = undefined;
    });
  }

  #evaluate(source: PriceSource, now: number): Map<string, IndexReport> {
    const pairs = new Set(this.#markets.map(({ market }) => pairOf(market)));
    const reports = new Map<string, IndexReport>();
    for (const pair of pairs) {
      const [base] = splitPair(pair);
      const venues = source.venues(base).filter((venue) => this.#aggregator.serves(pair, venue));
      const report = this.#aggregator.evaluate(pair, now, new Set(venues.map((venue) => venue.source)).size, this.#standing(pair));
      // A pair that nobody knows and that never had an index has none: that is no fault.
      reports.set(pair, venues.length > 0 || report.index !== undefined ? report : { ...report, safety: 'normal' });
    }
    return reports;
  }

  /** What the engine has of a pair: an index, and the least of what its markets allow; undefined while none of them ever had one. */
  #standing(pair: string): Standing | undefined {
    const { state } = this.#parts.sequencer;
    const listed = this.#marketsOf(pair);
    const priced = listed.find(({ market }) => state.prices(market.id).index > 0);
    if (priced === undefined) return undefined;
    const safety = listed.map(({ market }) => state.markets[market.id].safety).reduce((least, next) => (isStricter(next, least) ? next : least));
    return { index: Number(priced.units.formatPrice(state.prices(priced.market.id).index)), safety };
  }

  /** Those that moved, or have not been confirmed for a while. */
  #prices(now: number): Price[] {
    const prices: Price[] = [];
    for (const { market, units } of this.#markets) {
      const report = this.#reports.get(pairOf(market));
      if (report?.index === undefined || !report.live) continue;
      const index = units.nearestTick(report.index);
      const sent = this.#sent.get(market.id);
      if (index === undefined) this.#refused.refused(market.id, 'the price is beyond what can be counted', now);
      else if (index !== sent?.index || now - sent.atMs >= HEARTBEAT_MS) prices.push({ market: market.id, index });
    }
    return prices;
  }

  /** The stricter of what a market's index and the engine's refusals ask for, where that is news. */
  #safeties(now: number): SetSafety[] {
    const safeties: SetSafety[] = [];
    for (const { market: { id, base, quote } } of this.#markets) {
      const report = this.#reports.get(pairOf({ base, quote }));
      const found = { safety: report?.safety ?? 'normal', reason: reasonOf(report) };
      const refused = this.#refused.safety(id, now);
      const { safety, reason } = refused !== undefined && isStricter(refused.safety, found.safety) ? refused : found;
      if (this.#parts.sequencer.state.markets[id]?.safety !== safety) safeties.push({ type: 'set_safety', market: id, safety, reason: reason.slice(0, MAX_REASON) });
    }
    return safeties;
  }

  async #submit(prices: readonly Price[], safeties: readonly SetSafety[]): Promise<void> {
    // Those that were refused last time are tried by themselves.
    const together = prices.filter(({ market }) => !this.#refused.has(market));
    const apart = prices.filter(({ market }) => this.#refused.has(market));
    try {
      await Promise.all([
        ...(together.length === 0 ? [] : [this.#submitPrices(together)]),
        ...apart.map((price) => this.#submitPrices([price])),
        ...safeties.map((command) => this.#submitSafety(command)),
      ]);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#logger.warn('prices cannot be submitted; the next look tries again', { error });
      this.#failing = true;
    }
  }

  /** All in one command. The engine refuses it whole, so then each half goes by itself, down to the market that is to blame. */
  async #submitPrices(prices: readonly Price[]): Promise<void> {
    const outcome = await this.#parts.sequencer.submit({ type: 'set_prices', prices });
    const atMs = this.#clock.now();
    if (outcome.ok) {
      for (const { market, index } of prices) {
        this.#sent.set(market, { index, atMs });
        this.#refused.taken(market, atMs);
      }
    } else if (prices.length === 1) {
      this.#refused.refused(prices[0].market, outcome.detail, atMs);
    } else {
      const middle = Math.floor(prices.length / 2);
      await Promise.all([this.#submitPrices(prices.slice(0, middle)), this.#submitPrices(prices.slice(middle))]);
    }
  }

  async #submitSafety(command: SetSafety): Promise<void> {
    const outcome = await this.#parts.sequencer.submit(command);
    const { symbol } = this.#parts.catalog.byId(command.market).market;
    if (!outcome.ok) {
      this.#logger.warn('the engine refused to make a market safe', { symbol, code: outcome.code, detail: outcome.detail });
      return;
    }
    this.#parts.metrics.marketSafety.set({ symbol }, SAFETIES.indexOf(command.safety));
    this.#logger[command.safety === 'normal' ? 'info' : 'warn'](`${symbol} is now ${command.safety}`, { reason: command.reason });
    this.#alert('market', symbol, command.safety, command.reason);
  }

  #refreshMarkets(): void {
    this.#markets = this.#parts.catalog.all();
    const bases = [...new Set(this.#markets.map(({ market }) => market.base))];
    const quotes = this.#markets.map(({ market }) => market.quote);
    // Rates between dollars come as ticks of the dollars themselves.
    this.#bases = new Set([...bases, ...quotes, ...this.#aggregator.dollars]);
    this.#source?.follow(bases);
    for (const { market } of this.#markets) this.#parts.metrics.marketSafety.set({ symbol: market.symbol }, SAFETIES.indexOf(market.safety));
  }

  #marketsOf(pair: string): ListedMarket[] {
    return this.#markets.filter(({ market }) => pairOf(market) === pair);
  }

  /** The last indices by base, in dollars. */
  #startPrices(): Record<string, number> {
    const { catalog, sequencer } = this.#parts;
    const known = catalog.all().flatMap(({ market, units }) => {
      const { index } = sequencer.state.prices(market.id);
      return index > 0 && this.#aggregator.dollars.includes(market.quote) ? [[market.base, Number(units.formatPrice(index))] as const] : [];
    });
    return Object.fromEntries(known);
  }

  #alert(subject: FeedAlert['subject'], name: string, state: string, detail: string): void {
    const alert: FeedAlert = { subject, name, state, detail, time: this.#clock.now() };
    for (const listener of this.#listeners) listener(alert);
  }
}

function pairOf({ base, quote }: { readonly base: string; readonly quote: string }): string {
  return `${base}-${quote}`;
}

function reasonOf(report: IndexReport | undefined): string {
  if (report === undefined) return 'prices are set by hand';
  const faults = report.sources.filter(({ healthy }) => !healthy).map((source) => `${nameOf(source)} ${source.fault}`);
  return `${report.counting} of ${report.quorum} sources needed${faults.length === 0 ? '' : `; ${faults.join(', ')}`}`;
}

/** A venue may serve an index with several instruments. */
function nameOf({ source, pair, kind }: SourceReport): string {
  return kind === 'spot' ? `${source}:${pair}` : `${source}:${pair}-PERP`;
}
