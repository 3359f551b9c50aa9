/** What may be asked over sockets. Orders are judged by the same schemas as in REST. */
import { z } from 'zod';
import { orderRef, positiveDecimal, symbol, wholeNumber } from './common.ts';
import { INTERVALS } from './market.ts';

const MAX_SYMBOLS = 200;
/** Depths that are published; what is asked for is rounded up to the next, so that few different books are sent. */
export const PUBLISHED_DEPTHS = [1, 5, 10, 20, 25, 50, 100, 200, 500, 1_000] as const;
const MAX_DEPTH = 1_000;

export const subscribePrices = z.strictObject({ symbols: z.array(symbol).min(1, 'must name at least one market').max(MAX_SYMBOLS, `must name at most ${MAX_SYMBOLS} markets`) });
/** Without symbols: all. */
export const unsubscribePrices = z.strictObject({ symbols: z.array(symbol).max(MAX_SYMBOLS).optional() }).optional();

const depth = wholeNumber(1, MAX_DEPTH)
  .default(MAX_DEPTH)
  .transform((asked) => PUBLISHED_DEPTHS.find((published) => published >= asked) ?? MAX_DEPTH);

export const marketSubscription = z.discriminatedUnion(
  'channel',
  [
    z.strictObject({ channel: z.literal('orderbook'), symbol, depth }),
    z.strictObject({ channel: z.literal('trades'), symbol }),
    z.strictObject({ channel: z.literal('ticker'), symbol }),
    z.strictObject({ channel: z.literal('kline'), symbol, interval: z.enum(INTERVALS, { error: `must be one of ${INTERVALS.join(', ')}` }) }),
    z.strictObject({ channel: z.literal('liquidations'), symbol }),
  ],
  { error: 'must be orderbook, trades, ticker, kline or liquidations' },
);
export type MarketSubscription = z.output<typeof marketSubscription>;

export const amendCall = z
  .strictObject({ id: orderRef, price: positiveDecimal.optional(), quantity: positiveDecimal.optional() })
  .refine((change) => change.price !== undefined || change.quantity !== undefined, 'give a price, a quantity or both');
export const cancelCall = z.strictObject({ id: orderRef });

/** A choice of channels by name. */
export function channelChoice<const T extends readonly [string, ...string[]]>(channels: T) {
  return z.strictObject({ channels: someOf(channels) });
}

/** Without channels: all. */
export function channelRemoval<const T extends readonly [string, ...string[]]>(channels: T) {
  return z.strictObject({ channels: someOf(channels).optional() }).optional();
}

function someOf<const T extends readonly [string, ...string[]]>(channels: T) {
  const one = z.enum(channels, { error: `must be one of ${channels.join(', ')}` });
  return z.array(one).max(channels.length).transform((chosen) => [...new Set(chosen)]);
}
