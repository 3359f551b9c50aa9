/** Takes index (and manual mark) prices in, and lets follow what they ask for. */
import type { CommandOf } from './commands.ts';
import type { Core } from './core.ts';
import type { MarketState } from './market-state.ts';
import { MAX_SAFE, mulDiv } from './mul-div.ts';
import { fundingBasisPrice, fundingRate, impactPrice, markPrice, moving, premium } from './prices.ts';
import { MAX_PRICE } from './price-tree.ts';
import { reject } from './reject.ts';
import type { Reject } from './reject.ts';
import { checkRisk, workOffFund } from './risk.ts';
import type { Millis, Ppm, Ticks } from './units.ts';

type Price = CommandOf<'set_prices'>['prices'][number];

const MAX_PRICES = 4096;
/** Levels of a side that the impact price looks at. */
const IMPACT_LEVELS = 200;

export function setPrices(core: Core, { prices }: CommandOf<'set_prices'>): Reject | undefined {
  if (prices.length > MAX_PRICES) return reject('VALIDATION_FAILED', `At most ${MAX_PRICES} prices go in one command.`);
  for (const price of prices) {
    const refused = checkPrice(core, price);
    if (refused !== undefined) return refused;
  }
  for (const price of prices) {
    const market = core.marketStates[price.market];
    update(core, market, price);
    checkRisk(core, market);
    workOffFund(core, market);
  }
  return undefined;
}

function isTick(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= MAX_PRICE;
}

function checkPrice(core: Core, { market: id, index, mark }: Price): Reject | undefined {
  const market = core.marketStates[id];
  if (market === undefined) return reject('UNKNOWN_SYMBOL', 'There is no such market.');
  if (!isTick(index) || (mark !== undefined && !isTick(mark))) return reject('VALIDATION_FAILED', `Index and mark must be multiples of ${market.market.tickSize} up to ${market.words.price(MAX_PRICE)}.`);
  const highest = Math.max(index, mark ?? 0);
  return countableMark(core, market, highest) === highest ? undefined : reject('RISK_REJECTED', 'At that price open positions are worth more than can be counted.');
}

/** `mark`, or the highest one at which every open position's notional can still be counted. Looks at the positions only where all of them together could not. */
function countableMark(core: Core, { perpetual, openInterest, positions, market }: MarketState, mark: Ticks): Ticks {
  if (!perpetual || openInterest * mark * market.quotePerTickLot <= MAX_SAFE) return mark;
  const largest = positions.reduce((most, standing) => Math.max(most, Math.abs(core.standings.size[standing])), 1);
  return Math.min(mark, mulDiv(MAX_SAFE, 1, largest * market.quotePerTickLot, 'down'));
}

/** A mark that is given stands as it is; without one it follows the formula (a spot market's is its index). */
function update(core: Core, market: MarketState, { index, mark }: Price): void {
  const { market: rules, book } = market;
  const bid = book.bestBid();
  const ask = book.bestAsk();
  const sampled = market.perpetual && bid !== 0 && ask !== 0;
  const basis = sampled ? bid + ask - 2 * index : 0;
  const sample = sampled ? impactPremium(market, index) : 0;
  const rate = market.perpetual ? rateWith(market, sampled, sample) : 0;
  const computed = market.perpetual ? computedMark(core, market, index, rate, sampled, basis) : index;
  core.emit({
    seq: core.nextSeq, type: 'prices_updated', market: rules.id, index, mark: mark ?? computed, manualMark: mark !== undefined, fundingRate: rate, sampled, basis, premium: sample,
  });
}

function impactPremium({ book, market }: MarketState, index: Ticks): Ppm {
  const { impactNotional, quotePerTickLot } = market;
  const bid = impactPrice(book.depth('buy', IMPACT_LEVELS), impactNotional, quotePerTickLot);
  const ask = impactPrice(book.depth('sell', IMPACT_LEVELS), impactNotional, quotePerTickLot);
  return premium(index, bid, ask);
}

/** The rate that the interval would end with, were this its last sample. */
function rateWith({ premiumSum, premiumCount, market }: MarketState, sampled: boolean, sample: Ppm): Ppm {
  const count = premiumCount + (sampled ? 1 : 0);
  const mean = count === 0 ? 0 : mulDiv(premiumSum + sample, 1, count, 'half');
  return fundingRate(mean, market.interestRate, market.fundingCap);
}

function computedMark(core: Core, market: MarketState, index: Ticks, rate: Ppm, sampled: boolean, basis: Ticks): Ticks {
  const { sum, count } = windowMean(market, core.now, sampled, basis);
  const timeToFunding = Math.max(0, market.nextFundingTime - core.now);
  const p1 = fundingBasisPrice(index, rate, timeToFunding, market.market.fundingIntervalMs);
  return countableMark(core, market, markPrice(index, p1, moving(index, sum, count), market.last));
}

function windowMean(market: MarketState, now: Millis, sampled: boolean, basis: Ticks): { readonly sum: Ticks; readonly count: number } {
  const samples = market.samplesAt(now);
  const sum = samples.reduce((total, sample) => total + sample.basis, sampled ? basis : 0);
  return { sum, count: samples.length + (sampled ? 1 : 0) };
}

/** The rate of the interval that has ended. */
export function settledRate(market: MarketState): Ppm {
  return rateWith(market, false, 0);
}
