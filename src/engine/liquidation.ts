/**
 * The Liquidation Engine: closes positions whose margin is used up, first through the book at the bankruptcy price, then by the insurance fund, then by auto-deleveraging. Nobody ends below zero;
 * what nobody can take stays open, and is tried again on the next price.
 */
import type { AdlLine } from './adl.ts';
import { closeOrder } from './close-order.ts';
import type { Core } from './core.ts';
import { costOf, feeOn, marginOf, positionOf } from './fill.ts';
import type { FillPlan } from './fill.ts';
import type { FillSide, LiquidationReceipt, PositionState, TradeCause } from './events.ts';
import { settleAhead } from './funding-pages.ts';
import { FUTURES_AVAILABLE, FUTURES_LOCKED, MARGIN } from './ledger.ts';
import { bankruptcyPrice, maintenanceMargin, ONE, tierOf, unrealizedPnl } from './margin.ts';
import { allowedLeverage } from './market-rules.ts';
import type { MarketState } from './market-state.ts';
import { closeUnfilled, perpetualSide, planMaker, planWithoutOrder } from './match.ts';
import { mulDiv } from './mul-div.ts';
import { cancelAll } from './orders.ts';
import { SELL } from './pool.ts';
import { exposureOf, liquidationTick } from './positions.ts';
import { cutReduceOnly } from './reduce-only.ts';
import { INSURANCE } from './units.ts';
import type { Amount, Lots, Side, Ticks } from './units.ts';

/** What a liquidation step has come to so far. */
interface Step {
  readonly standing: number;
  /** +1 = a long is being liquidated. */
  readonly side: 1 | -1;
  readonly price: Ticks;
  left: Lots;
  entryCost: Amount;
  notional: Amount;
  surplus: Amount;
  fee: Amount;
  readonly fills: { price: Ticks; quantity: Lots; cause: TradeCause; counterparty: number; trade: number }[];
}

/** Judged by the same tick that the heaps watch. */
export function isDue(core: Core, market: MarketState, standing: number): boolean {
  const size = core.standings.size[standing];
  if (size === 0) return false;
  const tick = liquidationTick(core, market, standing);
  return tick !== 0 && (size > 0 ? market.mark <= tick : market.mark >= tick);
}

/** Cancels the account's orders in the market that hold margin, then reduces the position tier by tier until it is safe. */
export function liquidate(core: Core, market: MarketState, standing: number, line: AdlLine): void {
  cancelOpening(core, standing);
  // Each step leaves a tier or the position behind, so there are at most as many as tiers, and one more.
  for (let steps = market.risk.floors.length; steps >= 0 && isDue(core, market, standing); steps--) {
    if (!liquidateStep(core, market, standing, line)) break;
  }
  // With nothing left to close, an order that was to close it would open a position that nobody asked for.
  if (core.standings.size[standing] === 0) cancelAll(core, core.standings.account[standing], market.market.id, 'liquidation');
}

/** What holds margin goes, and what would add to the position: the liquidation must not meet it in the book. What only closes the position may stay. */
function cancelOpening(core: Core, standing: number): void {
  const { pool, standings } = core;
  const adding = standings.size[standing] > 0 ? 0 : SELL;
  for (let slot = core.newestOrder[standings.account[standing]]; slot >= 0; ) {
    const older = pool.nextOfAccount[slot];
    if (pool.standing[slot] === standing && (pool.lock[slot] > 0 || (pool.flags[slot] & SELL) === adding)) closeOrder(core, slot, 'canceled', 'liquidation');
    slot = older;
  }
}

/** Down to just under the tier's floor at the mark; in the lowest tier everything. */
function stepQuantity(core: Core, market: MarketState, standing: number): Lots {
  const lots = Math.abs(core.standings.size[standing]);
  const perLot = market.mark * market.market.quotePerTickLot;
  const floor = market.risk.floors[tierOf(market.risk, lots * perLot)];
  return floor === 0 ? lots : lots - mulDiv(floor - 1, 1, perLot, 'down');
}

/** False when part of it found nobody to take it. */
function liquidateStep(core: Core, market: MarketState, standing: number, line: AdlLine): boolean {
  const { standings } = core;
  settleParties(core, market, standing);
  const before = receiptBefore(core, market, standing);
  const fundBefore = fundBalance(core, market);
  const quantity = stepQuantity(core, market, standing);
  const side = standings.size[standing] > 0 ? 1 : -1;
  const step: Step = { standing, side, price: before.bankruptcyPrice, left: quantity, entryCost: 0, notional: 0, surplus: 0, fee: 0, fills: [] };
  throughBook(core, market, step);
  toFund(core, market, step);
  deleverage(core, market, step, line);
  cutReduceOnly(core, market, standing);
  if (step.fills.length === 0) return false;
  const surplus = surplusToFund(market, step, before.account);
  const fundAfter = fundBalance(core, market) + surplus;
  const receipt = { ...before, quantity: quantity - step.left, entryCost: step.entryCost, fills: step.fills, fee: step.fee, fundDelta: fundAfter - fundBefore, fundAfter };
  core.emit({ seq: core.nextSeq, type: 'position_liquidated', receipt, toFund: surplus });
  return step.left === 0;
}

/** Funding that is under way: the position's, and the fund's, whose change the receipt shows. */
function settleParties(core: Core, market: MarketState, standing: number): void {
  if (market.settlement === undefined) return;
  settleAhead(core, market, market.settlement, standing);
  const fund = core.standings.find(INSURANCE, market.market.id);
  if (fund >= 0) settleAhead(core, market, market.settlement, fund);
}

function receiptBefore(core: Core, market: MarketState, standing: number): LiquidationReceipt {
  const { standings } = core;
  const { quotePerTickLot, id } = market.market;
  const size = standings.size[standing];
  const notional = Math.abs(size) * market.mark * quotePerTickLot;
  return {
    account: standings.account[standing], market: id, side: size > 0 ? 'long' : 'short', quantity: 0, entryCost: 0, mark: market.mark, index: market.index,
    tier: tierOf(market.risk, notional), marginBefore: standings.margin[standing], maintenanceMargin: maintenanceMargin(market.risk, notional),
    unrealizedPnl: unrealizedPnl(size, standings.cost[standing], notional), bankruptcyPrice: bankruptcyPrice(exposureOf(core, standing), quotePerTickLot),
    fills: [], fee: 0, fundDelta: 0, fundAfter: 0,
  };
}

function fundBalance({ ledger }: Core, { market }: MarketState): Amount {
  const asset = market.quoteAsset;
  return ledger.get(asset, INSURANCE, FUTURES_AVAILABLE) + ledger.get(asset, INSURANCE, FUTURES_LOCKED) + ledger.get(asset, INSURANCE, MARGIN);
}

/** Of what was left above bankruptcy after fees: all of it, or the liquidation fee where the rest goes back to the user. */
function surplusToFund({ market }: MarketState, step: Step, account: number): Amount {
  if (account === INSURANCE) return 0;
  const rest = step.surplus - step.fee;
  return market.liquidationSurplus === 'fund' ? rest : Math.min(rest, mulDiv(step.notional, market.liquidationFeeRate, ONE, 'up'));
}

/** An immediate-or-cancel order at the bankruptcy price; makers are ordinary makers, but no rebate is more than the fee that it is paid from. */
function throughBook(core: Core, market: MarketState, step: Step): void {
  const { pool } = core;
  const opposite: Side = step.side === 1 ? 'buy' : 'sell';
  while (step.left > 0) {
    const maker = market.book.best(opposite);
    if (maker < 0) return;
    const price = pool.price[maker];
    if (step.side === 1 ? price < step.price : price > step.price) return;
    const quantity = Math.min(step.left, pool.remaining[maker]);
    const { notional, fee } = closing(core, market, step, price, quantity, 'liquidation');
    const makerStanding = pool.standing[maker];
    if (market.settlement !== undefined) settleAhead(core, market, market.settlement, makerStanding);
    const plan = planMaker(core, market, maker, step.side, quantity, fee);
    if (!plan.ok) {
      closeUnfilled(core, maker, plan);
      continue;
    }
    trade(core, market, step, price, quantity, perpetualSide(pool, maker, quantity, notional, plan), 'liquidation');
    cutReduceOnly(core, market, makerStanding);
  }
}

/** The fund takes over what it has margin for. */
function toFund(core: Core, market: MarketState, step: Step): void {
  if (step.left === 0 || core.standings.account[step.standing] === INSURANCE) return;
  // An empty standing shows nowhere: this only finds the fund a slot.
  const fund = core.standings.open(INSURANCE, market.market.id);
  const quantity = mostForFund(core, market, step, fund);
  if (quantity > 0) trade(core, market, step, step.price, quantity, sideWithoutOrder(INSURANCE, planTakeover(core, market, step, fund, quantity)), 'takeover');
}

/** What is left of the step, or as many lots of it as the fund has margin for: more lots need more, so halving finds them. */
function mostForFund(core: Core, market: MarketState, step: Step, fund: number): Lots {
  if (planTakeover(core, market, step, fund, step.left).ok) return step.left;
  let enough = 0;
  let tooMany = step.left;
  while (tooMany - enough > 1) {
    const middle = enough + Math.floor((tooMany - enough) / 2);
    if (planTakeover(core, market, step, fund, middle).ok) enough = middle;
    else tooMany = middle;
  }
  return enough;
}

/** The fund's leverage is its own up to what the tier of the resulting position allows: with money enough, no size is too large for it. */
function planTakeover(core: Core, market: MarketState, step: Step, fund: number, quantity: Lots): FillPlan {
  const size = Math.abs(core.standings.size[fund] + step.side * quantity);
  const allowed = allowedLeverage(market, size * Math.max(step.price, market.valuation) * market.market.quotePerTickLot);
  const leverage = Math.min(core.leverageOf(market, fund), allowed);
  return planWithoutOrder(core, market, fund, step.side, step.price, quantity, core.futuresAvailable(market, INSURANCE), leverage);
}

/** Opposite positions are closed at the bankruptcy price, as far as their own margin carries that. */
function deleverage(core: Core, market: MarketState, step: Step, line: AdlLine): void {
  if (step.left === 0) return;
  const { standings } = core;
  line.each(step.side === 1 ? -1 : 1, (standing) => {
    const quantity = Math.min(step.left, Math.abs(standings.size[standing]));
    const planned = (): FillPlan => planWithoutOrder(core, market, standing, step.side, step.price, quantity, 0, core.leverageOf(market, standing));
    let plan = planned();
    // Who cannot carry it is left alone: there may be very many of them.
    if (plan.ok && market.settlement !== undefined) {
      settleAhead(core, market, market.settlement, standing);
      plan = planned();
    }
    if (!plan.ok) return 'next';
    trade(core, market, step, step.price, quantity, sideWithoutOrder(standings.account[standing], plan), 'adl');
    cutReduceOnly(core, market, standing);
    return step.left === 0 ? 'stop' : 'next';
  });
}

function sideWithoutOrder(account: number, plan: FillPlan): FillSide {
  return {
    order: 0, account, filled: 0, remaining: 0, filledQuote: 0, filledFee: 0, fee: plan.fee, unlocked: 0, pnl: plan.pnl, marginDelta: plan.marginDelta, position: positionOf(plan),
  };
}

/** What one fill of the step does to the liquidated side. */
interface Closing {
  readonly notional: Amount;
  readonly cost: Amount;
  readonly pnl: Amount;
  /** Out of the position's margin. */
  readonly released: Amount;
  readonly surplus: Amount;
  readonly fee: Amount;
}

/** The liquidated side gives its margin's share and what it lost; of what is left the fee is taken as far as it goes. */
function closing({ standings }: Core, { market }: MarketState, { standing }: Step, price: Ticks, quantity: Lots, cause: TradeCause): Closing {
  const size = standings.size[standing];
  const margin = standings.margin[standing];
  const notional = price * quantity * market.quotePerTickLot;
  const cost = costOf(size, standings.cost[standing], quantity);
  const pnl = size > 0 ? notional - cost : cost - notional;
  const released = Math.min(margin, Math.max(marginOf(size, margin, quantity), 0 - pnl));
  const surplus = released + pnl;
  const fee = cause === 'liquidation' ? Math.min(Math.max(0, surplus), Math.max(0, feeOn(notional, market.takerFee))) : 0;
  return { notional, cost, pnl, released, surplus, fee };
}

function trade(core: Core, market: MarketState, step: Step, price: Ticks, quantity: Lots, maker: FillSide, cause: TradeCause): void {
  const { standings } = core;
  const { standing } = step;
  const { notional, cost, pnl, released, surplus, fee } = closing(core, market, step, price, quantity, cause);
  const position: PositionState = {
    size: standings.size[standing] - step.side * quantity, cost: standings.cost[standing] - cost, margin: standings.margin[standing] - released,
    realized: standings.realized[standing] + pnl, leverage: core.leverageOf(market, standing),
  };
  const account = standings.account[standing];
  const taker: FillSide = {
    order: 0, account, filled: 0, remaining: 0, filledQuote: 0, filledFee: 0, fee, unlocked: 0, pnl, marginDelta: 0 - released, position,
  };
  const seq = core.nextSeq;
  core.emit({ seq, type: 'trade', market: market.market.id, price, quantity, notional, takerSide: step.side === 1 ? 'sell' : 'buy', taker, maker, cause });
  step.left -= quantity;
  step.entryCost += cost;
  step.notional += notional;
  step.surplus += surplus;
  step.fee += fee;
  step.fills.push({ price, quantity, cause, counterparty: maker.account, trade: seq });
}
