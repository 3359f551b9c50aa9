/** Routes under /trades. */
import { tradesQuery } from '../validators/market.ts';
import { list, trade } from '../validators/replies.ts';
import type { TradeService } from '../services/trades.ts';
import { listReply } from './listing.ts';
import { route, type Route } from './route.ts';

export function tradeRoutes(trades: TradeService): Route[] {
  return [
    route({
      method: 'GET',
      path: '/trades',
      permission: 'read',
      summary: 'Own fills, newest first',
      query: tradesQuery,
      response: list(trade),
      handler: async ({ principal, query }) => listReply(await trades.list(principal, query)),
    }),
  ];
}
