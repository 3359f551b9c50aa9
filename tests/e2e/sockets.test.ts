import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { io, type Socket } from 'socket.io-client';
import type { Order } from '../../src/models/orders.ts';
import { Client } from '../support/client.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import { call, connected, next, type Reply } from '../support/socket-world.ts';
import { eventually } from '../support/wait.ts';

const PERP = 'BTC-USDT-PERP';
let server: ServerProcess;
const sockets: Socket[] = [];

before(async () => {
  server = await startServer({ env: { ADMIN_IPS: '127.0.0.1' } });
});
after(async () => {
  for (const socket of sockets) socket.disconnect();
  await server.dispose();
});

async function join(namespace: string, token?: string): Promise<Socket> {
  const socket = io(`${server.url}${namespace}`, { auth: { token }, transports: ['websocket'], forceNew: true, reconnection: false, autoConnect: false });
  sockets.push(socket);
  await connected(socket);
  return socket;
}

/** Every message of a channel, as they come. */
function heard<T>(socket: Socket, channel: string): T[] {
  const messages: T[] = [];
  socket.on(channel, (message: T) => messages.push(message));
  return messages;
}

const limit = (side: string, price: string, quantity: string, symbol = 'BTC-USDT') => ({ symbol, side, type: 'limit', price, quantity });

test('a position is told of until it is liquidated, to its owner, to those who watch prices, and to administrators', async () => {
  const admin = await Client.admin(server.url);
  const [long, short] = [await Client.register(server.url, 'long'), await Client.register(server.url, 'short')];
  for (const [user, amount] of [[long, '1200'], [short, '50000']] as const) {
    await user.post('/wallets/deposits', { asset: 'USDT', amount, account: 'futures' });
    await user.put(`/positions/${PERP}/leverage`, { leverage: 10 });
  }
  await admin.post('/admin/prices', { prices: [{ symbol: PERP, index: '10000', mark: '10000' }] });
  const [mine, theirs, prices, console_] = [await join('/user', long.token), await join('/user', short.token), await join('/prices'), await join('/admin', admin.token)];
  const positions = heard<{ status: string; side: string; quantity: string }>(mine, 'position');
  const liquidations = heard<{ symbol: string; side: string }>(mine, 'liquidation');
  const ticks = heard<{ symbol: string; mark: string | null }[]>(prices, 'prices');
  const watched = heard<{ userId: string }[]>(console_, 'liquidations');
  assert.equal(((await call(prices, 'subscribe', { symbols: [PERP] })).data as { mark: string }[])[0]?.mark, '10000');
  assert.equal((await call(console_, 'subscribe', { channels: ['liquidations', 'alerts'] })).ok, true);

  assert.equal((await call(theirs, 'order:place', limit('sell', '10000', '1', PERP))).ok, true);
  assert.equal((await call(mine, 'order:place', limit('buy', '10000', '1', PERP))).ok, true);
  const opened = await eventually('the position', () => positions.find(({ status }) => status === 'open'));
  assert.deepEqual([opened.side, opened.quantity], ['long', '1']);

  // Somebody to sell to, just above the bankruptcy price of about 9,000; the price band lets nobody bid that before the mark has come closer.
  await admin.post('/admin/prices', { prices: [{ symbol: PERP, index: '9400', mark: '9400' }] });
  const rescue = await call(theirs, 'order:place', limit('buy', '9020', '2', PERP));
  assert.equal(rescue.ok, true, rescue.error?.message);
  await admin.post('/admin/prices', { prices: [{ symbol: PERP, index: '9030', mark: '9030' }] });
  await eventually('the liquidation', () => liquidations[0]);
  assert.deepEqual([liquidations[0]?.symbol, liquidations[0]?.side], [PERP, 'long']);
  await eventually('the end of the position', () => positions.find(({ status, quantity }) => status === 'closed' && quantity === '0'));
  await eventually('the price', () => ticks.flat().find(({ mark }) => mark === '9030'));
  await eventually('the administrator sees whose it was', () => watched.flat().find(({ userId }) => typeof userId === 'string'));
});

test('who follows trades and liquidations after a restart is shown those of before it, then each new one once', async () => {
  const market = await join('/market');
  const shown = async (socket: Socket, channel: string) => (await call(socket, 'subscribe', { channel, symbol: PERP })).data as { seq: number; trades?: { id: string }[]; liquidations?: { id: string }[] };
  const before = [await shown(market, 'trades'), await shown(market, 'liquidations')];
  assert.ok((before[0]?.trades?.length ?? 0) >= 2);
  assert.equal(before[1]?.liquidations?.length, 1);
  assert.equal(await server.stop(), 0);
  const { directory, url } = server;
  server = await startServer({ directory, env: { PORT: new URL(url).port, ADMIN_IPS: '127.0.0.1' } });

  const back = await join('/market');
  assert.deepEqual([await shown(back, 'trades'), await shown(back, 'liquidations')], before);
  const admin = await Client.admin(server.url);
  const watching = await join('/admin', admin.token);
  const { liquidations } = (await call(watching, 'subscribe', { channels: ['liquidations'] })).data as { liquidations: { id: string; userId?: string }[] };
  assert.deepEqual(liquidations.map(({ id, userId }) => [id, typeof userId]), [[before[1]?.liquidations?.[0]?.id, 'string']]);

  const news = heard<{ trades: { id: string }[] }>(back, 'trades');
  const [maker, taker] = [await Client.register(server.url, 'maker'), await Client.register(server.url, 'taker')];
  for (const user of [maker, taker]) await user.post('/wallets/deposits', { asset: 'USDT', amount: '10000', account: 'futures' });
  await maker.post('/orders', limit('sell', '9100', '0.1', PERP));
  await taker.post('/orders', limit('buy', '9100', '0.1', PERP));
  await eventually('the new trade', () => news.flatMap(({ trades }) => trades)[0]);
  const told = news.flatMap(({ trades }) => trades.map(({ id }) => id));
  assert.equal(told.length, 1);
  assert.ok(!before[0]?.trades?.some(({ id }) => id === told[0]));
});

test('what is placed by socket is there by REST, and after a restart the client is told to begin anew', async () => {
  const erin = await Client.register(server.url, 'erin');
  await erin.post('/wallets/deposits', { asset: 'USDT', amount: '1000' });
  const socket = await join('/user', erin.token);
  const { data } = (await call(socket, 'order:place', { ...limit('buy', '50', '1'), clientOrderId: 'mine' })) as Reply & { data: Order };
  const stored = await erin.get<Order>('/orders/client:mine');
  const repeated = (await call(socket, 'order:place', { ...limit('buy', '50', '1'), clientOrderId: 'mine' })) as Reply & { data: Order };
  assert.deepEqual([stored.id, repeated.data.id], [data.id, data.id]);
  assert.equal((await call(socket, 'order:place', { ...limit('buy', '51', '1'), clientOrderId: 'mine' })).error?.code, 'DUPLICATE_CLIENT_ORDER_ID');
  const closing = next<{ code: string }>(socket, 'closing');
  const gone = next(socket, 'disconnect');
  assert.equal(await server.stop(), 0);
  assert.equal((await closing).code, 'UNAVAILABLE');
  await gone;
  const { directory, url } = server;
  server = await startServer({ directory, env: { PORT: new URL(url).port } });
  const back = await join('/user', erin.token);
  assert.equal(back.recovered, false);
  assert.equal((await call(back, 'order:cancel', { id: 'client:mine' })).ok, true);
});

test('the client of the documentation places an order and hears of it', async (t) => {
  const root = resolve(import.meta.dirname, '../..');
  const page = await (await fetch(`${server.url}/docs/sockets.md`)).text();
  assert.equal(page, readFileSync(resolve(root, 'docs/sockets.md'), 'utf8'), 'the server has the page');
  const [, code] = /^```js\n([^`]*(?:`[^`\n]*`[^`]*)*?)^```$/m.exec(page) ?? assert.fail('no client in it');
  const me = { email: 'me@example.com', password: 'correct horse battery' };
  assert.ok(code?.includes(me.email) && code.includes(me.password), 'it signs in as the README does');
  const { tokens } = await new Client(server.url).post<{ tokens: { accessToken: string } }>('/auth/register', me);
  await new Client(server.url, tokens.accessToken).post('/wallets/deposits', { asset: 'USDT', amount: '10000' });
  const child = spawn(process.execPath, ['--input-type=module', '-e', code as string], { cwd: root, env: { ...process.env, BOURSE_URL: server.url } });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const [, id] = await eventually('the reply', () => /^order (\d+) is new$/m.exec(output) ?? undefined).catch(() => assert.fail(output));
  await eventually('the event', () => new RegExp(`^event \\d+ ${id} new$`, 'm').exec(output) ?? undefined);
});
