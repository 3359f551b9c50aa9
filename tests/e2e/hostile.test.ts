/** What no honest client sends: broken HTTP, bombs, odd values in every field, forged packets. Always a documented 4xx or the end of the connection, never a fault; nothing changes, and the server stays well. */
import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { io } from 'socket.io-client';
import { Venue, type User } from '../support/contract.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import { call, connected } from '../support/socket-world.ts';
import { eventually } from '../support/wait.ts';

const ORDER = { symbol: 'BTC-USDT', side: 'buy', type: 'limit', price: '20000', quantity: '0.001', timeInForce: 'GTC', postOnly: false, reduceOnly: false, selfTradePrevention: 'none', clientOrderId: 'id' };
const MOST_GROWTH = 256 * 1_048_576;

/** Strings that no field takes, whatever it is for. */
const ODD_TEXTS = [
  '', ' ', '\0', 'buy\0', ' BTC-USDT', 'BTC-USDT ', 'btc-usdt', 'BTC\u2010USDT', '１', '٣', '1e5', '1E5', '+1', '-1', '-0', '0', '00', '01', '.5', '5.', '1,5', '0x10', '1_000', 'NaN', 'Infinity', '-Infinity', 'null',
  '9'.repeat(19), '9'.repeat(400), '0.'.padEnd(40, '1'), '\ud800', '\u202e1', '😀', '../../etc/passwd', '%2e%2e%2f', "' OR 1=1 --", '${1+1}', '{{7*7}}', '$where', '__proto__', 'constructor', '<script>alert(1)</script>', 'a'.repeat(10_000),
];
const ODD_VALUES: readonly unknown[] = [
  null, 0, -1, 1, 0.1, 1e308, -1e308, Number.MAX_SAFE_INTEGER + 2, [], [[]], ['20000'], {}, { $gt: '' }, { $ne: null }, { $where: 'sleep(1000)' }, { toString: 'x' }, { valueOf: 1 }, { length: 1 }, ['buy', 'sell'],
];
/** In raw JSON, what JSON.stringify does not write. */
const RAW_VALUES = ['1e400', '-0', '1e-400', '123456789012345678901234567890', '"\\u0000"', '"\\ud800"', '{"__proto__":{"x":1}}', '{"constructor":{"prototype":{"x":1}}}', '[{"$gt":""}]'];

describe('what no honest client sends', () => {
  let server: ServerProcess;
  let venue: Venue;
  let ann: User;
  let admin: User;
  let documented: ReadonlySet<string>;
  let memoryBefore: number;
  let stateBefore: unknown;

  const state = async (): Promise<unknown> => [await admin.get('/admin/ledger/audit'), await ann.get('/orders?limit=500'), await ann.get('/trades'), await ann.get('/wallets/transactions'), await ann.get('/positions')];
  const memory = async (): Promise<number> => Number(/^bourse_process_resident_memory_bytes (\S+)$/m.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1]);

  /** All that comes back to these bytes, until the server ends the connection or says nothing more. */
  const raw = (bytes: string | Buffer, end = true): Promise<string> =>
    new Promise((resolve) => {
      const { hostname, port } = new URL(server.url);
      const chunks: Buffer[] = [];
      const socket = connectTcp(Number(port), hostname, () => {
        socket.write(bytes);
        if (end) socket.end();
      });
      socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => undefined).on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    });

  /** Refused with a code of the contract, and not because of us. */
  const refusedAs = (answer: { status: number; problem: { code: string } | undefined }, what: string): void => {
    assert.ok(answer.status >= 400 && answer.status < 500, `${what}: ${answer.status}`);
    assert.ok(documented.has(answer.problem?.code ?? ''), `${what}: ${answer.problem?.code}`);
  };

  before(async () => {
    server = await startServer({ env: { LOG_LEVEL: 'error' } });
    venue = await Venue.at(server.url);
    admin = await venue.admin();
    ann = await venue.register('ann');
    const problem = venue.document.components.schemas.Problem as { properties: { code: { enum: string[] } } };
    documented = new Set(problem.properties.code.enum);
    await ann.post('/wallets/deposits', { asset: 'USDT', amount: '1000' });
    await ann.post('/wallets/deposits', { asset: 'USDT', amount: '1000', account: 'futures' });
    const order = await ann.expect<{ id: string }>('POST', '/orders', 201, { body: ORDER });
    await ann.expect('DELETE', `/orders/${order.data.id}`, 200);
    await ann.post('/orders', { ...ORDER, price: '100', quantity: '1', clientOrderId: 'stays' });
    stateBefore = await state();
    memoryBefore = await memory();
  });
  after(() => server.dispose());

  test('any odd value in any field of an order is refused, and changes nothing', async () => {
    const { clientOrderId: _used, ...fresh } = ORDER;
    const odd = fc.oneof(fc.constantFrom(...ODD_TEXTS, ...ODD_VALUES), fc.integer(), fc.double({ noDefaultInfinity: true, noNaN: true }), fc.string({ unit: 'binary', minLength: 40 }), fc.array(fc.string(), { maxLength: 3 }), fc.dictionary(fc.string(), fc.integer(), { maxKeys: 3 }));
    const field = fc.constantFrom(...Object.keys(ORDER));
    await fc.assert(
      fc.asyncProperty(field, odd, async (name, value) => {
        if ((name === 'postOnly' || name === 'reduceOnly') && value === false) return;
        if (name === 'clientOrderId' && typeof value === 'string' && /^[A-Za-z0-9._-]{1,36}$/.test(value)) return;
        if ((name === 'price' || name === 'quantity') && typeof value === 'string' && /^(?:[1-9]\d{0,17}|0\.\d+)$/.test(value)) return;
        refusedAs(await ann.ask('POST', '/orders', { body: { ...fresh, [name]: value } }), `${name} = ${JSON.stringify(value)?.slice(0, 100)}`);
      }),
      { numRuns: 400, verbose: 1 },
    );
    for (const name of Object.keys(ORDER)) {
      for (const value of [...RAW_VALUES, ...ODD_VALUES.map((one) => JSON.stringify(one))]) {
        const text = `{"${name}":${value},${Object.entries(fresh).filter(([key]) => key !== name).map(([key, one]) => `"${key}":${JSON.stringify(one)}`).join(',')}}`;
        refusedAs(await ann.ask('POST', '/orders', { raw: text }), text.slice(0, 120));
      }
    }
    for (const [price, quantity] of [['999999999999999999', '999999999999999999'], ['0.1', '999999999999999999'], ['999999999999999999', '0.00001'], ['90071992547409.9', '1'], ['0.000000000000000001', '1']]) {
      for (const symbol of ['BTC-USDT', 'BTC-USDT-PERP']) for (const side of ['buy', 'sell']) refusedAs(await ann.ask('POST', '/orders', { body: { ...fresh, symbol, side, price, quantity } }), `${price} × ${quantity}`);
    }
    assert.deepEqual(await state(), stateBefore);
  });

  test('odd bodies of every other write are refused, or change nothing', async () => {
    const writes = Object.entries(venue.document.paths).flatMap(([path, operations]) => Object.keys(operations).filter((method) => method !== 'get').map((method) => [method.toUpperCase(), path.replace('/api/v1', '').replace(/\{\w+\}/g, 'BTC-USDT-PERP')] as const));
    const bodies: readonly unknown[] = [
      null, 7, 'x', [], [{}], [null], { $gt: 1 }, { a: { b: { $where: '1' } } }, { 'a.b': 1 }, { ids: [{}] }, { ids: ['1', null] }, { orders: [null] }, { orders: [[[]]] }, { orders: {} }, { prices: [{ symbol: {}, index: [] }] }, { leverage: '5' },
      { leverage: 1e9 }, { leverage: -1 }, { amount: '1e9' }, { asset: ['USDT'], amount: '5' }, { asset: '__proto__', amount: '5' }, { asset: 'toString', amount: '1' }, { amount: '999999999999999999' }, { timeoutMs: -1 }, { timeoutMs: 1e20 },
      { email: { $ne: null }, password: { $ne: null } }, { email: 'a@b.co', password: 'x\0y' }, { email: `${'a'.repeat(250)}@b.co`, password: 'a fine password 12' }, { refreshToken: { $gt: '' } }, { roles: ['root'] }, { mode: 'cross' }, { quantity: '-1' },
    ];
    for (const [method, path] of writes) {
      const harmless = path === '/auth/logout' || (method === 'DELETE' && path === '/orders') || /(?:un)?freeze$/.test(path);
      for (const body of bodies) {
        const answer = await (path.startsWith('/admin') ? admin : ann).ask(method, path, { body });
        if (!(harmless && answer.status < 400)) assert.ok(answer.status < 500, `${method} ${path} ${JSON.stringify(body)}: ${answer.status}`);
        // A batch answers for each of its items.
        if (answer.status === 200 && path === '/orders/batch') continue;
        refusedAs(answer, `${method} ${path} ${JSON.stringify(body)}`);
      }
    }
    assert.deepEqual(await state(), stateBefore);
  });

  test('odd ids, symbols and queries are unknown or refused', async () => {
    const ids = [
      '..', '../admin/users', '..%2f..%2fetc%2fpasswd', '%2e%2e%2f', '%00', '1%00', '%ff', '%', '%zz', '0', '-1', '1.0', '1e3', '01', ' 1', '9'.repeat(17), '9'.repeat(500), 'client:', 'client:%00', 'client:../x', 'client:a%20b', '__proto__', 'constructor',
      'toString', '$where', '%7B%22$gt%22:%22%22%7D', "1'%20OR%20'1'='1", '%F0%9F%98%80', 'null', 'undefined', 'BTC-USDT%2Fticker', '[object%20Object]',
    ];
    for (const id of ids) {
      for (const [method, path, body] of [['GET', `/orders/${id}`], ['DELETE', `/orders/${id}`], ['PATCH', `/orders/${id}`, { quantity: '1' }], ['GET', `/markets/${id}`], ['GET', `/markets/${id}/ticker`], ['GET', `/wallets/${id}`], ['GET', `/positions/${id}`], ['POST', `/positions/${id}/close`, {}], ['DELETE', `/auth/sessions/${id}`]] as const) {
        // Dots are resolved by the client itself.
        if (/^(?:\.\.|%2e)/i.test(id)) continue;
        refusedAs(await ann.ask(method, path, { body }), `${method} ${path}`);
      }
      const answer = await raw(`GET /api/v1/orders/${id.replaceAll(' ', '%20')} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ann.token}\r\nConnection: close\r\n\r\n`, false);
      assert.match(answer, /^HTTP\/1\.1 4\d\d /, id);
    }
    for (const query of ['limit[$gt]=1', 'limit=1&limit=2', '$where=1', 'a.b=1', '__proto__=1', '__proto__[x]=1', 'constructor=1', 'symbol=%00', 'symbol[]=BTC-USDT', 'status=new,nope', 'status[$ne]=new', 'cursor=' + 'A'.repeat(513), 'cursor=WyJ4Il0', `from=${'9'.repeat(30)}`, 'from=-1', 'limit=1e2', 'limit=%31%00', 'fields=__proto__', 'fields=']) {
      refusedAs(await ann.ask('GET', `/orders?${query}`), query);
    }
    for (const key of ['', 'a b', 'x'.repeat(65), 'ü']) refusedAs(await ann.ask('POST', '/orders', { body: ORDER, headers: { 'idempotency-key': key } }), `key ${key}`);
    assert.deepEqual(await state(), stateBefore);
  });

  test('bodies that are bombs, broken or lies about themselves', async () => {
    const zeros = Buffer.alloc(30_000_000, 0x20);
    const deep = '['.repeat(40_000) + ']'.repeat(40_000);
    const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, 1])));
    const json = { 'content-type': 'application/json' };
    const bombs: readonly (readonly [string | Buffer, Record<string, string>])[] = [
      [gzipSync(zeros), { 'content-encoding': 'gzip' }], [deflateSync(zeros), { 'content-encoding': 'deflate' }], [brotliCompressSync(zeros), { 'content-encoding': 'br' }], ['x'.repeat(200_000), {}],
    ];
    for (const [body, headers] of bombs) await ann.refuse('POST', '/orders', 413, 'PAYLOAD_TOO_LARGE', { raw: body, headers: { ...json, ...headers } });
    const broken: readonly (readonly [string | Buffer, Record<string, string>])[] = [
      [gzipSync(gzipSync(zeros)), { 'content-encoding': 'gzip, gzip' }], [Buffer.from('not gzip'), { 'content-encoding': 'gzip' }], [gzipSync(JSON.stringify(ORDER)).subarray(0, 20), { 'content-encoding': 'gzip' }], [deep, {}], [`{"a":${deep}}`, {}], [wide, {}], ['{"symbol":"A-B","symbol":"C-D"}', {}],
      ['{"__proto__":{"admin":true}}', {}], ['{"\\u005f_proto__":1}', {}], ['{', {}], ['', {}], ['\0', {}], ['{"a":1}garbage', {}], ['\ufeff{}', {}], [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), {}],
      [JSON.stringify(ORDER), { 'content-type': 'text/plain' }], [JSON.stringify(ORDER), { 'content-type': 'application/json; charset=utf-16' }], [JSON.stringify(ORDER), { 'content-type': 'multipart/form-data; boundary=x' }],
    ];
    for (const [body, headers] of broken) refusedAs(await ann.ask('POST', '/orders', { raw: body, headers: { ...json, ...headers } }), `${String(body.slice(0, 30))} ${JSON.stringify(headers)}`);
    assert.deepEqual(await state(), stateBefore);
  });

  test('bytes that are hardly HTTP get a documented refusal or a closed connection', async () => {
    const auth = `Authorization: Bearer ${ann.token}\r\n`;
    const post = `POST /api/v1/orders HTTP/1.1\r\nHost: x\r\n${auth}Content-Type: application/json\r\n`;
    const requests: readonly (string | Buffer)[] = [
      'GARBAGE\r\n\r\n', '\r\n\r\n\r\n', '\0\0\0\0', 'GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'GET /api/v1/markets HTTP/1.1\r\n\r\n', 'GET http:// HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /api/v1/markets HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n',
      'GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n', 'GET //api//v1//markets HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /api/v1/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /docs/../package.json HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /docs/%2e%2e/%2e%2e/package.json HTTP/1.1\r\nHost: x\r\n\r\n',
      `GET /api/v1/markets HTTP/1.1\r\nHost: x\r\nX-Big: ${'a'.repeat(100_000)}\r\n\r\n`, `GET /api/v1/markets HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 3_000 }, (_, i) => `X-${i}: 1\r\n`).join('')}\r\n`, `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{"a":1}`, `${post}Content-Length: -1\r\n\r\n{}`, `${post}Content-Length: 99999999999999999999\r\n\r\n{}`, `${post}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n`, `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
      `${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`, `${post}Expect: 200-never\r\nContent-Length: 2\r\n\r\n{}`, 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 'TRACE / HTTP/1.1\r\nHost: x\r\n\r\n', 'BREW /api/v1/markets HTTP/1.1\r\nHost: x\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]), 'GET /socket.io/?EIO=4&transport=polling&sid=../../x HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /socket.io/?EIO=99 HTTP/1.1\r\nHost: x\r\n\r\n',
    ];
    for (const request of requests) {
      const answer = await raw(request);
      const what = `${String(request.slice(0, 80))} → ${answer.slice(0, 200)}`;
      assert.ok(answer === '' || /^HTTP\/1\.1 (?:4\d\d|2\d\d) /.test(answer), what);
      assert.ok(!/\/work\/|node_modules|at \w+ \(/.test(answer), what);
      if (answer.includes('application/problem+json')) assert.match(answer, /\r\nX-Request-Id: [0-9a-f-]{36}\r\n/i, what);
      if (answer.includes('passwd') || answer.includes('package.json')) assert.match(answer, /^HTTP\/1\.1 404 /, what);
    }
    assert.match(await raw('GET http:// HTTP/1.1\r\nHost: x\r\n\r\n'), /"code":"NOT_FOUND"/, 'also for a target that is no path');
    assert.match(await raw('GET /api/v1/markets/BTC-USDT HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n', false), /^HTTP\/1\.1 200 /, 'an offer to upgrade is ignored');
    const smuggled = await raw(`${post}Content-Length: 2\r\n\r\n{}GET /api/v1/wallets HTTP/1.1\r\nHost: x\r\n${auth}Connection: close\r\n\r\n`);
    assert.equal(smuggled.match(/HTTP\/1\.1 /g)?.length, 2, 'pipelined requests are answered one by one');
    assert.deepEqual(await state(), stateBefore);
  });

  test('socket garbage ends its own connection at most', async () => {
    const socket = io(`${server.url}/user`, { transports: ['websocket'], forceNew: true, autoConnect: false, reconnection: false, auth: { token: ann.token } });
    try {
      await connected(socket);
      await fc.assert(
        fc.asyncProperty(fc.constantFrom('order:place', 'order:amend', 'order:cancel', 'orders:batch', 'subscribe', 'nonsense'), fc.oneof(fc.constantFrom(...ODD_TEXTS, ...ODD_VALUES), fc.jsonValue()), async (event, payload) => {
          const reply = await call(socket, event, payload);
          if (!reply.ok) assert.ok(documented.has(reply.error?.code ?? '') && reply.error?.code !== 'INTERNAL', `${event} ${JSON.stringify(payload)}: ${reply.error?.code}`);
          else assert.ok(event === 'subscribe' || event === 'orders:batch', `${event} ${JSON.stringify(payload)}`);
        }),
        { numRuns: 200 },
      );
      const frames: readonly (string | Uint8Array)[] = ['', '4', '40', '9', '42["x"]', '40/user,{"token":1}', '40/user,{{{', '41/user,', '43/user,1[]', '451-/user,["order:place",{"_placeholder":true,"num":0}]', '451-["x",{"_placeholder":true,"num":1e9}]', '42/user,99999999999999999999["subscribe"]', '44/user,"x"', `42/user,["${'x'.repeat(90_000)}"]`, new Uint8Array(70_000), new Uint8Array([0xff, 0xfe]), `40${'/a'.repeat(5_000)},`];
      await Promise.all(frames.map(async (frame) => {
        const ws = new WebSocket(`${server.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
        await new Promise((resolve) => void ws.addEventListener('open', resolve));
        ws.send('40/prices,');
        ws.send(frame);
        ws.close();
      }));
      assert.equal((await call(socket, 'subscribe', { channels: ['order'] })).ok, true, 'the others go on');
    } finally {
      socket.disconnect();
    }
    assert.deepEqual(await state(), stateBefore);
  });

  test('afterwards the server is well: alive, ready, fast, bounded, without a single fault', async () => {
    assert.equal((await fetch(`${server.url}/health/live`)).status, 200);
    assert.equal((await fetch(`${server.url}/health/ready`)).status, 200);
    assert.ok((await memory()) - memoryBefore < MOST_GROWTH, `${memoryBefore} → ${await memory()} bytes`);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    assert.deepEqual(metrics.match(/^bourse_errors_total\{code="(?:INTERNAL|UNAVAILABLE)"\} \d+$/gm), ['INTERNAL', 'UNAVAILABLE'].map((code) => `bourse_errors_total{code="${code}"} 0`), 'no request was the server’s own fault');
    assert.ok(!/"level":"error"/.test(server.output()), server.output().slice(-2_000));
    assert.equal((await ann.expect('POST', '/orders', 201, { body: { ...ORDER, clientOrderId: 'after' } })).status, 201);
    await eventually('all sockets are gone', async () => (/^bourse_sockets\{namespace="\/user"\} 0$/m.test(await (await fetch(`${server.url}/metrics`)).text()) ? true : undefined));
  });
});
