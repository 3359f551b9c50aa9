/** The examples of the documentation, sent as they are to a fresh server: after a deposit each of them does what it says. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '../support/client.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';

let server: ServerProcess;
let examples: Readonly<Record<string, Readonly<Record<string, { readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: { readonly examples: readonly unknown[] } } } } }>>>>;
const sent = new Set<string>();

before(async () => {
  server = await startServer();
  examples = ((await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: typeof examples }).paths;
});
after(() => server.dispose());

/** Sends the example of this operation, with the path's own example unless another is given. */
async function send<T>(client: Client, method: string, path: string, values: Readonly<Record<string, string>> = {}, change: object = {}): Promise<T> {
  const body = examples[`/api/v1${path}`]?.[method.toLowerCase()]?.requestBody?.content['application/json'].schema.examples[0] as object;
  assert.ok(body !== undefined, `${method} ${path} has an example`);
  sent.add(`${method} ${path}`);
  const answer = await client.send<T>(method, path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? ''), { ...body, ...change });
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.code}`);
  return answer.data;
}

test('every example of a body is accepted', async () => {
  const nobody = new Client(server.url);
  interface Session { readonly user: { readonly id: string }; readonly tokens: { readonly accessToken: string; readonly refreshToken: string } }
  const registered = await send<Session>(nobody, 'POST', '/auth/register');
  const { tokens } = await send<Session>(nobody, 'POST', '/auth/login');
  const me = new Client(server.url, tokens.accessToken);
  const admin = await Client.admin(server.url);
  await send(me, 'POST', '/wallets/deposits');
  await send(me, 'POST', '/wallets/transfers');

  const order = await send<{ id: string }>(me, 'POST', '/orders');
  await send(me, 'PATCH', '/orders/{id}', { id: order.id });
  const placed = await send<{ status: number }[]>(me, 'POST', '/orders/batch');
  const canceled = await send<{ status: number }[]>(me, 'DELETE', '/orders/batch');
  assert.deepEqual([placed, canceled].map((results) => results.map(({ status }) => status)), [[201, 201], [200, 200]]);
  await send(me, 'PUT', '/orders/cancel-after');

  await send(admin, 'POST', '/admin/prices');
  const perpetual = { symbol: 'BTC-USDT-PERP' };
  await send(me, 'PUT', '/positions/{symbol}/leverage', perpetual);
  await send(me, 'PUT', '/positions/{symbol}/margin-mode', perpetual);
  // Somebody to trade with, on both sides.
  const other = await Client.register(server.url, 'other');
  await other.post('/wallets/deposits', { asset: 'USDT', amount: '100000', account: 'futures' });
  for (const [side, price] of [['sell', '65000'], ['buy', '64900']]) await other.post('/orders', { ...perpetual, side, type: 'limit', price, quantity: '0.1' });
  await me.post('/orders', { ...perpetual, side: 'buy', type: 'market', quantity: '0.05' });
  await send(me, 'POST', '/positions/{symbol}/margin', perpetual);
  await send(me, 'POST', '/positions/{symbol}/close', perpetual);

  await send(admin, 'POST', '/admin/assets');
  await send(admin, 'POST', '/admin/markets');
  const before = await admin.get<object[]>('/admin/markets?fields=symbol,maxOpenOrders,status,house');
  await send(admin, 'PATCH', '/admin/markets/{symbol}', { symbol: 'BTC-USDT' });
  assert.deepEqual(await admin.get('/admin/markets?fields=symbol,maxOpenOrders,status,house'), before, 'it changes nothing');
  await send(admin, 'PUT', '/admin/users/{id}/roles', { id: registered.user.id });

  // Its place holder cannot be anybody's token.
  await send(nobody, 'POST', '/auth/refresh', {}, { refreshToken: tokens.refreshToken });
  const again = await send<Session>(nobody, 'POST', '/auth/login');
  const mine = new Client(server.url, again.tokens.accessToken);
  await send(mine, 'POST', '/auth/password');
  await send(mine, 'POST', '/auth/logout');

  const all = Object.entries(examples).flatMap(([path, methods]) => Object.entries(methods).filter(([, { requestBody }]) => requestBody !== undefined).map(([method]) => `${method.toUpperCase()} ${path.replace('/api/v1', '')}`));
  assert.deepEqual([...sent].sort(), all.sort(), 'none was left out');
});
