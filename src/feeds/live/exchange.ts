/**
 * One live exchange: connects, follows the spot pairs of the wanted bases by WebSocket (by REST while that fails), and comes back by itself after a fault, with
 * growing pauses and a circuit breaker. Never throws; what goes wrong becomes a state.
 */
import CircuitBreaker from 'opossum';
import type { Logger } from '../../observability/logger.ts';
import { pause, type Clock } from '../../utils/clock.ts';
import { unifiedInstrument, unifiedTick, type UnifiedTicker } from '../normalisers/ccxt.ts';
import type { SourceListener, SourceState, Venue } from '../source.ts';
import type { ClientFactory, ExchangeClient } from './client.ts';

export interface ExchangeTimes {
  /** A connection without any update for this long is dead. */
  readonly silenceMs: number;
  readonly pollEveryMs: number;
  /** Pauses after faults: doubling from the first to the second. */
  readonly backoffMs: readonly [number, number];
  /** How long an open circuit keeps from trying. */
  readonly circuitMs: number;
}

export const EXCHANGE_TIMES: ExchangeTimes = { silenceMs: 30_000, pollEveryMs: 2_000, backoffMs: [1_000, 60_000], circuitMs: 30_000 };

export interface ExchangeOptions {
  readonly exchange: string;
  readonly factory: ClientFactory;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly listener: SourceListener;
  readonly times?: Partial<ExchangeTimes>;
}

/** Quotes in order of preference; one pair per base is followed. */
const QUOTES = ['USDT', 'USD', 'USDC'];
/** The rate that turns dollars into Tether. */
const CONVERSION = 'USDT/USD';
const MAX_SYMBOLS = 100;
/** Faults of the WebSocket in a row after which REST is tried for as many turns. */
const SOCKET_FAULTS = 3;
const POLLS = 30;
/** Longest wait for a turn that is under way when stopping. */
const STOP_MS = 500;

export class LiveExchange {
  readonly name: string;
  readonly #options: ExchangeOptions;
  readonly #times: ExchangeTimes;
  readonly #breaker: CircuitBreaker<[], void>;
  readonly #stopping = new AbortController();
  #bases: readonly string[] = [];
  #client: ExchangeClient | undefined;
  #symbols: ReadonlySet<string> | undefined;
  #state: SourceState = 'connecting';
  #socketFaults = 0;
  #pollsLeft = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(options: ExchangeOptions) {
    this.name = options.exchange;
    this.#options = options;
    this.#times = { ...EXCHANGE_TIMES, ...options.times };
    this.#breaker = new CircuitBreaker(() => this.#turn(), {
      name: options.exchange, timeout: this.#times.silenceMs, resetTimeout: this.#times.circuitMs, errorThresholdPercentage: 50, volumeThreshold: 3,
      rollingCountTimeout: 60_000, rollingCountBuckets: 6,
    });
  }

  /** What it serves, or before its markets are known what may be hoped for. */
  venues(base: string): readonly Venue[] {
    if (!this.#bases.includes(base)) return [];
    const symbol = this.#symbols === undefined ? `${base}/${QUOTES[0]}` : this.#symbolOf(base);
    const of = symbol === undefined ? undefined : unifiedInstrument(symbol);
    return of === undefined ? [] : [{ source: this.name, ...of }];
  }

  follow(bases: readonly string[]): void {
    this.#bases = bases;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#disconnect();
    // A request that hangs is left behind: it can emit nothing any more.
    await Promise.race([this.#running, pause(this.#options.clock, STOP_MS, new AbortController().signal)]);
    this.#breaker.shutdown();
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    const [first, longest] = this.#times.backoffMs;
    let wait = first;
    while (!this.#stopped) {
      try {
        await this.#breaker.fire();
        wait = first;
      } catch (error) {
        await this.#failed(error);
        await pause(this.#options.clock, wait, this.#stopping.signal);
        wait = Math.min(longest, wait * 2);
      }
    }
  }

  /** One update, or one round of requests. */
  async #turn(): Promise<void> {
    const client = (this.#client ??= await this.#options.factory(this.name));
    if (this.#symbols === undefined) {
      const markets = await client.loadMarkets();
      this.#symbols = new Set(Object.values(markets).filter(({ spot, active }) => spot !== false && active !== false).map(({ symbol }) => symbol));
    }
    const wanted = this.#wanted();
    if (wanted.length === 0) return pause(this.#options.clock, this.#times.pollEveryMs, this.#stopping.signal);
    const polls = this.#pollsLeft > 0 || !hasSocket(client);
    const tickers = polls ? await poll(client, wanted) : await watch(client, wanted);
    if (this.#stopped) return;
    this.#emit(tickers);
    if (!polls) this.#socketFaults = 0;
    else {
      this.#pollsLeft = Math.max(0, this.#pollsLeft - 1);
      await pause(this.#options.clock, this.#times.pollEveryMs, this.#stopping.signal);
    }
  }

  #emit(tickers: readonly UnifiedTicker[]): void {
    const { clock } = this.#options;
    const received = clock.now();
    for (const ticker of tickers) {
      const tick = unifiedTick(this.name, ticker, received, clock.leadMs);
      if (tick === undefined) continue;
      this.#changeTo('connected', this.#pollsLeft > 0 ? 'by REST' : 'by WebSocket');
      this.#options.listener.onTick(tick);
    }
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#stopped) return;
    const detail = error instanceof Error ? error.message.slice(0, 300) : String(error);
    this.#changeTo(this.#breaker.opened ? 'circuit_open' : 'disconnected', detail);
    if (this.#pollsLeft === 0 && ++this.#socketFaults >= SOCKET_FAULTS) {
      this.#socketFaults = 0;
      this.#pollsLeft = POLLS;
    }
    await this.#disconnect();
  }

  #changeTo(state: SourceState, detail: string): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.logger[state === 'connected' ? 'info' : 'warn'](`price source ${this.name}: ${state}`, { detail });
    this.#options.listener.onState(this.name, state, detail);
  }

  /** The next turn begins with a new client: what hangs in the old one is left behind. */
  async #disconnect(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    // What a dying connection says is of no use; it must only not become an unhandled rejection.
    await client?.close().catch(() => undefined);
  }

  #wanted(): string[] {
    const symbols = this.#bases.flatMap((base) => this.#symbolOf(base) ?? []);
    const converts = symbols.some((symbol) => symbol.endsWith('/USD')) && this.#symbols?.has(CONVERSION) === true;
    return [...new Set(converts ? [...symbols, CONVERSION] : symbols)].slice(0, MAX_SYMBOLS);
  }

  #symbolOf(base: string): string | undefined {
    return QUOTES.map((quote) => `${base}/${quote}`).find((symbol) => this.#symbols?.has(symbol));
  }
}

function hasSocket({ has }: ExchangeClient): boolean {
  return has.watchBidsAsks === true || has.watchTickers === true || has.watchTicker === true;
}

async function watch(client: ExchangeClient, symbols: string[]): Promise<readonly UnifiedTicker[]> {
  if (client.has.watchBidsAsks === true) return Object.values(await client.watchBidsAsks(symbols));
  if (client.has.watchTickers === true) return Object.values(await client.watchTickers(symbols));
  return [await Promise.race(symbols.map((symbol) => client.watchTicker(symbol)))];
}

async function poll(client: ExchangeClient, symbols: string[]): Promise<readonly UnifiedTicker[]> {
  if (client.has.fetchTickers === true) return Object.values(await client.fetchTickers(symbols));
  return Promise.all(symbols.map((symbol) => client.fetchTicker(symbol)));
}
