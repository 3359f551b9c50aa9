import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ASSETS, MARKET } from '../../tests/support/events.ts';
import { MAX_PRICE } from '../engine/price-tree.ts';
import type { Side } from '../engine/units.ts';
import { MarketUnits } from '../types/market-units.ts';
import { Ladder } from './ladder.ts';

const units = new MarketUnits(MARKET, ASSETS[MARKET.baseAsset], ASSETS[MARKET.quoteAsset]);

test('holds what a sorted list would hold, best first, wherever the prices lie', () => {
  const price = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: MAX_PRICE }), fc.constantFrom(1, MAX_PRICE));
  const change = fc.record({ price, lots: fc.integer({ min: 1, max: 9 }), remove: fc.boolean() });
  fc.assert(
    fc.property(fc.constantFrom<Side>('buy', 'sell'), fc.array(change, { maxLength: 200 }), fc.integer({ min: 1, max: 50 }), (side, changes, depth) => {
      const ladder = new Ladder(side, units);
      const model = new Map<number, number>();
      for (const { price, lots, remove } of changes) {
        const there = model.get(price) ?? 0;
        const by = remove ? -Math.min(lots, there) : lots;
        if (by === 0) continue;
        ladder.change(price, by);
        model.set(price, there + by);
        if (there + by === 0) model.delete(price);
        const expected = [...model].sort(([a], [b]) => (side === 'buy' ? b - a : a - b)).slice(0, depth);
        assert.deepEqual(ladder.top(depth).map((level) => [level.price, level.lots]), expected);
      }
    }),
  );
});

test('more is never taken than there is', () => {
  const ladder = new Ladder('sell', units);
  ladder.change(7, 3);
  assert.throws(() => ladder.change(7, -4), /level 7 would hold -1 lots/);
  assert.throws(() => ladder.change(8, -1), /level 8 would hold -1 lots/);
  assert.deepEqual(ladder.top(5).map(({ lots }) => lots), [3]);
});

// A sorted array takes minutes for this: each level moves all those behind it.
test('fills with two hundred thousand levels from either end', () => {
  for (const side of ['buy', 'sell'] as const) {
    const ladder = new Ladder(side, units);
    for (let i = 1; i <= 100_000; i++) {
      ladder.change(200_000 + i, i);
      ladder.change(200_001 - i, i);
    }
    assert.deepEqual(ladder.top(2).map(({ price }) => price), side === 'buy' ? [300_000, 299_999] : [100_001, 100_002]);
  }
});
