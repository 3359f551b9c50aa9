/** The venue from the outside: two users trade spot and with leverage, one is liquidated, and every cent is where the rules put it. Figures are worked out by hand in the comments. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { tradingRoutes } from '../../src/controllers/trading.ts';
import { startApi, type Api } from '../support/api.ts';
import { Client } from '../support/client.ts';
import { ADMIN } from '../support/server-process.ts';
import { listMarkets, openVenue, type Venue } from '../support/venue.ts';

const SPOT = 'BTC-USDT';
const PERP = 'BTC-USDT-PERP';

interface Order { readonly id: string; readonly status: string; readonly filledQuantity: string; readonly averagePrice: string | null; readonly fee: string; readonly feeAsset: string; readonly fills: { readonly price: string; readonly fee: string }[]; readonly clientOrderId: string | null }
interface Wallet { readonly account: string; readonly asset: string; readonly total: string; readonly available: string; readonly locked: string; readonly margin?: string }
interface Position { readonly status: string; readonly side: string; readonly liquidationPrice: string; readonly unrealizedPnl: string; readonly realizedPnl: string }
interface Liquidation { readonly symbol: string; readonly side: string; readonly quantity: string; readonly entryPrice: string; readonly markPrice: string; readonly bankruptcyPrice: string; readonly marginBefore: string; readonly fee: string; readonly fundDelta: string; readonly fundAfter: string; readonly userId?: string }
interface Audit { readonly balanced: boolean; readonly assets: Record<string, string>[] }

describe('trading over HTTP', () => {
  let venue: Venue;
  let api: Api;
  let ann: Client;
  let bob: Client;
  let admin: Client;
  let nobody: Client;

  const spot = async (client: Client, asset: string): Promise<Wallet> => (await client.get<Wallet[]>(`/wallets/${asset}`))[0] as Wallet;
  const futures = async (client: Client): Promise<Wallet> => (await client.get<Wallet[]>('/wallets/USDT'))[1] as Wallet;
  const place = (client: Client, order: object): Promise<Order> => client.post('/orders', order);
  const audit = (): Promise<Audit> => admin.get('/admin/ledger/audit');

  before(async () => {
    venue = await openVenue({ audit: { record: (entry) => api.identity.audit.record(entry) } });
    api = await startApi({ store: venue.store, sequencer: venue.leader, routes: tradingRoutes(venue.trading) });
    await listMarkets(venue);
    await api.identity.registration.ensureAdmin(ADMIN);
    nobody = new Client(api.url);
    admin = await Client.admin(api.url);
    ann = await Client.register(api.url, 'ann');
    bob = await Client.register(api.url, 'bob');
    await ann.post('/wallets/deposits', { asset: 'USDT', amount: '100000' });
    await bob.post('/wallets/deposits', { asset: 'BTC', amount: '2' });
    await bob.post('/wallets/deposits', { asset: 'USDT', amount: '20000', account: 'futures' });
  });
  after(async () => {
    await api.close();
    await venue.close();
  });

  test('a spot trade moves base, quote and fees to the last unit', async () => {
    const answer = await bob.send<Order>('POST', '/orders', { symbol: SPOT, side: 'sell', type: 'limit', price: '30000.1', quantity: '0.5', clientOrderId: 'ask' });
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.equal((await spot(bob, 'BTC')).locked, '0.5');
    const taken = await place(ann, { symbol: SPOT, side: 'buy', type: 'limit', price: '30100', quantity: '0.3' });
    // At the maker's price: 0.3 × 30,000.1 = 9,000.03; 0.05 % of 0.3 BTC
    assert.deepEqual([taken.status, taken.averagePrice, taken.fee, taken.feeAsset, taken.fills.length], ['filled', '30000.1', '0.00015', 'BTC', 1]);
    assert.deepEqual([(await spot(ann, 'BTC')).total, (await spot(ann, 'USDT')).total, (await spot(ann, 'USDT')).locked], ['0.29985', '90999.97', '0']);
    // 0.02 % of 9,000.03 = 1.800006
    assert.deepEqual([(await spot(bob, 'BTC')).total, (await spot(bob, 'BTC')).locked, (await spot(bob, 'USDT')).total], ['1.7', '0.2', '8998.229994']);
    const ask = await bob.get<Order>('/orders/client:ask');
    assert.deepEqual([ask.status, ask.filledQuantity, ask.fee], ['partially_filled', '0.3', '1.800006']);
    assert.equal((await bob.delete<Order>(`/orders/${ask.id}`)).status, 'canceled');
    assert.deepEqual((await bob.get<{ role: string; quantity: string }[]>(`/trades?symbol=${SPOT}`)).map(({ role, quantity }) => [role, quantity]), [['maker', '0.3']]);
  });

  test('a leveraged trade realises what the prices made of it', async () => {
    await admin.post('/admin/prices', { prices: [{ symbol: PERP, index: '30000', mark: '30000' }] });
    await ann.post('/wallets/transfers', { asset: 'USDT', amount: '10000', from: 'spot', to: 'futures' });
    await place(bob, { symbol: PERP, side: 'sell', type: 'limit', price: '30000', quantity: '1' });
    await place(ann, { symbol: PERP, side: 'buy', type: 'market', quantity: '1' });
    // Fee 0.05 % of 30,000; margin a tenth
    const opened = await futures(ann);
    assert.deepEqual([opened.total, opened.available, opened.margin], ['9985', '6985', '3000']);
    await admin.post('/admin/prices', { prices: [{ symbol: PERP, index: '31000', mark: '31000' }] });
    const position = await ann.get<Position>(`/positions/${PERP}`);
    assert.deepEqual([position.side, position.unrealizedPnl, position.liquidationPrice], ['long', '1000', '27692.3']);
    await place(bob, { symbol: PERP, side: 'buy', type: 'limit', price: '31000', quantity: '1', reduceOnly: true });
    const closing = await ann.post<Order>(`/positions/${PERP}/close`, {});
    assert.deepEqual([closing.status, closing.averagePrice], ['filled', '31000']);
    // + 1,000 − 15.5; bob 20,000 − 6 − 1,000 − 6.2
    assert.deepEqual([(await futures(ann)).total, (await futures(ann)).margin, (await futures(bob)).total], ['10969.5', '0', '18987.8']);
    assert.deepEqual((await ann.get<Position[]>('/positions?status=closed')).map(({ status, realizedPnl }) => [status, realizedPnl]), [['closed', '1000']]);
  });

  test('a mark beyond the liquidation price takes the margin, and not a cent more', async () => {
    await admin.post('/admin/prices', { prices: [{ symbol: PERP, index: '30000', mark: '30000' }] });
    await place(bob, { symbol: PERP, side: 'sell', type: 'limit', price: '30000', quantity: '1' });
    await place(ann, { symbol: PERP, side: 'buy', type: 'market', quantity: '1' });
    await place(bob, { symbol: PERP, side: 'buy', type: 'limit', price: '27500', quantity: '1', reduceOnly: true });
    const { total } = await futures(ann);
    assert.equal(total, '10954.5');
    await admin.post('/admin/prices', { prices: [{ symbol: PERP, index: '27600', mark: '27600' }] });
    // Nothing is left of the margin of 3,000: − 2,500 at 27,500, fee 13.75 (0.05 % of 27,500), the other 486.25 to the fund
    assert.deepEqual([(await futures(ann)).total, (await futures(ann)).margin], ['7954.5', '0']);
    const [receipt] = await ann.get<Liquidation[]>(`/liquidations?mine=true&symbol=${PERP}`);
    assert.deepEqual(
      [receipt?.side, receipt?.quantity, receipt?.entryPrice, receipt?.markPrice, receipt?.bankruptcyPrice, receipt?.marginBefore, receipt?.fee, receipt?.fundDelta, receipt?.fundAfter],
      ['long', '1', '30000', '27600', '27000', '3000', '13.75', '486.25', '486.25'],
    );
    assert.ok(receipt?.userId !== undefined);
    assert.equal((await nobody.get<Liquidation[]>('/liquidations'))[0]?.userId, undefined);
    assert.equal((await bob.get<Liquidation[]>('/liquidations'))[0]?.userId, undefined);
    assert.equal((await admin.get<Liquidation[]>('/liquidations'))[0]?.userId, receipt.userId);
    assert.deepEqual(await bob.get('/liquidations?mine=true'), []);
    assert.deepEqual((await nobody.get<{ asset: string; balance: string }[]>('/insurance-fund')).map(({ asset, balance }) => [asset, balance]), [['USDT', '486.25']]);
    assert.equal((await ann.get<Position>(`/positions/${PERP}`)).status, 'closed');
    // 18,987.8 − 6 + 2,500 − 5.5
    assert.equal((await futures(bob)).total, '21476.3');
  });

  test('public data is confirmed within its second, and told anew after it', async () => {
    venue.clock.time += 1_000 - (venue.clock.time % 1_000);
    const tags = new Map<string, string>();
    const ask = (path: string): Promise<Response> => fetch(`${api.url}/api/v1${path}`, { headers: { 'if-none-match': tags.get(path) ?? '' } });
    const moving = [`/markets/${SPOT}/ticker`, '/markets/tickers', `/markets/${PERP}/stats`];
    for (const path of [...moving, '/insurance-fund']) {
      const { status, headers } = await ask(path);
      assert.deepEqual([status, headers.get('cache-control')], [200, 'public, max-age=1'], path);
      tags.set(path, headers.get('etag') ?? '');
    }
    venue.clock.time += 999;
    for (const path of tags.keys()) assert.equal((await ask(path)).status, 304, path);
    venue.clock.time += 1;
    for (const path of moving) assert.equal((await ask(path)).status, 200, path);
    assert.equal((await ask('/insurance-fund')).status, 304);
  });

  test('the ledger balances, and holds what came in', async () => {
    const { balanced, assets } = await audit();
    assert.equal(balanced, true);
    const usdt = assets.find(({ asset }) => asset === 'USDT');
    // Fees: 1.800006 + (15 + 6 + 15.5 + 6.2) + (15 + 6 + 13.75 + 5.5)
    assert.deepEqual([usdt?.external, usdt?.insurance, usdt?.fees, usdt?.margin, usdt?.locked], ['-120000', '486.25', '84.750006', '0', '0']);
    assert.deepEqual(assets.find(({ asset }) => asset === 'BTC')?.fees, '0.00015');
  });

  test('the wallets of one asset are a list as others are', async () => {
    assert.deepEqual(await ann.get('/wallets/BTC?fields=asset,total'), [{ asset: 'BTC', total: '0.29985' }, { asset: 'BTC', total: '0' }]);
    assert.deepEqual(await ann.get('/wallets/BTC?limit=1&offset=1&fields=account'), [{ account: 'futures' }]);
    for (const [path, detail] of [['/wallets/DOGE', 'there is no asset DOGE'], ['/wallets/withdrawals', 'there is no such route']] as const) {
      const { status, code, detail: told } = await ann.send('GET', path);
      assert.deepEqual([status, code, told], [404, 'NOT_FOUND', detail]);
    }
  });

  test('statements add up to the wallets', async () => {
    const lines = await ann.get<{ account: string; asset: string; amount: string }[]>('/wallets/transactions?limit=500');
    for (const [account, wallet] of [['spot', await spot(ann, 'USDT')], ['futures', await futures(ann)]] as const) {
      const sum = lines.filter((line) => line.account === account && line.asset === 'USDT').reduce((total, line) => total + Math.round(Number(line.amount) * 1e6), 0);
      assert.equal(sum, Math.round(Number(wallet.total) * 1e6));
    }
  });

  test('a repeated request has one effect and the same reply', async () => {
    const body = { asset: 'USDT', amount: '5' };
    const once = (headers: Record<string, string>, amount = '5') => ann.send<{ id: string }>('POST', '/wallets/deposits', { ...body, amount }, headers);
    const first = await once({ 'idempotency-key': 'k1' });
    assert.deepEqual((await once({ 'idempotency-key': 'k1' })).data, first.data);
    assert.equal((await once({ 'idempotency-key': 'k1' }, '6')).code, 'CONFLICT');
    const order = { symbol: SPOT, side: 'buy', type: 'limit', price: '100', quantity: '0.1', clientOrderId: 'again' };
    assert.equal((await place(ann, order)).id, (await place(ann, order)).id);
    const other = await ann.send('POST', '/orders', { ...order, price: '101' });
    assert.deepEqual([other.status, other.code], [409, 'DUPLICATE_CLIENT_ORDER_ID']);
    assert.deepEqual(await ann.delete('/orders?symbol=BTC-USDT').then((reply) => (reply as { canceled: number }).canceled), 1);
  });

  test('batches answer item by item', async () => {
    const good = { symbol: SPOT, side: 'buy', type: 'limit', price: '100', quantity: '0.1' };
    const results = await ann.post<{ status: number; order?: Order; error?: { code: string } }[]>('/orders/batch', {
      orders: [good, { ...good, type: 'stop_limit' }, { ...good, quantity: '-1' }, { ...good, price: '100.05' }, good],
    });
    assert.deepEqual(results.map(({ status, error }) => [status, error?.code]), [[201, undefined], [400, 'VALIDATION_FAILED'], [400, 'VALIDATION_FAILED'], [422, 'INVALID_TICK'], [201, undefined]]);
    const ids = results.flatMap(({ order }) => (order === undefined ? [] : [order.id]));
    const strange = ['abc', '0', '01', '-1', '1.0', '9'.repeat(17), 'client:', 'client:a b', 'x'.repeat(128)];
    const canceled = await ann.send<{ status: number; error?: { code: string } }[]>('DELETE', '/orders/batch', { ids: [ids[0], ...strange, ids[1], '1'] });
    assert.deepEqual(canceled.data.map(({ status }) => status), [200, ...strange.map(() => 404), 200, 404]);
    assert.deepEqual([...new Set(canceled.data.map(({ error }) => error?.code))], [undefined, 'NOT_FOUND']);
  });

  test('refusals say what was wrong', async () => {
    const good = { symbol: SPOT, side: 'buy', type: 'limit', price: '100', quantity: '0.1' };
    for (const [method, path, body, status, code] of [
      ['POST', '/orders', { ...good, type: 'stop_limit', stopPrice: '1' }, 400, 'VALIDATION_FAILED'],
      ['POST', '/orders', { ...good, symbol: 'DOGE-USDT' }, 422, 'UNKNOWN_SYMBOL'],
      ['POST', '/orders', { ...good, price: '100.01' }, 422, 'INVALID_TICK'],
      ['POST', '/orders', { ...good, quantity: '0.00001' }, 422, 'INVALID_LOT'],
      ['POST', '/orders', { ...good, quantity: '1000' }, 422, 'INSUFFICIENT_BALANCE'],
      ['POST', '/orders', { symbol: SPOT, side: 'sell', type: 'market', quantity: '0.1' }, 422, 'NO_LIQUIDITY'],
      ['GET', '/orders/123456789', undefined, 404, 'NOT_FOUND'],
      ['GET', '/orders/abc', undefined, 404, 'NOT_FOUND'],
      ['GET', '/orders?limit=501', undefined, 400, 'VALIDATION_FAILED'],
      ['GET', '/orders?cursor=x', undefined, 400, 'VALIDATION_FAILED'],
      ['GET', '/orders?fields=secret', undefined, 400, 'VALIDATION_FAILED'],
      ['GET', '/markets/DOGE-USDT', undefined, 404, 'NOT_FOUND'],
      ['GET', '/markets/BTC-USDT/klines', undefined, 400, 'VALIDATION_FAILED'],
      ['GET', '/wallets/DOGE', undefined, 404, 'NOT_FOUND'],
      ['PUT', `/positions/${PERP}/margin-mode`, { mode: 'cross' }, 400, 'VALIDATION_FAILED'],
      ['PUT', `/positions/${PERP}/leverage`, { leverage: 21 }, 422, 'LEVERAGE_TOO_HIGH'],
      ['POST', '/admin/assets', { asset: 'DOGE', scale: 8 }, 403, 'FORBIDDEN'],
    ] as const) {
      const answer = await ann.send(method, path, body);
      assert.deepEqual([answer.status, answer.code], [status, code], `${method} ${path} ${JSON.stringify(body)}`);
    }
    assert.equal((await nobody.send('GET', '/orders')).code, 'UNAUTHENTICATED');
    assert.equal((await nobody.send('GET', '/liquidations?mine=true')).code, 'UNAUTHENTICATED');
  });

  test('lists page and pick', async () => {
    const first = await ann.send<{ id: string; status: string }[]>('GET', '/orders?limit=2&fields=id,status');
    assert.deepEqual(first.data.map((order) => Object.keys(order)), [['id', 'status'], ['id', 'status']]);
    const all = await ann.get<Order[]>('/orders?limit=500');
    assert.deepEqual((await ann.get<Order[]>('/orders?limit=2&offset=2')).map(({ id }) => id), all.slice(2, 4).map(({ id }) => id));
    assert.ok((await ann.get<Order[]>('/orders?status=filled')).every(({ status }) => status === 'filled'));
  });

  test('public data may be kept for a moment, and confirmed', async () => {
    for (const path of ['/markets', `/markets/${SPOT}`, `/markets/${SPOT}/orderbook?depth=5`, `/markets/${SPOT}/trades`, `/markets/${SPOT}/klines?interval=1m`, `/markets/${PERP}/prices`, `/markets/${PERP}/funding`, `/markets/${SPOT}/stats`, `/markets/${SPOT}/ticker`, '/markets/tickers']) {
      const answer = await nobody.send('GET', path);
      assert.equal(answer.status, 200, path);
      assert.match(answer.headers.get('cache-control') ?? '', /^public, max-age=\d+$/, path);
      assert.ok(answer.headers.get('etag'), path);
    }
    const { headers } = await nobody.send('GET', `/markets/${SPOT}/orderbook`);
    const again = await nobody.send('GET', `/markets/${SPOT}/orderbook`, undefined, { 'if-none-match': headers.get('etag') as string });
    assert.equal(again.status, 304);
  });

  test('administrators see users, feeds, and who did what', async () => {
    assert.deepEqual((await admin.get<{ email: string }[]>('/admin/users?limit=3')).map(({ email }) => email).sort(), ['admin@bourse.test', 'ann@bourse.test', 'bob@bourse.test']);
    assert.equal((await admin.get<{ mode: string }>('/admin/feeds')).mode, 'manual');
    const market = await admin.send<{ status: string }>('PATCH', `/admin/markets/${SPOT}`, { status: 'cancel_only' });
    assert.equal(market.data.status, 'cancel_only');
    const [entry] = await admin.get<{ action: string; target: string; actor: string }[]>('/admin/audit-logs?limit=1');
    assert.deepEqual([entry?.action, entry?.target, entry?.actor], ['market.update', SPOT, 'admin']);
  });
});
