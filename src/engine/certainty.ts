/** Whether the accounts behind perpetual orders are certain to carry their fills, whatever else fills first. Errs on the side of no: fill-or-kill counts on it. */
import type { Core } from './core.ts';
import { costOf, feeOn, marginOf } from './fill.ts';
import { unpaidFunding } from './funding-pages.ts';
import { openingLoss } from './locks.ts';
import { ONE, tierOf } from './margin.ts';
import { exceedsPosition, tierLeverage } from './market-rules.ts';
import type { MarketState } from './market-state.ts';
import { mulDiv } from './mul-div.ts';
import { REDUCE_ONLY, SELL } from './pool.ts';
import type { AccountId, Amount, Lots, Ppm, Side, Ticks } from './units.ts';

/** Minor units that rounding may take from a fill, once for each division on its way. */
const ROUNDING = 4;

export function certainFill(core: Core, market: MarketState, slot: number, lots: Lots): boolean {
  const { pool, standings } = core;
  const standing = pool.standing[slot];
  const sells = (pool.flags[slot] & SELL) !== 0;
  const size = standings.size[standing];
  const resting = sells ? standings.restingSell[standing] : standings.restingBuy[standing];
  const reducing = sells ? standings.reducingSell[standing] : standings.reducingBuy[standing];
  // What it still has to pay comes first, and must leave its margin alone.
  if (market.settlement !== undefined && unpaidFunding(core, market, standing) > core.futuresAvailable(market, pool.account[slot])) return false;
  // Cut down as soon as another order of the account shrinks the position.
  if ((pool.flags[slot] & REDUCE_ONLY) !== 0 && reducing < resting) return false;
  const closes = sells ? size > 0 : size < 0;
  if (closes && !closesSafely(core, market, slot, Math.min(lots, Math.abs(size)))) return false;
  return (closes && resting <= Math.abs(size)) || opensSafely(core, market, slot, lots);
}

function closesSafely(core: Core, market: MarketState, slot: number, lots: Lots): boolean {
  const { pool } = core;
  return closingGain(core, market, pool.standing[slot], pool.price[slot], lots, market.market.makerFee) >= ROUNDING;
}

/** What closing `lots` at `price` leaves of the margin it releases, after loss and fee; negative = what the wallet has to add. */
function closingGain({ standings }: Core, market: MarketState, standing: number, price: Ticks, lots: Lots, feeRate: Ppm): Amount {
  const size = standings.size[standing];
  const notional = price * lots * market.market.quotePerTickLot;
  const cost = costOf(size, standings.cost[standing], lots);
  const pnl = size > 0 ? notional - cost : cost - notional;
  return marginOf(size, standings.margin[standing], lots) + pnl - Math.max(0, feeOn(notional, feeRate));
}

/** Its own lock pays for opening all of it at the leverage and mark of now. */
function opensSafely(core: Core, market: MarketState, slot: number, lots: Lots): boolean {
  const { pool } = core;
  const standing = pool.standing[slot];
  const sells = (pool.flags[slot] & SELL) !== 0;
  const { quotePerTickLot, makerFee } = market.market;
  const price = pool.price[slot];
  const notional = price * lots * quotePerTickLot;
  const margin = mulDiv(notional, 1, core.leverageOf(market, standing), 'down');
  const need = margin + openingLoss(market.market, sells, price, lots, market.valuation) + Math.max(0, feeOn(notional, makerFee) - 1);
  if (need > mulDiv(pool.lock[slot], lots, pool.remaining[slot], 'down') || exceedsPosition(market.market, largest(core, market, standing, sells, price, 0))) return false;
  return startsSafely(core, market, standing, sells, price, lots, 0);
}

/** Notional of the largest position that the resting orders of a side and `more` lots can lead to. */
function largest({ standings }: Core, market: MarketState, standing: number, sells: boolean, price: Ticks, more: Lots): Amount {
  const size = standing < 0 ? 0 : standings.size[standing];
  const resting = standing < 0 ? 0 : sells ? standings.restingSell[standing] - size : standings.restingBuy[standing] + size;
  return Math.max(Math.abs(size), resting + more) * Math.max(price, market.valuation) * market.market.quotePerTickLot;
}

/** What opens stands above its maintenance margin, in the tier of the largest position that it can lead to. */
function startsSafely(core: Core, market: MarketState, standing: number, sells: boolean, price: Ticks, lots: Lots, more: Lots): boolean {
  const { risk, market: { quotePerTickLot } } = market;
  if (standing >= 0 && core.standings.called[standing] === 1) return false;
  const leverage = core.leverageOf(market, standing);
  const notional = largest(core, market, standing, sells, price, more);
  const tier = tierOf(risk, notional);
  const margin = mulDiv(price * lots * quotePerTickLot, 1, leverage, 'down');
  const maintenance = mulDiv(market.valuation * lots * quotePerTickLot, risk.maintenanceRates[tier], ONE, 'up');
  // One minor unit a lot is more than one a fill.
  return leverage <= tierLeverage(market, notional) && margin > maintenance + lots + ROUNDING;
}

/** The same for a taker that has to fill whole: it closes what it holds on the other side, opens the rest, and meets no price worse than `worst`. */
export function certainTaker(core: Core, market: MarketState, account: AccountId, side: Side, lots: Lots, worst: Ticks, lock: Amount): boolean {
  const standing = core.standings.find(account, market.market.id);
  const size = standing < 0 ? 0 : core.standings.size[standing];
  const closing = Math.min(lots, Math.max(0, side === 'buy' ? 0 - size : size));
  const available = core.futuresAvailable(market, account) - lock - unpaidFunding(core, market, standing);
  if (available < 0) return false;
  const gain = closing === 0 ? 0 : closingGain(core, market, standing, worst, closing, market.market.takerFee) - closing;
  if (gain < 0 && available + gain < 0) return false;
  if (closing === lots) return true;
  const best = side === 'buy' ? market.book.bestAsk() : market.book.bestBid();
  return (market.mark !== 0 || best === worst) && startsSafely(core, market, standing, side === 'sell', worst, lots - closing, lots);
}
