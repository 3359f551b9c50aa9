/** Mark price and funding rate from index, book and last price. Pure; the window of samples is kept by the market's state. */
import { ONE } from './margin.ts';
import { mulDiv } from './mul-div.ts';
import { MAX_PRICE } from './price-tree.ts';
import type { Amount, Lots, Millis, Ppm, Ticks } from './units.ts';

/** Most that interest may pull the funding rate away from the premium: 0.05 %. */
const INTEREST_CLAMP: Ppm = 500;

export function median(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

/** P1 = index × (1 + fundingRate × timeToFunding ÷ interval), to the nearest tick. */
export function fundingBasisPrice(index: Ticks, fundingRate: Ppm, timeToFundingMs: Millis, intervalMs: Millis): Ticks {
  return index + mulDiv(index, fundingRate * timeToFundingMs, ONE * intervalMs, 'half');
}

/** P2 = index + mean of ((bid + ask) ÷ 2 − index) over the samples; each sample is bid + ask − 2 × index. The index itself without samples. */
export function moving(index: Ticks, basisSum: Ticks, samples: number): Ticks {
  return samples === 0 ? index : index + mulDiv(basisSum, 1, 2 * samples, 'half');
}

/** Mark = median(P1, P2, last), where `last` 0 (nothing traded yet) leaves its vote to the index; at least one tick. */
export function markPrice(index: Ticks, p1: Ticks, p2: Ticks, last: Ticks): Ticks {
  return clamp(median(p1, p2, last === 0 ? index : last), 1, MAX_PRICE);
}

/** [max(0, impactBid − index) − max(0, index − impactAsk)] ÷ index, to the nearest ppm; at most ±100 %, so that nobody ever owes more funding than the position's notional. */
export function premium(index: Ticks, impactBid: Ticks, impactAsk: Ticks): Ppm {
  return clamp(mulDiv(Math.max(0, impactBid - index) - Math.max(0, index - impactAsk), ONE, index, 'half'), -ONE, ONE);
}

/** F = premium + clamp(interest − premium, ±0.05 %), within ± `cap` (0 = no cap). */
export function fundingRate(meanPremium: Ppm, interest: Ppm, cap: Ppm): Ppm {
  const rate = meanPremium + clamp(interest - meanPremium, -INTEREST_CLAMP, INTEREST_CLAMP);
  return cap === 0 ? rate : clamp(rate, -cap, cap);
}

/** What a position of this notional pays (rounded up) or, where `pays` is false, receives (rounded down). */
export function fundingPayment(notional: Amount, rate: Ppm, pays: boolean): Amount {
  return mulDiv(notional, Math.abs(rate), ONE, pays ? 'up' : 'down');
}

/** Ladder of one side of a book, best first. */
export type Levels = readonly (readonly [Ticks, Lots])[];

/** Average price, to the nearest tick, of trading `impactNotional` into the levels (all of them when they hold less); the best price when it is 0. Levels must not be empty. */
export function impactPrice(levels: Levels, impactNotional: Amount, quotePerTickLot: Amount): Ticks {
  let lots = 0;
  let tickLots = 0;
  let left = impactNotional;
  for (const [price, quantity] of levels) {
    if (left <= 0) break;
    const wanted = mulDiv(left, 1, price * quotePerTickLot, 'up');
    const taken = Math.min(wanted, quantity);
    lots += taken;
    tickLots += taken * price;
    left -= taken * price * quotePerTickLot;
  }
  return lots === 0 ? levels[0][0] : mulDiv(tickLots, 1, lots, 'half');
}
