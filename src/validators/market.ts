/** What may be asked about markets. All of it is public. */
import { z } from 'zod';
import { ONE_START, oneStart, page, queryInteger, queryTime, symbol } from './common.ts';
import { liquidation, marketFunding, trade } from './replies.ts';

export const INTERVALS = ['1m', '5m', '15m', '30m', '1h', '4h', '1d', '1w'] as const;
export const MAX_DEPTH = 500;
export const DEFAULT_DEPTH = 100;

export const symbolPath = z.object({ symbol: z.string().max(64) });

export const depthQuery = z.strictObject({ depth: queryInteger(1, MAX_DEPTH).default(DEFAULT_DEPTH) });

export const recentTradesQuery = z.strictObject({ limit: queryInteger(1, 500).default(50) });

/** Without `from`, the last `limit` candles up to `to` (default now). */
export const klinesQuery = z
  .strictObject({
    interval: z.enum(INTERVALS, { error: `must be one of ${INTERVALS.join(', ')}` }),
    from: queryTime.optional(),
    to: queryTime.optional(),
    limit: queryInteger(1, 500).default(500),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, { error: 'must not lie after to', path: ['from'] });

export const fundingQuery = z.strictObject(page(marketFunding)).omit({ fields: true }).refine(oneStart, ONE_START);

export const liquidationsQuery = z
  .strictObject({ ...page(liquidation), mine: z.enum(['true', 'false']).transform((text) => text === 'true').optional(), symbol: symbol.optional() })
  .refine(oneStart, ONE_START);

export const tradesQuery = z
  .strictObject({ ...page(trade), symbol: symbol.optional(), from: queryTime.optional(), to: queryTime.optional() })
  .refine(oneStart, ONE_START);
