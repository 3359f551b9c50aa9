/** The one division of the engine: exact, with its rounding named. Nothing else may divide money. */

export type Rounding = 'down' | 'up' | 'half';

/** Every amount, price, quantity and notional is at most this. */
export const MAX_SAFE = Number.MAX_SAFE_INTEGER;

/** a × b ÷ c for safe integers, c > 0. 'down' is toward −∞, 'up' toward +∞, 'half' to the nearest, halves up. Throws RangeError when the result is not a safe integer. */
export function mulDiv(a: number, b: number, c: number, rounding: Rounding): number {
  const product = a * b;
  // A double product of integers that does not pass 2^53 - 1 is exact, and so is its floored quotient.
  return product <= MAX_SAFE && product >= -MAX_SAFE ? divide(product, c, rounding) : divideBig(a, b, c, rounding);
}

function divide(dividend: number, divisor: number, rounding: Rounding): number {
  // Adding 0 turns -0 into 0.
  if (rounding === 'down') return Math.floor(dividend / divisor) + 0;
  if (rounding === 'up') return Math.ceil(dividend / divisor) + 0;
  const floor = Math.floor(dividend / divisor);
  const rest = dividend - floor * divisor;
  return (rest >= divisor - rest ? floor + 1 : floor) + 0;
}

function divideBig(a: number, b: number, c: number, rounding: Rounding): number {
  const divisor = BigInt(c);
  const dividend = BigInt(a) * BigInt(b);
  let quotient = dividend / divisor;
  let rest = dividend % divisor;
  if (rest < 0n) {
    quotient -= 1n;
    rest += divisor;
  }
  if (rest > 0n && (rounding === 'up' || (rounding === 'half' && rest * 2n >= divisor))) quotient += 1n;
  const result = Number(quotient);
  if (!Number.isSafeInteger(result)) throw new RangeError(`${a} × ${b} ÷ ${c} is not a safe integer`);
  return result;
}
