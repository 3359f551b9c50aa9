import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Server, type Socket as ServerSocket } from 'socket.io';
import { io } from 'socket.io-client';
import { eventually } from '../../tests/support/wait.ts';
import { silentLogger } from '../observability/logger.ts';
import { batchWrites, written } from './batching.ts';

const COMPRESS_FROM = 2_048;

/** How a stream hands on what it is given. */
interface Spied {
  _write(chunk: Buffer, ...more: unknown[]): void;
  _writev(chunks: readonly { readonly chunk: Buffer }[], ...more: unknown[]): void;
}

async function listen(t: TestContext) {
  const http = createServer();
  const server = new Server(http, { serveClient: false, perMessageDeflate: { threshold: COMPRESS_FROM, serverNoContextTakeover: true } });
  batchWrites(server, { compressFrom: COMPRESS_FROM, onWait: () => undefined, logger: silentLogger });
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
  t.after(() => server.close());
  return { http, server };
}

/** A connected pair; `writes` counts how often the server hands something to the system for it, `chunks` is what. */
async function connect(t: TestContext, { http, server }: Awaited<ReturnType<typeof listen>>, transports: ('websocket' | 'polling')[] = ['websocket'], options: object = {}) {
  const arrived = new Promise<ServerSocket>((done) => server.once('connection', done));
  const client = io(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, { transports, forceNew: true, reconnection: false, ...options });
  const heard: unknown[] = [];
  client.onAny((event: string, value: unknown) => heard.push(`${event} ${String(value)}`));
  client.on('disconnect', (reason: string) => heard.push(reason));
  t.after(() => client.disconnect());
  const socket = await arrived;
  await eventually('the client knows', () => (client.connected && socket.conn.transport.name === transports.at(-1)) || undefined);
  const spy = { writes: 0, chunks: [] as Buffer[] };
  const tcp = (socket.conn.transport as unknown as { socket?: { _socket: Spied } }).socket?._socket;
  if (tcp !== undefined) {
    const [write, writev] = [tcp._write.bind(tcp), tcp._writev.bind(tcp)];
    tcp._write = (chunk, ...more) => {
      spy.writes++;
      spy.chunks.push(chunk);
      write(chunk, ...more);
    };
    tcp._writev = (chunks, ...more) => {
      spy.writes++;
      spy.chunks.push(...chunks.map(({ chunk }) => chunk));
      writev(chunks, ...more);
    };
  }
  return { socket, heard, spy };
}

test('what a connection is given in one turn leaves with one write, in order', async (t) => {
  const { socket, heard, spy } = await connect(t, await listen(t));
  const expected = Array.from({ length: 20 }, (_, i) => `tick ${i}`);
  for (let i = 0; i < 10; i++) socket.emit('tick', i);
  await Promise.resolve();
  for (let i = 10; i < 20; i++) socket.emit('tick', i);
  await eventually('all messages', () => heard.length === 20 || undefined);
  assert.deepEqual(heard, expected);
  assert.equal(spy.writes, 1);
});

test('what is given while a write is on its way follows it', async (t) => {
  const { socket, heard } = await connect(t, await listen(t));
  for (let turn = 0; turn < 50; turn++) {
    socket.emit('tick', turn);
    if (turn % 3 === 0) await new Promise(setImmediate);
  }
  await eventually('all messages', () => heard.length === 50 || undefined);
  assert.deepEqual(heard, Array.from({ length: 50 }, (_, i) => `tick ${i}`));
});

test('a connection that cannot be written to ends, and takes no other with it', async (t) => {
  const server = await listen(t);
  const broken = await connect(t, server);
  const sound = await connect(t, server);
  const transport = broken.socket.conn.transport as unknown as { send(): void };
  transport.send = () => {
    throw new Error('broken');
  };
  broken.socket.emit('tick', 1);
  sound.socket.emit('tick', 2);
  await eventually('the sound one hears', () => sound.heard.length === 1 || undefined);
  await eventually('the broken one ends', () => !broken.socket.connected || undefined);
});

test('what goes to many is framed once, whatever their clients take, also after an upgrade', async (t) => {
  const server = await listen(t);
  const pairs = [await connect(t, server), await connect(t, server, ['websocket'], { perMessageDeflate: false }), await connect(t, server, ['polling', 'websocket'])];
  for (const text of ['short', 'x'.repeat(COMPRESS_FROM)]) {
    server.server.emit('tick', text);
    await eventually('all hear it', () => pairs.every(({ heard }) => heard.at(-1) === `tick ${text}`) || undefined);
    const [frame, ...others] = pairs.map(({ spy }) => spy.chunks.find((chunk) => chunk.includes(text)));
    assert.ok(frame !== undefined && others.every((other) => other === frame), text.slice(0, 5));
  }
});

test('what goes to many overtakes nothing that is compressed for one', async (t) => {
  const { server, ...http } = await listen(t);
  const { socket, heard } = await connect(t, { server, ...http });
  const large = 'x'.repeat(100_000);
  // Three bytes each: fewer characters than the bytes from which on a message is compressed.
  const wide = '€'.repeat(1_000);
  const expected: string[] = [];
  for (const [i, text] of [large, wide, 'short', large, wide].entries()) {
    server.emit('all', i);
    socket.emit('one', text);
    server.emit('all', i);
    expected.push(`all ${i}`, `one ${text}`, `all ${i}`);
    // The last three leave with one write.
    if (i < 2) await eventually('all messages', () => heard.length === expected.length || undefined);
  }
  await eventually('all messages', () => heard.length === expected.length || undefined);
  assert.deepEqual(heard, expected);
});

test('what was given to many can be waited for', async (t) => {
  const server = await listen(t);
  const pairs = [await connect(t, server), await connect(t, server), await connect(t, server, ['polling'])];
  for (const { socket } of pairs) socket.emit('tick', 1);
  await new Promise(setImmediate);
  // The first write may be on its way still.
  for (const { socket } of pairs) socket.emit('closing', 'bye');
  await written(server.server);
  for (const { socket } of pairs.slice(0, 2)) assert.equal((socket.conn as unknown as { writeBuffer: unknown[] }).writeBuffer.length, 0);
  server.server.engine.close();
  await eventually('the last words', () => pairs.slice(0, 2).every(({ heard }) => heard.includes('closing bye')) || undefined);
});

for (const transport of ['websocket', 'polling'] as const) {
  test(`the last words reach a ${transport} client that is disconnected with them`, async (t) => {
    const { socket, heard } = await connect(t, await listen(t), [transport]);
    socket.emit('closing', 'bye');
    socket.disconnect(true);
    await eventually('the end', () => heard.length === 2 || undefined);
    assert.equal(heard[0], 'closing bye');
  });
}
