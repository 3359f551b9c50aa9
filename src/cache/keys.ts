/**
 * The key patterns of everything that is cached or counted outside the engine. Prices, tickers, candles and prints are not here: they are in the
 * process's memory (`projections/market-data.ts`) and answered from there.
 */

export const cacheKeys = {
  /** A user's sessions: when each ends, by id. Invalid with any change of the user's sessions or roles. */
  userSession: (userId: string) => `user:session:${userId}`,
  /** A market's settings as the API shows them. Invalid with the market's creation and every change of it. Read before anybody asks. */
  market: (symbol: string) => `cache:market:${symbol}`,
  /** The best 100 levels of each side. Valid while its `seq` is the book's: nobody takes it out. Read before anybody asks. */
  orderbook: (symbol: string) => `cache:orderbook:${symbol}`,
} as const;

/** How long each lives at most. */
export const cacheTtlMs: Readonly<Record<keyof typeof cacheKeys, number>> = { userSession: 60_000, market: 60_000, orderbook: 5_000 };

/** `rate:limit:{ip}`: a client's requests in the window that is running; lives as long as the window. IPv6 addresses are counted by /56. Never invalid before. */
export const RATE_LIMIT_PREFIX = 'rate:limit';
export const RATE_LIMIT_WINDOW_SECONDS = 60;
