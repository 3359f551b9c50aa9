/** Funding at the end of each interval: longs pay shorts when the rate is positive. Payers first, so that receivers share what was really paid; rounding goes to fees. */
import type { Core } from './core.ts';
import { isRunning } from './market-rules.ts';
import { nextFunding } from './market-state.ts';
import type { MarketState } from './market-state.ts';
import { mulDiv } from './mul-div.ts';
import { fundingPayment } from './prices.ts';
import { settledRate } from './price-updates.ts';
import type { Amount, Ppm } from './units.ts';

/** A market that stands still, or has no price, settles at a rate of zero. After a pause of several intervals there is one settlement. */
export function settleFunding(core: Core, market: MarketState): void {
  const rate = isRunning(market.market) && market.mark !== 0 ? settledRate(market) : 0;
  const time = market.nextFundingTime;
  const residue = rate === 0 ? 0 : exchange(core, market, rate);
  core.emit({
    seq: core.nextSeq, type: 'funding_settled', market: market.market.id, rate, mark: market.mark, residue, time, nextTime: nextFunding(core.now, market.market.fundingIntervalMs),
  });
}

/** Returns what is left over. */
function exchange(core: Core, market: MarketState, rate: Ppm): Amount {
  const { standings } = core;
  const positions = market.positions.toSorted((a, b) => standings.account[a] - standings.account[b]);
  const paying = rate > 0 ? 1 : -1;
  const payers = positions.filter((standing) => standings.size[standing] * paying > 0);
  const receivers = positions.filter((standing) => standings.size[standing] * paying < 0);
  const collected = payers.reduce((total, standing) => total + collect(core, market, standing, rate), 0);
  const owed = receivers.reduce((total, standing) => total + fundingPayment(notionalOf(core, market, standing), rate, false), 0);
  let left = collected;
  for (const standing of receivers) {
    const due = fundingPayment(notionalOf(core, market, standing), rate, false);
    const amount = collected < owed ? mulDiv(due, collected, owed, 'down') : due;
    emitPaid(core, market, standing, rate, amount, 0);
    left -= amount;
  }
  return left;
}

function notionalOf(core: Core, market: MarketState, standing: number): Amount {
  return Math.abs(core.standings.size[standing]) * market.mark * market.market.quotePerTickLot;
}

/** From available, then from the position's margin; never more than both hold. */
function collect(core: Core, market: MarketState, standing: number, rate: Ppm): Amount {
  const due = fundingPayment(notionalOf(core, market, standing), rate, true);
  const available = core.futuresAvailable(market, core.standings.account[standing]);
  const fromMargin = Math.min(Math.max(0, due - available), core.standings.margin[standing]);
  const paid = Math.min(due, available) + fromMargin;
  emitPaid(core, market, standing, rate, 0 - paid, fromMargin);
  return paid;
}

function emitPaid(core: Core, market: MarketState, standing: number, rate: Ppm, amount: Amount, fromMargin: Amount): void {
  if (amount === 0) return;
  const { standings } = core;
  core.emit({
    seq: core.nextSeq, type: 'funding_paid', account: standings.account[standing], market: market.market.id, rate, mark: market.mark, size: standings.size[standing], amount, fromMargin,
    position: {
      size: standings.size[standing], cost: standings.cost[standing], margin: standings.margin[standing] - fromMargin, realized: standings.realized[standing],
      leverage: core.leverageOf(market, standing),
    },
  });
}
