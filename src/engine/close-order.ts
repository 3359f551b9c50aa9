/** Ends an open order, whoever or whatever ended it. */
import type { Core } from './core.ts';
import type { CloseReason } from './events.ts';
import { RESTING, sideOf } from './pool.ts';

/** Ends an open order, resting or not. */
export function closeOrder(core: Core, slot: number, status: 'canceled' | 'expired', reason: CloseReason): void {
  const { pool } = core;
  const flags = pool.flags[slot];
  core.emit({
    seq: core.nextSeq, type: 'order_closed', order: pool.id[slot], account: pool.account[slot], market: pool.market[slot], side: sideOf(flags), price: pool.price[slot],
    remaining: pool.remaining[slot], resting: (flags & RESTING) !== 0, unlocked: pool.lock[slot], status, reason,
  });
}
