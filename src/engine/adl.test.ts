import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kit, newOrder, PERP } from '../../tests/support/engine-kit.ts';

const perp = (order: Parameters<typeof newOrder>[0]) => newOrder({ market: PERP, quantity: 1, ...order });

// Each long stands at its own entry price, so at the mark the order of profit is the order of entry, the lowest first in line.
test('in a market with more positions than are looked at, a fifth of them has each light', () => {
  const kit = Kit.create();
  kit.prices(100_000, 100_000);
  const short = kit.user('short', 500_000_000);
  const longs = Array.from({ length: 5_000 }, (_, n) => {
    const account = kit.user(`long${n}`, 10_000);
    kit.place(short, perp({ side: 'sell', price: 95_001 + n }));
    kit.place(account, perp({ side: 'buy', price: 95_001 + n }));
    return account;
  });
  kit.prices(100_001, 100_001);
  const lights = longs.map((account) => kit.engine.position(account, PERP)!.adlRank);
  for (let n = 1; n < lights.length; n++) assert.ok(lights[n] <= lights[n - 1], `long ${n} is not before the one that has more profit`);
  // 1,000 each; a sample of every second one is at most one position off at either end.
  for (let light = 1; light <= 5; light++) assert.ok(Math.abs(lights.filter((one) => one === light).length - 1_000) <= 4, `light ${light}`);
});
