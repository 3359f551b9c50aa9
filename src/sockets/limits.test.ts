import assert from 'node:assert/strict';
import { test } from 'node:test';
import { io, type Socket } from 'socket.io-client';
import { call, connected, next, SocketWorld, type Reply } from '../../tests/support/socket-world.ts';
import { eventually } from '../../tests/support/wait.ts';
import type { Topic } from '../services/topic.ts';
import { DEFAULT_LIMITS, MessageBudget } from './budgets.ts';

test('a message budget lets a burst through, then its rate', () => {
  const budget = new MessageBudget({ ...DEFAULT_LIMITS, messagesPerSecond: 10, messageBurst: 3, refusalsBeforeClose: 2 }, 0);
  assert.deepEqual([0, 0, 0, 0, 50, 100, 100].map((now) => budget.take(now)), [true, true, true, false, false, true, false]);
  assert.equal(budget.exhausted, true);
  assert.equal(budget.take(1_000), true);
  assert.equal(budget.exhausted, false);
});

test('what is refused again and again exhausts a budget also where messages are few; a pause forgets it', () => {
  const budget = new MessageBudget({ ...DEFAULT_LIMITS, messagesPerSecond: 10, messageBurst: 3, refusalsBeforeClose: 3 }, 0);
  const after = [0, 100, 200].map((now) => {
    assert.ok(budget.take(now));
    budget.refuse(now);
    return budget.exhausted;
  });
  assert.deepEqual(after, [false, false, true]);
  assert.ok(budget.take(399));
  assert.equal(budget.exhausted, true, 'full, but for less than it takes to fill');
  assert.ok(budget.take(600));
  assert.equal(budget.exhausted, false);
});

test('a message that counts for several is let through with the last of the budget, and the next waits until it is paid', () => {
  const budget = new MessageBudget({ ...DEFAULT_LIMITS, messagesPerSecond: 10, messageBurst: 3 }, 0);
  assert.deepEqual([0, 0, 100, 300, 400].map((now) => budget.take(now, 5)), [true, false, false, true, false]);
});

test('a batch counts as one message for every ten orders begun', async (t) => {
  const world = await SocketWorld.during(t, { limits: { ...DEFAULT_LIMITS, messagesPerSecond: 1e-3, messageBurst: 10 } });
  const socket = await world.connect('/user', { auth: { token: 'ann' } });
  const batch = async (count: number) => (await call(socket, 'orders:batch', { orders: Array.from({ length: count }, () => ({})) })).error?.code;
  const codes: (string | undefined)[] = [];
  // To connect counts as one.
  for (const count of [50, 10, 51, 11, 1]) codes.push(await batch(count));
  assert.deepEqual(codes, ['UNAVAILABLE', 'UNAVAILABLE', 'VALIDATION_FAILED', 'UNAVAILABLE', 'RATE_LIMITED']);
});

test('too many messages are refused, and whoever goes on is disconnected', async (t) => {
  const world = await SocketWorld.during(t, { limits: { ...DEFAULT_LIMITS, messagesPerSecond: 1, messageBurst: 5, refusalsBeforeClose: 3 } });
  const socket = await world.connect('/prices', { reconnection: false });
  const closing = next<{ code: string }>(socket, 'closing');
  const gone = next(socket, 'disconnect');
  const codes: (string | undefined)[] = [];
  for (let i = 0; i < 7; i++) socket.emit('unsubscribe', {}, (reply: Reply) => codes.push(reply.error?.code));
  assert.equal((await closing).code, 'RATE_LIMITED');
  await gone;
  assert.deepEqual(codes, [undefined, undefined, undefined, undefined, 'RATE_LIMITED', 'RATE_LIMITED', 'RATE_LIMITED']);
});

for (const [what, frame] of [
  ['joins what there is not', (i: number) => `40/nope${i},`],
  ['joins the namespace that is for nobody', () => '40'],
  ['acknowledges what nobody asked', (i: number) => `43/prices,${i}[]`],
  ['answers pings that nobody sent', () => '3'],
] as const) {
  test(`who ${what} again and again is disconnected`, async (t) => {
    const world = await SocketWorld.during(t);
    const socket = await world.connect('/prices', { reconnection: false });
    const gone = next(socket, 'disconnect');
    const wire: string[] = [];
    socket.io.engine.on('data', (data: string) => wire.push(data));
    const { ws } = socket.io.engine.transport as unknown as { ws: { send(frame: string): void } };
    for (let i = 0; i < 5_000; i++) ws.send(frame(i));
    await gone;
    assert.ok(wire.some((data) => data.includes('"RATE_LIMITED"')), wire.at(-1));
    assert.ok(wire.length < 1_000, `${wire.length} answers`);
  });
}

test('an address can hold only so many connections', async (t) => {
  const world = await SocketWorld.during(t, { limits: { ...DEFAULT_LIMITS, connectionsPerAddress: 2 } });
  const first = await world.connect('/prices', { reconnection: false });
  await world.connect('/prices', { reconnection: false });
  const refused = world.client('/prices', { reconnection: false });
  const gone = new Promise((resolve) => refused.io.once('close', resolve));
  await assert.rejects(connected(refused), { code: 'RATE_LIMITED' });
  await gone;
  first.disconnect();
  await eventually('there is room again', async () => {
    try {
      return await world.connect('/prices', { reconnection: false });
    } catch {
      return undefined;
    }
  });
});

test('a connection can follow only so much', async (t) => {
  const world = await SocketWorld.during(t, { limits: { ...DEFAULT_LIMITS, subscriptionsPerConnection: 2 } });
  const socket = await world.connect('/market');
  const follow = async (interval: string) => (await call(socket, 'subscribe', { channel: 'kline', symbol: 'BTC-USDT', interval })).error?.code;
  assert.deepEqual([await follow('1m'), await follow('5m'), await follow('5m'), await follow('1h')], [undefined, undefined, undefined, 'RATE_LIMITED']);
});

test('whoever goes on asking for more than that is disconnected', async (t) => {
  const world = await SocketWorld.during(t, { limits: { ...DEFAULT_LIMITS, messagesPerSecond: 1, messageBurst: 100, refusalsBeforeClose: 3, subscriptionsPerConnection: 1 } });
  const socket = await world.connect('/market', { reconnection: false });
  const closing = next<{ code: string }>(socket, 'closing');
  const gone = next(socket, 'disconnect');
  const codes: (string | undefined)[] = [];
  for (let i = 0; i < 4; i++) codes.push(await candles(socket, ['1m', '5m'][i % 2] as string));
  assert.deepEqual(codes, [undefined, 'RATE_LIMITED', undefined, 'RATE_LIMITED'], 'what is followed already is no more');
  codes.push(await candles(socket, '1h'));
  assert.equal((await closing).code, 'RATE_LIMITED');
  await gone;
  assert.equal(codes.at(-1), 'RATE_LIMITED');
});

/** The topics of a world's candles, and each time that one was asked for what is new. */
function watchCandles(world: SocketWorld, change: Partial<Topic> = {}): string[] {
  const flushed: string[] = [];
  const make = world.market.kline.bind(world.market);
  world.market.kline = (...wanted) => {
    const topic = { ...make(...wanted), ...change };
    return { ...topic, flush: () => { flushed.push(topic.id); return topic.flush(); } };
  };
  return flushed;
}

const candles = async (socket: Socket, interval: string, name = 'subscribe') => (await call(socket, name, { channel: 'kline', symbol: 'BTC-USDT', interval })).error?.code;

test('a refused subscription leaves nothing behind', async (t) => {
  const world = await SocketWorld.during(t, { limits: { ...DEFAULT_LIMITS, subscriptionsPerConnection: 1 } });
  const flushed = watchCandles(world);
  const socket = await world.connect('/market');
  assert.deepEqual([await candles(socket, '1m'), await candles(socket, '5m')], [undefined, 'RATE_LIMITED']);
  const followed = flushed[0];
  await eventually('the one that is followed is looked at', () => flushed.filter((id) => id === followed).length > 2 || undefined);
  assert.deepEqual([...new Set(flushed)], [followed]);
});

test('who comes and goes does not make a topic be sent to all others more often', async (t) => {
  const world = await SocketWorld.during(t);
  const flushed = watchCandles(world, { everyMs: 60_000 });
  const [stays, comes] = [await world.connect('/market'), await world.connect('/market')];
  assert.equal(await candles(stays, '1m'), undefined);
  for (let i = 0; i < 20; i++) for (const name of ['subscribe', 'unsubscribe']) assert.equal(await candles(comes, '1m', name), undefined);
  assert.equal(flushed.length, 1);
});

test('clients are told when the server goes down, and come back by themselves', async (t) => {
  const world = await SocketWorld.during(t);
  const later = { reconnectionDelay: 60_000, reconnectionDelayMax: 60_000 };
  const clients = [await world.connect('/prices', later), await world.connect('/user', { auth: { token: 'ann' }, transports: ['polling'], ...later })];
  const told = clients.map((socket) => Promise.all([next<{ code: string }>(socket, 'closing'), next(socket, 'disconnect')]));
  await world.stop();
  for (const [{ code }] of await Promise.all(told)) assert.equal(code, 'UNAVAILABLE');
  assert.deepEqual(clients.map(({ active }) => active), [true, true]);
  await assert.rejects(world.connect('/prices', { reconnection: false }));
});

test('pages of other origins cannot connect, programs and own pages can', async (t) => {
  const world = await SocketWorld.during(t);
  const from = (origin: string | undefined, transport: string) => {
    const socket = io(`${world.url}/prices`, { transports: [transport], forceNew: true, reconnection: false, autoConnect: false, extraHeaders: origin === undefined ? {} : { origin } });
    return connected(socket).then(() => true, () => false).finally(() => socket.disconnect());
  };
  for (const transport of ['websocket', 'polling']) {
    assert.equal(await from(undefined, transport), true);
    assert.equal(await from(world.url, transport), true);
    assert.equal(await from('https://app.example.com', transport), true);
    assert.equal(await from('https://app.example.com.evil.example', transport), false);
    assert.equal(await from('null', transport), false);
  }
});

test('garbage is refused or ends its own connection, and the server goes on', async (t) => {
  const world = await SocketWorld.during(t);
  const socket = await world.connect('/market', { reconnection: false });
  for (const payload of [undefined, null, 7, 'x', [], [[]], { channel: {} }, { symbol: 'BTC-USDT' }, JSON.parse('{"__proto__":{"channel":"trades"},"symbol":"BTC-USDT"}'), { channel: 'trades', symbol: 'A'.repeat(30_000) }]) {
    assert.equal((await call(socket, 'subscribe', payload)).error?.code, 'VALIDATION_FAILED', JSON.stringify(payload)?.slice(0, 60));
  }
  assert.equal((await call(socket, 'no such call', {})).error?.code, 'NOT_FOUND');
  assert.equal((await call(socket, 'toString')).error?.code, 'NOT_FOUND');
  // Without anything to answer to.
  for (const payload of [undefined, { channel: 'trades', symbol: 'BTC-USDT' }, 'x']) socket.emit('subscribe', payload);
  assert.equal((await call(socket, 'subscribe', { channel: 'trades', symbol: 'BTC-USDT' })).ok, true);

  const raw = async (...frames: (string | Uint8Array)[]) => {
    const ws = new WebSocket(`${world.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
    const gone = new Promise((resolve) => ws.addEventListener('close', resolve));
    await new Promise((opened) => ws.addEventListener('open', opened));
    for (const frame of frames) ws.send(frame);
    await gone;
  };
  await raw('4{{{');
  await raw('40/prices,', '42/prices,["disconnect"]');
  await raw('40/prices,', '42/market,["subscribe"]');
  await raw('9');
  await raw(new Uint8Array([1, 2, 3]));
  await raw(`42/prices,["subscribe","${'x'.repeat(70_000)}"]`);
  await assert.rejects(world.connect('/', { reconnection: false }), { code: 'NOT_FOUND' });
  for (const namespace of ['/secret', '/secret', '/__proto__', '/market/']) await assert.rejects(world.connect(namespace, { reconnection: false }), { code: 'NOT_FOUND' });
  assert.equal((await call(await world.connect('/prices'), 'subscribe', { symbols: ['BTC-USDT'] })).ok, true);
});

test('a client with another parser, or a name that the package itself uses, does no harm', async (t) => {
  const world = await SocketWorld.during(t, { parser: 'msgpack' });
  const { default: parser } = await import('socket.io-msgpack-parser');
  const socket = await world.connect('/prices', { parser, reconnection: false });
  assert.equal((await call(socket, 'subscribe', { symbols: ['BTC-USDT'] })).ok, true);
  // The package's client refuses to send this; its msgpack server would take it for the real thing.
  (socket as unknown as { packet(packet: object): void }).packet({ type: 2, nsp: '/prices', data: ['disconnect', 'forged'], options: {} });
  (socket as unknown as { packet(packet: object): void }).packet({ type: 2, nsp: '/prices', data: [{ odd: 1 }], options: {} });
  const told = next(socket, 'prices');
  world.commit(world.make.priced(100, 100));
  await told;
  assert.match(await world.metrics.registry.getSingleMetricAsString('bourse_sockets'), /namespace="\/prices"} 1/);
});
