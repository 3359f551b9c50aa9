/** What a market lets through, given its status, limits and price band. Pure. */
import type { Market, MarketStatus } from './market.ts';
import type { MarketState } from './market-state.ts';
import { MAX_NOTIONAL } from './fill.ts';
import { ONE, tierOf } from './margin.ts';
import { mulDiv } from './mul-div.ts';
import { MAX_PRICE } from './price-tree.ts';
import { reject } from './reject.ts';
import type { Reject } from './reject.ts';
import type { Amount, Side, Ticks } from './units.ts';

/** How strict a status is: the stricter of an administrator's and the price feed's counts. */
const STRICTNESS: Readonly<Record<MarketStatus, number>> = { open: 0, reduce_only: 1, cancel_only: 2, pre_open: 3, halted: 4, settling: 5 };

export function effectiveStatus(market: Market): MarketStatus {
  const safety = market.safety === 'normal' ? 'open' : market.safety;
  return STRICTNESS[safety] > STRICTNESS[market.status] ? safety : market.status;
}

/**
 * New and amended orders: all of them in `open`; in `reduce_only` those that only reduce a position (so none on spot); none in any other status.
 * Orders may be canceled in every status.
 */
export function checkStatus(market: Market, reduceOnly: boolean): Reject | undefined {
  const status = effectiveStatus(market);
  if (status === 'open' || (status === 'reduce_only' && reduceOnly)) return undefined;
  if (status === 'reduce_only' && market.type === 'perpetual') return reject('MARKET_HALTED', `${market.symbol} takes only reduce-only orders now.`);
  return reject('MARKET_HALTED', `${market.symbol} takes no orders now (${status}); open orders can be canceled.`);
}

/**
 * A perpetual takes no orders before it has a mark: without one there is no band, no valuation and no liquidation, so that the first trades would
 * set the price at which the next ones make a profit.
 */
export function checkPriced(market: MarketState): Reject | undefined {
  if (!market.perpetual || market.mark !== 0) return undefined;
  return reject('MARKET_HALTED', `${market.market.symbol} takes no orders before its first price.`);
}

/** Whether no position may be worth that much in this market. */
export function exceedsPosition({ maxPosition }: Market, notional: Amount): boolean {
  return notional > MAX_NOTIONAL || (maxPosition !== 0 && notional > maxPosition);
}

/** The highest leverage that a position of this worth may have by its tier. */
export function tierLeverage({ risk }: MarketState, notional: Amount): number {
  return risk.leverages[tierOf(risk, notional)];
}

/** The highest leverage that a new position of this worth may have. */
export function allowedLeverage(market: MarketState, notional: Amount): number {
  return Math.min(market.market.maxLeverage, tierLeverage(market, notional));
}

/** Liquidation and funding go on while positions can still be reduced, and stand still while nothing can be traded or prices are not to be trusted. */
export function isRunning(market: Market): boolean {
  const status = effectiveStatus(market);
  return status === 'open' || status === 'reduce_only' || status === 'cancel_only';
}

/**
 * Margin leaves a position only while its mark can be trusted: where the market stands still, or the feed is silent and the mark with it, the position may have lost by now
 * what would be let out. More margin may be put in at any time.
 */
export function checkRelease(market: Market): Reject | undefined {
  if (isRunning(market) && market.safety === 'normal') return undefined;
  return reject('MARKET_HALTED', `${market.symbol} lets no margin out of positions now (${effectiveStatus(market)}); more may be put in.`);
}

/**
 * Lowest and highest price of the band around the mark (a spot market's is its index), without one around the last price: a market that has not traded while the world moved
 * on must be able to trade where the world is. Everything without a band or anything to measure it from.
 */
export function bandLow(market: MarketState): Ticks {
  const { priceBand } = market.market;
  const centre = market.valuation;
  return priceBand === 0 || centre === 0 ? 1 : Math.max(1, mulDiv(centre, ONE - priceBand, ONE, 'up'));
}

export function bandHigh(market: MarketState): Ticks {
  const { priceBand } = market.market;
  const centre = market.valuation;
  return priceBand === 0 || centre === 0 ? MAX_PRICE : Math.min(MAX_PRICE, mulDiv(centre, ONE + priceBand, ONE, 'down'));
}

/** The worst price at which a market order of this side may trade. */
export function bandLimit(market: MarketState, side: Side): Ticks {
  return side === 'buy' ? bandHigh(market) : bandLow(market);
}

export function checkBand(market: MarketState, price: Ticks): Reject | undefined {
  if (market.market.priceBand === 0) return undefined;
  const low = bandLow(market);
  const high = bandHigh(market);
  return price >= low && price <= high ? undefined : reject('PRICE_OUT_OF_BAND', `The price must be from ${market.words.price(low)} to ${market.words.price(high)} now.`);
}
