/** Funding at the end of each interval: longs pay shorts when the rate is positive. Payers first, so that receivers share what was really paid; rounding goes to fees. */
import type { Core } from './core.ts';
import { shareOf } from './funding-pages.ts';
import { collect, dueOn, payOut } from './funding-payments.ts';
import { isRunning } from './market-rules.ts';
import { nextFunding } from './market-state.ts';
import type { MarketState } from './market-state.ts';
import { settledRate } from './price-updates.ts';
import type { Amount, Ppm } from './units.ts';

/**
 * A market that stands still, or has no price, settles at a rate of zero. After a pause of several intervals there is one settlement. With more positions than a page has, it only
 * begins: rate and mark stand, and `settlePages` does the rest.
 */
export function settleFunding(core: Core, market: MarketState): void {
  const rate = isRunning(market.market) && market.mark !== 0 ? settledRate(market) : 0;
  const { mark, nextFundingTime: time } = market;
  const { id, fundingIntervalMs } = market.market;
  const nextTime = nextFunding(core.now, fundingIntervalMs);
  if (rate !== 0 && market.positions.length > core.fundingPage) {
    core.emit({ seq: core.nextSeq, type: 'funding_started', market: id, rate, mark, time, nextTime });
    return;
  }
  const residue = rate === 0 ? 0 : exchange(core, market, rate);
  core.emit({ seq: core.nextSeq, type: 'funding_settled', market: id, rate, mark, residue, time, nextTime });
}

/** Returns what is left over. */
function exchange(core: Core, market: MarketState, rate: Ppm): Amount {
  const { standings } = core;
  const terms = { rate, mark: market.mark };
  const positions = market.positions.toSorted((a, b) => standings.account[a] - standings.account[b]);
  const paying = rate > 0 ? 1 : -1;
  const payers = positions.filter((standing) => standings.size[standing] * paying > 0);
  const receivers = positions.filter((standing) => standings.size[standing] * paying < 0);
  const collected = payers.reduce((total, standing) => total + collect(core, market, terms, standing), 0);
  const owed = receivers.reduce((total, standing) => total + dueOn(market, terms, standings.size[standing], false), 0);
  let left = collected;
  for (const standing of receivers) {
    const amount = shareOf({ collected, owed }, dueOn(market, terms, standings.size[standing], false));
    payOut(core, market, terms, standing, standings.size[standing], amount);
    left -= amount;
  }
  return left;
}
