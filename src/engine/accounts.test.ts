import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kit, newOrder, PERP, USDT } from '../../tests/support/engine-kit.ts';
import { MAX_SUPPLY } from './accounts.ts';
import type { Amount } from './units.ts';

/** More of an asset than this can be held in all, and not a minor unit more comes in by any way. */
function requireRoom(kit: Kit, account: number, room: Amount): void {
  const ways = [
    { type: 'deposit', account, asset: 'USDT', wallet: 'spot' },
    { type: 'deposit', account, asset: 'USDT', wallet: 'futures' },
    { type: 'fund_insurance', asset: 'USDT' },
  ] as const;
  for (const way of ways) assert.equal(kit.refused({ ...way, amount: room + 1 }), 'VALIDATION_FAILED', JSON.stringify(way));
  kit.do({ ...ways[0], amount: room });
  assert.equal(kit.refused({ ...ways[1], amount: 1 }), 'VALIDATION_FAILED');
  kit.engine.check();
}

test('what came in is limited, whoever has it', () => {
  const kit = Kit.create();
  const ann = kit.user('ann', 1_000);
  kit.do({ type: 'fund_insurance', asset: 'USDT', amount: 500 * USDT });
  requireRoom(kit, ann, MAX_SUPPLY - 2_500 * USDT);
  assert.equal(kit.engine.execute({ type: 'deposit', account: ann, asset: 'BTC', amount: MAX_SUPPLY, wallet: 'spot' }, kit.time).ok, true, 'each asset has a limit of its own');
});

test('a profit that was paid out before the other side had to pay counts as well', () => {
  const kit = Kit.create();
  kit.prices(300_000, 300_000);
  const [long, short, next] = [kit.user('long', 10_000), kit.user('short', 100_000), kit.user('next', 100_000)];
  const perp = (side: 'buy' | 'sell', price: number) => newOrder({ market: PERP, side, price, quantity: 1_000 });
  kit.place(short, perp('sell', 300_000));
  kit.place(long, perp('buy', 300_000));
  kit.prices(310_000, 310_000);
  // It sells at 31,000 what it bought at 30,000: a profit of 1,000, which the short has not lost yet.
  kit.place(next, perp('buy', 310_000));
  kit.place(long, perp('sell', 310_000));
  const [{ external }] = kit.engine.audit();
  assert.equal(external, -420_000 * USDT);
  requireRoom(kit, long, MAX_SUPPLY - 421_000 * USDT);
});
