/** What must not grow with all the sockets there are, counted. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket as NetSocket } from 'node:net';
import { test } from 'node:test';
import type { Namespace, Server, Socket } from 'socket.io';
import type { Socket as Client } from 'socket.io-client';
import { call, next, SocketWorld } from '../../tests/support/socket-world.ts';
import { silentLogger } from '../observability/logger.ts';
import { createMetrics } from '../observability/metrics.ts';
import type { Topic } from '../services/topic.ts';
import { DEFAULT_BACKLOG, Stalls } from './backlog.ts';
import { DEFAULT_LIMITS, packetLimits, socketLimits } from './budgets.ts';
import { Connections } from './connections.ts';
import { TopicPublisher } from './topics.ts';

const MANY = 20;

test('of all sockets only those are looked at for which something waits', async (t) => {
  const looked = new Set<string>();
  const { hopeless } = Stalls.prototype;
  t.mock.method(Stalls.prototype, 'hopeless', function (this: Stalls, ...look: Parameters<Stalls['hopeless']>) {
    looked.add(look[0].id);
    return hopeless.apply(this, look);
  });
  const world = await SocketWorld.during(t, { backlog: { ...DEFAULT_BACKLOG, conflate: 20_000, close: 1e9, most: 1e9 }, limits: socketLimits({ enabled: false, perMinute: 1 }, 100) });
  // What is being compressed waits as well, for a moment.
  const options = { auth: { token: 'bob' }, perMessageDeflate: false } as object;
  const sockets = await Promise.all(Array.from({ length: MANY }, (_, i) => world.connect(i % 2 === 0 ? '/market' : '/user', options)));
  const [slow, ...others] = sockets.filter((_, i) => i % 2 === 0) as [Client, ...Client[]];
  for (const socket of [slow, ...others]) await call(socket, 'subscribe', { channel: 'orderbook', symbol: 'BTC-USDT' });
  const wire = (slow.io.engine.transport as unknown as { ws: { _socket: NetSocket } }).ws._socket.pause();
  const isLeftOut = async (): Promise<true | undefined> => (await world.metrics.registry.getSingleMetricAsString('bourse_socket_conflated_total')).includes('namespace="/market"} 1') || undefined;
  for (let round = 1; (await isLeftOut()) === undefined; round++) {
    const heard = others.map((socket) => next(socket, 'orderbook'));
    for (let i = 0; i < 400; i++) world.commit(world.make.accepted('buy', 1_000 + i, round));
    // The network between two processes of one machine holds megabytes.
    for (let i = 0; i < 100; i++) slow.emit('subscribe', { channel: 'orderbook', symbol: 'BTC-USDT' }, () => undefined);
    await Promise.all(heard);
  }
  wire.resume();
  assert.deepEqual([...looked], [slow.id]);
});

test('a connection that ends for its packets is told on its own sockets, without a look at any other', () => {
  const connections = new Connections({ limits: DEFAULT_LIMITS, addressOf: () => '192.0.2.1', metrics: createMetrics() });
  const engine = new EventEmitter();
  // Whoever goes through the sockets of the namespace finds none.
  const nsp = new EventEmitter();
  connections.watch({ engine } as unknown as Server, [nsp as unknown as Namespace]);
  const told: string[] = [];
  const connect = (name: string): EventEmitter => {
    const conn = Object.assign(new EventEmitter(), { request: {}, close: () => told.push(`${name} closes`) });
    engine.emit('connection', conn);
    nsp.emit('connection', { conn, once: () => undefined, emit: (event: string) => told.push(`${name} ${event}`), disconnect: () => told.push(`${name} disconnect`) });
    return conn;
  };
  const [flooding] = [connect('flooding'), connect('quiet')];
  for (let i = 0; told.length === 0; i++) {
    assert.ok(i < 100 * packetLimits(DEFAULT_LIMITS).messageBurst);
    flooding.emit('packet');
  }
  assert.deepEqual(told, ['flooding closing', 'flooding disconnect', 'flooding closes']);
});

test('a slow socket that leaves costs what it follows, however many slow ones there are', (t) => {
  let reads = 0;
  const topic = (id: string): Topic => ({
    get id() {
      reads++;
      return id;
    },
    subject: id, event: 'x', everyMs: 1_000, flush: () => undefined, snapshot: () => id, mark: () => undefined, catchUp: () => undefined,
  });
  const rooms = new Map<string, Set<Socket>>();
  const adapter = Object.assign(new EventEmitter(), { rooms, wanted: (room: string) => rooms.has(room) });
  const waiting = new Set<Socket>();
  const publisher = new TopicPublisher({ name: '/x', adapter, to: () => assert.fail('nothing is sent') } as unknown as Namespace, {
    tickMs: 1e6, backlog: { ...DEFAULT_BACKLOG, conflate: 1 }, waiting: { of: () => waiting.values() as Generator<Socket> }, subscriptionsPerConnection: 100, monotonic: () => 0, metrics: createMetrics(), logger: silentLogger,
  });
  t.after(() => publisher.close());
  const slowSocket = (): Socket => {
    const own = new Set(['own']);
    const socket = {
      rooms: own, data: {}, conn: { writeBuffer: [{ data: 'much' }], transport: {} },
      join: (room: string) => {
        own.add(room);
        rooms.set(room, (rooms.get(room) ?? new Set()).add(socket));
      },
      leave: (room: string) => {
        own.delete(room);
        rooms.get(room)?.delete(socket);
        if (rooms.get(room)?.size !== 0) return;
        rooms.delete(room);
        adapter.emit('room-unwanted', room);
      },
    } as unknown as Socket;
    return socket;
  };
  const costOf = (count: number): number => {
    const sockets = Array.from({ length: count }, slowSocket);
    for (const [i, socket] of sockets.entries()) for (const id of ['all', `some ${i % 5}`, `own ${i}`]) publisher.follow(socket, topic(`${count} ${id}`));
    for (const socket of sockets) waiting.add(socket);
    publisher.tick();
    waiting.clear();
    assert.equal(rooms.size, 0, 'all of them are slow');
    reads = 0;
    for (const socket of sockets) publisher.left(socket);
    return reads / count;
  };
  const [few, many] = [costOf(10), costOf(200)];
  assert.equal(many, few);
  // Nothing is left of the topics: a follower gets a new one.
  const fresh = slowSocket();
  publisher.follow(fresh, topic('10 all'));
  assert.equal(publisher.followed(fresh).length, 1);
});
