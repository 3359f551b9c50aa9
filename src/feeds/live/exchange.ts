/**
 * One live exchange: connects, follows the spot pairs of the wanted bases by WebSocket (by REST while that fails), and comes back by itself after a fault, with
 * growing pauses and a circuit breaker. Never throws; what goes wrong becomes a state.
 */
import CircuitBreaker from 'opossum';
import type { Logger } from '../../observability/logger.ts';
import { pause, type Clock } from '../../utils/clock.ts';
import { unifiedTick, type UnifiedTicker } from '../normalisers/ccxt.ts';
import type { SourceListener, SourceState, Venue } from '../source.ts';
import type { ClientFactory, ExchangeClient, Markets } from './client.ts';
import { Following } from './following.ts';

export interface ExchangeTimes {
  /** A connection without any update for this long is dead. */
  readonly silenceMs: number;
  readonly pollEveryMs: number;
  /** Pauses after faults: doubling from the first to the second. */
  readonly backoffMs: readonly [number, number];
  /** Markets are listed and delisted: how often they are asked for while all is well. Thousands of them take ccxt a tenth of a second or two. */
  readonly marketsEveryMs: number;
  /** How long an open circuit keeps from trying. */
  readonly circuitMs: number;
}

export const EXCHANGE_TIMES: ExchangeTimes = { silenceMs: 30_000, pollEveryMs: 2_000, backoffMs: [1_000, 60_000], marketsEveryMs: 21_600_000, circuitMs: 30_000 };

export interface ExchangeOptions {
  readonly exchange: string;
  readonly factory: ClientFactory;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly listener: SourceListener;
  readonly times?: Partial<ExchangeTimes>;
}

/** Faults of the WebSocket in a row after which REST is tried for as many turns, or until that fails. */
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
  readonly #following = new Following();
  #client: ExchangeClient | undefined;
  /** When the markets were asked for. */
  #marketsMs = 0;
  #state: SourceState = 'connecting';
  /** What the turn waits for, so that its fault is blamed on that. */
  #waitsFor: 'markets' | 'socket' | 'requests' | undefined;
  #socketFaults = 0;
  #pollsLeft = 0;
  readonly #emitted = new WeakSet<UnifiedTicker>();
  /** The list that is watched, and the connections there were before it. */
  #watched = '';
  #connectionsBefore: readonly string[] = [];
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
    const of = this.#following.instrumentOf(base);
    return of === undefined ? [] : [{ source: this.name, ...of }];
  }

  follow(bases: readonly string[]): void {
    this.#following.follow(bases);
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

  /** One update, or one round of requests. A turn that was given up finds another client, and does nothing more. */
  async #turn(): Promise<void> {
    this.#waitsFor = 'markets';
    const client = this.#client ?? (await this.#connect());
    if (client !== this.#client || this.#stopped) return;
    this.#refreshMarkets(client);
    const wanted = this.#following.symbols();
    if (wanted.length === 0) return pause(this.#options.clock, this.#times.pollEveryMs, this.#stopping.signal);
    return this.#pollsLeft > 0 || !hasSocket(client) ? this.#poll(client, wanted) : this.#watch(client, wanted);
  }

  /** A new client with its markets. Where they cannot be had, those known from before will do: the WebSocket may work all the same. */
  async #connect(): Promise<ExchangeClient> {
    const { factory, clock } = this.#options;
    const made = await factory(this.name);
    if (this.#client !== undefined) return made;
    this.#client = made;
    this.#marketsMs = clock.now();
    try {
      const markets = await made.loadMarkets();
      if (made === this.#client) this.#take(markets);
      return made;
    } catch (error) {
      const { markets } = this.#following;
      if (markets === undefined) throw error;
      // Another client: ccxt repeats the fault to whoever asks this one for markets again.
      const another = await factory(this.name);
      another.setMarkets(markets);
      if (made === this.#client) {
        await this.#disconnect();
        this.#client ??= another;
      }
      return another;
    }
  }

  /** Now and then, beside the updates, with a client of its own: a fault of it changes nothing. */
  #refreshMarkets(client: ExchangeClient): void {
    const { factory, clock } = this.#options;
    if (clock.now() - this.#marketsMs < this.#times.marketsEveryMs) return;
    this.#marketsMs = clock.now();
    const ask = async () => {
      const asker = await factory(this.name);
      const markets = await asker.loadMarkets().finally(() => asker.close());
      if (client !== this.#client) return;
      const followed = this.#following.symbols().join();
      this.#take(markets);
      if (this.#following.symbols().join() !== followed) client.setMarkets(markets);
    };
    ask().catch((error: unknown) => this.#options.logger.debug(`price source ${this.name}: its markets cannot be asked for`, { error }));
  }

  #take(markets: Markets): void {
    const gone = this.#following.take(markets);
    if (gone.length > 0) this.#options.logger.warn(`price source ${this.name}: no longer lists ${gone.join(', ')}`);
  }

  async #watch(client: ExchangeClient, wanted: string[]): Promise<void> {
    const list = wanted.join();
    if (list !== this.#watched) {
      this.#watched = list;
      this.#connectionsBefore = Object.keys(client.clients);
    }
    this.#waitsFor = 'socket';
    const update = client.has.watchBidsAsks === true ? client.watchBidsAsks(wanted) : client.watchTickers(wanted);
    // What came since the last update, and then what came with this one.
    this.#emitNew(client);
    await update;
    if (client !== this.#client) return;
    this.#socketFaults = 0;
    this.#emitNew(client);
    this.#leaveOldConnections(client);
  }

  #emitNew({ bidsasks, tickers }: ExchangeClient): void {
    this.#emit([...Object.values(bidsasks), ...Object.values(tickers)].filter((ticker) => !this.#emitted.has(ticker)), 'by WebSocket');
  }

  /** Binance has a connection per list: once the new one delivers, that of the list before is of no use. */
  #leaveOldConnections({ clients }: ExchangeClient): void {
    const before = this.#connectionsBefore;
    this.#connectionsBefore = [];
    if (Object.keys(clients).every((url) => before.includes(url))) return;
    for (const url of before) Promise.resolve(clients[url]?.close()).catch(() => undefined);
  }

  async #poll(client: ExchangeClient, wanted: string[]): Promise<void> {
    this.#waitsFor = 'requests';
    this.#pollsLeft = Math.max(0, this.#pollsLeft - 1);
    const tickers = await fetchAll(client, wanted);
    if (client !== this.#client) return;
    this.#emit(tickers, 'by REST');
    await pause(this.#options.clock, this.#times.pollEveryMs, this.#stopping.signal);
  }

  #emit(tickers: readonly UnifiedTicker[], how: string): void {
    if (this.#stopped) return;
    const { clock } = this.#options;
    const received = clock.now();
    for (const ticker of tickers) {
      this.#emitted.add(ticker);
      const tick = unifiedTick(this.name, ticker, received, clock.leadMs);
      if (tick === undefined) continue;
      this.#changeTo('connected', how);
      this.#options.listener.onTick(tick);
    }
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#stopped) return;
    const detail = error instanceof Error ? error.message.slice(0, 300) : String(error);
    this.#changeTo(this.#breaker.opened ? 'circuit_open' : 'disconnected', detail);
    // A circuit that is open waits for nothing.
    const waitedFor = this.#waitsFor;
    this.#waitsFor = undefined;
    if (waitedFor !== undefined) this.#options.listener.onFault(this.name, error);
    if (waitedFor === 'requests') this.#pollsLeft = 0;
    else if (waitedFor === 'socket' && ++this.#socketFaults >= SOCKET_FAULTS) {
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
    this.#watched = '';
    // What a dying connection says is of no use; it must only not become an unhandled rejection.
    await client?.close().catch(() => undefined);
  }
}

function hasSocket({ has }: ExchangeClient): boolean {
  return has.watchBidsAsks === true || has.watchTickers === true;
}

async function fetchAll(client: ExchangeClient, symbols: string[]): Promise<readonly UnifiedTicker[]> {
  if (client.has.fetchTickers === true) return Object.values(await client.fetchTickers(symbols));
  return Promise.all(symbols.map((symbol) => client.fetchTicker(symbol)));
}
