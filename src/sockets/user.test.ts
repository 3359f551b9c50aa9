import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, connected, next, SocketWorld } from '../../tests/support/socket-world.ts';
import { eventually } from '../../tests/support/wait.ts';
import type { Order } from '../models/orders.ts';
import type { Wallet } from '../models/wallets.ts';
import { AdminStream } from '../services/admin-stream.ts';
import type { Principal } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';
import { UnavailableError } from '../utils/errors.ts';

const ann = { auth: { token: 'ann' } };
const bob = { auth: { token: 'bob' } };

test('nobody gets in without a good token, and only administrators into /admin', async (t) => {
  const world = await SocketWorld.during(t, {}, { adminAddress: (address) => address === '127.0.0.1' });
  for (const auth of [{}, { token: '' }, { token: 'eve' }, { token: 7 }, { token: 'x'.repeat(5_000) }, { token: { $gt: '' } }]) {
    await assert.rejects(world.connect('/user', { auth, reconnection: false }), { code: 'UNAUTHENTICATED' });
  }
  await assert.rejects(world.connect('/admin', { ...ann, reconnection: false }), { code: 'FORBIDDEN' });
  const admin = await world.connect('/admin', { auth: { token: 'root' } });
  assert.deepEqual(await call(admin, 'subscribe', { channels: ['metrics', 'alerts'] }), { ok: true, data: { metrics: { ordersPerSecond: 7 }, alerts: [] } });
  assert.deepEqual(await next(admin, 'metrics'), { ordersPerSecond: 7 });
  const elsewhere = await SocketWorld.during(t, {}, { adminAddress: () => false });
  await assert.rejects(elsewhere.connect('/admin', { auth: { token: 'root' }, reconnection: false }), { code: 'FORBIDDEN' });
});

test('private events reach all sockets of their account and nobody else, in order', async (t) => {
  const world = await SocketWorld.during(t);
  const [one, two, other] = await Promise.all([ann, ann, bob].map((who) => world.connect('/user', who)));
  const heard: string[][] = [[], [], []];
  for (const [i, socket] of [one, two, other].entries()) socket.onAny((event: string, message: { seq: number }) => heard[i].push(event === 'ready' ? event : `${event} ${message.seq}`));
  for (let i = 0; i < 3; i++) world.commit(world.make.accepted('buy', 100 + i, 1));
  const [first] = await Promise.all([one, two].map((socket) => next<Order>(socket, 'order')));
  assert.deepEqual({ ...first }, {
    id: '1', clientOrderId: null, symbol: 'BTC-USDT', side: 'buy', type: 'limit', status: 'new', price: '50', stopPrice: null, quantity: '0.001', filledQuantity: '0', remainingQuantity: '0.001',
    averagePrice: null, timeInForce: 'GTC', postOnly: false, reduceOnly: false, selfTradePrevention: 'none', fee: '0', feeAsset: 'BTC', createdAt: first.createdAt, updatedAt: first.updatedAt, seq: 1,
  });
  await eventually('all orders', () => (heard[0].filter((event) => event.startsWith('order')).length === 3 && heard[1].length >= heard[0].length) || undefined);
  assert.deepEqual(heard[0].filter((event) => event.startsWith('order')), ['order 1', 'order 2', 'order 3']);
  assert.deepEqual(heard[2].filter((event) => event !== 'ready'), []);
});

test('a subscription narrows what comes', async (t) => {
  const world = await SocketWorld.during(t);
  const socket = await world.connect('/user', ann);
  assert.deepEqual((await call(socket, 'subscribe', { channels: ['balance'] })).data, { channels: ['balance'] });
  assert.equal((await call(socket, 'subscribe', { channels: ['gossip'] })).error?.code, 'VALIDATION_FAILED');
  let orders = 0;
  socket.on('order', () => orders++);
  const balance = next<Wallet>(socket, 'balance');
  world.commit(world.make.accepted('buy', 100, 1));
  assert.equal((await balance).account, 'spot');
  assert.equal(orders, 0);
});

test('who unsubscribes hears the rest, and without a choice nothing', async (t) => {
  const world = await SocketWorld.during(t);
  const socket = await world.connect('/user', ann);
  const others = ['order', 'fill', 'position', 'marginCall', 'liquidation', 'funding'];
  assert.deepEqual(await call(socket, 'unsubscribe', { channels: ['balance'] }), { ok: true, data: { channels: others } });
  const heard: string[] = [];
  socket.onAny((event: string) => heard.push(event));
  const order = next(socket, 'order');
  world.commit(world.make.accepted('buy', 100, 1));
  await order;
  assert.equal((await call(socket, 'unsubscribe', { channels: ['gossip'] })).error?.code, 'VALIDATION_FAILED');
  assert.deepEqual((await call(socket, 'unsubscribe')).data, { channels: [] });
  world.commit(world.make.accepted('buy', 101, 1));
  // What is asked later is answered later than what had to be told.
  assert.deepEqual((await call(socket, 'subscribe', { channels: ['fill'] })).data, { channels: ['fill'] });
  assert.deepEqual(heard.filter((event) => event !== 'ready'), ['order']);
});

test('an administrator chooses channels, and what was chosen last counts, whichever is ready first', async (t) => {
  const asked: PromiseWithResolvers<object>[] = [];
  const state = { markets: [] } as never;
  const slow = new AdminStream({ state, catalog: undefined as never, clock: () => 1, sources: { metrics: () => (asked.push(Promise.withResolvers()), asked.at(-1)!.promise), health: () => ({ status: 'ok' }), feeds: () => ({}) } });
  const world = await SocketWorld.during(t, {}, { admin: slow });
  const admin = await world.connect('/admin', { auth: { token: 'root' } });
  assert.deepEqual((await call(admin, 'subscribe', { channels: ['health', 'alerts'] })).data, { health: { status: 'ok' }, alerts: [] });
  const metrics = call(admin, 'subscribe', { channels: ['health', 'alerts', 'metrics'] });
  await eventually('the figures are asked for', () => asked[0]);
  assert.deepEqual((await call(admin, 'unsubscribe', { channels: ['metrics', 'health'] })).data, { alerts: [] });
  asked[0].resolve({ ordersPerSecond: 7 });
  assert.deepEqual((await metrics).data, {});
  const heard: string[] = [];
  admin.onAny((event: string) => heard.push(event));
  const alert = next(admin, 'alerts');
  slow.raise({ level: 'info', kind: 'test', message: 'a' });
  await alert;
  assert.deepEqual((await call(admin, 'unsubscribe', {})).data, {});
  slow.raise({ level: 'info', kind: 'test', message: 'b' });
  const again = await call(admin, 'subscribe', { channels: ['alerts'] });
  assert.equal((again.data as { alerts: unknown[] }).alerts.length, 2);
  assert.deepEqual(heard, ['alerts']);
});

test('orders go to the service as the user, and come back as data or as the refusal', async (t) => {
  const calls: unknown[] = [];
  const answer = (name: string) => async (principal: Principal, ...args: unknown[]): Promise<never> => {
    calls.push([name, principal.userId, ...args]);
    return { id: '7' } as never;
  };
  const failures = [new Refusal('INSUFFICIENT_BALANCE', 'not enough USDT'), new UnavailableError('the disk is full'), new Error('secret detail')];
  const world = await SocketWorld.during(t, {}, { orders: { place: answer('place'), amend: answer('amend'), placeBatch: answer('batch'), cancel: async () => Promise.reject(failures.shift()) } });
  const socket = await world.connect('/user', ann);
  const order = { symbol: 'BTC-USDT', side: 'buy', type: 'limit', quantity: '1', price: '50' };
  assert.deepEqual(await call(socket, 'order:place', order), { ok: true, data: { id: '7' } });
  assert.deepEqual(await call(socket, 'order:amend', { id: '7', price: '51' }), { ok: true, data: { id: '7' } });
  assert.deepEqual(await call(socket, 'orders:batch', { orders: [order, { ...order, price: 50 }] }), { ok: true, data: { id: '7' } });
  assert.deepEqual(calls.slice(0, 2), [['place', 'ann', order], ['amend', 'ann', '7', { price: '51' }]]);
  assert.match(JSON.stringify(calls[2]), /^\["batch","ann",\[\{.*\},\{"invalid":"price: .*"\}\]\]$/);
  const refused = async () => (await call(socket, 'order:cancel', { id: '7' })).error;
  assert.deepEqual(await refused(), { code: 'INSUFFICIENT_BALANCE', message: 'not enough USDT' });
  assert.deepEqual(await refused(), { code: 'UNAVAILABLE', message: 'not available at the moment; try again' });
  assert.deepEqual(await refused(), { code: 'INTERNAL', message: 'something went wrong here' });
  for (const bad of [{ ...order, price: '1e3' }, { ...order, quantity: -1 }, { ...order, userId: 'bob' }, null, [order]]) {
    assert.equal((await call(socket, 'order:place', bad)).error?.code, 'VALIDATION_FAILED');
  }
  assert.equal(calls.length, 3);
});

test('what a user missed within the window is replayed, once and in order', async (t) => {
  const world = await SocketWorld.during(t);
  const socket = world.client('/user', { ...ann, reconnection: false });
  const heard: number[] = [];
  socket.on('order', ({ seq }: Order) => heard.push(seq));
  const ready = next<{ seq: number; recovered: boolean }>(socket, 'ready');
  await connected(socket);
  assert.deepEqual({ ...(await ready) }, { seq: 0, recovered: false });
  world.commit(world.make.accepted('buy', 100, 1));
  await eventually('the first order', () => heard[0]);
  const lost = next(socket, 'disconnect');
  socket.io.engine.close();
  await lost;
  for (let i = 0; i < 5; i++) world.commit(world.make.accepted('buy', 101, 1));
  const again = next<{ recovered: boolean }>(socket, 'ready');
  await connected(socket);
  assert.equal((await again).recovered, true);
  world.commit(world.make.accepted('buy', 102, 1));
  await eventually('all orders', () => heard.length >= 7 || undefined);
  assert.deepEqual(heard, [1, 2, 3, 4, 5, 6, 7]);
});

test('nothing that a revoked or another user missed is handed out', async (t) => {
  const world = await SocketWorld.during(t);
  const wire: string[] = [];
  /** A socket of ann's that went away and can be resumed. */
  const lose = async () => {
    const socket = await world.connect('/user', { auth: { token: 'ann' }, reconnection: false });
    const order = next(socket, 'order');
    const lost = next(socket, 'disconnect');
    world.commit(world.make.accepted('buy', 100, 1));
    await order;
    socket.io.engine.close();
    await lost;
    // What comes over the wire, not what the client makes of it.
    socket.io.on('open', () => socket.io.engine.on('data', (data: string) => wire.push(data)));
    return socket;
  };
  const [stolen, own] = [await lose(), await lose()];
  world.commit(world.make.accepted('buy', 101, 1));
  stolen.auth = { token: 'bob' };
  await assert.rejects(connected(stolen), { code: 'UNAUTHENTICATED' });
  world.auth.revoke('ann');
  await assert.rejects(connected(own), { code: 'UNAUTHENTICATED' });
  assert.deepEqual(wire.filter((data) => data.startsWith('2')), []);
  assert.equal(wire.length, 2);
});

test('revocation closes open sockets at once, for good', async (t) => {
  const world = await SocketWorld.during(t);
  const [mine, other] = [await world.connect('/user', ann), await world.connect('/user', bob)];
  const closing = next<{ code: string }>(mine, 'closing');
  const gone = next(mine, 'disconnect');
  world.auth.revoke('ann');
  assert.equal((await closing).code, 'UNAUTHENTICATED');
  assert.equal(await gone, 'io server disconnect');
  assert.equal(other.connected, true);
  await assert.rejects(world.connect('/user', { ...ann, reconnection: false }), { code: 'UNAUTHENTICATED' });
});

test('a socket ends with its token, and goes on with a new one', async (t) => {
  const world = await SocketWorld.during(t);
  world.auth.ttlMs = 30;
  const socket = world.client('/user', { ...ann, reconnection: false });
  const closing = next<{ code: string }>(socket, 'closing');
  const gone = next(socket, 'disconnect');
  await connected(socket);
  assert.equal((await closing).code, 'TOKEN_EXPIRED');
  await gone;
  world.auth.ttlMs = 60_000;
  await connected(socket);
  assert.equal(socket.recovered, true);
});
