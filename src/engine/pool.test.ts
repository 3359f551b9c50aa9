import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewOrder } from './commands.ts';
import { OrderPool, packFlags, POST_ONLY, REDUCE_ONLY, selfTradePreventionOf, sideOf, timeInForceOf, typeOf } from './pool.ts';

test('flags give back what was packed, in every combination', () => {
  for (const side of ['buy', 'sell'] as const) {
    for (const type of ['limit', 'market'] as const) {
      for (const timeInForce of ['GTC', 'IOC', 'FOK'] as const) {
        for (const selfTradePrevention of ['expire_taker', 'expire_maker', 'expire_both', 'none'] as const) {
          for (const bit of [true, false]) {
            const order: NewOrder = { market: 0, side, type, price: 1, quantity: 1, timeInForce, postOnly: bit, reduceOnly: !bit, selfTradePrevention, clientOrderId: '' };
            const flags = packFlags(order);
            assert.deepEqual(
              [sideOf(flags), typeOf(flags), timeInForceOf(flags), selfTradePreventionOf(flags), (flags & POST_ONLY) !== 0, (flags & REDUCE_ONLY) !== 0],
              [side, type, timeInForce, selfTradePrevention, bit, !bit],
            );
          }
        }
      }
    }
  }
});

test('slots are distinct while live, keep their fields when the pool grows, and are used again after free', () => {
  const pool = new OrderPool();
  const slots = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    const slot = pool.allocate();
    pool.id[slot] = i;
    pool.setClientOrderId(slot, `c${i}`);
    slots.add(slot);
  }
  assert.equal(slots.size, 1000);
  assert.equal(pool.live, 1000);
  for (const slot of slots) assert.equal(pool.clientOrderId(slot), `c${pool.id[slot]}`);
  for (const slot of slots) pool.free(slot);
  assert.equal(pool.live, 0);
  for (let i = 0; i < 1000; i++) {
    const slot = pool.allocate();
    assert.ok(slots.delete(slot));
    assert.deepEqual([pool.clientOrderId(slot), pool.next[slot], pool.prev[slot], pool.nextOfAccount[slot], pool.prevOfAccount[slot]], ['', -1, -1, -1, -1]);
  }
});
