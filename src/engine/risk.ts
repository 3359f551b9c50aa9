/** Risk Management: visits the positions that the mark concerns, and only those: margin calls, liquidations, recoveries, and the insurance fund working off what it took over. */
import { AdlLine } from './adl.ts';
import type { NewOrder } from './commands.ts';
import type { Core } from './core.ts';
import { isDue, liquidate } from './liquidation.ts';
import { maintenanceMargin, marginRatio, ONE, unrealizedPnl } from './margin.ts';
import { bandHigh, bandLow, isRunning } from './market-rules.ts';
import type { MarketState } from './market-state.ts';
import { mulDiv } from './mul-div.ts';
import { placeOrder } from './orders.ts';
import { watch } from './positions.ts';
import { INSURANCE } from './units.ts';
import type { Ppm } from './units.ts';

/** Positions visited per market and check, of which a price may ask for two; the rest follows with the next command (`nextTimer` asks for it at once). */
const VISITS = 1_000;
/** How far from the mark the fund trades to get rid of a position. */
const WORK_OFF_BAND: Ppm = 5_000;

export function isWatched(market: MarketState): boolean {
  return market.perpetual && market.mark !== 0 && isRunning(market.market);
}

/** Standing that the mark has reached in its adverse direction; -1 = none. */
function nextAdverse(core: Core, market: MarketState): number {
  const { key } = core.standings.adverse;
  const long = market.adverseLong.top();
  if (long >= 0 && market.mark <= key[long]) return long;
  const short = market.adverseShort.top();
  return short >= 0 && market.mark >= key[short] ? short : -1;
}

function nextRecovered(core: Core, market: MarketState): number {
  const { key } = core.standings.recovery;
  const long = market.recoveryLong.top();
  if (long >= 0 && market.mark > key[long]) return long;
  const short = market.recoveryShort.top();
  return short >= 0 && market.mark < key[short] ? short : -1;
}

/** Whether positions are due that one command was not allowed to visit. */
export function isPending(core: Core, market: MarketState): boolean {
  return isWatched(market) && (nextAdverse(core, market) >= 0 || nextRecovered(core, market) >= 0);
}

/** Margin calls and liquidations that the mark asks for now. */
export function checkRisk(core: Core, market: MarketState): void {
  if (!isWatched(market)) return;
  retryStuck(core, market);
  const line = new AdlLine(core, market);
  let visits = VISITS;
  for (let standing = nextAdverse(core, market); standing >= 0 && visits > 0; standing = nextAdverse(core, market)) {
    visits--;
    if (core.standings.called[standing] === 0) call(core, market, standing, true);
    else close(core, market, standing, line);
  }
  for (let standing = nextRecovered(core, market); standing >= 0 && visits > 0; standing = nextRecovered(core, market)) {
    visits--;
    call(core, market, standing, false);
  }
}

/** After a command that moved positions without moving prices. */
export function checkAllRisk(core: Core): void {
  if (!core.atRisk) return;
  for (const market of core.marketStates) checkRisk(core, market);
  core.atRisk = false;
}

/** Puts them back among the watched. That is no new risk, which would ask for a second look: in an engine that was restored they are there already. */
function retryStuck(core: Core, market: MarketState): void {
  const { atRisk } = core;
  for (const standing of market.stuck.splice(0)) if (core.standings.size[standing] !== 0) watch(core, market, standing);
  core.atRisk = atRisk;
}

function close(core: Core, market: MarketState, standing: number, line: AdlLine): void {
  liquidate(core, market, standing, line);
  if (!isDue(core, market, standing)) return;
  (core.standings.size[standing] > 0 ? market.adverseLong : market.adverseShort).remove(standing);
  market.stuck.push(standing);
}

function call(core: Core, market: MarketState, standing: number, called: boolean): void {
  const { standings } = core;
  const account = standings.account[standing];
  const { id, quotePerTickLot } = market.market;
  const { mark } = market;
  if (!called) {
    core.emit({ seq: core.nextSeq, type: 'margin_call_cleared', account, market: id, mark });
    return;
  }
  const size = standings.size[standing];
  const notional = Math.abs(size) * mark * quotePerTickLot;
  const equity = standings.margin[standing] + unrealizedPnl(size, standings.cost[standing], notional);
  core.emit({ seq: core.nextSeq, type: 'margin_called', account, market: id, mark, marginRatio: marginRatio(maintenanceMargin(market.risk, notional), equity) });
}

/** One reduce-only order near the mark, of at most the impact notional and what one order may have, when somebody is there to take it. */
export function workOffFund(core: Core, market: MarketState): void {
  const standing = core.standings.find(INSURANCE, market.market.id);
  if (standing < 0 || core.standings.size[standing] === 0 || !isWatched(market)) return;
  const size = core.standings.size[standing];
  const { impactNotional, maxQuantity, quotePerTickLot, id } = market.market;
  const sells = size > 0;
  const near = mulDiv(market.mark, ONE + (sells ? -WORK_OFF_BAND : WORK_OFF_BAND), ONE, sells ? 'up' : 'down');
  const price = sells ? Math.max(near, bandLow(market)) : Math.min(near, bandHigh(market));
  const touch = sells ? market.book.bestBid() : market.book.bestAsk();
  if (touch === 0 || (sells ? touch < price : touch > price)) return;
  const slice = impactNotional === 0 ? Math.abs(size) : Math.max(1, mulDiv(impactNotional, 1, market.mark * quotePerTickLot, 'down'));
  const order: NewOrder = {
    market: id, side: sells ? 'sell' : 'buy', type: 'limit', price, quantity: Math.min(slice, Math.abs(size), maxQuantity === 0 ? slice : maxQuantity), timeInForce: 'IOC',
    postOnly: false, reduceOnly: true, selfTradePrevention: 'expire_taker', clientOrderId: '',
  };
  // A refusal (a market that takes no orders) only means: not now.
  placeOrder(core, INSURANCE, order);
}
