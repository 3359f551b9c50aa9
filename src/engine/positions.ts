/** Writes a position and keeps what hangs on it: open interest, the market's list of positions, and the heaps by the mark that concerns it next. Called by `apply` alone. */
import { LIQUIDATION_QUARTERS, MARGIN_CALL_QUARTERS, thresholdTick } from './margin.ts';
import type { Exposure } from './margin.ts';
import type { MarketState } from './market-state.ts';
import type { PositionState } from './events.ts';
import { MAX_PRICE } from './price-tree.ts';
import type { State } from './state.ts';
import type { Ticks } from './units.ts';

/** One object for all look-ups of an exposure: read it before asking for the next. */
const scratch = { size: 0, cost: 0, margin: 0 };

export function exposureOf(state: State, standing: number): Exposure {
  const { standings } = state;
  scratch.size = standings.size[standing];
  scratch.cost = standings.cost[standing];
  scratch.margin = standings.margin[standing];
  return scratch;
}

/** A position that closes or changes sides loses its margin call. */
export function storePosition(state: State, market: MarketState, standing: number, position: PositionState): void {
  const { standings } = state;
  const before = standings.size[standing];
  const after = position.size;
  market.openInterest += Math.max(after, 0) - Math.max(before, 0);
  standings.size[standing] = after;
  standings.cost[standing] = position.cost;
  standings.margin[standing] = position.margin;
  standings.realized[standing] = after === 0 ? 0 : position.realized;
  standings.updatedAt[standing] = state.time;
  standings.seq[standing] = state.seq;
  if (Math.sign(before) !== Math.sign(after)) {
    unwatch(market, standing, before);
    standings.called[standing] = 0;
    if (before === 0) list(state, market, standing);
    if (after === 0) unlist(state, market, standing);
  }
  if (after !== 0) watch(state, market, standing);
}

export function setCalled(state: State, market: MarketState, standing: number, called: boolean): void {
  unwatch(market, standing, state.standings.size[standing]);
  state.standings.called[standing] = called ? 1 : 0;
  watch(state, market, standing);
}

/** Puts the position where its next adverse mark, and its recovery, will find it. */
export function watch(state: State, market: MarketState, standing: number): void {
  const { standings } = state;
  const { quotePerTickLot } = market.market;
  const long = standings.size[standing] > 0;
  const tie = standings.account[standing];
  const called = standings.called[standing] === 1;
  const exposure = exposureOf(state, standing);
  const next = thresholdTick(market.risk, exposure, quotePerTickLot, called ? LIQUIDATION_QUARTERS : MARGIN_CALL_QUARTERS);
  const adverse = long ? market.adverseLong : market.adverseShort;
  if (next === 0) {
    adverse.remove(standing);
  } else {
    adverse.set(standing, next, tie);
    if (market.mark !== 0 && (long ? market.mark <= next : market.mark >= next)) state.alarm();
  }
  if (!called) return;
  const call = thresholdTick(market.risk, exposure, quotePerTickLot, MARGIN_CALL_QUARTERS);
  const recovery = long ? market.recoveryLong : market.recoveryShort;
  // A short that no price can call has recovered at any.
  const recovered = call === 0 && !long ? MAX_PRICE + 1 : call;
  recovery.set(standing, recovered, tie);
  if (market.mark !== 0 && (long ? market.mark > recovered : market.mark < recovered)) state.alarm();
}

function unwatch(market: MarketState, standing: number, size: number): void {
  if (size === 0) return;
  (size > 0 ? market.adverseLong : market.adverseShort).remove(standing);
  (size > 0 ? market.recoveryLong : market.recoveryShort).remove(standing);
}

/** Places all positions anew, after tiers changed. */
export function rewatch(state: State, market: MarketState): void {
  for (const standing of market.positions) watch(state, market, standing);
}

function list(state: State, market: MarketState, standing: number): void {
  state.standings.listed[standing] = market.positions.push(standing) - 1;
}

function unlist(state: State, market: MarketState, standing: number): void {
  const { listed } = state.standings;
  const place = listed[standing];
  const last = market.positions.pop()!;
  if (last !== standing) {
    market.positions[place] = last;
    listed[last] = place;
  }
  listed[standing] = -1;
}

/** The mark at which the position is liquidated; 0 = none. */
export function liquidationTick(state: State, market: MarketState, standing: number): Ticks {
  return thresholdTick(market.risk, exposureOf(state, standing), market.market.quotePerTickLot, LIQUIDATION_QUARTERS);
}
