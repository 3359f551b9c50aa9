/**
 * The only writer of state: takes an event as decided and copies and adds it. The same function serves the leader, replicas, recovery and replay,
 * so nothing here may depend on anything but the state and the event.
 */
import type { Event, EventOf, FillSide } from './events.ts';
import { sameTiers } from './margin.ts';
import type { Market } from './market.ts';
import { MarketState, nextFunding } from './market-state.ts';
import { dropOrder, openOrder, rest, shrink, touch, unrest } from './open-orders.ts';
import { rewatch, setCalled, storePosition } from './positions.ts';
import { forEachPosting } from './postings.ts';
import { Settlement } from './settlement.ts';
import type { State } from './state.ts';
import { assertNever, INSURANCE } from './units.ts';
import type { MarketId, Millis } from './units.ts';

/** Throws when the event does not follow the state: a gap in seq, an order that is not open, money that is not there. */
export function apply(state: State, event: Event, time: Millis): void {
  if (event.seq !== state.seq + 1) throw new Error(`event ${event.seq} does not follow ${state.seq}`);
  state.seq = event.seq;
  state.time = time;
  forEachPosting(event, state.markets, state.post);
  switch (event.type) {
    case 'order_accepted': {
      const slot = openOrder(state, event.seq, event.account, event.order, event.lock);
      if (event.resting) rest(state, state.marketStates[event.order.market], slot);
      return;
    }
    case 'order_closed':
      return dropOrder(state, state.marketStates[event.market], openSlot(state, event.order));
    case 'trade':
      return applyTrade(state, event);
    case 'order_rested': {
      const slot = openSlot(state, event.order);
      rest(state, state.marketStates[event.market], slot);
      return touch(state, slot);
    }
    case 'order_reduced': {
      const slot = openSlot(state, event.order);
      shrink(state, state.marketStates[event.market], slot, event.by);
      state.pool.lock[slot] -= event.unlocked;
      return touch(state, slot);
    }
    case 'order_amended':
      return applyAmend(state, event);
    case 'deposited':
    case 'transferred':
    case 'insurance_funded':
    case 'position_liquidated':
      return;
    case 'asset_created':
      state.assets.push(event.asset);
      state.assetByCode.set(event.asset.code, event.asset);
      return;
    case 'market_created':
      return addMarket(state, event.market);
    case 'market_updated':
      return updateMarket(state, event);
    case 'account_opened':
      if (event.account !== state.kinds.length) throw new Error(`account ${event.account} does not follow ${state.kinds.length - 1}`);
      return state.openAccount(event.userId, event.kind);
    case 'leverage_set': {
      const standing = state.standings.open(event.account, event.market);
      state.standings.leverage[standing] = event.leverage;
      if (event.position !== undefined) storePosition(state, state.marketStates[event.market], standing, event.position);
      return;
    }
    case 'funding_paid':
      state.marketStates[event.market].settlement?.book(event);
      return storePosition(state, state.marketStates[event.market], state.standings.open(event.account, event.market), event.position);
    case 'margin_adjusted':
      return storePosition(state, state.marketStates[event.market], state.standings.open(event.account, event.market), event.position);
    case 'cancel_after_set':
      return state.deadlines.set(event.account, event.market, event.deadline);
    case 'prices_updated':
      return applyPrices(state, event);
    case 'margin_called':
    case 'margin_call_cleared':
      return setCalled(state, state.marketStates[event.market], state.standings.open(event.account, event.market), event.type === 'margin_called');
    case 'funding_started': {
      const market = state.marketStates[event.market];
      if (market.settlement !== undefined) throw new Error(`event ${event.seq} begins a settlement where one is under way`);
      state.beginSettlement(market, new Settlement(event, market.openInterest), event.nextTime);
      return beginInterval(market);
    }
    case 'funding_deferred':
      settlementOf(state, event.market).changed.set(event.account, event.size);
      return;
    case 'funding_advanced':
      return settlementOf(state, event.market).advance(event);
    case 'funding_settled': {
      const market = state.marketStates[event.market];
      // The next interval began when the settlement did.
      if (market.settlement === undefined) beginInterval(market);
      else state.endSettlement(market);
      return state.setNextFunding(market, event.nextTime);
    }
    case 'noted':
      return;
    default:
      return assertNever(event);
  }
}

function openSlot(state: State, order: number): number {
  const slot = state.slotOf(order);
  if (slot < 0) throw new Error(`order ${order} is not open`);
  return slot;
}

function settlementOf(state: State, market: MarketId): Settlement {
  const { settlement } = state.marketStates[market];
  if (settlement === undefined) throw new Error(`no settlement of market ${market} is under way`);
  return settlement;
}

function beginInterval(market: MarketState): void {
  market.premiumSum = 0;
  market.premiumCount = 0;
}

/** The maker's side first: where both are one account, the taker's position follows from the maker's. */
function applyTrade(state: State, event: EventOf<'trade'>): void {
  const market = state.marketStates[event.market];
  // Takeovers and auto-deleveraging happen beside the book at a price nobody quoted.
  if (event.cause === 'order' || event.cause === 'liquidation') market.last = event.price;
  if (market.settlement !== undefined) {
    market.settlement.change(event.maker.account);
    market.settlement.change(event.taker.account);
  }
  applySide(state, market, event.maker, event.quantity);
  applySide(state, market, event.taker, event.quantity);
}

function applySide(state: State, market: MarketState, side: FillSide, quantity: number): void {
  if (side.order !== 0) {
    const { pool } = state;
    const slot = openSlot(state, side.order);
    shrink(state, market, slot, quantity);
    pool.filled[slot] = side.filled;
    pool.filledQuote[slot] = side.filledQuote;
    pool.filledFee[slot] = side.filledFee;
    pool.lock[slot] -= side.unlocked;
    if (side.remaining === 0) dropOrder(state, market, slot);
    else touch(state, slot);
  }
  if (side.position !== undefined) storePosition(state, market, state.standings.open(side.account, market.market.id), side.position);
}

function applyAmend(state: State, event: EventOf<'order_amended'>): void {
  const { pool } = state;
  const market = state.marketStates[event.market];
  const slot = openSlot(state, event.order);
  if (event.keepsPriority) {
    shrink(state, market, slot, pool.remaining[slot] - event.remaining);
  } else {
    unrest(state, market, slot);
    pool.price[slot] = event.price;
    pool.remaining[slot] = event.remaining;
    if (event.resting) rest(state, market, slot);
  }
  pool.quantity[slot] = event.quantity;
  pool.lock[slot] += event.lockDelta;
  touch(state, slot);
}

function addMarket(state: State, market: Market): void {
  const added = new MarketState(market, state.assets, state.pool, state.standings);
  state.markets.push(market);
  state.marketStates.push(added);
  if (added.perpetual) state.setNextFunding(added, nextFunding(state.time, market.fundingIntervalMs));
  state.marketBySymbol.set(market.symbol, market);
}

function updateMarket(state: State, { market, nextFundingTime, keptLeverage }: EventOf<'market_updated'>): void {
  const updated = state.marketStates[market.id];
  const tiersChanged = !sameTiers(market.riskTiers, updated.market.riskTiers);
  const intervalChanged = market.fundingIntervalMs !== updated.market.fundingIntervalMs;
  if (keptLeverage !== undefined) keepLeverage(state, market.id, keptLeverage);
  updated.update(market);
  state.markets[market.id] = market;
  state.marketBySymbol.set(market.symbol, market);
  if (intervalChanged) state.setNextFunding(updated, nextFundingTime ?? nextFunding(state.time, market.fundingIntervalMs));
  if (tiersChanged) rewatch(state, updated);
  state.alarm();
}

/** The insurance fund keeps none: nobody could ever set it anew. */
function keepLeverage({ standings }: State, market: MarketId, leverage: number): void {
  for (let standing = 0; standing < standings.count; standing++) {
    if (standings.market[standing] !== market || standings.leverage[standing] !== 0 || standings.account[standing] === INSURANCE) continue;
    if (standings.size[standing] !== 0 || standings.openOrders[standing] > 0) standings.leverage[standing] = leverage;
  }
}

function applyPrices(state: State, event: EventOf<'prices_updated'>): void {
  const market = state.marketStates[event.market];
  market.index = event.index;
  market.mark = event.mark;
  market.manualMark = event.manualMark;
  market.fundingRate = event.fundingRate;
  market.updatedAt = state.time;
  market.version++;
  state.unvisited = true;
  if (!event.sampled) return;
  market.addSample({ time: state.time, basis: event.basis });
  market.premiumSum += event.premium;
  market.premiumCount++;
}

