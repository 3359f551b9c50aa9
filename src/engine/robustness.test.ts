/** What nobody sends in good faith, and figures at the edge of what can be counted: refused or handled, never thrown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kit, newOrder, ofType, PERP, spotSpec, USDT } from '../../tests/support/engine-kit.ts';
import type { Command, SelfTradePrevention } from './commands.ts';

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

test('what is no command, or only a part of one, is refused and not thrown', () => {
  const kit = Kit.create();
  const account = kit.user('trader', 10);
  const spec = { ...spotSpec({ base: 'BTC', symbol: 'BTC-USDT' }) };
  const order = newOrder({});
  const malformed: readonly unknown[] = [
    undefined, null, 7, 'place_order', [], {}, { type: 'nothing' }, { type: 'constructor' },
    { type: 'place_order', account }, { type: 'place_order', account, order: null }, { type: 'place_order', account, order: { ...order, market: 'constructor' } },
    { type: 'place_order', account, order: { ...order, market: [0] } }, ...[undefined, null, Number.NaN, [1], 10n].map((clientOrderId) => ({ type: 'place_order', account, order: { ...order, clientOrderId } })),
    { type: 'place_orders', account }, { type: 'place_orders', account, orders: [order, undefined] }, { type: 'replace_orders', account, cancel: undefined, place: [] },
    { type: 'replace_orders', account, cancel: [], place: 'all' }, { type: 'cancel_orders', account, orders: 'all' }, { type: 'cancel_orders', account, market: 'length' },
    { type: 'cancel_after', account, timeoutMs: 1, market: '0' }, { type: 'set_leverage', account, market: '1', leverage: 2 }, { type: 'adjust_margin', account, market: {}, amount: 1 },
    { type: 'set_safety', market: 'constructor', safety: 'halted', reason: '' }, { type: 'set_prices' }, { type: 'set_prices', prices: [null] }, { type: 'set_prices', prices: [{ market: '1', index: 5 }] },
    { type: 'create_market' }, { type: 'create_market', spec: { ...spec, tickSize: 1 } }, { type: 'create_market', spec: { ...spec, riskTiers: [null] } },
    { type: 'update_market', market: 0 }, { type: 'update_market', market: 0, changes: { riskTiers: 'none' } }, { type: 'update_market', market: 0, changes: { maxLeverage: 3n } },
    { type: 'update_market', market: 0, changes: { fundingIntervalMs: 5_000 } },
  ];
  for (const command of malformed) assert.equal(kit.refused(command as Command), 'VALIDATION_FAILED', JSON.stringify(command, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)));
  // Names that every object has are no settings of a market.
  const [{ market }] = ofType(kit.do({ type: 'update_market', market: 0, changes: JSON.parse('{"constructor":1,"toString":2,"__proto__":{"a":1},"makerFee":3}') as object }), 'market_updated');
  assert.deepEqual([Object.hasOwn(market, 'constructor'), Object.hasOwn(market, 'toString'), market.makerFee], [false, false, 3]);
  kit.engine.check();
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
