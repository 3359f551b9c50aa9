/** Placing, amending and canceling orders: admission first, then the book. */
import { admission, admit, checkEntry, checkMarket, checkSize } from './admission.ts';
import { closeOrder } from './close-order.ts';
import type { NewOrder } from './commands.ts';
import type { Core } from './core.ts';
import type { ItemResult } from './events.ts';
import type { MarketState } from './market-state.ts';
import { match } from './match.ts';
import { POST_ONLY, REDUCE_ONLY, selfTradePreventionOf, sideOf, timeInForceOf, typeOf } from './pool.ts';
import { cutReduceOnly } from './reduce-only.ts';
import { reject } from './reject.ts';
import type { Reject } from './reject.ts';
import { mulDiv } from './mul-div.ts';
import type { AccountId, Amount, Lots, MarketId, OrderId, Ticks } from './units.ts';

/** The new order's id, or why it was refused. */
export function placeOrder(core: Core, account: AccountId, order: NewOrder): OrderId | Reject {
  const refused = admit(core, account, order);
  if (refused !== undefined) return refused;
  const { quantity, lock, limit, crosses } = admission;
  const market = core.marketStates[order.market];
  const id = core.nextSeq;
  const resting = !crosses && order.timeInForce === 'GTC';
  core.emit({ seq: id, type: 'order_accepted', account, order: quantity === order.quantity ? order : { ...order, quantity }, lock, resting });
  if (!resting) take(core, market, core.slotOf(id), limit);
  return id;
}

/** Trades what the book gives, then rests or ends what is left. */
function take(core: Core, market: MarketState, slot: number, limit: Ticks): void {
  if (!match(core, market, slot, limit)) return;
  const { pool } = core;
  const flags = pool.flags[slot];
  if (typeOf(flags) === 'market') return closeOrder(core, slot, 'expired', 'market_order');
  if (timeInForceOf(flags) !== 'GTC') return closeOrder(core, slot, 'expired', 'immediate_or_cancel');
  const standing = pool.standing[slot];
  core.emit({
    seq: core.nextSeq, type: 'order_rested', order: pool.id[slot], account: pool.account[slot], market: market.market.id, side: sideOf(flags), price: pool.price[slot], remaining: pool.remaining[slot],
  });
  cutReduceOnly(core, market, standing);
}

/** Several orders, each with its own result. */
export function placeOrders(core: Core, account: AccountId, orders: readonly NewOrder[]): ItemResult[] {
  return orders.map((order) => itemResult(placeOrder(core, account, order)));
}

function itemResult(outcome: OrderId | Reject): ItemResult {
  return typeof outcome === 'number' ? { ok: true, order: outcome } : outcome;
}

/** Slot of an open order of this account; -1 for any other, so that nobody learns of orders that are not theirs. */
function ownSlot(core: Core, account: AccountId, order: OrderId): number {
  const slot = Number.isSafeInteger(order) && order > 0 ? core.slotOf(order) : -1;
  return slot >= 0 && core.pool.account[slot] === account ? slot : -1;
}

function notOpen(order: OrderId): Reject {
  return reject('ORDER_NOT_OPEN', `Order ${order} is not open.`);
}

export function cancelOrder(core: Core, account: AccountId, order: OrderId): OrderId | Reject {
  const slot = ownSlot(core, account, order);
  if (slot < 0) return notOpen(order);
  closeOrder(core, slot, 'canceled', 'user');
  return order;
}

export function cancelOrders(core: Core, account: AccountId, orders: readonly OrderId[]): ItemResult[] {
  return orders.map((order) => itemResult(cancelOrder(core, account, order)));
}

/** All open orders of the account, newest first; `market` -1 = in all markets. */
export function cancelAll(core: Core, account: AccountId, market: MarketId | -1, reason: 'user' | 'dead_man_switch' | 'liquidation'): void {
  const { pool } = core;
  for (let slot = core.newestOrder[account]; slot >= 0; ) {
    const older = pool.nextOfAccount[slot];
    if (market === -1 || pool.market[slot] === market) closeOrder(core, slot, 'canceled', reason);
    slot = older;
  }
}

/** Lower quantity at the same price keeps the place in the queue; anything else goes to the back of its level, or takes. */
export function amendOrder(core: Core, account: AccountId, order: OrderId, price: Ticks | undefined, quantity: Lots | undefined): OrderId | Reject {
  const slot = ownSlot(core, account, order);
  if (slot < 0) return notOpen(order);
  const { pool } = core;
  const market = core.marketStates[pool.market[slot]];
  const total = quantity ?? pool.filled[slot] + pool.remaining[slot];
  const amended = amendedOrder(core, slot, price ?? pool.price[slot], total);
  const shrinks = amended.price === pool.price[slot] && amended.quantity <= pool.remaining[slot];
  // To ask for less where it stands is to cancel a part, which is always possible.
  const check = shrinks ? checkSize : checkMarket;
  const refused = check(market, { ...amended, quantity: total });
  if (refused !== undefined) return refused;
  if (amended.quantity <= 0) return reject('QUANTITY_BELOW_FILLED', `${market.words.quantity(pool.filled[slot])} is filled already; the new total must be more.`);
  if (shrinks) {
    emitAmended(core, slot, amended.price, amended.quantity, lockDeltaOf(core, market, slot, amended.quantity), true, true);
    return order;
  }
  const notEntered = checkEntry(core, market, account, amended, { lots: pool.remaining[slot], lock: pool.lock[slot] });
  if (notEntered !== undefined) return notEntered;
  const { lock, limit, crosses } = admission;
  emitAmended(core, slot, amended.price, admission.quantity, lock - pool.lock[slot], false, !crosses);
  if (crosses) take(core, market, slot, limit);
  return order;
}

/** What is to stand of the order: `quantity` is what is left of the new total. */
function amendedOrder(core: Core, slot: number, price: Ticks, total: Lots): NewOrder {
  const { pool } = core;
  const flags = pool.flags[slot];
  return {
    market: pool.market[slot], side: sideOf(flags), type: 'limit', price, quantity: total - pool.filled[slot], timeInForce: 'GTC', postOnly: (flags & POST_ONLY) !== 0,
    reduceOnly: (flags & REDUCE_ONLY) !== 0, selfTradePrevention: selfTradePreventionOf(flags), clientOrderId: '',
  };
}

/** Of a lower quantity: spot exactly its share, a perpetual's share rounded against the user. */
function lockDeltaOf(core: Core, market: MarketState, slot: number, remaining: Lots): Amount {
  const { pool } = core;
  const lock = pool.lock[slot];
  return lock === 0 ? 0 : mulDiv(lock, remaining, pool.remaining[slot], market.perpetual ? 'up' : 'down') - lock;
}

function emitAmended(core: Core, slot: number, price: Ticks, remaining: Lots, lockDelta: Amount, keepsPriority: boolean, resting: boolean): void {
  const { pool } = core;
  core.emit({
    seq: core.nextSeq, type: 'order_amended', order: pool.id[slot], account: pool.account[slot], market: pool.market[slot], side: sideOf(pool.flags[slot]), oldPrice: pool.price[slot],
    oldRemaining: pool.remaining[slot], price, quantity: pool.filled[slot] + remaining, remaining, lockDelta, keepsPriority, resting,
  });
}
