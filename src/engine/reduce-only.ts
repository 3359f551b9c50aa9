/** Keeps resting reduce-only orders within their position: when it shrinks, the newest are cut down or closed at once. */
import { closeOrder } from './close-order.ts';
import type { Core } from './core.ts';
import type { MarketState } from './market-state.ts';
import { REDUCE_ONLY, RESTING, SELL, sideOf } from './pool.ts';
import type { Lots } from './units.ts';

export function cutReduceOnly(core: Core, market: MarketState, standing: number): void {
  const { standings } = core;
  if (standings.reducingBuy[standing] === 0 && standings.reducingSell[standing] === 0) return;
  const size = standings.size[standing];
  cutSide(core, market, standing, 0, standings.reducingBuy[standing] - Math.max(0, 0 - size));
  cutSide(core, market, standing, SELL, standings.reducingSell[standing] - Math.max(0, size));
}

function cutSide(core: Core, market: MarketState, standing: number, side: number, excess: Lots): void {
  const { pool } = core;
  let slot = core.newestOrder[core.standings.account[standing]];
  while (excess > 0 && slot >= 0) {
    const older = pool.nextOfAccount[slot];
    const flags = pool.flags[slot];
    if (pool.standing[slot] === standing && (flags & (REDUCE_ONLY | RESTING | SELL)) === (REDUCE_ONLY | RESTING | side)) {
      const remaining = pool.remaining[slot];
      if (remaining <= excess) closeOrder(core, slot, 'canceled', 'reduce_only');
      else reduceOrder(core, market, slot, excess);
      excess -= remaining;
    }
    slot = older;
  }
}

function reduceOrder(core: Core, market: MarketState, slot: number, by: Lots): void {
  const { pool } = core;
  core.emit({
    seq: core.nextSeq, type: 'order_reduced', order: pool.id[slot], account: pool.account[slot], market: market.market.id, side: sideOf(pool.flags[slot]), price: pool.price[slot],
    by, remaining: pool.remaining[slot] - by, unlocked: 0, reason: 'reduce_only',
  });
}
