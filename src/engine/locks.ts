/** What an order must set aside. Pure. */
import { ONE } from './margin.ts';
import type { Market } from './market.ts';
import { mulDiv } from './mul-div.ts';
import type { Amount, Lots, Ticks } from './units.ts';

/** Spot, limit order: the base it sells, or price × quantity in quote; the buyer's fee is taken from the base received. */
export function spotLock(market: Market, sells: boolean, price: Ticks, quantity: Lots): Amount {
  return sells ? quantity * market.basePerLot : price * quantity * market.quotePerTickLot;
}

/** Notional ÷ leverage + worst-case loss against the mark + the dearer of the two fees, each rounded up. */
export function perpetualLock(market: Market, notional: Amount, loss: Amount, leverage: number): Amount {
  const feeRate = Math.max(market.takerFee, market.makerFee, 0);
  return mulDiv(notional, 1, leverage, 'up') + loss + mulDiv(notional, feeRate, ONE, 'up');
}

/** Loss against the mark of opening at `price`; 0 without a mark. */
export function openingLoss(market: Market, sells: boolean, price: Ticks, quantity: Lots, mark: Ticks): Amount {
  if (mark === 0) return 0;
  return Math.max(0, sells ? mark - price : price - mark) * quantity * market.quotePerTickLot;
}
