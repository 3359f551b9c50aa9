/** What may be asked about positions. */
import { z } from 'zod';
import { listQuery, positiveDecimal, signedDecimal, symbol, wholeNumber } from './common.ts';
import { position } from './replies.ts';

export const positionsQuery = listQuery(position, { status: z.enum(['open', 'closed'], { error: 'must be open or closed' }).optional(), symbol: symbol.optional() });

export const closePosition = z.strictObject({ quantity: positiveDecimal.optional().meta({ description: 'left out: all of it, or the market’s maxMarketQuantity where that is less' }) });
export const setLeverage = z.strictObject({ leverage: wholeNumber(1, 1000) });
export const setMarginMode = z.strictObject({ mode: z.enum(['isolated'], { error: 'only isolated margin is offered' }) });
/** Positive: from the futures wallet into the position; negative: back. */
export const adjustMargin = z.strictObject({ amount: signedDecimal });
