/** Amounts in documents: reading them back, and sums that outgrow a safe integer (a week's volume may; a balance never does). */
import { parseDecimal } from '../engine/decimal.ts';
import type { Amount } from '../engine/units.ts';

/** A stored amount, which may be negative, in minor units. Throws when it is none. */
export function storedAmount(text: string, scale: number): Amount {
  const negative = text.startsWith('-');
  const amount = parseDecimal(negative ? text.slice(1) : text, scale);
  if (amount === undefined) throw new Error(`not an amount: ${text}`);
  return negative ? -amount : amount;
}

const SPILL = 2 ** 52;

/** An exact sum of non-negative safe integers. Costs one addition, until it spills. */
export class LargeSum {
  #spilled = 0n;
  #rest = 0;

  constructor(start: bigint = 0n) {
    this.#spilled = start;
  }

  add(amount: number): void {
    if (amount >= SPILL) this.#spilled += BigInt(amount);
    else this.#rest += amount;
    if (this.#rest < SPILL) return;
    this.#spilled += BigInt(this.#rest);
    this.#rest = 0;
  }

  get value(): bigint {
    return this.#spilled + BigInt(this.#rest);
  }
}

/** As `formatDecimal`, for a sum. */
export function formatLarge(value: bigint, scale: number): string {
  const digits = String(value).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** What `formatLarge` wrote. */
export function storedLarge(text: string, scale: number): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(scale, '0'));
}
