/** The part of ccxt that live feeds use, as a port, and its factory. ccxt itself is loaded only when a live feed starts. */
import type { UnifiedTicker } from '../normalisers/ccxt.ts';

export interface ExchangeMarket {
  readonly symbol: string;
  readonly spot?: boolean | undefined;
  readonly active?: boolean | undefined;
}

export type Markets = Readonly<Record<string, ExchangeMarket>>;
export type Tickers = Readonly<Record<string, UnifiedTicker>>;

/**
 * An exchange of ccxt.pro; `has` says which calls there are. A `watch…` call resolves at the next update of any of its symbols and names only that one: of updates that
 * arrive together the others are in the caches `bidsasks` and `tickers` alone, a new object for each. Which cache it is differs by exchange (Kraken's quotes are tickers).
 */
export interface ExchangeClient {
  readonly has: Readonly<Record<string, boolean | 'emulated' | undefined>>;
  readonly bidsasks: Tickers;
  readonly tickers: Tickers;
  /** Its connections by URL. */
  readonly clients: Readonly<Record<string, { close(): unknown }>>;
  loadMarkets(reload?: boolean): Promise<Markets>;
  /** Instead of loading them. */
  setMarkets(markets: Markets): unknown;
  watchBidsAsks(symbols: string[]): Promise<unknown>;
  watchTickers(symbols: string[]): Promise<unknown>;
  fetchTickers(symbols: string[]): Promise<Tickers>;
  fetchTicker(symbol: string): Promise<UnifiedTicker>;
  close(): Promise<unknown>;
}

export type ClientFactory = (exchange: string) => Promise<ExchangeClient>;

/** Most ms that one REST request may take. */
const REQUEST_TIMEOUT_MS = 10_000;

export const ccxtClient: ClientFactory = async (exchange) => {
  const { default: ccxt } = await import('ccxt');
  const Exchange = (ccxt.pro as unknown as Record<string, new (options: object) => ExchangeClient>)[exchange];
  if (Exchange === undefined) throw new Error(`ccxt knows no exchange ${exchange}`);
  return new Exchange({ enableRateLimit: true, timeout: REQUEST_TIMEOUT_MS, newUpdates: true });
};
