/**
 * Units of the engine. Every quantity is a safe integer; its unit is part of its type, so that ticks never meet lots.
 * Plain integers are accepted (arithmetic yields `number`), another unit is refused by the compiler.
 */
type Unit<Name extends string> = number & { readonly __unit?: Name };

/** A price, in multiples of the market's tick size. */
export type Ticks = Unit<'ticks'>;
/** A quantity of base, in multiples of the market's lot size. */
export type Lots = Unit<'lots'>;
/** Money: minor units of one asset (10^-scale). */
export type Amount = Unit<'amount'>;
/** A rate in millionths: 400 = 0.0004 = 4 bp. */
export type Ppm = Unit<'ppm'>;
/** Milliseconds since the epoch, UTC, or a span of them. */
export type Millis = Unit<'millis'>;
/** Number of an event in the committed log, from 1, without gaps. */
export type Seq = Unit<'seq'>;
/** An order's id: the `seq` of the event that accepted it. */
export type OrderId = Unit<'seq'>;
/** Index of an account. 0 is the venue (external, fees, clearing), 1 the insurance fund; users and house makers from 2. */
export type AccountId = Unit<'account'>;
/** Index of a market in order of creation, from 0. */
export type MarketId = Unit<'market'>;
/** Index of an asset in order of creation, from 0. */
export type AssetId = Unit<'asset'>;

export const VENUE: AccountId = 0;
export const INSURANCE: AccountId = 1;

export type Side = 'buy' | 'sell';
export type WalletType = 'spot' | 'futures';

/** Ends a `switch` over a discriminated union: a new member that is not handled does not compile. */
export function assertNever(value: never): never {
  throw new Error(`unhandled: ${JSON.stringify(value)}`);
}
