/** Refusals and repeats as clients meet them: each code that HTTP can reach, with nothing changed by it; keys that have one effect, also across a kill -9. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { User, Venue, type Ask } from '../support/contract.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';

const SPOT = 'DOT-USDT';
const PERP = 'DOT-USDT-PERP';
const BUY = { symbol: SPOT, side: 'buy', type: 'limit', price: '9', quantity: '2' } as const;

type Doc = Readonly<Record<string, unknown>>;
interface Order extends Doc { readonly id: string; readonly status: string }

describe('refusals and repeats', () => {
  let server: ServerProcess;
  let venue: Venue;
  let ann: User;
  let bob: User;
  let admin: User;

  /** All of it that belongs to ann, and the ledger. */
  const state = async (): Promise<unknown> => {
    const wallets = (await ann.get<Doc[]>('/wallets')).map(({ seq: _seq, ...wallet }) => wallet);
    return [await admin.get('/admin/ledger/audit'), await ann.get('/orders?limit=500'), wallets, await ann.get('/positions')];
  };
  const limit = (order: Doc): Doc => ({ ...BUY, ...order });
  const perp = (order: Doc): Doc => ({ symbol: PERP, side: 'buy', type: 'limit', price: '10', quantity: '1', ...order });

  const restart = async (): Promise<void> => {
    await server.kill();
    server = await startServer({ directory: server.directory });
    venue = await Venue.at(server.url);
    [ann, bob, admin] = [new User(venue, ann.token), new User(venue, bob.token), new User(venue, admin.token)];
  };

  before(async () => {
    server = await startServer();
    venue = await Venue.at(server.url);
    admin = await venue.admin();
    ann = await venue.register('ann');
    bob = await venue.register('bob');
    await admin.post('/admin/assets', { asset: 'DOT', scale: 6 });
    const common = { base: 'DOT', quote: 'USDT', tickSize: '0.01', lotSize: '0.01', makerFee: '0', takerFee: '0', minNotional: '1', maxOpenOrders: 5 };
    await admin.post('/admin/markets', { ...common, symbol: SPOT, type: 'spot', maxQuantity: '1000' });
    await admin.post('/admin/markets', { ...common, symbol: PERP, type: 'perpetual', maxLeverage: 20, priceBand: '0.1', maxPosition: '5000' });
    await admin.post('/admin/prices', { prices: [{ symbol: PERP, index: '10', mark: '10' }] }, 200);
    for (const user of [ann, bob]) {
      await user.post('/wallets/deposits', { asset: 'USDT', amount: '1000' });
      await user.post('/wallets/deposits', { asset: 'USDT', amount: '300', account: 'futures' });
      await user.post('/wallets/deposits', { asset: 'DOT', amount: '50' });
    }
    await bob.post('/orders', { ...BUY, side: 'sell', price: '10', quantity: '3' });
  });
  after(() => server.dispose());

  test('every refusal has its documented code and changes nothing', async () => {
    const open = await ann.post<Order>('/orders', limit({ clientOrderId: 'mine' }));
    const filled = await ann.post<Order>('/orders', limit({ price: '10', quantity: '1' }));
    const long = await bob.post<Order>('/orders', perp({ price: '10' }));
    const before = await state();
    const cases: readonly (readonly [User, string, string, unknown, number, string])[] = [
      [ann, 'POST', '/orders', limit({ symbol: 'NOT-HERE' }), 422, 'UNKNOWN_SYMBOL'],
      [ann, 'POST', '/orders', limit({ price: '9.001' }), 422, 'INVALID_TICK'],
      [ann, 'POST', '/orders', limit({ quantity: '0.001' }), 422, 'INVALID_LOT'],
      [ann, 'POST', '/orders', limit({ quantity: '1000.01' }), 422, 'INVALID_LOT'],
      [ann, 'POST', '/orders', limit({ price: '0.01', quantity: '99.99' }), 422, 'MIN_NOTIONAL'],
      [ann, 'POST', '/orders', limit({ quantity: '999' }), 422, 'INSUFFICIENT_BALANCE'],
      [ann, 'POST', '/orders', limit({ side: 'sell', price: '11', quantity: '500' }), 422, 'INSUFFICIENT_BALANCE'],
      [ann, 'POST', '/orders', limit({ price: '10', postOnly: true }), 422, 'POST_ONLY_WOULD_TAKE'],
      [ann, 'POST', '/orders', limit({ price: '10', quantity: '50', timeInForce: 'FOK' }), 422, 'FOK_NOT_FILLABLE'],
      [ann, 'POST', '/orders', limit({ symbol: 'BTC-USDT', type: 'market', quantity: '1', price: undefined }), 422, 'NO_LIQUIDITY'],
      [ann, 'POST', '/orders', perp({ price: '11.01' }), 422, 'PRICE_OUT_OF_BAND'],
      [ann, 'POST', '/orders', perp({ price: '8.99' }), 422, 'PRICE_OUT_OF_BAND'],
      [ann, 'POST', '/orders', perp({ quantity: '400' }), 422, 'INSUFFICIENT_MARGIN'],
      [ann, 'POST', '/orders', perp({ quantity: '501' }), 422, 'MAX_POSITION'],
      [ann, 'POST', '/orders', perp({ reduceOnly: true, side: 'sell' }), 422, 'REDUCE_ONLY_WOULD_INCREASE'],
      [ann, 'POST', '/orders', limit({ clientOrderId: 'mine', quantity: '3' }), 409, 'DUPLICATE_CLIENT_ORDER_ID'],
      [ann, 'PUT', `/positions/${PERP}/leverage`, { leverage: 21 }, 422, 'LEVERAGE_TOO_HIGH'],
      [bob, 'PUT', `/positions/${PERP}/leverage`, { leverage: 5 }, 409, 'CONFLICT'],
      [ann, 'PATCH', `/orders/${filled.id}`, { quantity: '2' }, 422, 'ORDER_NOT_OPEN'],
      [ann, 'DELETE', `/orders/${filled.id}`, undefined, 422, 'ORDER_NOT_OPEN'],
      [ann, 'PATCH', `/orders/${open.id}`, { price: '0.001' }, 422, 'INVALID_TICK'],
      [ann, 'PATCH', `/orders/${open.id}`, { quantity: '900' }, 422, 'INSUFFICIENT_BALANCE'],
      [ann, 'PATCH', `/orders/${open.id}`, {}, 400, 'VALIDATION_FAILED'],
      [ann, 'DELETE', `/orders/${long.id}`, undefined, 404, 'NOT_FOUND'],
      [ann, 'GET', `/orders/${long.id}`, undefined, 404, 'NOT_FOUND'],
      [ann, 'GET', '/orders/999999999', undefined, 404, 'NOT_FOUND'],
      [ann, 'GET', '/orders/client:other', undefined, 404, 'NOT_FOUND'],
      [ann, 'PATCH', '/orders/999999999', { quantity: '2' }, 404, 'NOT_FOUND'],
      [ann, 'POST', `/positions/${PERP}/margin`, { amount: '1' }, 404, 'NOT_FOUND'],
      [ann, 'POST', `/positions/${PERP}/close`, {}, 404, 'NOT_FOUND'],
      [ann, 'GET', `/positions/${PERP}`, undefined, 404, 'NOT_FOUND'],
      [ann, 'GET', '/wallets/NOPE', undefined, 404, 'NOT_FOUND'],
      [ann, 'GET', '/markets/NOT-HERE', undefined, 404, 'NOT_FOUND'],
      [ann, 'GET', '/orders?symbol=NOT-HERE', undefined, 422, 'UNKNOWN_SYMBOL'],
      [ann, 'GET', '/nothing', undefined, 404, 'NOT_FOUND'],
      [ann, 'PUT', '/orders', {}, 405, 'METHOD_NOT_ALLOWED'],
      [ann, 'POST', '/wallets/deposits', { asset: 'USDT', amount: '-1' }, 400, 'VALIDATION_FAILED'],
      [ann, 'POST', '/wallets/deposits', { asset: 'USDT', amount: '0.0000001' }, 400, 'VALIDATION_FAILED'],
      [ann, 'POST', '/wallets/deposits', { asset: 'NOPE', amount: '1' }, 400, 'VALIDATION_FAILED'],
      [ann, 'POST', '/wallets/transfers', { asset: 'USDT', amount: '1', from: 'spot', to: 'spot' }, 400, 'VALIDATION_FAILED'],
      [ann, 'POST', '/admin/prices', { prices: [{ symbol: PERP, index: '1' }] }, 403, 'FORBIDDEN'],
      [venue.nobody, 'GET', '/orders', undefined, 401, 'UNAUTHENTICATED'],
      [new User(venue, 'not.a.token'), 'GET', '/orders', undefined, 401, 'UNAUTHENTICATED'],
      [venue.nobody, 'GET', '/liquidations?mine=true', undefined, 401, 'UNAUTHENTICATED'],
      [admin, 'PATCH', '/admin/markets/NOT-HERE', { takerFee: '0' }, 404, 'NOT_FOUND'],
      [admin, 'PATCH', `/admin/markets/${SPOT}`, { takerFee: '0.06' }, 400, 'VALIDATION_FAILED'],
      [admin, 'POST', '/admin/prices', { prices: [{ symbol: 'NOT-HERE', index: '1' }] }, 422, 'UNKNOWN_SYMBOL'],
    ];
    for (const [user, method, path, body, status, code] of cases) await user.refuse(method, path, status, code, { body });
    const fields = await ann.refuse('POST', '/orders', 400, 'VALIDATION_FAILED', { body: { symbol: 1, side: 'long', extra: true } });
    assert.deepEqual(fields.errors?.map(({ path }) => path).sort(), ['extra', 'quantity', 'side', 'symbol', 'type']);
    const typed: Ask = { raw: 'symbol=DOT', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
    await ann.refuse('POST', '/orders', 415, 'UNSUPPORTED_MEDIA_TYPE', typed);
    await ann.refuse('POST', '/orders', 413, 'PAYLOAD_TOO_LARGE', { body: { ...BUY, clientOrderId: 'x'.repeat(120_000) } });
    assert.deepEqual(await state(), before);

    for (let i = 0; i < 4; i++) await ann.post('/orders', limit({ price: '1' }));
    await ann.refuse('POST', '/orders', 422, 'MAX_OPEN_ORDERS', { body: limit({ price: '1' }) });
    await ann.expect('DELETE', '/orders', 200);
    await admin.expect('PATCH', `/admin/markets/${SPOT}`, 200, { body: { status: 'halted' } });
    await ann.refuse('POST', '/orders', 422, 'MARKET_HALTED', { body: BUY });
    await admin.expect('PATCH', `/admin/markets/${SPOT}`, 200, { body: { status: 'open' } });
    const partly = await ann.post<Order>('/orders', limit({ price: '10', quantity: '4' }));
    assert.equal(partly.status, 'partially_filled');
    await ann.refuse('PATCH', `/orders/${partly.id}`, 422, 'QUANTITY_BELOW_FILLED', { body: { quantity: '2' } });
    const same = await ann.expect<Order>('PATCH', `/orders/${partly.id}`, 200, { body: { quantity: '4', price: '10' } });
    assert.equal(same.data.status, 'partially_filled', 'an amendment that changes nothing');
    await ann.expect('DELETE', `/orders/${partly.id}`, 200);
  });

  test('a repeated clientOrderId is answered again, refused with another body, and free after a refusal', async () => {
    const body = limit({ price: '8', clientOrderId: 'again' });
    const first = await ann.expect<Order>('POST', '/orders', 201, { body });
    const second = await ann.expect<Order>('POST', '/orders', 201, { body });
    assert.equal(second.text, first.text);
    await ann.refuse('POST', '/orders', 409, 'DUPLICATE_CLIENT_ORDER_ID', { body: { ...body, price: '7' } });
    assert.notEqual((await bob.expect<Order>('POST', '/orders', 201, { body })).data.id, first.data.id, 'another user’s is another order');
    await ann.expect('DELETE', `/orders/${first.data.id}`, 200);
    assert.equal((await ann.expect<Order>('POST', '/orders', 201, { body })).text, first.text, 'the first reply, however far the order has moved on');
    await ann.refuse('POST', '/orders', 422, 'INVALID_TICK', { body: limit({ price: '8.001', clientOrderId: 'freed' }) });
    await ann.refuse('POST', '/orders', 422, 'INSUFFICIENT_BALANCE', { body: limit({ quantity: '900', clientOrderId: 'freed' }) });
    assert.equal((await ann.expect<Order>('POST', '/orders', 201, { body: limit({ price: '8', clientOrderId: 'freed' }) })).data.status, 'new');
    const twice = await ann.expect<{ status: number; order?: Order }[]>('POST', '/orders/batch', 200, { body: { orders: [limit({ price: '2', clientOrderId: 'b' }), limit({ price: '2', clientOrderId: 'b' }), limit({ price: '3', clientOrderId: 'b' })] } });
    assert.deepEqual(twice.data.map(({ status }) => status), [201, 201, 409]);
    assert.equal(twice.data[0]?.order?.id, twice.data[1]?.order?.id);
    for (const clientOrderId of ['a'.repeat(37), '', 'a b', 'ä', 'a/b']) await ann.refuse('POST', '/orders', 400, 'VALIDATION_FAILED', { body: limit({ clientOrderId }) });
    await ann.expect('DELETE', '/orders', 200);
  });

  test('a repeated Idempotency-Key has one effect, whatever the write, and survives kill -9', async () => {
    const keyed = (body: unknown, key: string): Ask => ({ body, headers: { 'idempotency-key': key } });
    const moved = await ann.post<Order>('/orders', limit({ side: 'sell', price: '12', quantity: '5' }));
    const writes: readonly (readonly [string, string, unknown, unknown])[] = [
      ['PATCH', `/orders/${moved.id}`, { quantity: '4', price: '10.5' }, { quantity: '3' }],
      ['POST', '/orders', limit({ price: '7' }), limit({ price: '6' })],
      ['POST', '/orders/batch', { orders: [limit({ price: '5' }), limit({ price: '5.001' })] }, { orders: [limit({ price: '4' })] }],
      ['POST', '/wallets/deposits', { asset: 'USDT', amount: '5' }, { asset: 'USDT', amount: '6' }],
      ['POST', '/wallets/transfers', { asset: 'USDT', amount: '5', from: 'spot', to: 'futures' }, { asset: 'USDT', amount: '6', from: 'spot', to: 'futures' }],
      ['PUT', '/orders/cancel-after', { timeoutMs: 3_600_000 }, { timeoutMs: 0 }],
      ['PUT', `/positions/${PERP}/leverage`, { leverage: 7 }, { leverage: 8 }],
      ['DELETE', `/orders?symbol=${PERP}`, undefined, undefined],
      ['DELETE', `/orders/${moved.id}`, undefined, undefined],
    ];
    const firsts: string[] = [];
    for (const [i, [method, path, body]] of writes.entries()) {
      const answer = await ann.ask(method, path, keyed(body, `key-${i}`));
      assert.ok(answer.status < 300, `${method} ${path}: ${answer.text}`);
      firsts.push(answer.text);
      if (i > 0) continue;
      // What was amended moves on: bob takes a part of it.
      const taken = await bob.post<Order>('/orders', limit({ price: '10.5', quantity: '1' }));
      assert.equal(taken.status, 'filled');
      assert.equal((await ann.ask(method, path, keyed(body, `key-${i}`))).text, answer.text, 'the first reply while it is open');
    }
    const again = async (): Promise<void> => {
      for (const [i, [method, path, body, other]] of writes.entries()) {
        const answer = await ann.ask(method, path, keyed(body, `key-${i}`));
        assert.equal(answer.text, firsts[i], `${method} ${path}`);
        if (other !== undefined) await ann.refuse(method, path, 409, 'CONFLICT', keyed(other, `key-${i}`));
      }
    };
    const before = await state();
    await again();
    assert.deepEqual(await state(), before);
    assert.equal((await bob.ask<Order>('POST', '/orders', keyed(limit({ price: '6' }), 'key-1'))).status, 201, 'keys are the user’s own');
    const spaced = `{ "quantity": "2", "type":"limit", "side":"buy",\n"price":"7","symbol":"${SPOT}" }`;
    assert.equal((await ann.ask('POST', '/orders', { raw: spaced, headers: { 'idempotency-key': 'key-1' } })).text, firsts[1], 'spacing makes no other request');
    await ann.refuse('POST', '/orders', 422, 'INVALID_TICK', keyed(limit({ price: '7.001' }), 'refused'));
    await ann.expect('POST', '/orders', 201, keyed(limit({ price: '7', clientOrderId: 'kept' }), 'refused'));
    await ann.refuse('POST', '/orders', 400, 'VALIDATION_FAILED', keyed(BUY, 'x'.repeat(65)));

    const stable = await state();
    await restart();
    assert.deepEqual(await state(), stable);
    await again();
    assert.equal((await ann.expect<Order>('POST', '/orders', 201, { body: limit({ price: '7', clientOrderId: 'kept' }) })).data['clientOrderId'], 'kept');
    assert.deepEqual(await state(), stable);
  });

  test('what is set of positions, markets, prices and users is answered as the first time too, whatever has been set since', async () => {
    const keyed = (body: unknown, key: string): Ask => ({ body, headers: { 'idempotency-key': key } });
    const prices = (price: string): Doc => ({ prices: [{ symbol: PERP, index: price, mark: price }] });
    const market = { symbol: 'DOT-BTC', type: 'spot', base: 'DOT', quote: 'BTC', tickSize: '0.00001', lotSize: '0.01', makerFee: '0', takerFee: '0' };
    const carl = await venue.register('carl');
    const { id } = await carl.get<{ id: string }>('/auth/me');
    await bob.expect('DELETE', '/orders', 200);
    await bob.post('/orders', perp({ side: 'sell', quantity: '5' }));
    await ann.post('/orders', perp({ quantity: '5' }));
    const writes: readonly (readonly [User, string, string, unknown, unknown])[] = [
      [ann, 'PUT', `/positions/${PERP}/leverage`, { leverage: 5 }, { leverage: 3 }],
      [ann, 'POST', `/positions/${PERP}/margin`, { amount: '2' }, { amount: '4' }],
      [ann, 'PUT', `/positions/${PERP}/margin-mode`, { mode: 'isolated' }, undefined],
      [admin, 'POST', '/admin/prices', prices('10.1'), prices('9.9')],
      [admin, 'PATCH', `/admin/markets/${PERP}`, { takerFee: '0.0003' }, { takerFee: '0.0004' }],
      [admin, 'POST', '/admin/assets', { asset: 'TIA', scale: 6 }, { asset: 'TIA', scale: 7 }],
      [admin, 'POST', '/admin/markets', market, { ...market, takerFee: '0.1' }],
      [admin, 'PUT', `/admin/users/${id}/roles`, { roles: ['user', 'admin'] }, { roles: ['user'] }],
    ];
    const firsts: string[] = [];
    for (const [i, [user, method, path, body]] of writes.entries()) {
      const answer = await user.ask(method, path, keyed(body, `set-${i}`));
      assert.ok(answer.status < 300, `${method} ${path}: ${answer.text}`);
      firsts.push(answer.text);
    }
    await admin.post('/admin/prices', prices('9.9'), 200);
    await admin.expect('PATCH', `/admin/markets/${PERP}`, 200, { body: { takerFee: '0.0005', status: 'reduce_only' } });
    await admin.expect('PATCH', '/admin/markets/DOT-BTC', 200, { body: { status: 'halted' } });
    await admin.expect('PUT', `/admin/users/${id}/roles`, 200, { body: { roles: ['user'] } });
    await ann.expect('PUT', `/positions/${PERP}/leverage`, 200, { body: { leverage: 4 } });
    const set = async (): Promise<unknown> => [await state(), await admin.get('/admin/markets'), await admin.get(`/markets/${PERP}/prices`), await admin.get('/admin/users'), await admin.get('/admin/audit-logs')];
    const before = await set();
    const again = async (): Promise<void> => {
      for (const [i, [user, method, path, body, other]] of writes.entries()) {
        const asker = new User(venue, user.token);
        assert.equal((await asker.ask(method, path, keyed(body, `set-${i}`))).text, firsts[i], `${method} ${path}`);
        if (other !== undefined) await asker.refuse(method, path, 409, 'CONFLICT', keyed(other, `set-${i}`));
      }
    };
    await again();
    assert.deepEqual(await set(), before);
    await restart();
    await again();
    assert.deepEqual(await set(), before);
  });
});
