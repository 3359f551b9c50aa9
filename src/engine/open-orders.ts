/** Keeps the registers of open orders in step: pool, book, id and client-id look-up, account lists, sums per standing. Called by `apply` alone. */
import type { NewOrder } from './commands.ts';
import type { MarketState } from './market-state.ts';
import { packFlags, REDUCE_ONLY, RESTING, SELL } from './pool.ts';
import type { State } from './state.ts';
import type { AccountId, Amount, Lots, OrderId } from './units.ts';

/** The slot of a new order that does not rest yet. */
export function openOrder(state: State, id: OrderId, account: AccountId, order: NewOrder, lock: Amount): number {
  const { pool, standings } = state;
  const slot = pool.allocate();
  const standing = standings.open(account, order.market);
  pool.id[slot] = id;
  pool.account[slot] = account;
  pool.market[slot] = order.market;
  pool.standing[slot] = standing;
  pool.price[slot] = order.price;
  pool.quantity[slot] = order.quantity;
  pool.remaining[slot] = order.quantity;
  pool.filled[slot] = 0;
  pool.filledQuote[slot] = 0;
  pool.filledFee[slot] = 0;
  pool.lock[slot] = lock;
  pool.createdAt[slot] = state.time;
  pool.flags[slot] = packFlags(order);
  touch(state, slot);
  standings.openOrders[standing]++;
  state.slotByOrder.set(id, slot);
  if (order.clientOrderId !== '') {
    pool.setClientOrderId(slot, order.clientOrderId);
    state.orderByClientId.set(clientKey(account, order.clientOrderId), id);
  }
  linkNewest(state, slot);
  return slot;
}

export function clientKey(account: AccountId, clientOrderId: string): string {
  return `${account}:${clientOrderId}`;
}

/** Puts the order in front of its account's list: it must be the newest. */
export function linkNewest(state: State, slot: number): void {
  const { pool, newestOrder } = state;
  const account = pool.account[slot];
  const before = newestOrder[account];
  pool.nextOfAccount[slot] = before;
  pool.prevOfAccount[slot] = -1;
  if (before >= 0) pool.prevOfAccount[before] = slot;
  newestOrder[account] = slot;
}

export function touch(state: State, slot: number): void {
  state.pool.updatedAt[slot] = state.time;
  state.pool.seq[slot] = state.seq;
}

/** Puts the order at the back of its level. */
export function rest(state: State, market: MarketState, slot: number): void {
  market.book.add(slot);
  addResting(state, slot, state.pool.remaining[slot]);
}

/** Takes the order out of the book, if it stands there. */
export function unrest(state: State, market: MarketState, slot: number): void {
  if ((state.pool.flags[slot] & RESTING) === 0) return;
  market.book.remove(slot);
  addResting(state, slot, 0 - state.pool.remaining[slot]);
}

/** Lowers what is left of the order, in its place if it rests. */
export function shrink(state: State, market: MarketState, slot: number, by: Lots): void {
  const { pool } = state;
  if ((pool.flags[slot] & RESTING) === 0) {
    pool.remaining[slot] -= by;
    return;
  }
  market.book.reduce(slot, by);
  addResting(state, slot, 0 - by);
}

/** Forgets an order that has ended. */
export function dropOrder(state: State, market: MarketState, slot: number): void {
  const { pool, standings } = state;
  unrest(state, market, slot);
  standings.openOrders[pool.standing[slot]]--;
  state.slotByOrder.delete(pool.id[slot]);
  const account = pool.account[slot];
  const clientOrderId = pool.clientOrderId(slot);
  if (clientOrderId !== '') state.orderByClientId.delete(clientKey(account, clientOrderId));
  const newer = pool.prevOfAccount[slot];
  const older = pool.nextOfAccount[slot];
  if (newer < 0) state.newestOrder[account] = older;
  else pool.nextOfAccount[newer] = older;
  if (older >= 0) pool.prevOfAccount[older] = newer;
  pool.free(slot);
}

function addResting(state: State, slot: number, lots: Lots): void {
  const { pool, standings } = state;
  const standing = pool.standing[slot];
  const flags = pool.flags[slot];
  if ((flags & SELL) === 0) {
    standings.restingBuy[standing] += lots;
    if ((flags & REDUCE_ONLY) !== 0) standings.reducingBuy[standing] += lots;
  } else {
    standings.restingSell[standing] += lots;
    if ((flags & REDUCE_ONLY) !== 0) standings.reducingSell[standing] += lots;
  }
}
