import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { listMarkets, openVenue, type Venue } from '../../tests/support/venue.ts';
import type { Principal } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';
import type { NewOrderInput } from './order-input.ts';

const refusal = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;
const key = (text: string) => ({ idempotencyKey: text, fingerprint: 'the same' });
const SELL: NewOrderInput = { symbol: 'BTC-USDT', side: 'sell', type: 'limit', price: '30000', quantity: '0.5' };
const BUY: NewOrderInput = { symbol: 'BTC-USDT', side: 'buy', type: 'limit', price: '29000', quantity: '0.1' };

describe('orders', () => {
  let venue: Venue;
  let admin: Principal;
  let ann: Principal;
  let bob: Principal;

  before(async () => {
    venue = await openVenue();
    admin = await listMarkets(venue);
    ann = await venue.user('ann');
    bob = await venue.user('bob');
    await venue.wallets.deposit(ann, { asset: 'USDT', amount: '1000000', account: 'spot' });
    await venue.wallets.deposit(bob, { asset: 'BTC', amount: '100', account: 'spot' });
  });
  after(() => venue.close());

  test('a resting order is answered whole', async () => {
    const order = await venue.orders.place(bob, { ...SELL, clientOrderId: 'first', postOnly: true });
    const { id, seq, createdAt, updatedAt, ...rest } = order;
    assert.equal(id, String(seq));
    assert.deepEqual([createdAt, updatedAt], [venue.clock.time, venue.clock.time]);
    assert.deepEqual(rest, {
      clientOrderId: 'first', symbol: 'BTC-USDT', side: 'sell', type: 'limit', status: 'new', price: '30000', stopPrice: null, quantity: '0.5', filledQuantity: '0',
      remainingQuantity: '0.5', averagePrice: null, timeInForce: 'GTC', postOnly: true, reduceOnly: false, selfTradePrevention: 'expire_taker', fee: '0', feeAsset: 'USDT', fills: [],
    });
    await venue.orders.cancel(bob, id);
  });

  test('a taker is answered with its fills, at the maker’s price, with the fee in what it receives', async () => {
    await venue.orders.place(bob, SELL);
    const order = await venue.orders.place(ann, { symbol: 'BTC-USDT', side: 'buy', type: 'market', quantity: '0.3' });
    assert.deepEqual([order.status, order.filledQuantity, order.averagePrice, order.price, order.timeInForce], ['filled', '0.3', '30000', null, 'IOC']);
    // 0.05 % of 0.3 BTC
    assert.deepEqual([order.fee, order.feeAsset], ['0.00015', 'BTC']);
    const [fill] = order.fills ?? [];
    assert.deepEqual([fill?.role, fill?.price, fill?.quantity, fill?.quoteQuantity, fill?.fee, fill?.orderId], ['taker', '30000', '0.3', '9000', '0.00015', order.id]);
    const [maker] = (await venue.trades.list(bob, { limit: 1 })).items;
    // 0.02 % of 9,000 USDT; both sides carry the trade's id
    assert.deepEqual([maker?.role, maker?.fee, maker?.feeAsset, maker?.id, maker?.seq], ['maker', '1.8', 'USDT', fill?.id, fill?.seq]);
    await venue.orders.cancelAll(bob, {});
  });

  test('an order is refused for its symbol, tick or lot before it reaches the engine', async () => {
    const seq = venue.leader.state.seq;
    for (const [change, code] of [
      [{ symbol: 'DOGE-USDT' }, 'UNKNOWN_SYMBOL'],
      [{ price: '29000.05' }, 'INVALID_TICK'],
      [{ price: '999999999999999999' }, 'INVALID_TICK'],
      [{ quantity: '0.0001' }, 'INVALID_LOT'],
      [{ quantity: '1000' }, 'INSUFFICIENT_BALANCE'],
    ] as const) {
      await assert.rejects(venue.orders.place(ann, { ...BUY, ...change }), refusal(code), code);
    }
    assert.equal(venue.leader.state.seq, seq);
  });

  test('the same client order id gives the first reply again, another order under it is a conflict', async () => {
    const first = await venue.orders.place(ann, { ...BUY, clientOrderId: 'once' });
    assert.deepEqual(await venue.orders.place(ann, { ...BUY, clientOrderId: 'once' }), first);
    await assert.rejects(venue.orders.place(ann, { ...BUY, quantity: '0.2', clientOrderId: 'once' }), refusal('DUPLICATE_CLIENT_ORDER_ID'));
    assert.equal((await venue.orders.get(ann, 'client:once')).id, first.id);
    await venue.orders.cancel(ann, 'client:once');
  });

  test('the same key gives the first reply again, whatever it was about', async () => {
    const order = await venue.orders.place(ann, BUY, key('place'));
    assert.deepEqual(await venue.orders.place(ann, BUY, key('place')), order);
    const amended = await venue.orders.amend(ann, order.id, { price: '28000' }, key('amend'));
    assert.equal(amended.price, '28000');
    assert.deepEqual(await venue.orders.amend(ann, order.id, { price: '28000' }, key('amend')), amended);
    const canceled = await venue.orders.cancel(ann, order.id, key('cancel'));
    assert.deepEqual([canceled.status, canceled.closeReason], ['canceled', 'user']);
    assert.deepEqual(await venue.orders.cancel(ann, order.id, key('cancel')), canceled);
    assert.deepEqual(await venue.orders.amend(ann, order.id, { price: '28000' }, key('amend')), amended);
  });

  test('the first reply comes again however far the order has moved on', async () => {
    const { id } = await venue.orders.place(bob, { ...SELL, quantity: '1' });
    const take = () => venue.orders.place(ann, { ...BUY, price: '30000', quantity: '0.3', timeInForce: 'IOC' });
    await take();
    const amended = await venue.orders.amend(bob, id, { quantity: '0.9' }, key('amend after a fill'));
    assert.deepEqual([amended.filledQuantity, amended.remainingQuantity, amended.fee], ['0.3', '0.6', '1.8']);
    await take();
    await venue.orders.amend(bob, id, { price: '31000' });
    const canceled = await venue.orders.cancel(bob, id, key('cancel after fills'));
    assert.deepEqual([canceled.status, canceled.filledQuantity], ['canceled', '0.6']);
    assert.deepEqual(await venue.orders.amend(bob, id, { quantity: '0.9' }, key('amend after a fill')), { ...amended, price: amended.price });
    assert.deepEqual(await venue.orders.cancel(bob, id, key('cancel after fills')), canceled);
  });

  test('somebody else’s order is answered exactly like one that never was', async () => {
    const { id } = await venue.orders.place(bob, SELL);
    const answers = [];
    for (const ref of [id, '987654321']) {
      for (const act of [
        () => venue.orders.get(ann, ref),
        () => venue.orders.cancel(ann, ref),
        () => venue.orders.amend(ann, ref, { price: '1' }),
        () => venue.orders.cancel(ann, ref, key(`cancel ${ref}`)),
      ]) {
        const error = await act().then(() => undefined, (reason: unknown) => reason);
        assert.ok(error instanceof Refusal);
        answers.push([error.code, error.message.replace(ref, 'N')]);
      }
    }
    assert.deepEqual(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1);
    assert.deepEqual(await venue.orders.cancelBatch(ann, [id]), [{ status: 404, error: { code: 'NOT_FOUND', detail: `there is no order ${id}` } }]);
    assert.equal((await venue.orders.get(bob, id)).status, 'new');
    await venue.orders.cancel(bob, id);
  });

  test('an order that has ended is known, and cannot be changed', async () => {
    const { id } = await venue.orders.place(ann, BUY);
    const canceled = await venue.orders.cancel(ann, id);
    assert.deepEqual(await venue.orders.get(ann, id), canceled);
    await assert.rejects(venue.orders.cancel(ann, id), refusal('ORDER_NOT_OPEN'));
    await assert.rejects(venue.orders.amend(ann, id, { price: '1' }), refusal('ORDER_NOT_OPEN'));
    for (const ref of ['0', 'x', '-1', '99999999999999999999', 'client:', 'client:nobody']) await assert.rejects(venue.orders.get(ann, ref), refusal('NOT_FOUND'), ref);
  });

  test('an order that ended in the same moment is known, and cannot be changed', async () => {
    await venue.orders.place(bob, SELL);
    const acts = {
      cancel: (ref: string) => venue.orders.cancel(ann, ref),
      amend: (ref: string) => venue.orders.amend(ann, ref, { quantity: '0.2' }),
      cancelBatch: async (ref: string) => {
        const [result] = await venue.orders.cancelBatch(ann, [ref]);
        throw new Refusal(result?.error?.code ?? 'INTERNAL', 'of the batch');
      },
    };
    for (const [clientOrderId, act] of Object.entries(acts)) {
      const [placed, refused] = await Promise.allSettled([venue.orders.place(ann, { ...BUY, price: '30000', clientOrderId }), act(`client:${clientOrderId}`)]);
      assert.equal(placed.status === 'fulfilled' && placed.value.status, 'filled');
      assert.equal(refused.status === 'rejected' && (refused.reason as Refusal).code, 'ORDER_NOT_OPEN', clientOrderId);
    }
    await venue.orders.cancelAll(bob, {});
  });

  test('a batch gives each item its own result, in order', async () => {
    const results = await venue.orders.placeBatch(ann, [
      { ...BUY, clientOrderId: 'b1' },
      { invalid: 'price: must be a positive decimal string' },
      { ...BUY, symbol: 'DOGE-USDT' },
      { ...BUY, quantity: '1000' },
      { ...BUY, price: '28000', clientOrderId: 'b2' },
    ]);
    assert.deepEqual(results.map(({ status, order, error }) => [status, order?.price ?? error?.code]), [
      [201, '29000'], [400, 'VALIDATION_FAILED'], [422, 'UNKNOWN_SYMBOL'], [422, 'INSUFFICIENT_BALANCE'], [201, '28000'],
    ]);
    assert.deepEqual(await venue.orders.placeBatch(ann, [{ ...BUY, price: '1.23' }]).then(([result]) => result?.error?.code), 'INVALID_TICK');
    const canceled = await venue.orders.cancelBatch(ann, ['client:b1', '77', 'client:b2', 'client:b1']);
    assert.deepEqual(canceled.map(({ status, order, error }) => [status, order?.status ?? error?.code]), [
      [200, 'canceled'], [404, 'NOT_FOUND'], [200, 'canceled'], [422, 'ORDER_NOT_OPEN'],
    ]);
  });

  test('an item that was placed before is answered as it was then, beside new ones', async () => {
    const [first] = await venue.orders.placeBatch(ann, [{ ...BUY, clientOrderId: 'again' }]);
    venue.clock.time += 5_000;
    const second = await venue.orders.place(ann, { ...BUY, price: '28500', clientOrderId: 'alone' });
    venue.clock.time += 5_000;
    const items = [{ ...BUY, price: '28000' }, { ...BUY, clientOrderId: 'again' }, { ...BUY, price: '28500', clientOrderId: 'alone' }];
    const results = await venue.orders.placeBatch(ann, items, key('beside'));
    assert.deepEqual(results.slice(1), [first, { status: 201, order: second }]);
    assert.equal(results[0]?.order?.createdAt, venue.clock.time);
    assert.deepEqual(await venue.orders.placeBatch(ann, items, key('beside')), results, 'under its key');
    assert.deepEqual(await venue.orders.placeBatch(ann, items.slice(1)), results.slice(1), 'all of them known');
    await venue.orders.cancelAll(ann, {});
  });

  test('a batch under one key gives the same results again', async () => {
    const items = [BUY, { ...BUY, quantity: '1000' }, { ...BUY, price: '28000' }];
    const results = await venue.orders.placeBatch(ann, items, key('batch'));
    assert.deepEqual(await venue.orders.placeBatch(ann, items, key('batch')), results);
    const ids = results.flatMap(({ order }) => (order === undefined ? [] : [order.id]));
    const canceled = await venue.orders.cancelBatch(ann, ids, key('cancel batch'));
    assert.deepEqual(await venue.orders.cancelBatch(ann, ids, key('cancel batch')), canceled);
  });

  test('a batch under one key gives the same results also when its unknown symbol has been listed since', async () => {
    const items = [{ ...BUY, symbol: 'ETH-USDT' }, { ...BUY, price: '28000' }, { invalid: 'price: must be a positive decimal string' }];
    const results = await venue.orders.placeBatch(ann, items, key('listed later'));
    assert.deepEqual(results.map(({ status, error }) => [status, error?.code]), [[422, 'UNKNOWN_SYMBOL'], [201, undefined], [400, 'VALIDATION_FAILED']]);
    assert.match(results[0]?.error?.detail ?? '', /ETH-USDT/);
    const nowhere = await venue.orders.placeBatch(ann, items.slice(0, 1), key('nothing but unknown'));
    const actor = { principal: admin, ip: '127.0.0.1', requestId: 'r' };
    await venue.admin.createAsset(actor, { asset: 'ETH', scale: 8 });
    await venue.admin.createMarket(actor, { symbol: 'ETH-USDT', type: 'spot', base: 'ETH', quote: 'USDT', tickSize: '0.1', lotSize: '0.001', makerFee: '0', takerFee: '0' });
    assert.deepEqual(await venue.orders.placeBatch(ann, items, key('listed later')), results);
    assert.deepEqual(await venue.orders.placeBatch(ann, items.slice(0, 1), key('nothing but unknown')), nowhere);
    assert.equal((await venue.orders.placeBatch(ann, items.slice(0, 1)))[0]?.status, 201);
    await venue.orders.cancelAll(ann, {});
  });

  test('all orders of a market, or of all, are canceled at once', async () => {
    await venue.orders.placeBatch(ann, [BUY, { ...BUY, price: '28000' }]);
    assert.equal((await venue.orders.cancelAll(ann, { symbol: 'BTC-USDT-PERP' })).canceled, 0);
    const { canceled, ids } = await venue.orders.cancelAll(ann, { symbol: 'BTC-USDT' });
    assert.deepEqual([canceled, ids.length], [2, 2]);
    await assert.rejects(venue.orders.cancelAll(ann, { symbol: 'X-Y' }), refusal('UNKNOWN_SYMBOL'));
  });

  test('a dead-man switch cancels when it is not armed again, and can be disarmed', async () => {
    const { id } = await venue.orders.place(ann, BUY);
    assert.deepEqual(await venue.orders.cancelAfter(ann, { timeoutMs: 1_000, symbol: 'BTC-USDT' }), { symbol: 'BTC-USDT', timeoutMs: 1_000, deadline: venue.clock.time + 1_000 });
    venue.clock.time += 500;
    assert.deepEqual(await venue.orders.cancelAfter(ann, { timeoutMs: 0, symbol: 'BTC-USDT' }), { symbol: 'BTC-USDT', timeoutMs: 0, deadline: null });
    assert.deepEqual(await venue.orders.cancelAfter(ann, { timeoutMs: 0 }), { symbol: null, timeoutMs: 0, deadline: null }, 'disarming what is not armed');
    venue.clock.time += 10_000;
    venue.leader.advanceTime();
    assert.equal((await venue.orders.get(ann, id)).status, 'new');
    await venue.orders.cancelAfter(ann, { timeoutMs: 1_000 });
    venue.clock.time += 1_000;
    venue.leader.advanceTime();
    const order = await venue.orders.get(ann, id);
    assert.deepEqual([order.status, order.closeReason], ['canceled', 'dead_man_switch']);
  });

  test('an amendment keeps the id, and what is filled stays filled', async () => {
    const { id } = await venue.orders.place(bob, SELL);
    await venue.orders.place(ann, { ...BUY, price: '30000', quantity: '0.2', timeInForce: 'IOC' });
    const smaller = await venue.orders.amend(bob, id, { quantity: '0.4' });
    assert.deepEqual([smaller.id, smaller.status, smaller.quantity, smaller.filledQuantity, smaller.remainingQuantity], [id, 'partially_filled', '0.4', '0.2', '0.2']);
    await assert.rejects(venue.orders.amend(bob, id, { quantity: '0.2' }), refusal('QUANTITY_BELOW_FILLED'));
    await assert.rejects(venue.orders.amend(bob, id, { price: '30000.01' }), refusal('INVALID_TICK'));
    await assert.rejects(venue.orders.amend(bob, id, { quantity: '0.4001' }), refusal('INVALID_LOT'));
    const full = await venue.orders.get(bob, id);
    assert.deepEqual(full.fills?.map(({ role, quantity }) => [role, quantity]), [['maker', '0.2']]);
    await venue.orders.cancel(bob, id);
  });

  test('a list pages newest first through open and ended orders', async () => {
    const carl = await venue.user('carl');
    await venue.wallets.deposit(carl, { asset: 'USDT', amount: '100000', account: 'spot' });
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift((await venue.orders.place(carl, { ...BUY, price: String(20_000 + i), quantity: '0.01' })).id);
    await venue.orders.cancel(carl, ids[2] as string);
    const first = await venue.orders.list(carl, { limit: 2 });
    const second = await venue.orders.list(carl, { limit: 2, cursor: first.nextCursor });
    const third = await venue.orders.list(carl, { limit: 2, cursor: second.nextCursor });
    assert.deepEqual([...first.items, ...second.items, ...third.items].map(({ id }) => id), ids);
    assert.equal(third.nextCursor, undefined);
    assert.deepEqual((await venue.orders.list(carl, { limit: 50, offset: 4 })).items.map(({ id }) => id), ids.slice(4));
    assert.deepEqual((await venue.orders.list(carl, { limit: 50, status: ['canceled'] })).items.map(({ id }) => id), [ids[2]]);
    assert.deepEqual((await venue.orders.list(carl, { limit: 50, to: venue.clock.time - 1 })).items, []);
    await assert.rejects(venue.orders.list(carl, { limit: 50, symbol: 'X-Y' }), refusal('UNKNOWN_SYMBOL'));
  });
});

test('history that lags is refused, hot state is not', async () => {
  let caughtUp = true;
  const venue = await openVenue({ caughtUp: () => caughtUp });
  await listMarkets(venue);
  const ann = await venue.user('ann');
  await venue.wallets.deposit(ann, { asset: 'USDT', amount: '1000000', account: 'spot' });
  caughtUp = false;
  const { id } = await venue.orders.place(ann, BUY);
  assert.equal((await venue.orders.get(ann, id)).status, 'new');
  assert.equal((await venue.wallets.get(ann, 'USDT'))[0].locked, '2900');
  await assert.rejects(venue.orders.list(ann, { limit: 1 }), refusal('UNAVAILABLE'));
  await venue.close();
});
