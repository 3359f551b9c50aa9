import assert from 'node:assert/strict';
import type { Socket as NetSocket } from 'node:net';
import { test } from 'node:test';
import type { Socket } from 'socket.io-client';
import { BookClient } from '../../tests/support/book-client.ts';
import { call, connected, next, SocketWorld } from '../../tests/support/socket-world.ts';
import { eventually } from '../../tests/support/wait.ts';
import { DEFAULT_BACKLOG, Stalls } from './backlog.ts';
import { socketLimits } from './budgets.ts';
import type { BookDelta, BookSnapshot } from '../projections/book-messages.ts';

/** The network connection under a client: paused, it reads nothing, and the server's queue grows. */
function wireOf(socket: Socket): NetSocket {
  return (socket.io.engine.transport as unknown as { ws: { _socket: NetSocket } }).ws._socket;
}

/** Changes much of the book, so that a delta is large. */
function churn(world: SocketWorld, round: number): void {
  for (let i = 0; i < 400; i++) world.commit(world.make.accepted('buy', 1_000 + i, round + 1));
}

test('who stops reading gets one merged delta instead of all of them, and holds the book after it', async (t) => {
  const world = await SocketWorld.during(t, { backlog: { ...DEFAULT_BACKLOG, conflate: 20_000, close: 1e9, most: 1e9 }, limits: socketLimits({ enabled: false, perMinute: 1 }, 10) });
  const [slow, quick] = [await world.connect('/market'), await world.connect('/market')];
  const deltas = new Map<Socket, BookDelta[]>([[slow, []], [quick, []]]);
  const books = new Map<Socket, BookClient>();
  for (const socket of [slow, quick]) {
    const { data } = await call(socket, 'subscribe', { channel: 'orderbook', symbol: 'BTC-USDT' });
    books.set(socket, new BookClient(data as BookSnapshot));
    socket.on('orderbook', (delta: BookDelta) => {
      books.get(socket)?.apply(delta);
      deltas.get(socket)?.push(delta);
    });
  }
  wireOf(slow).pause();
  // The network between two processes of one machine holds megabytes; answers with fifty trades each fill it.
  for (let i = 0; i < 50; i++) world.commit(world.make.accepted('sell', 9_000, 1), world.make.trade('buy', 9_000, 1));
  for (let i = 0; i < 2_500; i++) slow.emit('subscribe', { channel: 'trades', symbol: 'BTC-USDT' }, () => undefined);
  let round = 0;
  await eventually('the slow one is left out', async () => {
    churn(world, round++);
    return (await world.metrics.registry.getSingleMetricAsString('bourse_socket_conflated_total')).includes('namespace="/market"} 1') || undefined;
  });
  for (const end = round + 5; round < end; round++) {
    const heard = next(quick, 'orderbook');
    churn(world, round);
    await heard;
  }
  wireOf(slow).resume();
  await eventually('both hold the book', () => [slow, quick].every((socket) => books.get(socket)?.checksum === world.books.snapshot('BTC-USDT', 1_000)?.checksum) || undefined);
  const [ofSlow, ofQuick] = [deltas.get(slow) ?? [], deltas.get(quick) ?? []];
  const same = (a: BookDelta) => (b: BookDelta): boolean => a.prevSeq === b.prevSeq && a.seq === b.seq;
  assert.equal(ofSlow.filter((delta) => !ofQuick.some(same(delta))).length, 1, 'one delta of the slow one covers several');
  assert.ok(ofSlow.length < ofQuick.length);
  const both = [slow, quick].map((socket) => next(socket, 'orderbook'));
  churn(world, round);
  await Promise.all(both);
});

test('a connection is given up when it takes nothing for a while, or when far too much waits', () => {
  const stalls = new Stalls({ conflate: 1, close: 100, patienceMs: 50, most: 1_000 });
  const wire = { bytesWritten: 0, writableLength: 0, _handle: { writeQueueSize: 0 } };
  const socket = { conn: { transport: { socket: { _socket: wire } } } } as unknown as Parameters<Stalls['hopeless']>[0];
  const look = (bytes: number, now: number, taken: Partial<typeof wire> = {}): boolean => {
    Object.assign(wire, taken);
    return stalls.hopeless(socket, bytes, now);
  };
  assert.deepEqual([look(99, 0), look(100, 10), look(200, 59), look(200, 60)], [false, false, false, true], 'it takes nothing');
  assert.deepEqual([look(99, 60), look(100, 70), look(100, 119), look(100, 120)], [false, false, false, true], 'it did well in between');
  assert.deepEqual([look(300, 200, { bytesWritten: 10 }), look(400, 240), look(500, 280, { _handle: { writeQueueSize: 7 } }), look(499, 329), look(600, 378), look(600, 379)], [false, false, false, false, false, true], 'it reads, though more comes than it reads');
  assert.deepEqual([look(999, 400, { bytesWritten: 20 }), look(1_000, 401, { bytesWritten: 30 })], [false, true], 'it reads too slowly');
});

test('who reads all the time is not given up, however much is answered at once', async (t) => {
  const world = await SocketWorld.during(t, { backlog: { ...DEFAULT_BACKLOG, conflate: 1e9, close: 50_000, most: 1e9 }, limits: socketLimits({ enabled: false, perMinute: 1 }, 10) });
  const user = await world.connect('/user', { auth: { token: 'bob' }, reconnection: false });
  // On the same connection: what waits for it is looked at for both namespaces.
  const market = user.io.socket('/market');
  await connected(market);
  world.commit(world.make.accepted('sell', 9_000, 50));
  for (let i = 0; i < 50; i++) world.commit(world.make.trade('buy', 9_000, 1));
  const replies = Array.from({ length: 1_000 }, () => call(market, 'subscribe', { channel: 'trades', symbol: 'BTC-USDT' }));
  for (const { ok } of await Promise.all(replies)) assert.equal(ok, true);
  assert.deepEqual([user.connected, market.connected], [true, true]);
});

for (const [namespace, call_, payload] of [
  ['/user', 'subscribe', { channels: ['order'] }],
  ['/market', 'subscribe', { channel: 'orderbook', symbol: 'BTC-USDT' }],
] as const) {
  test(`who does not read at all is disconnected from ${namespace}`, async (t) => {
    const world = await SocketWorld.during(t, { backlog: { ...DEFAULT_BACKLOG, conflate: 1e9, close: 50_000, patienceMs: 300 }, limits: socketLimits({ enabled: false, perMinute: 1 }, 10) });
    // What is compressed leaves this process long before it is read.
    const socket = await world.connect(namespace, { auth: { token: 'ann' }, reconnection: false, perMessageDeflate: false } as object);
    await call(socket, call_, payload);
    wireOf(socket).pause();
    let round = 0;
    await eventually('it is gone', async () => {
      churn(world, round++);
      for (let i = 0; i < 20; i++) socket.emit(call_, payload, () => undefined);
      return (await world.metrics.registry.getSingleMetricAsString('bourse_sockets')).includes(`namespace="${namespace}"} 0`) || undefined;
    });
    assert.match(await world.metrics.registry.getSingleMetricAsString('bourse_sockets_stalled_total'), new RegExp(`namespace="${namespace}"} 1$`, 'm'));
  });
}
