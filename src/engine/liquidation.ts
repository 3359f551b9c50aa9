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
import { FUTURES_AVAILABLE, FUTURES_LOCKED, MARGIN } from './ledger.ts';
import { bankruptcyPrice, maintenanceMargin, ONE, tierOf, unrealizedPnl } from './margin.ts';
import type { MarketState } from './market-state.ts';
import { perpetualSide, planMaker, planWithoutOrder } from './match.ts';
import { mulDiv } from './mul-div.ts';
import { cancelAll } from './orders.ts';
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

/** Cancels the account's orders in the market, then reduces the position tier by tier until it is safe. */
export function liquidate(core: Core, market: MarketState, standing: number, line: AdlLine): void {
  cancelAll(core, core.standings.account[standing], market.market.id, 'liquidation');
  // Each step leaves a tier or the position behind, so there are at most as many as tiers, and one more.
  for (let steps = market.risk.floors.length; steps >= 0 && isDue(core, market, standing); steps--) {
    if (!liquidateStep(core, market, standing, line)) return;
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
  const before = receiptBefore(core, market, standing);
  const fundBefore = fundBalance(core, market);
  const quantity = stepQuantity(core, market, standing);
  const side = standings.size[standing] > 0 ? 1 : -1;
  const step: Step = { standing, side, price: before.bankruptcyPrice, left: quantity, entryCost: 0, notional: 0, surplus: 0, fee: 0, fills: [] };
  throughBook(core, market, step);
  toFund(core, market, step);
  deleverage(core, market, step, line);
  if (step.fills.length === 0) return false;
  const surplus = surplusToFund(market, step, before.account);
  const fundAfter = fundBalance(core, market) + surplus;
  const receipt = { ...before, quantity: quantity - step.left, entryCost: step.entryCost, fills: step.fills, fee: step.fee, fundDelta: fundAfter - fundBefore, fundAfter };
  core.emit({ seq: core.nextSeq, type: 'position_liquidated', receipt, toFund: surplus });
  return step.left === 0;
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

/** An immediate-or-cancel order at the bankruptcy price; makers are ordinary makers. */
function throughBook(core: Core, market: MarketState, step: Step): void {
  const { pool } = core;
  const opposite: Side = step.side === 1 ? 'buy' : 'sell';
  while (step.left > 0) {
    const maker = market.book.best(opposite);
    if (maker < 0) return;
    const price = pool.price[maker];
    if (step.side === 1 ? price < step.price : price > step.price) return;
    const quantity = Math.min(step.left, pool.remaining[maker]);
    const plan = planMaker(core, market, maker, step.side, quantity);
    if (!plan.ok) {
      closeOrder(core, maker, 'canceled', 'insufficient_margin');
      continue;
    }
    const notional = price * quantity * market.market.quotePerTickLot;
    const makerStanding = pool.standing[maker];
    trade(core, market, step, price, quantity, perpetualSide(pool, maker, quantity, notional, plan), 'liquidation');
    cutReduceOnly(core, market, makerStanding);
  }
}

/** The fund takes over what it has margin for. */
function toFund(core: Core, market: MarketState, step: Step): void {
  if (step.left === 0 || core.standings.account[step.standing] === INSURANCE) return;
  // An empty standing shows nowhere: this only finds the fund a slot.
  const fund = core.standings.open(INSURANCE, market.market.id);
  const available = core.futuresAvailable(market, INSURANCE);
  let quantity = step.left;
  let plan = planWithoutOrder(core, market, fund, step.side, step.price, quantity, available);
  if (!fits(market, plan) && plan.marginDelta > 0) {
    quantity = Math.min(quantity - 1, mulDiv(quantity, available, plan.marginDelta + 1, 'down'));
    if (quantity < 1) return;
    plan = planWithoutOrder(core, market, fund, step.side, step.price, quantity, available);
  }
  if (fits(market, plan)) trade(core, market, step, step.price, quantity, sideWithoutOrder(INSURANCE, plan), 'takeover');
}

function fits(market: MarketState, plan: FillPlan): boolean {
  const notional = Math.abs(plan.size) * market.valuation * market.market.quotePerTickLot;
  return plan.ok && (plan.opened === 0 || plan.leverage <= market.risk.leverages[tierOf(market.risk, notional)]);
}

/** Opposite positions are closed at the bankruptcy price, as far as their own margin carries that. */
function deleverage(core: Core, market: MarketState, step: Step, line: AdlLine): void {
  if (step.left === 0) return;
  const { standings } = core;
  line.each(step.side === 1 ? -1 : 1, (standing) => {
    const quantity = Math.min(step.left, Math.abs(standings.size[standing]));
    const plan = planWithoutOrder(core, market, standing, step.side, step.price, quantity, 0);
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

/** One fill of the step: the liquidated side gives its margin's share and what it lost; of what is left the fee is taken as far as it goes. */
function trade(core: Core, market: MarketState, step: Step, price: Ticks, quantity: Lots, maker: FillSide, cause: TradeCause): void {
  const { standings } = core;
  const { standing } = step;
  const size = standings.size[standing];
  const cost = standings.cost[standing];
  const margin = standings.margin[standing];
  const notional = price * quantity * market.market.quotePerTickLot;
  const closedCost = costOf(size, cost, quantity);
  const pnl = size > 0 ? notional - closedCost : closedCost - notional;
  const released = Math.min(margin, Math.max(marginOf(size, margin, quantity), 0 - pnl));
  const surplus = released + pnl;
  const fee = cause === 'liquidation' ? Math.min(Math.max(0, surplus), Math.max(0, feeOn(notional, market.market.takerFee))) : 0;
  const position: PositionState = {
    size: size - step.side * quantity, cost: cost - closedCost, margin: margin - released, realized: standings.realized[standing] + pnl, leverage: core.leverageOf(market, standing),
  };
  const account = standings.account[standing];
  const taker: FillSide = {
    order: 0, account, filled: 0, remaining: 0, filledQuote: 0, filledFee: 0, fee, unlocked: 0, pnl, marginDelta: 0 - released, position,
  };
  const seq = core.nextSeq;
  core.emit({ seq, type: 'trade', market: market.market.id, price, quantity, notional, takerSide: step.side === 1 ? 'sell' : 'buy', taker, maker, cause });
  step.left -= quantity;
  step.entryCost += closedCost;
  step.notional += notional;
  step.surplus += surplus;
  step.fee += fee;
  step.fills.push({ price, quantity, cause, counterparty: maker.account, trade: seq });
}
