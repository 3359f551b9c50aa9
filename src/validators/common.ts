/** The words that requests are made of: decimals, symbols, ids, pages. Texts only; whether a symbol exists or a price is on the tick is for the services. */
import { z } from 'zod';

/** Digits, optionally a point and digits: no sign, exponent, space, leading zero or foreign digit (the grammar of engine/decimal.ts). */
const UNSIGNED = /^(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?$/;
const POSITIVE = /^(?!0(?:\.0+)?$)(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?$/;
const SIGNED = /^(?!-?0(?:\.0+)?$)-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?$/;
const RATE = /^(?:0|[1-9][0-9]{0,2})(?:\.[0-9]{1,6})?$/;
const SIGNED_RATE = /^-?(?:0|[1-9][0-9]{0,2})(?:\.[0-9]{1,6})?$/;

/** Zero or more. */
export const decimal = z.string().regex(UNSIGNED, 'must be a decimal string such as "0.5", without sign or exponent').meta({ description: 'zero or more, such as "0.5"' });
/** More than zero. */
export const positiveDecimal = z.string().regex(POSITIVE, 'must be a positive decimal string such as "0.5", without sign or exponent').meta({ description: 'more than zero, such as "0.5"' });
/** Anything but zero. */
export const signedDecimal = z.string().regex(SIGNED, 'must be a decimal string other than zero, such as "10" or "-0.5"').meta({ description: 'anything but zero, such as "10" or "-0.5"' });
/** A fraction with at most six decimals: "0.0004" is 4 bp. */
export const rate = z.string().regex(RATE, 'must be a fraction with at most six decimals, such as "0.0004"').meta({ description: 'a fraction with at most six decimals: "0.0004" is 4 bp' });
export const signedRate = z.string().regex(SIGNED_RATE, 'must be a fraction with at most six decimals, such as "0.0004" or "-0.0001"').meta({ description: 'a fraction with at most six decimals, negative too: "-0.0001" is -1 bp' });

export const symbol = z.string().regex(/^[A-Z0-9]{1,16}-[A-Z0-9]{1,16}(?:-PERP)?$/, 'must be a market such as BTC-USDT or BTC-USDT-PERP').meta({ description: 'a market such as BTC-USDT or BTC-USDT-PERP' });
export const assetCode = z.string().regex(/^[A-Z0-9]{1,16}$/, 'must be an asset such as USDT').meta({ description: 'an asset such as USDT' });
export const clientOrderId = z.string().regex(/^[A-Za-z0-9._-]{1,36}$/, 'must be 1 to 36 letters, digits, dots, underscores or dashes');
/** An id is opaque: one of another form is unknown, not malformed, and the reply does not tell them apart. */
export const orderRef = z.string().min(1, 'must be an order id').max(128, 'must be an order id').meta({ description: 'an order’s id, or client:<clientOrderId>' });

export const side = z.enum(['buy', 'sell'], { error: 'must be buy or sell' });
export const wallet = z.enum(['spot', 'futures'], { error: 'must be spot or futures' });

/** A JSON number. */
export function wholeNumber(min: number, max: number) {
  return z.int({ abort: true, error: `must be a whole number from ${min} to ${max}` }).min(min).max(max);
}

/** An integer in a query string. */
export function queryInteger(min: number, max: number) {
  return z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,15})$/, 'must be an integer')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be from ${min} to ${max}`)
    .meta({ type: 'integer', minimum: min, maximum: max, pattern: undefined });
}

/** For the documentation, of a text that is one or more of `words` with commas between them. */
export function withCommas(words: readonly string[]) {
  return { type: 'array', items: { type: 'string', enum: words }, minItems: 1, maxLength: undefined } as const;
}

const queryTime = queryInteger(0, 8_640_000_000_000_000);
/** Filters by time, both included. */
export const timeSpan = {
  from: queryTime.meta({ description: 'not before, ms since the epoch, UTC' }).optional(),
  to: queryTime.meta({ description: 'not after, ms since the epoch, UTC' }).optional(),
};

/** The query of a list: `limit` with `cursor` or `offset`, which fields of the items to send, and the list's own filters. */
export function listQuery<Filters extends z.ZodRawShape>(item: z.ZodObject, filters: Filters) {
  const names = Object.keys(item.shape);
  const page = {
    limit: queryInteger(1, 500).meta({ description: 'at most so many' }).default(50),
    cursor: z.string().min(1).max(512).meta({ description: 'goes on where a page ended: its meta.nextCursor' }).optional(),
    offset: queryInteger(0, 10_000).meta({ description: 'leaves out so many at the beginning; instead of cursor' }).optional(),
    fields: z
      .string()
      .max(512)
      .transform((text) => text.split(','))
      .refine((fields) => fields.every((field) => names.includes(field)), `must be some of ${names.join(',')}, with commas between them`)
      .meta({ ...withCommas(names), description: 'only these fields of each item; the others, which its schema requires, are left out' })
      .optional(),
  };
  const oneStart = (query: object): boolean => !('cursor' in query && query.cursor !== undefined && 'offset' in query && query.offset !== undefined);
  return z.strictObject({ ...page, ...filters }).refine(oneStart, { error: 'give cursor or offset, not both', path: ['offset'] });
}
