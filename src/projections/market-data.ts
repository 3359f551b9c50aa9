/**
 * Public market data in memory, on the thread that serves it: settings, tickers, recent trades, candles. Folded from committed records, started from
 * the collections and the journal's last records.
 */
import type { EventOf } from '../engine/events.ts';
import type { Millis, Seq } from '../engine/units.ts';
import { endOf, type JournalRecord } from '../journal/journal.ts';
import type { Collection, Store } from '../models/collection.ts';
import { KLINE_INTERVALS, type Kline, type KlineDoc, type KlineInterval, klines } from '../models/klines.ts';
import { type MarketDoc, type MarketInfo, markets } from '../models/markets.ts';
import { NEWEST_TRADES, PUBLIC_TRADES, type PublicTrade, type TradeDoc, trades } from '../models/trades.ts';
import { decodeBody } from '../sequencer/record.ts';
import type { CommittedRecord, Sequencer } from '../sequencer/sequencer.ts';
import { storedBar } from './bars.ts';
import { CommittedCatalog } from './committed-catalog.ts';
import type { ListedMarket } from './context.ts';
import { type KlineQuery, LiveBars, currentKline, liveKline, readKlines } from './klines.ts';
import { marketInfo } from './listings.ts';
import { isMarketEvent, marketOf } from './market-events.ts';
import type { OrderBooks } from './order-books.ts';
import { RECENT_TRADES, RecentTrades } from './recent-trades.ts';
import { DAY_MINUTES } from './rolling-day.ts';
import { type MarketStats, MarketTicker, type Ticker, type TickerPrices, type Touch, pricesOfNew } from './tickers.ts';
import { type TradeEvent, isPublic, storedTrade } from './trades.ts';

export interface MarketDataParts {
  readonly store: Store;
  readonly sequencer: Pick<Sequencer, 'state' | 'committedSeq' | 'onCommitted'>;
  readonly projections: { readonly checkpoint: Seq; reached(seq: Seq, timeoutMs: number): Promise<boolean> };
  /** The journal's records after a seq. */
  readonly readJournal: (afterSeq: Seq, limit: number) => Promise<readonly JournalRecord[]>;
  readonly books: Pick<OrderBooks, 'top'>;
  readonly clock: () => Millis;
}

/** How long the start waits for collections that are behind before it reads the journal instead. */
const CATCH_UP_MS = 5_000;
const PAGE = 500;
const MINUTE: Millis = 60_000;
const NO_TOUCH: Touch = { bid: undefined, ask: undefined };

/** What is kept of one market. */
interface MarketMemory {
  readonly ticker: MarketTicker;
  readonly recent: RecentTrades;
  readonly bars: LiveBars;
  /** Which event set it last; undefined: not known yet. */
  stamp: Pick<MarketInfo, 'createdAt' | 'updatedAt' | 'seq'> | undefined;
}

/** Resolves when everything committed so far is in. Records that are committed meanwhile follow. */
export async function createMarketData(parts: MarketDataParts): Promise<MarketData> {
  const data = new MarketData(parts);
  await data.start();
  return data;
}

export class MarketData {
  readonly #parts: MarketDataParts;
  readonly #markets: Collection<MarketDoc>;
  readonly #klines: Collection<KlineDoc>;
  readonly #trades: Collection<TradeDoc>;
  readonly #catalog: CommittedCatalog;
  readonly #memory: MarketMemory[] = [];
  readonly #recent: RecentTrades[] = [];
  readonly #stop: () => void;
  /** The engine's state at the start contains everything up to here. */
  readonly #from: Seq;
  /** Records that were committed during the start. */
  #backlog: CommittedRecord[] | undefined = [];

  /** Use `createMarketData`. */
  constructor(parts: MarketDataParts) {
    this.#parts = parts;
    this.#markets = parts.store.collection(markets);
    this.#klines = parts.store.collection(klines);
    this.#trades = parts.store.collection(trades);
    const { state } = parts.sequencer;
    this.#from = state.seq;
    this.#catalog = new CommittedCatalog(state);
    for (const listed of this.#catalog.listed) this.#open(listed, state.prices(listed.market.id));
    this.#stop = parts.sequencer.onCommitted((record) => (this.#backlog === undefined ? this.#apply(record) : void this.#backlog.push(record)));
  }

  async start(): Promise<void> {
    const { projections, sequencer } = this.#parts;
    const target = sequencer.committedSeq;
    await projections.reached(target, CATCH_UP_MS);
    const checkpoint = projections.checkpoint;
    await Promise.all(this.#catalog.listed.map((listed) => this.#restore(listed)));
    await this.#followJournal(checkpoint, target);
    for (const record of this.#backlog ?? []) this.#apply(record);
    this.#backlog = undefined;
  }

  /** As they are committed. undefined: no such market; so for all below. */
  settings(symbol: string): MarketInfo | undefined {
    const listed = this.#catalog.find(symbol);
    const stamp = listed && this.#of(listed).stamp;
    return stamp && marketInfo(listed, stamp);
  }

  ticker(symbol: string): Ticker | undefined {
    const listed = this.#catalog.find(symbol);
    return listed === undefined ? undefined : this.#of(listed).ticker.ticker(listed, this.#touch(symbol), this.#parts.clock());
  }

  tickers(): Ticker[] {
    return this.#catalog.listed.map(({ market }) => this.ticker(market.symbol)!);
  }

  stats(symbol: string): MarketStats | undefined {
    const listed = this.#catalog.find(symbol);
    return listed === undefined ? undefined : this.#of(listed).ticker.stats(listed, this.#touch(symbol), this.#parts.clock());
  }

  /** Newest first, at most 1,000. */
  trades(symbol: string, limit: number): PublicTrade[] | undefined {
    const listed = this.#catalog.find(symbol);
    return listed === undefined ? undefined : this.#of(listed).recent.latest(limit);
  }

  /** For whoever follows them as they come. Empty for a market that is listed and not committed yet. */
  recentTrades(listed: ListedMarket): RecentTrades {
    return (this.#recent[listed.market.id] ??= new RecentTrades(listed));
  }

  /** The seq that the collections must have reached for `klines` to be whole. */
  klinesNeed(symbol: string, interval: KlineInterval): Seq | undefined {
    const listed = this.#catalog.find(symbol);
    return listed === undefined ? undefined : this.#of(listed).bars.storedUpTo(interval);
  }

  /** Ascending, gap-free from the first bar that ever was. */
  async klines(symbol: string, query: KlineQuery): Promise<Kline[] | undefined> {
    const listed = this.#catalog.find(symbol);
    return listed === undefined ? undefined : readKlines(this.#klines, this.#of(listed).bars, listed, query, this.#parts.clock());
  }

  /** The candle that is being built, undefined also before the first trade; or the one that began at `openTime`, undefined unless it is among the last and had trades. */
  kline(symbol: string, interval: KlineInterval, openTime?: Millis): Kline | undefined {
    const listed = this.#catalog.find(symbol);
    if (listed === undefined) return undefined;
    const { bars } = this.#of(listed);
    return openTime === undefined ? currentKline(bars, interval, listed, this.#parts.clock()) : liveKline(bars, interval, listed, openTime);
  }

  close(): void {
    this.#stop();
  }

  #apply(record: CommittedRecord): void {
    for (const event of record.events) {
      this.#catalog.evolve(event);
      if (!isMarketEvent(event)) continue;
      const market = marketOf(event);
      if (event.type === 'market_created') this.#open(this.#catalog.byId(market), pricesOfNew(event.market, record.time));
      if (event.type === 'market_created' || event.type === 'market_updated') this.#stamp(event, record.time);
      if (event.seq > this.#from) this.#memory[market]!.ticker.evolve(event, record.time);
      if (event.type === 'trade') this.#applyTrade(event, record.time);
    }
  }

  #stamp(event: EventOf<'market_created' | 'market_updated'>, time: Millis): void {
    const memory = this.#memory[event.market.id]!;
    if (memory.stamp !== undefined && event.seq <= memory.stamp.seq) return;
    memory.stamp = { createdAt: memory.stamp?.createdAt ?? time, updatedAt: time, seq: event.seq };
  }

  #applyTrade(event: TradeEvent, time: Millis): void {
    if (!isPublic(event)) return;
    const { ticker, recent, bars } = this.#memory[event.market]!;
    ticker.count(event, time);
    bars.add(event, time);
    recent.add(event, time);
  }

  async #restore(listed: ListedMarket): Promise<void> {
    const { market } = listed;
    const memory = this.#of(listed);
    const { ticker, recent, bars } = memory;
    const stored = await this.#markets.get(market.symbol);
    memory.stamp = stored && { createdAt: stored.createdAt, updatedAt: stored.updatedAt, seq: stored.seq };
    const since = this.#parts.clock() - DAY_MINUTES * MINUTE;
    for (const interval of KLINE_INTERVALS) {
      const docs = await newest(this.#klines, { where: { symbol: market.symbol, interval }, sort: { openTime: -1 } }, interval === '1m' ? DAY_MINUTES : PAGE_OF_BARS);
      const stored = docs.map((doc) => storedBar(doc, listed)).reverse();
      bars.restore(interval, stored);
      if (interval === '1m') ticker.restore(stored.filter(({ openTime }) => openTime >= since));
    }
    const docs = await newest(this.#trades, { where: { symbol: market.symbol, ...PUBLIC_TRADES }, sort: NEWEST_TRADES }, RECENT_TRADES);
    for (const doc of docs.reverse()) recent.add(storedTrade(doc, listed), doc.timestamp);
  }

  /** Trades and settings that are committed and not in the collections yet. */
  async #followJournal(afterSeq: Seq, target: Seq): Promise<void> {
    let seq = afterSeq;
    while (seq < target) {
      const records = await this.#parts.readJournal(seq, PAGE);
      if (records.length === 0) throw new Error(`the journal ends at ${seq}, before ${target} which was committed`);
      for (const record of records) {
        seq = endOf(record);
        for (const event of decodeBody(record).events) {
          if (event.seq > target) break;
          if (event.type === 'trade') this.#applyTrade(event, record.time);
          else if (event.type === 'market_created' || event.type === 'market_updated') this.#stamp(event, record.time);
        }
      }
    }
  }

  #open(listed: ListedMarket, prices: TickerPrices): void {
    const { id } = listed.market;
    this.#memory[id] ??= { ticker: new MarketTicker(listed.market, prices), recent: this.recentTrades(listed), bars: new LiveBars(), stamp: undefined };
  }

  #of({ market }: ListedMarket): MarketMemory {
    return this.#memory[market.id]!;
  }

  #touch(symbol: string): Touch {
    const top = this.#parts.books.top(symbol, 1);
    return top === undefined ? NO_TOUCH : { bid: top.bids[0]?.price, ask: top.asks[0]?.price };
  }
}

/** Enough for the bars that may not be stored yet. */
const PAGE_OF_BARS = 5;

/** The first `count` documents of a query. */
async function newest<T extends { readonly id: string }>(collection: Collection<T>, query: Omit<Parameters<Collection<T>['find']>[0], 'limit'>, count: number): Promise<T[]> {
  const docs: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await collection.find({ ...query, limit: Math.min(PAGE, count - docs.length), ...(cursor !== undefined && { cursor }) });
    docs.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined && docs.length < count);
  return docs;
}
