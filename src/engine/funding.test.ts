import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kit, newOrder, ofType, PERP, perpSpec, SPOT, USDT } from '../../tests/support/engine-kit.ts';

const USD = 0;
const HOUR = 3_600_000;
const perp = (order: Parameters<typeof newOrder>[0]) => newOrder({ market: PERP, price: 300_000, quantity: 1_000, ...order });

function venue(spec = {}) {
  const kit = Kit.create({ perp: spec });
  kit.prices(300_000, 300_000);
  const long = kit.user('long', 10_000);
  const short = kit.user('short', 10_000);
  kit.place(short, perp({ side: 'sell' }));
  kit.place(long, perp({ side: 'buy' }));
  return { kit, long, short };
}

test('at the end of the interval longs pay shorts, to the last minor unit', () => {
  const { kit, long, short } = venue();
  const due = kit.engine.prices(PERP).nextFundingTime;
  assert.equal(due % (8 * HOUR), 0);
  assert.equal(kit.engine.nextTimer(), due);
  kit.prices(300_123, 300_123);
  const available = (account: number) => kit.engine.balance(account, USD).futuresAvailable;
  const before = [available(long), available(short)];
  kit.time = due - 1;
  assert.deepEqual(kit.do({ type: 'advance_time' }), []);
  kit.time = due;
  const events = kit.do({ type: 'advance_time' });
  // No premium, so interest: 0.01 % of 30,012.3.
  assert.deepEqual(ofType(events, 'funding_paid').map(({ account, amount }) => [account, amount]), [[long, -3.00123 * USDT], [short, 3.00123 * USDT]]);
  assert.deepEqual([available(long), available(short)], [before[0] - 3.00123 * USDT, before[1] + 3.00123 * USDT]);
  const [settled] = ofType(events, 'funding_settled');
  assert.deepEqual([settled.rate, settled.residue, settled.nextTime], [100, 0, due + 8 * HOUR]);
  kit.engine.check();
});

test('any accepted command lets funding happen when its time has come, once for a long pause', () => {
  const { kit, long } = venue();
  kit.time = kit.engine.prices(PERP).nextFundingTime + 20 * HOUR;
  const events = kit.place(long, { market: SPOT, price: 1, side: 'buy' });
  assert.equal(ofType(events, 'funding_settled').length, 1);
  assert.equal(kit.engine.prices(PERP).nextFundingTime, Math.ceil((kit.time + 1) / (8 * HOUR)) * 8 * HOUR);
});

test('another interval never puts off the funding that is due next', () => {
  const { kit, long } = venue();
  const due = kit.engine.prices(PERP).nextFundingTime;
  const every = (hours: number) => kit.do({ type: 'update_market', market: PERP, changes: { fundingIntervalMs: hours * HOUR } });
  const next = () => kit.engine.prices(PERP).nextFundingTime;
  kit.time = due - 1;
  every(7 * 24);
  assert.equal(next(), due, 'a longer one begins after it');
  assert.equal(kit.replay().prices(PERP).nextFundingTime, due);
  kit.time = due;
  const [settled] = ofType(kit.do({ type: 'advance_time' }), 'funding_settled');
  assert.deepEqual([settled.time, settled.nextTime % (7 * 24 * HOUR)], [due, 0]);
  // The epoch began on a Thursday; the week of 2023-11-14, a Tuesday, ends two days later.
  assert.equal(next(), Date.UTC(2023, 10, 16));
  every(1);
  assert.equal(next(), due + HOUR, 'a shorter one brings it forward');
  kit.time = next() + 5;
  const events = kit.do({ type: 'update_market', market: PERP, changes: { fundingIntervalMs: 8 * HOUR } });
  assert.deepEqual(ofType(events, 'funding_settled').map(({ time }) => time), [due + HOUR], 'overdue already, it is settled at once');
  assert.equal(ofType(events, 'funding_paid')[0].account, long);
});

test('a negative premium makes shorts pay', () => {
  const { kit, long, short } = venue();
  kit.order(long, perp({ side: 'buy', price: 299_000, quantity: 1 }));
  kit.order(short, perp({ side: 'sell', price: 299_400, quantity: 1 }));
  const [updated] = ofType(kit.prices(300_000, 300_000), 'prices_updated');
  // (30,000 − 29,940) ÷ 30,000 = 0.2 % below; + 0.05 %.
  assert.deepEqual([updated.premium, updated.fundingRate], [-2_000, -1_500]);
  kit.time = kit.engine.prices(PERP).nextFundingTime;
  const paid = ofType(kit.do({ type: 'advance_time' }), 'funding_paid');
  assert.deepEqual(paid.map(({ account, amount }) => [account, amount]), [[short, -45 * USDT], [long, 45 * USDT]]);
});

test('who has nothing available pays from margin, and receivers share what was paid', () => {
  const { kit, long, short } = venue({ interestRate: 500_000, fundingCap: 1_000_000 });
  kit.do({ type: 'transfer', account: long, asset: 'USDT', amount: kit.engine.balance(long, USD).futuresAvailable, from: 'futures', to: 'spot' });
  kit.order(short, perp({ side: 'sell', price: 400_000, quantity: 1 }));
  const bidder = kit.user('bidder', 10_000);
  kit.order(bidder, perp({ side: 'buy', price: 345_000, quantity: 1 }));
  // A premium of 15 % leaves 4,500 − 15 to pay of a margin of 3,000.
  kit.prices(300_000, 300_000);
  kit.time = kit.engine.prices(PERP).nextFundingTime;
  const events = kit.do({ type: 'advance_time' });
  const [payer, receiver] = ofType(events, 'funding_paid');
  assert.deepEqual([payer.account, payer.amount, payer.fromMargin, payer.position.margin], [long, -3_000 * USDT, 3_000 * USDT, 0]);
  assert.deepEqual([receiver.account, receiver.amount], [short, 3_000 * USDT]);
  assert.equal(ofType(events, 'position_liquidated').length, 1, 'and is liquidated for it');
  kit.engine.check();
});

test('a market that stands still settles at zero', () => {
  const { kit } = venue();
  kit.do({ type: 'update_market', market: PERP, changes: { status: 'halted' } });
  kit.time = kit.engine.prices(PERP).nextFundingTime;
  const events = kit.do({ type: 'advance_time' });
  assert.deepEqual(events.map((event) => event.type), ['funding_settled']);
});

test('the dead-man switch cancels what it covers when its time comes, unless it is renewed or disarmed', () => {
  const { kit, long } = venue();
  const order = kit.order(long, perp({ side: 'buy', price: 100_000, quantity: 1 }));
  const other = kit.order(long, { side: 'buy', price: 1_000 });
  const arm = (timeoutMs: number, market?: number) => kit.do({ type: 'cancel_after', account: long, timeoutMs, market });
  arm(1_000, PERP);
  assert.equal(kit.engine.nextTimer(), kit.time + 1_000);
  kit.time += 999;
  arm(1_000, PERP);
  kit.time += 999;
  assert.deepEqual(kit.do({ type: 'advance_time' }), []);
  kit.time += 1;
  const events = kit.do({ type: 'advance_time' });
  assert.deepEqual(ofType(events, 'order_closed').map((closed) => [closed.order, closed.reason]), [[order, 'dead_man_switch']]);
  assert.notEqual(kit.engine.order(other), undefined);
  arm(1_000);
  arm(1_000, PERP);
  arm(0);
  assert.deepEqual(arm(0), [], 'nothing is armed any more');
  arm(1_000, PERP);
  arm(0, PERP);
  kit.time += 5_000;
  assert.deepEqual(kit.do({ type: 'advance_time' }), []);
  arm(1);
  kit.time += 1;
  kit.do({ type: 'advance_time' });
  assert.equal(kit.engine.openOrders(long).length, 0);
  assert.equal(kit.refused({ type: 'cancel_after', account: long, timeoutMs: -1 }), 'VALIDATION_FAILED');
  assert.equal(kit.refused({ type: 'cancel_after', account: 77, timeoutMs: 1 }), 'NOT_FOUND');
});

test('where many positions have to be settled, one command does not settle every market', () => {
  const kit = Kit.create({ fundingPage: 10 });
  const other = kit.engine.markets.length;
  kit.do({ type: 'create_asset', code: 'ETH', scale: 8 });
  kit.do({ type: 'create_market', spec: perpSpec({ symbol: 'ETH-USDT-PERP', base: 'ETH' }) });
  for (const market of [PERP, other]) kit.do({ type: 'set_prices', prices: [{ market, index: 100_000, mark: 100_000 }] });
  const maker = kit.user('maker', 100_000_000);
  // Six positions in each: together more than the ten that one command has room for.
  for (const taker of Array.from({ length: 5 }, (_, n) => kit.user(`taker${n}`, 1_000))) {
    for (const market of [PERP, other]) {
      kit.place(maker, newOrder({ market, side: 'sell', price: 100_000, quantity: 1 }));
      kit.place(taker, newOrder({ market, side: 'buy', price: 100_000, quantity: 1 }));
    }
  }
  kit.time = kit.engine.nextTimer()!;
  const settled = () => ofType(kit.do({ type: 'advance_time' }), 'funding_settled').map(({ market }) => market);
  assert.deepEqual(settled(), [PERP]);
  assert.equal(kit.engine.nextTimer(), kit.time, 'the other is due as well');
  assert.deepEqual(settled(), [other]);
  assert.deepEqual(settled(), []);
});
