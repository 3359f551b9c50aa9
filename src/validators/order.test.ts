import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../types/refusal.ts';
import { amendOrder, cancelAfter, cancelBatch, newOrder, orderBatch, ordersQuery } from './order.ts';
import { parse } from './parse.ts';

const LIMIT = { symbol: 'BTC-USDT', side: 'buy', type: 'limit', quantity: '0.5', price: '30000' };
const MARKET = { symbol: 'BTC-USDT', side: 'sell', type: 'market', quantity: '0.5' };

/** The paths that a refusal names. */
function refusedPaths(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof Refusal);
    assert.equal(error.code, 'VALIDATION_FAILED');
    return (error.errors ?? []).map(({ path }) => path);
  }
  return [];
}

test('an order is accepted as it was written', () => {
  for (const order of [
    LIMIT,
    { ...LIMIT, postOnly: true, clientOrderId: 'a.b_c-1' },
    { ...LIMIT, timeInForce: 'FOK', selfTradePrevention: 'none', reduceOnly: true },
    MARKET,
    { ...MARKET, timeInForce: 'FOK' },
  ]) {
    assert.deepEqual(parse(newOrder, order), order);
  }
});

const REFUSED: Readonly<Record<string, readonly [unknown, string]>> = {
  'is no object': [null, ''],
  'is a list': [[LIMIT], ''],
  'has a field that is not known': [{ ...LIMIT, stopPrice: '29000' }, 'stopPrice'],
  'would set what is not its own': [{ ...LIMIT, account: 3 }, 'account'],
  'has a type that is not offered': [{ ...LIMIT, type: 'stop_limit' }, 'type'],
  'has a time in force that is not offered': [{ ...LIMIT, timeInForce: 'GTD' }, 'timeInForce'],
  'has no side': [{ ...LIMIT, side: undefined }, 'side'],
  'has a side of another case': [{ ...LIMIT, side: 'BUY' }, 'side'],
  'has a number for a quantity': [{ ...LIMIT, quantity: 0.5 }, 'quantity'],
  'has no quantity': [{ ...LIMIT, quantity: '0' }, 'quantity'],
  'has a negative quantity': [{ ...LIMIT, quantity: '-1' }, 'quantity'],
  'has a price with an exponent': [{ ...LIMIT, price: '3e4' }, 'price'],
  'has a list for a symbol': [{ ...LIMIT, symbol: ['BTC-USDT'] }, 'symbol'],
  'has an operator for a symbol': [{ ...LIMIT, symbol: { $gt: '' } }, 'symbol'],
  'has an empty client order id': [{ ...LIMIT, clientOrderId: '' }, 'clientOrderId'],
  'is a limit order without a price': [{ ...LIMIT, price: undefined }, 'price'],
  'is a market order with a price': [{ ...MARKET, price: '30000' }, 'price'],
  'is a market order that would rest': [{ ...MARKET, timeInForce: 'GTC' }, 'timeInForce'],
  'is a market order that never takes': [{ ...MARKET, postOnly: true }, 'postOnly'],
  'never takes and never rests': [{ ...LIMIT, postOnly: true, timeInForce: 'IOC' }, 'postOnly'],
};

test('an order is refused, and told where, when it', async (t) => {
  for (const [name, [order, path]] of Object.entries(REFUSED)) {
    await t.test(name, () => assert.deepEqual(refusedPaths(() => parse(newOrder, order)), [path]));
  }
});

test('a type that is not offered is named', () => {
  assert.throws(() => parse(newOrder, { ...LIMIT, type: 'trailing_stop' }), /type: trailing_stop is not one of limit, market/);
});

test('a batch judges its items one by one', () => {
  const { orders } = parse(orderBatch, { orders: [LIMIT, { ...LIMIT, price: 'abc' }, 'nonsense', MARKET] });
  assert.deepEqual(orders[0], LIMIT);
  assert.match((orders[1] as { invalid: string }).invalid, /^price: /);
  assert.ok('invalid' in (orders[2] as object));
  assert.deepEqual(orders[3], MARKET);
});

test('a batch holds 1 to 50 items', () => {
  assert.deepEqual(refusedPaths(() => parse(orderBatch, { orders: [] })), ['orders']);
  assert.deepEqual(refusedPaths(() => parse(orderBatch, { orders: Array(51).fill(LIMIT) })), ['orders']);
  assert.deepEqual(refusedPaths(() => parse(orderBatch, { orders: [LIMIT], mode: 'fast' })), ['mode']);
  assert.deepEqual(refusedPaths(() => parse(cancelBatch, { ids: Array(51).fill('1') })), ['ids']);
  assert.deepEqual(parse(cancelBatch, { ids: ['1', 'x', 'x'.repeat(128)] }).ids.length, 3);
  for (const id of ['', 'x'.repeat(129), 1, null]) assert.deepEqual(refusedPaths(() => parse(cancelBatch, { ids: ['1', id] })), ['ids.1']);
});

test('an amendment changes something', () => {
  assert.deepEqual(parse(amendOrder, { price: '1' }), { price: '1' });
  assert.deepEqual(refusedPaths(() => parse(amendOrder, {})), ['']);
  assert.deepEqual(refusedPaths(() => parse(amendOrder, { side: 'buy', price: '1' })), ['side']);
});

test('the dead-man switch takes whole milliseconds up to a day', () => {
  assert.deepEqual(parse(cancelAfter, { timeoutMs: 0 }), { timeoutMs: 0 });
  for (const timeoutMs of [-1, 1.5, '1000', 86_400_001, null]) assert.deepEqual(refusedPaths(() => parse(cancelAfter, { timeoutMs })), ['timeoutMs']);
});

test('a list of orders filters by statuses, symbol and time', () => {
  assert.deepEqual(parse(ordersQuery, { status: 'new,filled', symbol: 'BTC-USDT', from: '1', to: '2' }), {
    limit: 50, status: ['new', 'filled'], symbol: 'BTC-USDT', from: 1, to: 2,
  });
  assert.deepEqual(refusedPaths(() => parse(ordersQuery, { status: 'open' })), ['status.0']);
  assert.deepEqual(refusedPaths(() => parse(ordersQuery, { cursor: 'x', offset: '1' })), ['offset']);
  assert.deepEqual(refusedPaths(() => parse(ordersQuery, { userId: 'u' })), ['userId']);
});

test('a refusal names at most a few errors, however much is wrong', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`field${index}`, 1]));
  assert.ok(refusedPaths(() => parse(newOrder, { ...LIMIT, ...many })).length <= 20);
});
