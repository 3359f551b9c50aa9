import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Core } from './core.ts';
import { Kit, newOrder, PERP } from '../../tests/support/engine-kit.ts';
import { decodeState } from './snapshot.ts';

test('what is restored has room for as many orders and standings again before its tables grow', () => {
  const kit = Kit.create();
  kit.prices(1_000, 1_000);
  // Forty, in tables of 64.
  const users = Array.from({ length: 40 }, (_, n) => kit.user(`user-${n}`, 1_000));
  for (const user of users) kit.order(user, newOrder({ market: PERP, side: 'sell', price: 1_000 }));
  const core = new Core();
  decodeState(core, kit.engine.snapshot());
  assert.deepEqual([core.pool.live, core.standings.count], [40, 40]);
  const [ids, accounts] = [core.pool.id, core.standings.account];
  for (let n = 0; n < 40; n++) {
    core.pool.allocate();
    core.standings.open(100 + n, PERP);
  }
  assert.ok(core.pool.id === ids, 'orders');
  assert.ok(core.standings.account === accounts, 'standings');
});
