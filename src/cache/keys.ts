/** The key patterns of everything that is cached or counted outside the engine. */
export const RATE_LIMIT_PREFIX = 'rate:limit';

export const cacheKeys = {
  userSession: (userId: string) => `user:session:${userId}`,
  market: (symbol: string) => `cache:market:${symbol}`,
  orderbook: (symbol: string) => `cache:orderbook:${symbol}`,
} as const;
