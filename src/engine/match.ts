/** Lets a taker trade with the book, maker by maker, best price first, first come first served. Each trade is one event; what it does to positions follows at once. */
import { closeOrder } from './close-order.ts';
import type { Core } from './core.ts';
import { feeOn, newFillInput, newFillPlan, planFill, positionOf } from './fill.ts';
import type { FillInput, FillPlan } from './fill.ts';
import type { FillSide } from './events.ts';
import { settleAhead } from './funding-pages.ts';
import { exceedsPosition, tierLeverage } from './market-rules.ts';
import type { MarketState } from './market-state.ts';
import { MAX_SAFE } from './mul-div.ts';
import { MARKET, RESTING, selfTradePreventionOf, sideOf } from './pool.ts';
import { cutReduceOnly } from './reduce-only.ts';
import type { Amount, Lots, Side, Ticks } from './units.ts';

/** Reused for every fill: written and read within one function. */
const input: FillInput = newFillInput();
const makerPlan: FillPlan = newFillPlan();
const takerPlan: FillPlan = newFillPlan();

/** Trades the order in `taker` down to `limit`. Returns false when it ended on the way: filled, or stopped by self-trade prevention or lack of margin. */
export function match(core: Core, market: MarketState, taker: number, limit: Ticks): boolean {
  const { pool } = core;
  const { book } = market;
  const account = pool.account[taker];
  const side = sideOf(pool.flags[taker]);
  const prevention = selfTradePreventionOf(pool.flags[taker]);
  const opposite: Side = side === 'buy' ? 'sell' : 'buy';
  for (;;) {
    const maker = book.best(opposite);
    if (maker < 0) return true;
    const price = pool.price[maker];
    if (side === 'buy' ? price > limit : price < limit) return true;
    if (prevention !== 'none' && pool.account[maker] === account) {
      if (prevention !== 'expire_taker') closeOrder(core, maker, 'canceled', 'self_trade');
      if (prevention === 'expire_maker') continue;
      closeOrder(core, taker, 'canceled', 'self_trade');
      return false;
    }
    const left = pool.remaining[taker];
    const quantity = Math.min(left, pool.remaining[maker]);
    if (market.perpetual) {
      if (!fillPerpetual(core, market, taker, maker, side, price, quantity)) return false;
    } else {
      fillSpot(core, market, taker, maker, side, price, quantity);
      if (quantity === left) return false;
    }
  }
}

function fillSpot(core: Core, market: MarketState, taker: number, maker: number, side: Side, price: Ticks, quantity: Lots): void {
  const { market: rules } = market;
  const { pool } = core;
  const notional = price * quantity * rules.quotePerTickLot;
  const base = quantity * rules.basePerLot;
  const buys = side === 'buy';
  const takerFee = feeOn(buys ? base : notional, rules.takerFee);
  const makerFee = feeOn(buys ? notional : base, rules.makerFee);
  const takerUnlocked = buys ? spotBuyUnlocked(core, market, taker, quantity, notional) : base;
  core.emit({
    seq: core.nextSeq, type: 'trade', market: rules.id, price, quantity, notional, takerSide: side,
    taker: spotSide(pool, taker, quantity, notional, takerFee, takerUnlocked),
    maker: spotSide(pool, maker, quantity, notional, makerFee, buys ? base : notional),
    cause: 'order',
  });
}

/** A limit buy gives back its share at the limit price; a market buy what it spends, and the rest with its last lot. */
function spotBuyUnlocked(core: Core, market: MarketState, slot: number, quantity: Lots, notional: Amount): Amount {
  const { pool } = core;
  if (quantity === pool.remaining[slot]) return pool.lock[slot];
  return (pool.flags[slot] & MARKET) !== 0 ? notional : pool.price[slot] * quantity * market.market.quotePerTickLot;
}

function spotSide(pool: Core['pool'], slot: number, quantity: Lots, notional: Amount, fee: Amount, unlocked: Amount): FillSide {
  return {
    order: pool.id[slot], account: pool.account[slot], filled: pool.filled[slot] + quantity, remaining: pool.remaining[slot] - quantity,
    filledQuote: pool.filledQuote[slot] + notional, filledFee: pool.filledFee[slot] + fee, fee, unlocked, pnl: 0, marginDelta: 0, position: undefined,
  };
}

/** Returns false when the taker has ended. A maker that cannot carry its side is closed instead of filled. */
function fillPerpetual(core: Core, market: MarketState, taker: number, maker: number, side: Side, price: Ticks, quantity: Lots): boolean {
  const { market: rules } = market;
  const { pool } = core;
  const self = pool.account[taker] === pool.account[maker];
  const direction = side === 'buy' ? 1 : -1;
  const takerStanding = pool.standing[taker];
  const makerStanding = pool.standing[maker];
  if (market.settlement !== undefined) {
    settleAhead(core, market, market.settlement, makerStanding);
    settleAhead(core, market, market.settlement, takerStanding);
  }
  planOrder(core, market, maker, direction === 1 ? -1 : 1, price, quantity, rules.makerFee, undefined, makerPlan);
  if (!makerPlan.ok) {
    closeUnfilled(core, maker, makerPlan);
    return true;
  }
  planOrder(core, market, taker, direction, price, quantity, rules.takerFee, self ? makerPlan : undefined, takerPlan);
  if (!takerPlan.ok) {
    closeUnfilled(core, taker, takerPlan);
    return false;
  }
  const notional = price * quantity * rules.quotePerTickLot;
  const left = pool.remaining[taker] - quantity;
  core.emit({
    seq: core.nextSeq, type: 'trade', market: rules.id, price, quantity, notional, takerSide: side,
    taker: perpetualSide(pool, taker, quantity, notional, takerPlan),
    maker: perpetualSide(pool, maker, quantity, notional, makerPlan),
    cause: 'order',
  });
  cutReduceOnly(core, market, makerStanding);
  cutReduceOnly(core, market, takerStanding);
  return left > 0;
}

/** Ends an order whose next fill may not happen by its plan. */
export function closeUnfilled(core: Core, slot: number, { within }: FillPlan): void {
  closeOrder(core, slot, 'canceled', within ? 'insufficient_margin' : 'position_limit');
}

/** Plans one order's fill; `after` is the plan of the other side where both are one account. */
function planOrder(core: Core, market: MarketState, slot: number, direction: 1 | -1, price: Ticks, quantity: Lots, feeRate: number, after: FillPlan | undefined, plan: FillPlan): void {
  const { pool } = core;
  fillInputOf(core, market, pool.standing[slot], pool.account[slot], after);
  input.direction = direction;
  input.price = price;
  input.quantity = quantity;
  input.feeRate = feeRate;
  input.lock = pool.lock[slot];
  input.remaining = pool.remaining[slot];
  planFill(input, plan);
  if (pool.filledQuote[slot] + price * quantity * market.market.quotePerTickLot > MAX_SAFE) plan.ok = false;
  const unchecked = (pool.flags[slot] & RESTING) !== 0 || input.lock === 0;
  if (plan.ok && unchecked && plan.opened > 0) plan.ok = plan.within = mayOpen(market, plan, price);
}

/**
 * An order from the book is held to the limits again: it was held to them with the position that its account had when it came. What would only have closed that, or closed
 * it first, opens all of its lots when the position has gone another way. What rests keeps its leverage when the market's maximum is lowered: only its tier counts.
 */
function mayOpen(market: MarketState, { size, leverage }: FillPlan, price: Ticks): boolean {
  const notional = Math.abs(size) * Math.max(price, market.valuation) * market.market.quotePerTickLot;
  return !exceedsPosition(market.market, notional) && leverage <= tierLeverage(market, notional);
}

function fillInputOf(core: Core, market: MarketState, standing: number, account: number, after: FillPlan | undefined): void {
  const { standings } = core;
  input.risk = market.risk;
  input.quotePerTickLot = market.market.quotePerTickLot;
  input.mark = market.valuation;
  input.leverage = core.leverageOf(market, standing);
  input.size = after === undefined ? standings.size[standing] : after.size;
  input.cost = after === undefined ? standings.cost[standing] : after.cost;
  input.margin = after === undefined ? standings.margin[standing] : after.margin;
  input.realized = after === undefined ? standings.realized[standing] : after.size === 0 ? 0 : after.realized;
  input.available = after === undefined ? core.futuresAvailable(market, account) : after.available;
}

/** Plans a fill without an order: the fund's takeover, a counterparty of auto-deleveraging. No fee, no lock; `available` is what it may pay from, at `leverage` where it opens. */
export function planWithoutOrder(core: Core, market: MarketState, standing: number, direction: 1 | -1, price: Ticks, quantity: Lots, available: Amount, leverage: number): FillPlan {
  fillInputOf(core, market, standing, core.standings.account[standing], undefined);
  input.available = available;
  input.leverage = leverage;
  input.direction = direction;
  input.price = price;
  input.quantity = quantity;
  input.feeRate = 0;
  input.lock = 0;
  input.remaining = quantity;
  planFill(input, makerPlan);
  return makerPlan;
}

/** Plans a maker's fill against a liquidation. A rebate is at most what the other side pays, `otherFee`, which may be nothing. */
export function planMaker(core: Core, market: MarketState, slot: number, direction: 1 | -1, quantity: Lots, otherFee: Amount): FillPlan {
  planOrder(core, market, slot, direction, core.pool.price[slot], quantity, market.market.makerFee, undefined, makerPlan);
  const withheld = Math.max(0, 0 - otherFee - makerPlan.fee);
  makerPlan.fee += withheld;
  makerPlan.available -= withheld;
  if (makerPlan.available < 0) makerPlan.ok = false;
  return makerPlan;
}

export function perpetualSide(pool: Core['pool'], slot: number, quantity: Lots, notional: Amount, plan: FillPlan): FillSide {
  return {
    order: pool.id[slot], account: pool.account[slot], filled: pool.filled[slot] + quantity, remaining: pool.remaining[slot] - quantity,
    filledQuote: pool.filledQuote[slot] + notional, filledFee: pool.filledFee[slot] + plan.fee, fee: plan.fee, unlocked: plan.unlocked,
    pnl: plan.pnl, marginDelta: plan.marginDelta, position: positionOf(plan),
  };
}
