/** The part of ccxt that live feeds use, as a port, and its factory. ccxt itself is loaded only when a live feed starts. */
import type { UnifiedTicker } from '../normalisers/ccxt.ts';

export interface ExchangeMarket {
  readonly symbol: string;
  readonly spot?: boolean | undefined;
  readonly active?: boolean | undefined;
}

type Tickers = Readonly<Record<string, UnifiedTicker>>;

/** An exchange of ccxt.pro. The `watch…` calls resolve at each update; `has` says which there are. */
export interface ExchangeClient {
  readonly has: Readonly<Record<string, boolean | 'emulated' | undefined>>;
  loadMarkets(): Promise<Readonly<Record<string, ExchangeMarket>>>;
  watchBidsAsks(symbols: string[]): Promise<Tickers>;
  watchTickers(symbols: string[]): Promise<Tickers>;
  watchTicker(symbol: string): Promise<UnifiedTicker>;
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
