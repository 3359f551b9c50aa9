/** What may be asked about positions. */
import { z } from 'zod';
import { listQuery, positiveDecimal, signedDecimal, symbol, wholeNumber } from './common.ts';
import { position } from './replies.ts';

export const positionsQuery = listQuery(position, { status: z.enum(['open', 'closed'], { error: 'must be open or closed' }).meta({ description: 'default open' }).optional(), symbol: symbol.optional() });

export const closePosition = z
  .strictObject({ quantity: positiveDecimal.meta({ description: 'in base; left out: all of it, or the market’s maxMarketQuantity where that is less' }).optional() })
  .meta({ examples: [{ quantity: '0.01' }] });
export const setLeverage = z.strictObject({ leverage: wholeNumber(1, 1000).meta({ description: 'at most what the market allows' }) }).meta({ examples: [{ leverage: 10 }] });
export const setMarginMode = z.strictObject({ mode: z.enum(['isolated'], { error: 'only isolated margin is offered' }) }).meta({ examples: [{ mode: 'isolated' }] });
export const adjustMargin = z
  .strictObject({ amount: signedDecimal.meta({ description: 'in quote; positive: from the futures wallet into the position, negative: back' }) })
  .meta({ examples: [{ amount: '10' }] });
