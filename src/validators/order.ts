/** What may be asked about orders. Shared by REST and sockets, so that an order is accepted or refused alike wherever it comes in. */
import { z } from 'zod';
import { clientOrderId, listQuery, orderRef, positiveDecimal, side, symbol, timeSpan, wholeNumber, withCommas } from './common.ts';
import { describe, fieldErrors } from './parse.ts';
import { order } from './replies.ts';

export const MAX_BATCH = 50;
export const MAX_CANCEL_AFTER_MS = 86_400_000;
export const ORDER_STATUSES = ['new', 'partially_filled', 'filled', 'canceled', 'expired'] as const;

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: ({ input }) => `${typeof input === 'string' ? input.slice(0, 32) : 'this'} is not one of ${values.join(', ')}` });

const newOrderShape = z.strictObject({
  symbol,
  side,
  type: oneOf(['limit', 'market']),
  quantity: positiveDecimal.meta({ description: 'in base, a multiple of the lot, such as "0.01"' }),
  price: positiveDecimal.meta({ description: 'of a limit order: in quote, a multiple of the tick' }).optional(),
  timeInForce: oneOf(['GTC', 'IOC', 'FOK']).meta({ description: 'GTC (default of a limit order): stays in the book; IOC (default of a market order): what is not filled at once expires; FOK: all at once or nothing' }).optional(),
  postOnly: z.boolean().meta({ description: 'refused where it would take' }).optional(),
  reduceOnly: z.boolean().meta({ description: 'only makes a position smaller' }).optional(),
  selfTradePrevention: oneOf(['expire_taker', 'expire_maker', 'expire_both', 'none']).meta({ description: 'which order ends where two of one’s own would meet; default expire_taker' }).optional(),
  clientOrderId: clientOrderId.meta({ description: 'one’s own name for it: 1 to 36 letters, digits, dots, underscores or dashes, unique among open orders and those of the last day; the same again gives the first reply again' }).optional(),
});

/** A new order: limit (GTC unless said otherwise) or market (IOC unless FOK). */
export const newOrder = newOrderShape.superRefine((order, context) => {
  const wrong = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
  if (order.type === 'limit') {
    if (order.price === undefined) wrong('price', 'a limit order needs a price');
    if (order.postOnly === true && order.timeInForce !== undefined && order.timeInForce !== 'GTC') wrong('postOnly', `an order that never takes cannot be ${order.timeInForce}`);
    return;
  }
  if (order.price !== undefined) wrong('price', 'a market order has no price');
  if (order.timeInForce === 'GTC') wrong('timeInForce', 'a market order is IOC or FOK');
  if (order.postOnly === true) wrong('postOnly', 'a market order always takes');
}).meta({ examples: [{ symbol: 'BTC-USDT', side: 'buy', type: 'limit', price: '20000', quantity: '0.01' }] });

/** Items of a batch that count as one request or message. */
const ITEMS_PER_REQUEST = 10;

/** As how many requests a batch counts. More than it may hold is refused as a whole, and counts as one. */
export function costOfBatch(input: unknown): number {
  const { orders, ids } = (input ?? {}) as { readonly orders?: unknown; readonly ids?: unknown };
  const items = orders ?? ids;
  return Array.isArray(items) && items.length <= MAX_BATCH ? Math.max(1, Math.ceil(items.length / ITEMS_PER_REQUEST)) : 1;
}

/** One item of a batch that cannot be an order; the others go on. */
interface InvalidItem {
  readonly invalid: string;
}

/** Items are judged one by one, so a bad one refuses no other: it comes out as InvalidItem, in its place. */
export const orderBatch = z
  .strictObject({
    orders: z
      .array(z.unknown().meta({ ...z.toJSONSchema(newOrder, { io: 'input' }), $schema: undefined }))
      .min(1, 'must hold at least one order')
      .max(MAX_BATCH, `must hold at most ${MAX_BATCH} orders`),
  })
  .meta({
    examples: [{
      orders: [
        { symbol: 'BTC-USDT', side: 'buy', type: 'limit', price: '20000', quantity: '0.01', clientOrderId: 'mine-1' },
        { symbol: 'BTC-USDT', side: 'buy', type: 'limit', price: '19000', quantity: '0.01', clientOrderId: 'mine-2' },
      ],
    }],
  })
  // Here and not within: of what is transformed, the example would not be documented.
  .transform(({ orders }) => ({ orders: orders.map(batchItem) }));

function batchItem(item: unknown): z.output<typeof newOrder> | InvalidItem {
  const result = newOrder.safeParse(item);
  return result.success ? result.data : { invalid: describe(fieldErrors(result.error.issues)) };
}

export const cancelBatch = z
  .strictObject({ ids: z.array(orderRef).min(1, 'must hold at least one id').max(MAX_BATCH, `must hold at most ${MAX_BATCH} ids`) })
  .meta({ examples: [{ ids: ['client:mine-1', 'client:mine-2'] }] });

/** `quantity` is the new total, what is filled included. */
export const amendOrder = z
  .strictObject({ price: positiveDecimal.optional(), quantity: positiveDecimal.meta({ description: 'the new total, what is filled included' }).optional() })
  .refine((change) => change.price !== undefined || change.quantity !== undefined, 'give a price, a quantity or both')
  .meta({ examples: [{ price: '20001' }] });

/** 0 disarms. */
export const cancelAfter = z
  .strictObject({
    timeoutMs: wholeNumber(0, MAX_CANCEL_AFTER_MS).meta({ description: 'ms from now after which open orders are canceled; 0 disarms' }),
    symbol: symbol.meta({ description: 'of this market alone; left out: of all' }).optional(),
  })
  .meta({ examples: [{ timeoutMs: 60_000, symbol: 'BTC-USDT' }] });

export const cancelAllQuery = z.strictObject({ symbol: symbol.meta({ description: 'of this market alone; left out: of all' }).optional() });

const status = z
  .string()
  .max(128)
  .transform((text) => text.split(','))
  .pipe(z.array(oneOf(ORDER_STATUSES)))
  .meta({ ...withCommas(ORDER_STATUSES), description: 'only orders in these states' });

export const ordersQuery = listQuery(order, { status: status.optional(), symbol: symbol.optional(), ...timeSpan });

export const orderPath = z.object({ id: orderRef.meta({ description: 'the order’s id, or client:<clientOrderId>' }) });
