/** The public contract over REST, route by route: what is sent has exactly the documented form, and the server's own documentation agrees. One server, one long day of trading. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Venue, type User } from '../support/contract.ts';
import { DECIMAL } from '../support/json-schema.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import { assertShape, AUDIT_ROW, BOOK, INSURANCE, LIQUIDATION, MARKET, ORDER, POSITION, PRICES, SESSION, TICKER, TOKENS, TRADE, USER, WALLET } from '../support/shapes.ts';
import { eventually } from '../support/wait.ts';

const SPOT = 'DOT-USDT';
const PERP = 'DOT-USDT-PERP';

type Doc = Readonly<Record<string, unknown>>;
interface Order extends Doc { readonly id: string; readonly status: string; readonly fills: readonly Doc[]; readonly seq: number }

describe('the contract over REST', () => {
  let server: ServerProcess;
  let venue: Venue;
  let ann: User;
  let bob: User;
  let admin: User;

  const place = (user: User, order: Doc): Promise<Order> => user.post<Order>('/orders', order);
  const mark = (price: string): Promise<Doc[]> => admin.post('/admin/prices', { prices: [{ symbol: PERP, index: price, mark: price }] }, 200);

  before(async () => {
    server = await startServer();
    venue = await Venue.at(server.url);
    admin = await venue.admin();
    ann = await venue.register('ann');
    bob = await venue.register('bob');
  });
  after(() => server.dispose());

  test('signing up, in, on and out', async () => {
    const credentials = { email: 'cat@bourse.test', password: 'a fine long password 9' };
    const up = await venue.nobody.post<{ user: Doc; tokens: Doc }>('/auth/register', credentials);
    assertShape('user', up.user, USER);
    assertShape('tokens', up.tokens, TOKENS);
    assert.equal(up.user['email'], credentials.email);
    await venue.nobody.refuse('POST', '/auth/register', 409, 'CONFLICT', { body: credentials });
    const first = await venue.nobody.post<{ tokens: { accessToken: string; refreshToken: string; expiresIn: number } }>('/auth/login', credentials, 200);
    assert.ok(first.tokens.expiresIn > 0 && first.tokens.expiresIn <= 900);
    const cat = await venue.register('cat2');
    const me = await cat.get<Doc>('/auth/me');
    assert.equal(me['email'], 'cat2@bourse.test');

    const second = await venue.nobody.post<{ tokens: { refreshToken: string } }>('/auth/refresh', { refreshToken: first.tokens.refreshToken }, 200);
    assert.notEqual(second.tokens.refreshToken, first.tokens.refreshToken);
    await venue.nobody.refuse('POST', '/auth/refresh', 401, 'UNAUTHENTICATED', { body: { refreshToken: first.tokens.refreshToken } });
    await venue.nobody.refuse('POST', '/auth/refresh', 401, 'UNAUTHENTICATED', { body: { refreshToken: second.tokens.refreshToken } });
    const other = await venue.nobody.post<{ tokens: { accessToken: string } }>('/auth/login', { email: 'cat2@bourse.test', password: 'the password of cat2 7' }, 200);
    const sessions = await cat.get<{ id: string; current: boolean }[]>('/auth/sessions');
    for (const session of sessions) assertShape('session', session, SESSION);
    assert.deepEqual(sessions.map(({ current }) => current), [false, true], 'newest first');
    assert.equal((await cat.expect('DELETE', `/auth/sessions/${sessions[0]?.id}`, 204)).text, '');
    const gone = await fetch(`${server.url}/api/v1/auth/me`, { headers: { authorization: `Bearer ${other.tokens.accessToken}` } });
    assert.equal(gone.status, 401);
    await cat.refuse('DELETE', `/auth/sessions/${sessions[0]?.id}`, 404, 'NOT_FOUND');
    await cat.expect('POST', '/auth/password', 204, { body: { currentPassword: 'the password of cat2 7', newPassword: 'another password of hers 8' } });
    await cat.expect('POST', '/auth/logout', 204, { body: {} });
    await cat.refuse('GET', '/auth/me', 401, 'UNAUTHENTICATED');
    await venue.nobody.refuse('POST', '/auth/login', 401, 'UNAUTHENTICATED', { body: { email: 'cat2@bourse.test', password: 'the password of cat2 7' } });
  });

  test('an administrator lists an asset and two markets, and what is left out has its default', async () => {
    assert.deepEqual(await admin.post('/admin/assets', { asset: 'DOT', scale: 6 }), { asset: 'DOT', scale: 6 });
    await admin.refuse('POST', '/admin/assets', 409, 'CONFLICT', { body: { asset: 'DOT', scale: 6 } });
    const common = { base: 'DOT', quote: 'USDT', tickSize: '0.01', lotSize: '0.01', makerFee: '0.0002', takerFee: '0.0005' };
    const spot = await admin.post<Doc>('/admin/markets', { ...common, symbol: SPOT, type: 'spot' });
    const perp = await admin.post<Doc>('/admin/markets', {
      ...common, symbol: PERP, type: 'perpetual', maxLeverage: 20, riskTiers: [{ notionalFloor: '0', initialMarginRate: '0.05', maintenanceMarginRate: '0.025' }],
    });
    for (const market of [spot, perp]) assertShape('market', market, MARKET);
    assert.deepEqual([spot['status'], spot['priceBand'], spot['minNotional'], spot['house'], spot['makerFee'], spot['takerFee']], ['open', '0', '0', false, '0.0002', '0.0005']);
    await admin.refuse('POST', '/admin/markets', 409, 'CONFLICT', { body: { ...common, symbol: SPOT, type: 'spot' } });
    await admin.refuse('POST', '/admin/markets', 400, 'VALIDATION_FAILED', { body: { ...common, symbol: 'DOT-BTC', type: 'spot' } });
    await admin.refuse('POST', '/admin/markets', 400, 'VALIDATION_FAILED', { body: { ...common, symbol: 'X-USDT', base: 'X', type: 'spot' } });
    const patched = await admin.expect<Doc>('PATCH', `/admin/markets/${SPOT}`, 200, { body: { takerFee: '0.001' } });
    assert.equal(patched.data['takerFee'], '0.001');
    assert.equal((await venue.nobody.get<Doc>(`/markets/${SPOT}`))['takerFee'], '0.001', 'what is cached is invalidated');
    const assets = await admin.get<{ asset: string }[]>('/admin/assets');
    assert.deepEqual(assets.map(({ asset }) => asset), ['USDT', 'BTC', 'ETH', 'SOL', 'DOT']);
    assert.deepEqual((await admin.get<{ symbol: string }[]>('/admin/markets')).map(({ symbol }) => symbol).slice(0, 8), ['BTC-USDT', 'ETH-USDT', 'SOL-USDT', 'BTC-USDT-PERP', 'ETH-USDT-PERP', 'SOL-USDT-PERP', SPOT, PERP]);
  });

  test('money comes in, moves, and shows in wallets and statement', async () => {
    const deposit = await ann.post<Doc>('/wallets/deposits', { asset: 'USDT', amount: '1000000.50' });
    assert.deepEqual([deposit['type'], deposit['account'], deposit['asset'], deposit['amount']], ['deposit', 'spot', 'USDT', '1000000.5']);
    await ann.post('/wallets/deposits', { asset: 'DOT', amount: '1000' });
    await bob.post('/wallets/deposits', { asset: 'DOT', amount: '1000' });
    await bob.post('/wallets/deposits', { asset: 'USDT', amount: '1000', account: 'futures' });
    const transfer = await ann.post<Doc>('/wallets/transfers', { asset: 'USDT', amount: '500000', from: 'spot', to: 'futures' });
    assert.equal(transfer['amount'], '500000');
    await ann.refuse('POST', '/wallets/transfers', 422, 'INSUFFICIENT_BALANCE', { body: { asset: 'USDT', amount: '500001', from: 'spot', to: 'futures' } });
    const wallets = await ann.get<Doc[]>('/wallets/USDT');
    assert.deepEqual(wallets.map((wallet) => [wallet['account'], wallet['total'], wallet['available'], wallet['locked'], wallet['margin']]), [['spot', '500000.5', '500000.5', '0', undefined], ['futures', '500000', '500000', '0', '0']]);
    for (const wallet of [...wallets, ...(await ann.get<Doc[]>('/wallets'))]) assertShape('wallet', wallet, WALLET);
    const lines = await ann.get<{ type: string; amount: string }[]>('/wallets/transactions?asset=USDT');
    assert.deepEqual(lines.map(({ type }) => type).filter((type) => type === 'deposit').length, 1);
    assert.equal(lines.at(-1)?.type, 'deposit', 'newest first');
    assert.ok((await ann.get<{ type: string }[]>('/wallets/transactions?type=transfer')).every(({ type }) => type === 'transfer'));
  });

  test('orders and fills, on spot', async () => {
    const ask = await ann.expect<Order>('POST', '/orders', 201, { body: { symbol: SPOT, side: 'sell', type: 'limit', price: '10.50', quantity: '100.0', clientOrderId: 'ask.1' } });
    assert.equal(ask.headers.get('cache-control'), 'no-store');
    assertShape('order', ask.data, ORDER);
    const { price, quantity, filledQuantity, remainingQuantity, averagePrice, timeInForce, postOnly, reduceOnly, status, fills, clientOrderId, stopPrice } = ask.data;
    assert.deepEqual({ price, quantity, filledQuantity, remainingQuantity, averagePrice, timeInForce, postOnly, reduceOnly, status, fills, clientOrderId, stopPrice }, {
      price: '10.5', quantity: '100', filledQuantity: '0', remainingQuantity: '100', averagePrice: null, timeInForce: 'GTC', postOnly: false, reduceOnly: false, status: 'new', fills: [], clientOrderId: 'ask.1', stopPrice: null,
    });
    const taken = await place(bob, { symbol: SPOT, side: 'sell', type: 'limit', price: '10.6', quantity: '1' });
    const buy = await place(ann, { symbol: SPOT, side: 'buy', type: 'market', quantity: '0.5', selfTradePrevention: 'expire_taker' });
    assert.deepEqual([buy.status, buy['timeInForce'], buy['price']], ['canceled', 'IOC', null], 'ended by self-trade prevention');
    await bob.post('/wallets/transfers', { asset: 'USDT', amount: '500', from: 'futures', to: 'spot' });
    const bought = await place(bob, { symbol: SPOT, side: 'buy', type: 'limit', price: '10.5', quantity: '40' });
    assertShape('order', bought, ORDER);
    assert.deepEqual([bought.status, bought['averagePrice'], bought['feeAsset'], bought['fee'], bought.fills.length], ['filled', '10.5', 'DOT', '0.04', 1]);
    const fill = bought.fills[0] as Doc;
    assertShape('trade', fill, TRADE);
    const maker = (await ann.get<Doc[]>(`/trades?symbol=${SPOT}`))[0] as Doc;
    assertShape('trade', maker, TRADE);
    assert.deepEqual([maker['id'], maker['seq']], [fill['id'], fill['seq']], 'both sides carry the same id and seq');
    assert.deepEqual([maker['role'], maker['side'], maker['feeAsset'], maker['orderId']], ['maker', 'sell', 'USDT', ask.data.id]);
    const found = await ann.get<Order>(`/orders/${ask.data.id}`);
    assert.deepEqual(found, await ann.get<Order>('/orders/client:ask.1'));
    assert.deepEqual([found.status, found['filledQuantity'], found['remainingQuantity'], found.fills.length], ['partially_filled', '40', '60', 1]);
    const amended = await ann.expect<Order>('PATCH', `/orders/${ask.data.id}`, 200, { body: { quantity: '90' } });
    assert.deepEqual([amended.data['quantity'], amended.data['remainingQuantity'], amended.data.id], ['90', '50', ask.data.id]);
    const canceled = await ann.expect<Order>('DELETE', '/orders/client:ask.1', 200);
    assertShape('order', canceled.data, ORDER);
    assert.deepEqual([canceled.data.status, canceled.data['remainingQuantity']], ['canceled', '50']);
    const partly = await place(ann, { symbol: SPOT, side: 'buy', type: 'market', quantity: '5' });
    assert.deepEqual([partly.status, partly['filledQuantity'], partly['remainingQuantity']], ['expired', '1', '4'], 'the rest of a market order');
    assert.equal((await bob.get<Order>(`/orders/${taken.id}`)).status, 'filled');
    assert.deepEqual((await ann.get<Order[]>('/orders?status=expired,canceled&symbol=DOT-USDT')).map(({ id }) => id), [partly.id, buy.id, ask.data.id].sort((a, b) => Number(b) - Number(a)));
  });

  test('batches, cancel all, and the dead-man switch', async () => {
    const good = { symbol: SPOT, side: 'buy', type: 'limit', price: '5', quantity: '1' };
    const batch = await ann.expect<{ status: number; order?: Order; error?: Doc }[]>('POST', '/orders/batch', 200, { body: { orders: [good, { ...good, price: '5.001' }, { ...good, quantity: 'x' }, { ...good, clientOrderId: 'b4' }] } });
    assert.deepEqual(batch.data.map((item) => [item.status, item.error?.['code']]), [[201, undefined], [422, 'INVALID_TICK'], [400, 'VALIDATION_FAILED'], [201, undefined]]);
    for (const { order } of batch.data) if (order !== undefined) assertShape('order', order, ORDER);
    const gone = await ann.expect<{ status: number; order?: Order; error?: Doc }[]>('DELETE', '/orders/batch', 200, { body: { ids: [batch.data[0]?.order?.id, 'client:b4', '999999999'] } });
    assert.deepEqual(gone.data.map((item) => [item.status, item.order?.status, item.error?.['code']]), [[200, 'canceled', undefined], [200, 'canceled', undefined], [404, undefined, 'NOT_FOUND']]);
    const ids = [await place(ann, good), await place(ann, good)].map(({ id }) => id);
    const all = await ann.expect<{ canceled: number; ids: string[] }>('DELETE', `/orders?symbol=${SPOT}`, 200);
    assert.deepEqual([all.data.canceled, [...all.data.ids].sort()], [2, [...ids].sort()]);
    const { id } = await place(ann, good);
    const armed = await ann.expect<Doc>('PUT', '/orders/cancel-after', 200, { body: { timeoutMs: 50, symbol: SPOT } });
    assert.ok(Number(armed.data['deadline']) > 0);
    await eventually('the switch fires', async () => ((await ann.get<Order>(`/orders/${id}`)).status === 'canceled' ? true : undefined));
    const disarmed = await ann.expect<Doc>('PUT', '/orders/cancel-after', 200, { body: { timeoutMs: 0 } });
    assert.deepEqual(disarmed.data, { symbol: null, timeoutMs: 0, deadline: null });
  });

  test('a leveraged position from opening to liquidation', async () => {
    for (const prices of await mark('10')) assertShape('prices', prices, PRICES);
    const settings = await bob.expect<Doc>('PUT', `/positions/${PERP}/leverage`, 200, { body: { leverage: 20 } });
    assert.equal(settings.data['leverage'], 20);
    assert.equal((await bob.expect<Doc>('PUT', `/positions/${PERP}/margin-mode`, 200, { body: { mode: 'isolated' } })).data['marginMode'], 'isolated');
    await place(ann, { symbol: PERP, side: 'sell', type: 'limit', price: '10', quantity: '500' });
    const opened = await place(bob, { symbol: PERP, side: 'buy', type: 'market', quantity: '500' });
    assert.equal(opened.status, 'filled');
    assert.equal((opened.fills[0] as Doc)['realizedPnl'], '0');
    const [position] = await bob.get<Doc[]>('/positions?status=open');
    assertShape('position', position, POSITION);
    // q 500 at 10, leverage 20: margin 250, bankruptcy 10 − 250/500, maintenance 2.5 % of 5,000
    const { side, quantity, entryPrice, notional, margin, maintenanceMargin, bankruptcyPrice, unrealizedPnl, leverage, marginMode } = position as Doc;
    assert.deepEqual([side, quantity, entryPrice, notional, margin, maintenanceMargin, bankruptcyPrice, unrealizedPnl, leverage, marginMode], ['long', '500', '10', '5000', '250', '125', '9.5', '0', 20, 'isolated']);
    const more = await bob.post<Doc>(`/positions/${PERP}/margin`, { amount: '10' }, 200);
    assert.equal(more['margin'], '260');
    assert.equal((await bob.post<Doc>(`/positions/${PERP}/margin`, { amount: '-10' }, 200))['margin'], '250');
    const summary = await bob.get<Doc>('/risk/summary');
    assert.match(String(summary['worstMarginRatio']), DECIMAL);
    await place(ann, { symbol: PERP, side: 'buy', type: 'limit', price: '9.9', quantity: '10' });
    const reduced = await bob.post<Order>(`/positions/${PERP}/close`, { quantity: '10' });
    assert.deepEqual([reduced.status, reduced['reduceOnly']], ['filled', true]);
    await place(ann, { symbol: PERP, side: 'buy', type: 'limit', price: '9.7', quantity: '490' });
    await mark('9.6');
    const mine = (await bob.get<Doc[]>('/liquidations?mine=true'))[0] as Doc;
    assertShape('liquidation', mine, LIQUIDATION);
    assert.ok(typeof mine['userId'] === 'string');
    const everybodys = (await venue.nobody.get<Doc[]>(`/liquidations?symbol=${PERP}`))[0] as Doc;
    assert.deepEqual([everybodys['id'], everybodys['userId']], [mine['id'], undefined]);
    for (const fund of await venue.nobody.get<Doc[]>('/insurance-fund')) assertShape('fund', fund, INSURANCE);
    const closed = await bob.get<Doc>(`/positions/${PERP}`);
    assertShape('position', closed, POSITION);
    assert.equal(closed['status'], 'closed');
    await bob.refuse('POST', `/positions/${PERP}/close`, 404, 'NOT_FOUND', { body: {} });
    const audit = await admin.get<{ balanced: boolean; assets: Doc[] }>('/admin/ledger/audit');
    assert.equal(audit.balanced, true);
    for (const row of audit.assets) {
      assertShape('audit row', row, AUDIT_ROW);
      assert.equal(row['sum'], '0');
    }
  });

  test('public market data', async () => {
    await place(ann, { symbol: SPOT, side: 'buy', type: 'limit', price: '9', quantity: '2' });
    const anybody = venue.nobody;
    for (const market of await anybody.get<Doc[]>('/markets')) assertShape('market', market, MARKET);
    for (const symbol of [SPOT, PERP]) assertShape('ticker', await anybody.get(`/markets/${symbol}/ticker`), TICKER);
    for (const ticker of await anybody.get<Doc[]>('/markets/tickers')) assertShape('ticker', ticker, TICKER);
    const book = await anybody.get<{ bids: unknown[][] }>(`/markets/${SPOT}/orderbook?depth=5`);
    assertShape('book', book, BOOK);
    assert.deepEqual(book.bids, [['9', '2']]);
    const prints = await anybody.get<Doc[]>(`/markets/${SPOT}/trades`);
    assert.ok(prints.length >= 2 && Number(prints[0]?.['seq']) > Number(prints[1]?.['seq']), 'newest first');
    assertShape('prices', await anybody.get(`/markets/${PERP}/prices`), PRICES);
    assert.ok(typeof (await anybody.get<Doc>(`/markets/${SPOT}/stats`))['symbol'] === 'string');
    assert.match(String((await anybody.get<Doc>(`/markets/${PERP}/funding`))['fundingRate']), DECIMAL);
    for (const interval of ['1m', '5m', '15m', '30m', '1h', '4h', '1d', '1w']) {
      const klines = await anybody.get<(string | number)[][]>(`/markets/${SPOT}/klines?interval=${interval}&limit=3`);
      const last = klines.at(-1) as (string | number)[];
      assert.equal(last.length, 9);
      assert.deepEqual(last.map((value) => typeof value), ['number', 'string', 'string', 'string', 'string', 'string', 'number', 'string', 'number']);
    }
  });

  test('what only administrators see', async () => {
    for (const path of ['/admin/users', '/admin/audit-logs', '/admin/feeds', '/admin/assets', '/admin/markets', '/admin/ledger/audit']) {
      await admin.get(path);
      await ann.refuse('GET', path, 403, 'FORBIDDEN');
      await venue.nobody.refuse('GET', path, 401, 'UNAUTHENTICATED');
    }
    const [found] = await admin.get<{ id: string; status: string; roles: string[] }[]>('/admin/users?email=bob@bourse.test');
    assert.equal((await admin.expect<Doc>('POST', `/admin/users/${found?.id}/freeze`, 200)).data['status'], 'frozen');
    await bob.refuse('GET', '/wallets', 401, 'UNAUTHENTICATED');
    await venue.nobody.refuse('POST', '/auth/login', 403, 'FORBIDDEN', { body: { email: 'bob@bourse.test', password: 'the password of bob 7' } });
    assert.equal((await admin.expect<Doc>('POST', `/admin/users/${found?.id}/unfreeze`, 200)).data['status'], 'active');
    assert.deepEqual((await admin.expect<Doc>('PUT', `/admin/users/${found?.id}/roles`, 200, { body: { roles: ['user', 'admin'] } })).data['roles'], ['user', 'admin']);
    const actions = new Set((await admin.get<{ action: string }[]>('/admin/audit-logs?limit=500')).map(({ action }) => action));
    for (const action of ['asset.create', 'market.create', 'market.update', 'prices.set']) assert.ok(actions.has(action), action);
  });

  test('every documented route has been used, and each reply was as documented', () => {
    const documented = Object.entries(venue.document.paths).flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`));
    assert.deepEqual(documented.filter((route) => route.includes('/api/v1/') && !venue.used.has(route)), []);
  });
});
