/** What everybody may know of the markets: their settings, books, prints, candles, tickers, prices and funding rates. Nothing here changes anything. */
import type { Cache } from '../cache/cache.ts';
import { cacheKeys, cacheTtlMs } from '../cache/keys.ts';
import type { Event, EventOf } from '../engine/events.ts';
import type { MarketStatus } from '../engine/market.ts';
import type { PricesView } from '../engine/reader.ts';
import type { Collection } from '../models/collection.ts';
import type { FundingDoc, FundingRate } from '../models/funding.ts';
import type { Kline } from '../models/klines.ts';
import type { MarketInfo } from '../models/markets.ts';
import type { PublicTrade } from '../models/trades.ts';
import type { ListedMarket } from '../projections/context.ts';
import type { KlineQuery } from '../projections/klines.ts';
import { effectiveStatus } from '../engine/market-rules.ts';
import type { MarketData } from '../projections/market-data.ts';
import type { BookSnapshot } from '../projections/book-messages.ts';
import type { OrderBooks } from '../projections/order-books.ts';
import type { MarketStats, Ticker } from '../projections/tickers.ts';
import type { Sequencer } from '../sequencer/sequencer.ts';
import { formatRate } from '../types/market-units.ts';
import { Refusal } from '../types/refusal.ts';
import type { Catalog } from './catalog.ts';
import type { Consistency } from './consistency.ts';
import { pageOf, pageOfEvents, type ListQuery, type Listing } from './paging.ts';
import type { IndexSource, PriceFeedService } from './prices.ts';

/** null = not known yet. */
export interface MarketPrices {
  readonly symbol: string;
  readonly index: string | null;
  readonly mark: string | null;
  readonly last: string | null;
  readonly status: MarketStatus;
  readonly sources: readonly IndexSource[];
}

export interface MarketFunding {
  readonly symbol: string;
  /** Of the interval that is running, as it stands now. */
  readonly fundingRate: string;
  readonly nextFundingTime: number;
  readonly fundingIntervalMs: number;
  /** Settled, newest first. */
  readonly history: readonly FundingRate[];
}

export interface MarketServiceParts {
  readonly sequencer: Sequencer;
  readonly consistency: Consistency;
  readonly catalog: Catalog;
  readonly funding: Collection<FundingDoc>;
  readonly data: Pick<MarketData, 'settings' | 'ticker' | 'tickers' | 'trades' | 'klines' | 'klinesNeed' | 'stats'>;
  readonly books: Pick<OrderBooks, 'snapshot' | 'seq'>;
  readonly feeds: Pick<PriceFeedService, 'sourcesOf'>;
  readonly cache: Cache;
}

/** Markets that are read before anybody asks for them. */
const MAX_WARMED = 500;
/** The depth that most ask for, and the only one that is kept. */
const CACHED_DEPTH = 100;
/** Prints that are held; older ones are history of those who made them. */
const MAX_TRADES = 1_000;

export class MarketService {
  readonly #parts: MarketServiceParts;
  readonly #unsubscribe: () => void;

  constructor(parts: MarketServiceParts) {
    this.#parts = parts;
    this.#unsubscribe = parts.sequencer.onCommitted(({ events }) => {
      for (const event of events) if (event.type === 'market_created' || event.type === 'market_updated') void parts.cache.delete(cacheKeys.market(event.market.symbol));
    });
  }

  /** Stops following changes. */
  close(): void {
    this.#unsubscribe();
  }

  /**
   * Puts settings and books of the first markets into the cache before anybody asks. What cannot be read now is left to whoever asks for it: it never fails.
   */
  async warm(): Promise<void> {
    const symbols = this.#parts.catalog.all().slice(0, MAX_WARMED).map(({ market }) => market.symbol);
    await Promise.allSettled(symbols.flatMap((symbol) => [this.#readSettings(symbol), this.#readBook(symbol, CACHED_DEPTH)]));
  }

  /** In order of creation. */
  async list(query: ListQuery): Promise<Listing<MarketInfo>> {
    const { items, nextCursor } = pageOf(this.#parts.catalog.all(), query);
    return { items: await Promise.all(items.map(({ market }) => this.get(market.symbol))), nextCursor };
  }

  /** NOT_FOUND for an unknown symbol; so for all below. */
  async get(symbol: string): Promise<MarketInfo> {
    const kept = await this.#parts.cache.get(cacheKeys.market(this.#symbol(symbol)));
    return kept === undefined ? this.#readSettings(symbol) : (JSON.parse(kept) as MarketInfo);
  }

  ticker(symbol: string): Ticker {
    return known(this.#parts.data.ticker(this.#symbol(symbol)), symbol);
  }

  /** In order of the markets' creation. */
  tickers(query: ListQuery): Listing<Ticker> {
    return pageOf(this.#parts.data.tickers(), query);
  }

  stats(symbol: string): MarketStats {
    return known(this.#parts.data.stats(this.#symbol(symbol)), symbol);
  }

  /** At most `depth` levels a side. The book's seq tells whether what is kept is still the book. */
  async orderBook(symbol: string, depth: number): Promise<BookSnapshot> {
    const { books, cache } = this.#parts;
    const key = cacheKeys.orderbook(this.#symbol(symbol));
    const kept = depth === CACHED_DEPTH ? await cache.get(key) : undefined;
    const book = kept === undefined ? undefined : (JSON.parse(kept) as BookSnapshot);
    return book !== undefined && book.seq === books.seq(symbol) ? book : this.#readBook(symbol, depth);
  }

  /** The last 1,000, newest first. */
  trades(symbol: string, query: ListQuery): Listing<PublicTrade> {
    const wanted = query.cursor === undefined ? (query.offset ?? 0) + query.limit + 1 : MAX_TRADES;
    return pageOfEvents(known(this.#parts.data.trades(this.#symbol(symbol), Math.min(wanted, MAX_TRADES)), symbol), query);
  }

  /** Oldest first, without gaps. UNAVAILABLE while there are more of them in the journal than in the collections and in memory together. */
  async klines(symbol: string, query: KlineQuery): Promise<readonly Kline[]> {
    const { data, consistency } = this.#parts;
    await consistency.caughtUp(known(data.klinesNeed(this.#symbol(symbol), query.interval), symbol));
    return known(await data.klines(symbol, query), symbol);
  }

  async prices(symbol: string): Promise<MarketPrices> {
    const listed = this.#parts.catalog.at(symbol);
    return this.#pricesOf(listed, await this.#parts.consistency.live((state) => state.prices(listed.market.id)));
  }

  /** With index and mark as the events of a record have set them. All else is not in a record and as it is now. Durable when the record is. */
  pricesAfter(symbol: string, events: readonly Event[]): MarketPrices {
    const listed = this.#parts.catalog.at(symbol);
    const { id } = listed.market;
    const set = events.findLast((event): event is EventOf<'prices_updated'> => event.type === 'prices_updated' && event.market === id);
    if (set === undefined) throw new Error(`the record has no prices of ${symbol}`);
    const { last } = this.#parts.sequencer.state.prices(id);
    return this.#pricesOf(listed, { index: set.index, mark: set.mark, last });
  }

  /** The running rate, and a page of those settled. NOT_FOUND on spot. */
  async funding(symbol: string, { limit, cursor, offset }: ListQuery): Promise<{ readonly funding: MarketFunding; readonly nextCursor?: string }> {
    const { market } = this.#parts.catalog.perpetualAt(symbol, 'funding');
    const { fundingRate, nextFundingTime } = await this.#parts.consistency.live((state) => state.prices(market.id));
    const page = await this.#parts.consistency.find(this.#parts.funding, { where: { symbol }, sort: { timestamp: -1 }, limit, cursor, offset });
    return {
      funding: {
        symbol,
        fundingRate: formatRate(fundingRate),
        nextFundingTime,
        fundingIntervalMs: market.fundingIntervalMs,
        history: page.items.map(({ id: _id, ...rate }) => rate),
      },
      nextCursor: page.nextCursor,
    };
  }

  /** Not from the collections, so that a market that trades is shown however far those are behind. What changes meanwhile is taken out of the cache after this. */
  async #readSettings(symbol: string): Promise<MarketInfo> {
    const info = known(this.#parts.data.settings(symbol), symbol);
    await this.#parts.cache.set(cacheKeys.market(symbol), JSON.stringify(info), cacheTtlMs.market);
    return info;
  }

  async #readBook(symbol: string, depth: number): Promise<BookSnapshot> {
    const book = known(this.#parts.books.snapshot(symbol, depth), symbol);
    if (depth === CACHED_DEPTH) await this.#parts.cache.set(cacheKeys.orderbook(symbol), JSON.stringify(book), cacheTtlMs.orderbook);
    return book;
  }

  #pricesOf({ market, units }: ListedMarket, { index, mark, last }: Pick<PricesView, 'index' | 'mark' | 'last'>): MarketPrices {
    const price = (ticks: number): string | null => (ticks === 0 ? null : units.formatPrice(ticks));
    return {
      symbol: market.symbol,
      index: price(index),
      mark: price(mark),
      last: price(last),
      status: effectiveStatus(market),
      sources: this.#parts.feeds.sourcesOf(market.symbol),
    };
  }

  #symbol(symbol: string): string {
    return this.#parts.catalog.at(symbol).market.symbol;
  }
}

/** The catalogue knows the market a moment before its first data are there. */
function known<T>(value: T | undefined, symbol: string): T {
  if (value === undefined) throw new Refusal('UNAVAILABLE', `the data of ${symbol} are not there yet; try again`, { retryAfterSeconds: 1 });
  return value;
}
