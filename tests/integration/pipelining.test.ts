/** Requests that a client sends on one connection without waiting for replies: they act in the order in which they came. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { route } from '../../src/controllers/route.ts';
import { tradingRoutes } from '../../src/controllers/trading.ts';
import { startApi, type Api } from '../support/api.ts';
import { Client } from '../support/client.ts';
import { listMarkets, openVenue, type Venue } from '../support/venue.ts';
import { eventually } from '../support/wait.ts';

const ORDER = { symbol: 'BTC-USDT', side: 'buy', type: 'limit', price: '100', quantity: '1' } as const;
/** More than the stack could hold one in the other. */
const MANY = 2_000;

/** Names in the order in which the handlers of the probes were called. */
let handled: string[] = [];
const probe = { params: z.object({ id: z.string() }), response: z.object({}), permission: 'public', summary: 'notes that it was called', handler: (ctx: { params: { id: string } }) => { handled.push(ctx.params.id); return { data: {} }; } } as const;
const probes = [route({ ...probe, method: 'POST', path: '/probe/:id', body: z.strictObject({ text: z.string().optional() }) }), route({ ...probe, method: 'DELETE', path: '/probe/:id' }), route({ ...probe, method: 'GET', path: '/probe/:id' })];

let venue: Venue;
let api: Api;
let ann: Client;
before(async () => {
  venue = await openVenue();
  await listMarkets(venue);
  api = await start();
  ann = await Client.register(api.url, 'ann');
  await ann.post('/wallets/deposits', { asset: 'USDT', amount: '100000' });
});
after(async () => {
  await api.close();
  await venue.close();
});

const start = (env: Record<string, string> = {}): Promise<Api> => startApi({ env, store: venue.store, sequencer: venue.leader, routes: [...tradingRoutes(venue.trading), ...probes] });

interface Sent { readonly body?: string | Buffer; readonly headers?: string; readonly token?: string }

function request(method: string, path: string, { body, headers = '', token }: Sent = {}): Buffer {
  const credential = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`;
  const length = body === undefined ? '' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
  return Buffer.concat([Buffer.from(`${method} /api/v1${path} HTTP/1.1\r\nHost: x\r\n${credential}${length}${headers}\r\n`), Buffer.from(body ?? '')]);
}

const zipped = (text: string): Sent => ({ body: gzipSync(text), headers: 'Content-Encoding: gzip\r\n' });

/** Sends the requests in one write, and returns the statuses of as many replies. */
function pipelined(requests: readonly Buffer[], url = api.url): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(Buffer.concat(requests)));
    let text = '';
    const statuses = (): number[] => Array.from(text.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, status]) => Number(status));
    socket.setTimeout(10_000, () => reject(new Error(`no end after: ${text.slice(-1_000)}`)));
    socket.on('error', reject).on('close', () => resolve(statuses()));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (statuses().length === requests.length) socket.destroy();
    });
  });
}

async function handledBy(requests: readonly Buffer[], url = api.url): Promise<[names: string[], statuses: number[]]> {
  handled = [];
  const statuses = await pipelined(requests, url);
  return [handled, statuses];
}

const openOrders = async (): Promise<string[]> => (await ann.get<{ clientOrderId: string }[]>('/orders?status=new')).map(({ clientOrderId }) => clientOrderId);
const place = (clientOrderId: string, token = ann.token): Buffer => request('POST', '/orders', { token, body: JSON.stringify({ ...ORDER, clientOrderId }) });

test('an order is there for the request behind it', async () => {
  const { token } = ann;
  assert.deepEqual(await pipelined([place('one'), request('DELETE', '/orders/client:one', { token })]), [201, 200]);
  assert.deepEqual(await openOrders(), []);
  assert.deepEqual(await pipelined([place('two'), place('three'), request('DELETE', '/orders', { token })]), [201, 201, 200]);
  assert.deepEqual(await openOrders(), []);
  assert.deepEqual(await pipelined([request('DELETE', '/orders', { token }), place('four'), request('GET', '/orders/client:four', { token })]), [200, 201, 200]);
  assert.deepEqual(await openOrders(), ['four']);
  await ann.delete('/orders');
});

test('an order is there for the request behind it, counted by address and signed in for the first time', async () => {
  const limited = await start({ RATE_LIMITS: 'on' });
  const { token } = ann;
  const { authenticator } = limited.identity;
  const authenticate = authenticator.authenticate.bind(authenticator);
  const { promise: laterThanAll, resolve: goOn } = Promise.withResolvers<void>();
  let asked = 0;
  authenticator.authenticate = async (credential) => {
    if (++asked === 1) await laterThanAll;
    return authenticate(credential);
  };
  try {
    const replies = pipelined([place('slow'), request('DELETE', '/orders/client:slow', { token }), request('GET', '/probe/last')], limited.url);
    handled = [];
    await eventually('the first is looked up', () => (asked > 0 ? true : undefined));
    await (await fetch(`${limited.url}/api/v1/probe/other`)).arrayBuffer();
    assert.deepEqual([asked, handled], [1, ['other']]);
    goOn();
    assert.deepEqual(await replies, [201, 200, 200]);
    assert.deepEqual(await openOrders(), []);
  } finally {
    await limited.server.close();
  }
});

test('a body that takes longer is waited for', async () => {
  const requests = [request('POST', '/probe/a', zipped('{"text":"a"}')), request('POST', '/probe/b', { body: '{}' }), request('DELETE', '/probe/c'), request('POST', '/probe/d', zipped('{}')), request('GET', '/probe/e')];
  assert.deepEqual(await handledBy(requests), [['a', 'b', 'c', 'd', 'e'], [200, 200, 200, 200, 200]]);
});

test('requests in parts go in order as well', async () => {
  const all = Buffer.concat([request('POST', '/probe/a', zipped('{}')), request('DELETE', '/probe/b'), request('POST', '/probe/c', { body: '{"text":"c"}' }), request('DELETE', '/probe/d')]);
  for (const at of [10, 150, 200, all.length - 80]) {
    handled = [];
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1', () => socket.write(all.subarray(0, at), () => socket.write(all.subarray(at))));
    socket.setNoDelay(true).resume();
    await eventually(`all are handled, cut at ${at}`, () => (handled.length === 4 ? true : undefined));
    socket.destroy();
    assert.deepEqual(handled, ['a', 'b', 'c', 'd']);
  }
});

test('whoever is refused holds up nobody', async () => {
  const requests = [
    request('POST', '/probe/broken', zipped('{"text":')),
    request('GET', '/nothing'),
    request('OPTIONS', '/probe/a'),
    request('GET', '/probe/a?none=1'),
    request('POST', '/orders', { body: '{}' }),
    request('DELETE', '/probe/b'),
    request('POST', '/probe/c', { body: '{"text":1}' }),
    request('DELETE', '/probe/d'),
  ];
  assert.deepEqual(await handledBy(requests), [['b', 'd'], [400, 404, 204, 400, 401, 200, 400, 200]]);
});

test('a long line behind one body is worked off', async () => {
  const names = Array.from({ length: MANY }, (_, i) => `n${i}`);
  const [order, statuses] = await handledBy([request('POST', '/probe/first', zipped('{}')), ...names.map((name) => request('GET', `/probe/${name}`))]);
  assert.deepEqual(order, ['first', ...names]);
  assert.equal(statuses.length, MANY + 1);
});

test('a connection that ends in the middle leaves nothing behind', async () => {
  const inFlight = async (): Promise<string | undefined> => /^bourse_http_requests_in_flight (\d+)$/m.exec(await (await fetch(`${api.url}/metrics`)).text())?.[1];
  const cut = async (bytes: Buffer, end: (socket: Socket) => unknown): Promise<void> => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1', () => socket.write(bytes, () => end(socket)));
    await new Promise((resolve) => socket.on('error', () => undefined).resume().once('close', resolve));
  };
  const whole = Buffer.concat([request('POST', '/probe/a', zipped('{}')), request('DELETE', '/probe/b'), request('POST', '/probe/c', { body: '{}' })]);
  for (const end of [(socket: Socket) => socket.resetAndDestroy(), (socket: Socket) => socket.destroy(), (socket: Socket) => socket.end()]) {
    await cut(whole, end);
    await cut(whole.subarray(0, -1), end);
  }
  // The one that asks is in flight itself.
  await eventually('nothing is in flight', async () => ((await inFlight()) === '1' ? true : undefined));
  assert.deepEqual(await handledBy([request('POST', '/probe/a', { body: '{}' }), request('DELETE', '/probe/b')]), [['a', 'b'], [200, 200]]);
});
