import assert from 'node:assert/strict';
import type { Socket as NetSocket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Server, type Namespace } from 'socket.io';
import type { Socket } from 'socket.io-client';
import { call, connected, next, SocketWorld } from '../../tests/support/socket-world.ts';
import { eventually } from '../../tests/support/wait.ts';
import type { Order } from '../models/orders.ts';
import type { Alert } from '../services/admin-stream.ts';
import { RecoverableAdapter } from './recovery.ts';

const ann = { auth: { token: 'ann' }, reconnection: false };

/** The network connection under a client: paused, the server notices nothing until it misses the client's pongs. */
function wireOf(socket: Socket): NetSocket {
  return (socket.io.engine.transport as unknown as { ws: { _socket: NetSocket } }).ws._socket;
}

async function lose(socket: Socket): Promise<void> {
  const lost = next(socket, 'disconnect');
  socket.io.engine.close();
  await lost;
}

/** A socket that has heard of its first order, and the seqs of those that it hears of. */
async function hearing(world: SocketWorld): Promise<{ readonly socket: Socket; readonly heard: readonly number[] }> {
  const socket = world.client('/user', ann);
  const heard: number[] = [];
  socket.on('order', ({ seq }: Order) => heard.push(seq));
  await connected(socket);
  world.commit(world.make.accepted('buy', 100, 1));
  await eventually('the first order', () => heard[0]);
  return { socket, heard };
}

test('what was sent between the end of a connection and the moment it was noticed is not lost', async (t) => {
  const world = await SocketWorld.during(t, { recoveryMs: 500, pingIntervalMs: 700 });
  const { socket, heard } = await hearing(world);
  const lost = next(socket, 'disconnect');
  const wire = wireOf(socket);
  wire.pause();
  world.commit(world.make.accepted('buy', 101, 1));
  await eventually('the end of the connection is noticed', async () => (await world.metrics.registry.getSingleMetricAsString('bourse_sockets')).includes('namespace="/user"} 0') || undefined);
  wire.destroy();
  await lost;
  await connected(socket);
  assert.equal(socket.recovered, true);
  world.commit(world.make.accepted('buy', 102, 1));
  await eventually('the last order', () => heard.includes(3) || undefined);
  assert.deepEqual(heard, [1, 2, 3]);
});

test('a refused attempt to come back uses up nothing: the same user is let in after it, and nobody else', async (t) => {
  const world = await SocketWorld.during(t);
  const { socket, heard } = await hearing(world);
  await lose(socket);
  world.commit(world.make.accepted('buy', 101, 1));
  for (const token of ['eve', 'bob', 'eve']) {
    socket.auth = { token };
    await assert.rejects(connected(socket), { code: 'UNAUTHENTICATED' });
  }
  assert.deepEqual(heard, [1]);
  world.commit(world.make.accepted('buy', 102, 1));
  socket.auth = ann.auth;
  await connected(socket);
  assert.equal(socket.recovered, true);
  await eventually('what was missed', () => heard.length >= 3 || undefined);
  assert.deepEqual(heard, [1, 2, 3]);
});

test('an administrator who comes back is told every alert', async (t) => {
  const world = await SocketWorld.during(t);
  const socket = world.client('/admin', { auth: { token: 'root' }, reconnection: false });
  const heard: string[] = [];
  socket.on('alerts', (alerts: Alert[]) => heard.push(...alerts.map(({ message }) => message)));
  await connected(socket);
  await call(socket, 'subscribe', { channels: ['alerts'] });
  const raise = (message: string): void => world.admin.raise({ level: 'info', kind: 'test', message });
  raise('before');
  await eventually('the first alert', () => heard[0]);
  const other = await world.connect('/admin', { auth: { token: 'root' } });
  await call(other, 'subscribe', { channels: ['alerts'] });
  await lose(socket);
  const told = next(other, 'alerts');
  raise('while away');
  await told;
  await connected(socket);
  assert.equal(socket.recovered, true);
  raise('after');
  await eventually('the last alert', () => heard.includes('after') || undefined);
  assert.deepEqual(heard, ['before', 'while away', 'after']);
});

/** An adapter in a time that the test lets pass. */
function adapterOf(t: TestContext): { readonly adapter: RecoverableAdapter; readonly pass: (ms: number) => void } {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let time = 0;
  class Adapter extends RecoverableAdapter {
    constructor(nsp: Namespace) {
      super(nsp, { windowMs: 1_000, unnoticedMs: 500, messages: 10, sessions: 10, monotonic: () => time });
    }
  }
  const adapter = new Server({ adapter: Adapter }).of('/user').adapter as RecoverableAdapter;
  t.after(() => adapter.close());
  const pass = (ms: number): void => {
    for (const end = time + ms; time < end; t.mock.timers.tick(1)) time++;
  };
  return { adapter, pass };
}

function send(adapter: RecoverableAdapter, room: string): void {
  adapter.broadcast({ type: 2, data: ['order', {}] }, { rooms: new Set([room]), except: new Set(), flags: {} });
}

function goAway(adapter: RecoverableAdapter, pid: string, rooms: string[]): void {
  for (const room of rooms) adapter.addAll(pid, new Set([room]));
  adapter.persistSession({ sid: pid, pid, rooms, data: {} });
  adapter.delAll(pid);
}

test('a session whose messages have been discarded cannot be resumed, be it for their age or for their number', async (t) => {
  const { adapter, pass } = adapterOf(t);
  adapter.addAll('one', new Set(['a']));
  for (let i = 0; i < 3; i++) send(adapter, 'a');
  pass(1_400);
  goAway(adapter, 'one', ['a']);
  pass(50);
  for (const from of ['2', '3', '2']) {
    assert.notEqual(await adapter.restoreSession('one', from), null, `all since ${from} is there`);
    adapter.delAll('one');
  }
  pass(400);
  assert.equal(await adapter.restoreSession('one', '2'), null, 'message 3 is too old');
  assert.notEqual(await adapter.restoreSession('one', '3'), null);
  adapter.delAll('one');
  for (let i = 0; i < 10; i++) send(adapter, 'a');
  assert.notEqual(await adapter.restoreSession('one', '3'), null);
  adapter.delAll('one');
  send(adapter, 'a');
  assert.equal(await adapter.restoreSession('one', '3'), null, 'message 4 had to make room');
});

test('what others have missed keeps nobody from resuming', async (t) => {
  const { adapter } = adapterOf(t);
  adapter.addAll('quiet', new Set(['a']));
  adapter.addAll('busy', new Set(['b']));
  send(adapter, 'a');
  for (let i = 0; i < 100; i++) send(adapter, 'b');
  for (const [pid, room] of [['quiet', 'a'], ['busy', 'b']] as const) goAway(adapter, pid, [room]);
  assert.notEqual(await adapter.restoreSession('quiet', '1'), null);
  assert.equal(await adapter.restoreSession('busy', '1'), null);
});

test('only one at a time can claim a session', async (t) => {
  const { adapter } = adapterOf(t);
  adapter.addAll('one', new Set(['a']));
  send(adapter, 'a');
  goAway(adapter, 'one', ['a']);
  assert.notEqual(await adapter.restoreSession('one', '1'), null);
  assert.equal(await adapter.restoreSession('one', '1'), null);
  adapter.delAll('one');
  assert.notEqual(await adapter.restoreSession('one', '1'), null);
});
