import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Core } from './core.ts';
import { Kit, newOrder, PERP } from '../../tests/support/engine-kit.ts';
import { decodeState } from './snapshot.ts';

/** Whether the tables of orders and of standings grow when so many entries follow those that were restored. */
function growth(entries: number, more: number): { readonly orders: boolean; readonly standings: boolean } {
  const kit = Kit.create();
  kit.prices(1_000, 1_000);
  const users = Array.from({ length: entries }, (_, n) => kit.user(`user-${n}`, 1_000));
  for (const user of users) kit.order(user, newOrder({ market: PERP, side: 'sell', price: 1_000 }));
  const core = new Core();
  decodeState(core, kit.engine.snapshot());
  assert.deepEqual([core.pool.live, core.standings.count], [entries, entries]);
  const [ids, accounts] = [core.pool.id, core.standings.account];
  for (let n = 0; n < more; n++) {
    core.pool.allocate();
    core.standings.open(1_000 + n, PERP);
  }
  return { orders: core.pool.id !== ids, standings: core.standings.account !== accounts };
}

test('tables that are nearly full when they are restored grow then, and not soon after', () => {
  // In tables of 64, of which four fifths are 51.2.
  assert.deepEqual(growth(52, 128 - 52), { orders: false, standings: false });
  assert.deepEqual(growth(52, 129 - 52), { orders: true, standings: true });
  assert.deepEqual(growth(51, 64 - 51), { orders: false, standings: false });
  assert.deepEqual(growth(51, 65 - 51), { orders: true, standings: true });
});
