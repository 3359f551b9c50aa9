/** Routes under /markets. All of them are public, and may be kept for a moment by clients and CDNs. */
import { depthQuery, fundingQuery, klinesQuery, marketsQuery, perpetualPath, recentTradesQuery, symbolPath, tickersQuery } from '../validators/market.ts';
import { kline, list, market, marketFunding, marketPrices, marketStats, orderBook, publicTrade, ticker } from '../validators/replies.ts';
import type { MarketService } from '../services/markets.ts';
import { listReply } from './listing.ts';
import { route, type Route } from './route.ts';

/** Settings change rarely; the rest is as fresh as it can be and still be shared. */
const SETTINGS_SECONDS = 5;
const DATA_SECONDS = 1;

export function marketRoutes(markets: MarketService): Route[] {
  return [
    route({
      method: 'GET',
      path: '/markets',
      permission: 'public',
      summary: 'All markets with their settings',
      query: marketsQuery,
      response: list(market),
      cacheSeconds: SETTINGS_SECONDS,
      handler: async ({ query }) => listReply(await markets.list(query)),
    }),
    route({
      method: 'GET',
      path: '/markets/tickers',
      permission: 'public',
      summary: 'The last 24 hours of every market',
      query: tickersQuery,
      response: list(ticker),
      cacheSeconds: DATA_SECONDS,
      handler: ({ query }) => listReply(markets.tickers(query)),
    }),
    route({
      method: 'GET',
      path: '/markets/:symbol',
      permission: 'public',
      summary: 'One market with its settings',
      params: symbolPath,
      response: market,
      cacheSeconds: SETTINGS_SECONDS,
      handler: async ({ params }) => ({ data: await markets.get(params.symbol) }),
    }),
    route({
      method: 'GET',
      path: '/markets/:symbol/ticker',
      permission: 'public',
      summary: 'The last 24 hours of one market',
      params: symbolPath,
      response: ticker,
      cacheSeconds: DATA_SECONDS,
      handler: ({ params }) => ({ data: markets.ticker(params.symbol) }),
    }),
    route({
      method: 'GET',
      path: '/markets/:symbol/stats',
      permission: 'public',
      summary: 'Statistics of one market',
      params: symbolPath,
      response: marketStats,
      cacheSeconds: DATA_SECONDS,
      handler: ({ params }) => ({ data: markets.stats(params.symbol) }),
    }),
    route({
      method: 'GET',
      path: '/markets/:symbol/orderbook',
      permission: 'public',
      summary: 'The order book, best level first, with its checksum',
      params: symbolPath,
      query: depthQuery,
      response: orderBook,
      cacheSeconds: DATA_SECONDS,
      handler: async ({ params, query }) => ({ data: await markets.orderBook(params.symbol, query.depth) }),
    }),
    route({
      method: 'GET',
      path: '/markets/:symbol/trades',
      permission: 'public',
      summary: 'The last trades, newest first',
      params: symbolPath,
      query: recentTradesQuery,
      response: list(publicTrade),
      cacheSeconds: DATA_SECONDS,
      handler: ({ params, query }) => listReply(markets.trades(params.symbol, query)),
    }),
    route({
      method: 'GET',
      path: '/markets/:symbol/klines',
      permission: 'public',
      summary: 'Candles, oldest first, without gaps',
      params: symbolPath,
      query: klinesQuery,
      response: list(kline),
      cacheSeconds: DATA_SECONDS,
      handler: async ({ params, query }) => ({ data: await markets.klines(params.symbol, query) }),
    }),
    route({
      method: 'GET',
      path: '/markets/:symbol/prices',
      permission: 'public',
      summary: 'Index, mark and last price, and the sources behind the index',
      params: symbolPath,
      response: marketPrices,
      cacheSeconds: DATA_SECONDS,
      handler: async ({ params }) => ({ data: await markets.prices(params.symbol) }),
    }),
    route({
      method: 'GET',
      path: '/markets/:symbol/funding',
      permission: 'public',
      summary: 'The running funding rate of a perpetual and those settled, newest first',
      params: perpetualPath,
      query: fundingQuery,
      response: marketFunding,
      cacheSeconds: DATA_SECONDS,
      handler: async ({ params, query }) => {
        const { funding, nextCursor } = await markets.funding(params.symbol, query);
        return { data: funding, meta: { nextCursor } };
      },
    }),
  ];
}
