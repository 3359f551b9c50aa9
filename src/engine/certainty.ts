/** Whether a resting perpetual order is certain to be carried by its account, whatever else of that account fills first. Errs on the side of no: fill-or-kill counts on it. */
import type { Core } from './core.ts';
import { costOf, feeOn, marginOf } from './fill.ts';
import { openingLoss } from './locks.ts';
import { tierOf } from './margin.ts';
import type { MarketState } from './market-state.ts';
import { mulDiv } from './mul-div.ts';
import { REDUCE_ONLY, SELL } from './pool.ts';
import type { Lots } from './units.ts';

/** Minor units that rounding may take from a fill, once for each division on its way. */
const ROUNDING = 4;

export function certainFill(core: Core, market: MarketState, slot: number, lots: Lots): boolean {
  const { pool, standings } = core;
  const standing = pool.standing[slot];
  const sells = (pool.flags[slot] & SELL) !== 0;
  const size = standings.size[standing];
  const resting = sells ? standings.restingSell[standing] : standings.restingBuy[standing];
  const reducing = sells ? standings.reducingSell[standing] : standings.reducingBuy[standing];
  // Cut down as soon as another order of the account shrinks the position.
  if ((pool.flags[slot] & REDUCE_ONLY) !== 0 && reducing < resting) return false;
  const closes = sells ? size > 0 : size < 0;
  if (closes && !closesSafely(core, market, slot, Math.min(lots, Math.abs(size)))) return false;
  return (closes && resting <= Math.abs(size)) || opensSafely(core, market, slot, lots);
}

function closesSafely(core: Core, market: MarketState, slot: number, lots: Lots): boolean {
  const { pool, standings } = core;
  const standing = pool.standing[slot];
  const size = standings.size[standing];
  const notional = pool.price[slot] * lots * market.market.quotePerTickLot;
  const cost = costOf(size, standings.cost[standing], lots);
  const pnl = size > 0 ? notional - cost : cost - notional;
  return marginOf(size, standings.margin[standing], lots) + pnl - Math.max(0, feeOn(notional, market.market.makerFee)) >= ROUNDING;
}

/** Its own lock pays for opening all of it, at the leverage and mark of now. */
function opensSafely(core: Core, market: MarketState, slot: number, lots: Lots): boolean {
  const { pool, standings } = core;
  const standing = pool.standing[slot];
  const sells = (pool.flags[slot] & SELL) !== 0;
  const { quotePerTickLot, makerFee } = market.market;
  const price = pool.price[slot];
  const notional = price * lots * quotePerTickLot;
  const leverage = core.leverageOf(market, standing);
  const need = mulDiv(notional, 1, leverage, 'down') + openingLoss(market.market, sells, price, lots, market.valuation) + Math.max(0, feeOn(notional, makerFee) - 1);
  if (need > mulDiv(pool.lock[slot], lots, pool.remaining[slot], 'down')) return false;
  const side = sells ? -1 : 1;
  const largest = Math.max(Math.abs(standings.size[standing]), Math.abs(standings.size[standing] + side * (sells ? standings.restingSell[standing] : standings.restingBuy[standing])));
  const exposure = largest * Math.max(price, market.valuation) * quotePerTickLot;
  return leverage <= market.risk.leverages[tierOf(market.risk, exposure)];
}
