import assert from 'node:assert/strict';
import type { Socket as NetSocket } from 'node:net';
import { test } from 'node:test';
import type { Socket } from 'socket.io-client';
import { BookClient } from '../../tests/support/book-client.ts';
import { call, next, SocketWorld } from '../../tests/support/socket-world.ts';
import { eventually } from '../../tests/support/wait.ts';
import { socketLimits } from './budgets.ts';
import type { BookDelta, BookSnapshot } from '../projections/order-books.ts';

/** The network connection under a client: paused, it reads nothing, and the server's queue grows. */
function wireOf(socket: Socket): NetSocket {
  return (socket.io.engine.transport as unknown as { ws: { _socket: NetSocket } }).ws._socket;
}

/** Changes much of the book, so that a delta is large. */
function churn(world: SocketWorld, round: number): void {
  for (let i = 0; i < 400; i++) world.commit(world.make.accepted('buy', 1_000 + i, round + 1));
}

test('who stops reading gets one merged delta instead of all of them, and holds the book after it', async (t) => {
  const world = await SocketWorld.during(t, { backlog: { conflate: 20_000, close: 1e9 }, limits: socketLimits({ enabled: false, perMinute: 1 }, 10) });
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

for (const [namespace, call_, payload] of [
  ['/user', 'subscribe', { channels: ['order'] }],
  ['/market', 'subscribe', { channel: 'orderbook', symbol: 'BTC-USDT' }],
] as const) {
  test(`who does not read at all is disconnected from ${namespace}`, async (t) => {
    const world = await SocketWorld.during(t, { backlog: { conflate: 1e9, close: 50_000 }, limits: socketLimits({ enabled: false, perMinute: 1 }, 10) });
    const socket = await world.connect(namespace, { auth: { token: 'ann' }, reconnection: false });
    await call(socket, call_, payload);
    wireOf(socket).pause();
    let round = 0;
    await eventually('it is gone', async () => {
      churn(world, round++);
      for (let i = 0; i < 20; i++) socket.emit(call_, payload, () => undefined);
      return (await world.metrics.registry.getSingleMetricAsString('bourse_sockets')).includes(`namespace="${namespace}"} 0`) || undefined;
    });
  });
}
