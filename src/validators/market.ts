/** What may be asked about markets. All of it is public. */
import { z } from 'zod';
import { listQuery, queryInteger, symbol, timeSpan } from './common.ts';
import { insuranceBalance, liquidation, market, marketFunding, publicTrade, ticker, trade } from './replies.ts';

export const INTERVALS = ['1m', '5m', '15m', '30m', '1h', '4h', '1d', '1w'] as const;
export const MAX_DEPTH = 500;
export const DEFAULT_DEPTH = 100;

/** An unknown one of any form is not found, not malformed. */
const pathSymbol = z.string().max(64);
export const symbolPath = z.object({ symbol: pathSymbol.meta({ description: 'a market', examples: ['BTC-USDT'] }) });
export const perpetualPath = z.object({ symbol: pathSymbol.meta({ description: 'a perpetual', examples: ['BTC-USDT-PERP'] }) });

export const depthQuery = z.strictObject({ depth: queryInteger(1, MAX_DEPTH).meta({ description: 'levels of each side' }).default(DEFAULT_DEPTH) });

export const marketsQuery = listQuery(market, {});
export const tickersQuery = listQuery(ticker, {});
export const recentTradesQuery = listQuery(publicTrade, {});
export const insuranceQuery = listQuery(insuranceBalance, {});

/** Without `from`, the last `limit` candles up to `to` (default now). */
export const klinesQuery = z
  .strictObject({
    interval: z.enum(INTERVALS, { error: `must be one of ${INTERVALS.join(', ')}` }).meta({ description: 'length of a candle' }),
    ...timeSpan,
    limit: queryInteger(1, 500).meta({ description: 'at most so many: the first after from, else the last' }).default(500),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, { error: 'must not lie after to', path: ['from'] });

export const fundingQuery = listQuery(marketFunding, {});

export const liquidationsQuery = listQuery(liquidation, {
  mine: z.enum(['true', 'false']).transform((text) => text === 'true').meta({ description: 'true: only one’s own, which needs a token' }).optional(),
  symbol: symbol.optional(),
});

export const tradesQuery = listQuery(trade, { symbol: symbol.optional(), ...timeSpan });
