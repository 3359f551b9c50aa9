/** What nobody sends in good faith, and figures at the edge of what can be counted: refused or handled, never thrown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kit, newOrder, ofType, PERP, USDT } from './engine-kit.ts';
import type { SelfTradePrevention } from './commands.ts';

const perp = { market: PERP } as const;

test('an account is a whole number', () => {
  const kit = Kit.create();
  kit.user('first', 10);
  kit.user('second', 10);
  const hash = kit.engine.stateHash();
  for (const account of [2.5, Number.NaN, -2, 0, 1, 4, 2 ** 53, Infinity]) {
    assert.equal(kit.refused({ type: 'deposit', account, asset: 'USDT', amount: 1, wallet: 'spot' }), 'NOT_FOUND', `deposit to ${account}`);
    assert.equal(kit.refused({ type: 'place_order', account, order: newOrder({}) }), 'NOT_FOUND', `order of ${account}`);
    assert.equal(kit.refused({ type: 'cancel_after', account, timeoutMs: 5 }), 'NOT_FOUND', `switch of ${account}`);
  }
  assert.equal(kit.engine.stateHash(), hash);
});

test('an unknown way of self-trade prevention is refused', () => {
  const kit = Kit.create();
  const account = kit.user('trader', 10);
  assert.equal(kit.refused({ type: 'place_order', account, order: newOrder({ selfTradePrevention: 'expire_all' as SelfTradePrevention }) }), 'VALIDATION_FAILED');
});

test('quotes a thousandfold above the index cost at most the notional in funding, without a cap as well', () => {
  const kit = Kit.create({ perp: { fundingCap: 0, interestRate: 0, makerFee: 0, takerFee: 0 } });
  const short = kit.user('short', 900_000_000);
  const long = kit.user('long', 900_000_000);
  kit.prices(100, 100);
  for (const account of [short, long]) kit.do({ type: 'set_leverage', account, market: PERP, leverage: 1 });
  kit.order(short, { ...perp, side: 'sell', price: 100, quantity: 100_000 });
  kit.order(long, { ...perp, side: 'buy', price: 100, quantity: 100_000 });
  const quoting = kit.user('quoting', 100_000);
  kit.order(quoting, { ...perp, side: 'buy', price: 100_000, quantity: 1 });
  kit.order(quoting, { ...perp, side: 'sell', price: 100_001, quantity: 1 });
  for (let n = 0; n < 20; n++) {
    kit.time += 1_000;
    kit.prices(100, 100);
  }
  kit.time += 28_800_000;
  const events = kit.do({ type: 'advance_time' });
  // Notional 100 ticks × 100,000 lots × 100 minor units = 1,000 USDT.
  assert.deepEqual(ofType(events, 'funding_paid').map(({ account, rate, amount }) => [account, rate, amount]), [[long, 999_500, -999_500_000], [short, 999_500, 999_500_000]]);
  assert.equal(ofType(events, 'funding_settled')[0].residue, 0);
  kit.engine.check();
});

for (const [name, limits] of Object.entries({ 'of at most three lots': { maxQuantity: 3 }, 'within a band of 0.2 %': { priceBand: 2_000 } })) {
  test(`the insurance fund works its position off by orders ${name}`, () => {
    const kit = Kit.create({ perp: { makerFee: 0, takerFee: 0 } });
    kit.do({ type: 'fund_insurance', asset: 'USDT', amount: 100 * USDT });
    const long = kit.user('long', 100);
    const short = kit.user('short', 100);
    const buyer = kit.user('buyer', 1_000);
    kit.prices(1_000, 1_000);
    kit.order(short, { ...perp, side: 'sell', price: 1_000, quantity: 10 });
    kit.order(long, { ...perp, side: 'buy', price: 1_000, quantity: 10 });
    kit.prices(905, 905);
    assert.equal(kit.engine.position(1, PERP)?.size, 10, 'the fund took over');
    kit.do({ type: 'update_market', market: PERP, changes: limits });
    kit.order(buyer, { ...perp, side: 'buy', price: 905, quantity: 3 });
    kit.prices(905, 905);
    assert.equal(kit.engine.position(1, PERP)?.size, 7);
    kit.engine.check();
  });
}

test('a price is checked without a look at positions that can be counted together', () => {
  const kit = Kit.create();
  const long = kit.user('long', 1_000_000);
  const short = kit.user('short', 1_000_000);
  kit.prices(1_000, 1_000);
  kit.order(short, { ...perp, side: 'sell', price: 1_000, quantity: 5_000_000 });
  kit.order(long, { ...perp, side: 'buy', price: 1_000, quantity: 5_000_000 });
  // 5,000,000 lots × 100 minor units a tick: beyond 18,014,398 ticks a position is worth more than 2^53 - 1.
  assert.equal(kit.refused({ type: 'set_prices', prices: [{ market: PERP, index: 18_014_399 }] }), 'RISK_REJECTED');
  assert.equal(kit.refused({ type: 'set_prices', prices: [{ market: PERP, index: 1_000, mark: 18_014_399 }] }), 'RISK_REJECTED');
  assert.equal(kit.engine.position(long, PERP)?.size, 5_000_000);
  kit.prices(18_014_398, 1_000);
  kit.engine.check();
});
