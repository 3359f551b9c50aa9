/** Stored amounts read back into integers. */
import { parseDecimal } from '../engine/decimal.ts';
import type { Amount } from '../engine/units.ts';

/** A stored amount, which may be negative, in minor units. Throws when it is none. */
export function storedAmount(text: string, scale: number): Amount {
  const negative = text.startsWith('-');
  const amount = parseDecimal(negative ? text.slice(1) : text, scale);
  if (amount === undefined) throw new Error(`not an amount: ${text}`);
  return negative ? -amount : amount;
}
