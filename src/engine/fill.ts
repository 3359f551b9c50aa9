/** Works out what one fill does to one perpetual position and wallet, before it happens. Pure but for the plan it writes into; whoever calls decides whether it may happen. */
import { maintenanceMargin, MARGIN_CALL_QUARTERS, ONE, unrealizedPnl } from './margin.ts';
import type { RiskTable } from './margin.ts';
import { MAX_SAFE, mulDiv } from './mul-div.ts';
import type { PositionState } from './events.ts';
import type { Amount, Lots, Ppm, Ticks } from './units.ts';

/** Largest notional of a position, an order or a fill: sums and differences of a few of them stay exact. */
export const MAX_NOTIONAL: Amount = 2 ** 51;

export interface FillInput {
  /** The position before. */
  size: Lots;
  cost: Amount;
  margin: Amount;
  realized: Amount;
  leverage: number;
  /** Free in the futures wallet before. */
  available: Amount;
  /** +1 buys, −1 sells. */
  direction: 1 | -1;
  price: Ticks;
  quantity: Lots;
  feeRate: Ppm;
  /** Of the order before: its lock and open quantity. */
  lock: Amount;
  remaining: Lots;
  /** Of the market: its tiers, unit of notional, and the mark that positions are valued at (0 = none yet). */
  risk: RiskTable;
  quotePerTickLot: Amount;
  mark: Ticks;
}

export interface FillPlan {
  /** False: it may not happen; of the other fields only `within` is then worth anything. */
  ok: boolean;
  /** Whether the position stays within the market's limits, as far as the account can carry it at all. */
  within: boolean;
  opened: Lots;
  fee: Amount;
  unlocked: Amount;
  pnl: Amount;
  marginDelta: Amount;
  /** Free in the futures wallet afterwards. */
  available: Amount;
  size: Lots;
  cost: Amount;
  margin: Amount;
  realized: Amount;
  leverage: number;
}

export function newFillInput(): FillInput {
  const risk = { floors: [0], initialRates: [0], maintenanceRates: [0], cumulative: [0], leverages: [1] };
  return {
    size: 0, cost: 0, margin: 0, realized: 0, leverage: 1, available: 0, direction: 1, price: 0, quantity: 0, feeRate: 0, lock: 0, remaining: 0, risk, quotePerTickLot: 1, mark: 0,
  };
}

export function newFillPlan(): FillPlan {
  return { ok: false, within: true, opened: 0, fee: 0, unlocked: 0, pnl: 0, marginDelta: 0, available: 0, size: 0, cost: 0, margin: 0, realized: 0, leverage: 1 };
}

/** Cost of `closed` of a position's lots, rounded against its owner; the whole cost for the whole position. */
export function costOf(size: Lots, cost: Amount, closed: Lots): Amount {
  const lots = Math.abs(size);
  return closed === lots ? cost : mulDiv(cost, closed, lots, size > 0 ? 'up' : 'down');
}

/** Margin that closing `closed` lots releases. */
export function marginOf(size: Lots, margin: Amount, closed: Lots): Amount {
  const lots = Math.abs(size);
  return closed === lots ? margin : mulDiv(margin, closed, lots, 'down');
}

/** notional × rate, rounded up (a rebate towards zero). */
export function feeOn(amount: Amount, rate: Ppm): Amount {
  return mulDiv(amount, rate, ONE, 'up');
}

/**
 * A reducing part realises P&L against the average entry and releases its share of the margin; an opening part moves notional ÷ leverage into the position, and the
 * loss against the mark as well where the position would otherwise stand at a margin call from the start. Costs are paid from what the order's lock gives back, then
 * from available. The fee is rounded up; where that last minor unit is missing, down, so that splitting an order into fills never makes it unpayable.
 */
export function planFill(input: FillInput, plan: FillPlan): void {
  const { size, cost, margin, direction, price, quantity, quotePerTickLot } = input;
  const lots = Math.abs(size);
  const closed = size * direction < 0 ? Math.min(quantity, lots) : 0;
  const opened = quantity - closed;
  const notional = price * quantity * quotePerTickLot;
  const openedNotional = price * opened * quotePerTickLot;
  const closedCost = closed === 0 ? 0 : costOf(size, cost, closed);
  const released = closed === 0 ? 0 : marginOf(size, margin, closed);
  const closedNotional = notional - openedNotional;
  plan.opened = opened;
  plan.pnl = closed === 0 ? 0 : size > 0 ? closedNotional - closedCost : closedCost - closedNotional;
  plan.fee = feeOn(notional, input.feeRate);
  plan.unlocked = unlockedBy(input, opened, closed);
  plan.size = size + direction * quantity;
  plan.cost = cost - closedCost + openedNotional;
  plan.leverage = input.leverage;
  plan.realized = opened === 0 ? input.realized + plan.pnl : closed === 0 ? input.realized : 0;
  const moved = mulDiv(openedNotional, 1, input.leverage, 'down');
  const topUp = opened === 0 ? 0 : topUpFor(input, plan, margin - released + moved, opened);
  plan.marginDelta = moved + topUp - released;
  plan.margin = margin + plan.marginDelta;
  plan.within = true;
  plan.ok = topUp >= 0 && plan.cost <= MAX_NOTIONAL && pay(input, plan, notional);
}

/** The lock's share for what opens; a part that closes needs none of it. All of it with the last lot. */
function unlockedBy({ lock, quantity, remaining }: FillInput, opened: Lots, closed: Lots): Amount {
  if (quantity === remaining) return lock;
  return opened === 0 || lock === 0 ? 0 : mulDiv(lock, opened, remaining - closed, 'down');
}

/** 0 where notional ÷ leverage is enough; else the opening loss against the mark; −1 where even that leaves the position due for liquidation. */
function topUpFor({ mark, risk, quotePerTickLot, direction, price }: FillInput, plan: FillPlan, margin: Amount, opened: Lots): Amount {
  if (mark === 0) return 0;
  const notional = mark * Math.abs(plan.size) * quotePerTickLot;
  if (notional > MAX_NOTIONAL) return -1;
  const equity = margin + unrealizedPnl(plan.size, plan.cost, notional);
  const maintenance = maintenanceMargin(risk, notional);
  if (4 * equity > MARGIN_CALL_QUARTERS * maintenance) return 0;
  const loss = Math.max(0, direction * (price - mark)) * opened * quotePerTickLot;
  return equity + loss > maintenance ? loss : -1;
}

function pay(input: FillInput, plan: FillPlan, notional: Amount): boolean {
  const free = input.available + plan.unlocked + plan.pnl - plan.marginDelta;
  if (free < plan.fee && plan.fee > 0) plan.fee = Math.min(plan.fee, Math.max(free, mulDiv(notional, input.feeRate, ONE, 'down')));
  plan.available = free - plan.fee;
  return plan.available >= 0 && plan.available <= MAX_SAFE;
}

export function positionOf(plan: FillPlan): PositionState {
  return { size: plan.size, cost: plan.cost, margin: plan.margin, realized: plan.realized, leverage: plan.leverage };
}
