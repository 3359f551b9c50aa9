/** What the pipeline does to requests of every kind, over real connections: good ones, broken ones, hostile ones. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { route, type Route } from '../../src/controllers/route.ts';
import type { Idempotency } from '../../src/types/route.ts';
import { Refusal } from '../../src/types/refusal.ts';
import { StoreDamagedError } from '../../src/models/errors.ts';
import { storeCheck } from '../../src/services/health.ts';
import { listQuery } from '../../src/validators/common.ts';
import { costOfBatch } from '../../src/validators/order.ts';
import { UnavailableError } from '../../src/utils/errors.ts';
import { silentLogger, type Logger } from '../../src/observability/logger.ts';
import { startApi, type Api } from '../support/api.ts';
import { eventually } from '../support/wait.ts';
import { defects } from '../support/openapi.ts';

const SECRET_PATH = '/secret/driver/path';
const ORIGIN = 'https://app.example.com';
const seen: (Idempotency | undefined)[] = [];
let letGo: () => void = () => undefined;
let entered: () => void = () => undefined;

const echoed = z.object({ text: z.string() });
const probes: Route[] = [
  route({ method: 'POST', path: '/probe', permission: 'public', summary: 'echo', body: z.strictObject({ text: z.string().optional(), list: z.array(z.unknown()).optional(), deep: z.unknown().optional() }), response: echoed, handler: (ctx) => ({ data: { text: ctx.body.text ?? '' } }) }),
  route({ method: 'GET', path: '/probe', permission: 'public', summary: 'echo', query: z.strictObject({ text: z.string().optional(), fields: z.string().transform((text) => text.split(',')).optional() }), response: z.object({ text: z.string(), more: z.string().optional() }).partial(), cacheSeconds: 5, handler: (ctx) => ({ data: { text: ctx.query.text ?? '', more: 'x' } }) }),
  route({ method: 'GET', path: '/probe/:id', permission: 'public', summary: 'param', params: z.object({ id: z.string() }), response: echoed, handler: (ctx) => ({ data: { text: ctx.params.id }, meta: { seq: 7 } }) }),
  route({ method: 'GET', path: '/probe/large', permission: 'public', summary: 'large', response: echoed, handler: () => ({ data: { text: 'abc'.repeat(2_000) } }) }),
  route({ method: 'POST', path: '/probe/fault', permission: 'public', summary: 'fault', response: echoed, handler: () => { throw new Error(`cannot open ${SECRET_PATH}`); } }),
  route({ method: 'POST', path: '/probe/refusal', permission: 'public', summary: 'refusal', response: echoed, handler: async () => { throw new Refusal('INSUFFICIENT_BALANCE', 'you need 5 USDT more'); } }),
  route({ method: 'POST', path: '/probe/unavailable', permission: 'public', summary: 'unavailable', response: echoed, handler: async () => { throw new UnavailableError(`the disk at ${SECRET_PATH} is full`); } }),
  route({ method: 'POST', path: '/probe/once', permission: 'trade', summary: 'idempotent', body: z.strictObject({ a: z.number().optional(), b: z.number().optional() }), response: echoed, handler: (ctx) => { seen.push(ctx.meta); return { data: { text: '' } }; } }),
  route({ method: 'POST', path: '/probe/batch', permission: 'public', summary: 'batch', body: z.strictObject({ orders: z.array(z.unknown()) }), response: echoed, cost: costOfBatch, handler: () => ({ data: { text: '' } }) }),
  route({ method: 'GET', path: '/probe/list', permission: 'public', summary: 'list', query: listQuery(z.object({ id: z.string(), price: z.string() }), {}), response: z.array(echoed), handler: () => ({ data: [] }) }),
  route({ method: 'GET', path: '/probe/address', permission: 'public', summary: 'address', response: echoed, handler: (ctx) => ({ data: { text: ctx.ip } }) }),
  route({ method: 'GET', path: '/probe/slow', permission: 'public', summary: 'slow', response: echoed, handler: () => new Promise<{ data: { text: string } }>((resolve) => { letGo = () => resolve({ data: { text: 'done' } }); entered(); }) }),
];

let api: Api;
const logged: string[] = [];
const logger: Logger = { ...silentLogger, error: () => void logged.push('error'), warn: () => void logged.push('warn') };
before(async () => { api = await startApi({ routes: probes, env: { CORS_ORIGINS: ORIGIN }, logger }); });
after(() => api.close());

interface Problem { type: string; title: string; status: number; code: string; detail: string; requestId: string; errors?: { path: string; message: string }[] }

const at = (path: string): string => `${api.url}/api/v1${path}`;
const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(at(path), { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

async function assertProblem(response: Response, status: number, code: string): Promise<Problem> {
  const problem = (await response.json()) as Problem;
  assert.deepEqual([response.status, problem.status, problem.code], [status, status, code], problem.detail);
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  assert.equal(problem.requestId, response.headers.get('x-request-id'));
  assert.equal(problem.type, `/docs#${code}`);
  assert.ok(problem.title.length > 0 && problem.detail.length > 0);
  return problem;
}

/** Sends bytes as they are and returns all that comes back. */
function raw(text: string, url = api.url): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
    let reply = '';
    socket.setTimeout(10_000, () => socket.destroy(new Error(`no end after: ${reply}`)));
    socket.on('data', (chunk) => { reply += chunk.toString(); });
    socket.on('error', (error: Error & { code?: string }) => (error.code === 'ECONNRESET' ? resolve(reply) : reject(error)));
    socket.on('close', () => resolve(reply));
  });
}

test('a reply has the envelope, a request id and the security headers', async () => {
  const response = await fetch(at('/probe/x%20y'));
  assert.deepEqual(await response.json(), { data: { text: 'x y' }, meta: { seq: 7 } });
  const header = (name: string): string | null => response.headers.get(name);
  assert.match(header('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
  assert.equal(header('cache-control'), 'no-store');
  assert.equal(header('x-content-type-options'), 'nosniff');
  assert.match(header('strict-transport-security') ?? '', /max-age=31536000/);
  assert.match(header('content-security-policy') ?? '', /frame-ancestors 'none'/);
  assert.doesNotMatch(header('content-security-policy') ?? '', /unsafe/);
  assert.equal(header('x-powered-by'), null);
  assert.equal(header('etag'), null);
});

const HOSTILE: Record<string, [string, RegExp]> = {
  'malformed JSON': ['{"text":', /not JSON/],
  'two documents': ['{}{}', /not JSON/],
  'a double key': ['{"text":"a","text":"b"}', /same key twice/],
  'a double key, written in two ways': ['{"text":"a","t\\u0065xt":"b"}', /same key twice/],
  'a double key further down': ['{"list":[{"a":1,"b":{"c":1,"c":2}}]}', /same key twice/],
  'a prototype key': ['{"__proto__":{"admin":true}}', /one of __proto__/],
  'an escaped prototype key': ['{"\\u005f_proto__":{"admin":true}}', /one of __proto__/],
  'a constructor key': ['{"deep":{"constructor":{"prototype":{}}}}', /one of __proto__/],
  'an operator': ['{"deep":{"$where":"1"}}', /cannot be the name of a field/],
  'a dotted key': ['{"deep.er":1}', /cannot be the name of a field/],
  'a nul in a key': ['{"a\\u0000b":1}', /cannot be the name of a field/],
  '33 levels': [`{"deep":${'['.repeat(32)}${']'.repeat(32)}}`, /more than 32 deep/],
  '90,000 levels': ['['.repeat(90_000), /more than 32 deep/],
  '1,001 keys': [`{"deep":{${Array.from({ length: 1_000 }, (_, i) => `"k${i}":0`).join(',')}}}`, /more than 1000 keys/],
  'an unknown field': ['{"text":"a","isAdmin":true}', /isAdmin: is not a field/],
  'an array where a scalar belongs': ['{"text":["a"]}', /text/],
  'an array for a body': ['[]', /./],
  'a scalar for a body': ['1', /./],
  'null': ['null', /./],
};
for (const [name, [body, detail]] of Object.entries(HOSTILE)) {
  test(`a body is refused for ${name}`, async () => {
    const problem = await assertProblem(await post('/probe', body), 400, 'VALIDATION_FAILED');
    assert.match(problem.detail, detail);
  });
}

test('what is at the limits passes', async () => {
  assert.equal((await post('/probe', `{"deep":${'['.repeat(31)}${']'.repeat(31)}}`)).status, 200);
  assert.equal((await post('/probe', `{"deep":{${Array.from({ length: 999 }, (_, i) => `"k${i}":":{["`).join(',')}}}`)).status, 200);
  assert.equal((await post('/probe', JSON.stringify({ text: 'x'.repeat(99_900) }))).status, 200);
});

test('bytes that are not UTF-8 are refused', async () => {
  await assertProblem(await post('/probe', Buffer.from('7b2274657874223a22ff227d', 'hex')), 400, 'VALIDATION_FAILED');
});

test('a body is refused for its type', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/json; charset=utf-16', 'application/jsonx', '']) {
    await assertProblem(await post('/probe', '{}', { 'content-type': type }), 415, 'UNSUPPORTED_MEDIA_TYPE');
  }
  assert.equal((await post('/probe', '{}', { 'content-type': 'Application/JSON; charset="UTF-8"' })).status, 200);
});

test('a large body is refused, told by its length, by its chunks and by its inflated size', async () => {
  const large = JSON.stringify({ text: 'x'.repeat(100_001) });
  await assertProblem(await post('/probe', large), 413, 'PAYLOAD_TOO_LARGE');
  await assertProblem(await post('/probe', gzipSync(large), { 'content-encoding': 'gzip' }), 413, 'PAYLOAD_TOO_LARGE');
  const chunk = 'x'.repeat(60_000);
  const chunked = `${chunk.length.toString(16)}\r\n${chunk}\r\n`;
  const reply = await raw(`POST /api/v1/probe HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}${chunked}0\r\n\r\n`);
  assert.match(reply, /^HTTP\/1\.1 413 [^]*PAYLOAD_TOO_LARGE/);
});

test('a compressed body is read, a broken or unknown one refused', async () => {
  const small = JSON.stringify({ text: 'hello' });
  for (const [encoding, body] of [['gzip', gzipSync(small)], ['br', brotliCompressSync(small)]] as const) {
    assert.deepEqual(await (await post('/probe', body, { 'content-encoding': encoding })).json(), { data: { text: 'hello' } });
  }
  await assertProblem(await post('/probe', 'not gzip', { 'content-encoding': 'gzip' }), 400, 'VALIDATION_FAILED');
  await assertProblem(await post('/probe', small, { 'content-encoding': 'zip' }), 415, 'UNSUPPORTED_MEDIA_TYPE');
  await assertProblem(await post('/probe', small, { 'content-encoding': 'constructor' }), 415, 'UNSUPPORTED_MEDIA_TYPE');
});

test('a query is refused for operators, doubles and unknown names', async () => {
  for (const query of ['text[$ne]=1', '$where=1', 'a.b=1', 'text=1&text=2', 'other=1', '__proto__=1']) {
    await assertProblem(await fetch(at(`/probe?${query}`)), 400, 'VALIDATION_FAILED');
  }
});

test('a path is matched as a whole', async () => {
  await assertProblem(await fetch(at('/nothing')), 404, 'NOT_FOUND');
  await assertProblem(await fetch(at('/probe/a/b')), 404, 'NOT_FOUND');
  await assertProblem(await fetch(at('/probe/%')), 404, 'NOT_FOUND');
  await assertProblem(await fetch(at('/Probe')), 404, 'NOT_FOUND');
  await assertProblem(await fetch(at('/probe/')), 404, 'NOT_FOUND');
  const wrong = await fetch(at('/probe'), { method: 'DELETE' });
  assert.equal(wrong.headers.get('allow'), 'POST, GET, OPTIONS');
  await assertProblem(wrong, 405, 'METHOD_NOT_ALLOWED');
});

test('HEAD is GET without a body', async () => {
  const response = await fetch(at('/probe/x'), { method: 'HEAD' });
  assert.deepEqual([response.status, await response.text(), Number(response.headers.get('content-length')) > 0], [200, '', true]);
});

test('a fault says nothing of the inside, and is in the log as what it is', async () => {
  logged.length = 0;
  for (const [path, status, code] of [['/probe/fault', 500, 'INTERNAL'], ['/probe/unavailable', 503, 'UNAVAILABLE']] as const) {
    const response = await post(path, '{}');
    const text = await response.clone().text();
    assert.ok(!text.includes(SECRET_PATH) && !text.includes('.ts') && !text.includes(' at '), text);
    await assertProblem(response, status, code);
  }
  assert.deepEqual(logged, ['error', 'warn']);
  assert.equal((await post('/probe/unavailable', '{}')).headers.get('retry-after'), '1');
});

test('a refusal keeps its code and words', async () => {
  const problem = await assertProblem(await post('/probe/refusal', '{}'), 422, 'INSUFFICIENT_BALANCE');
  assert.deepEqual([problem.title, problem.detail], ['Insufficient balance', 'you need 5 USDT more']);
});

test('cross-origin permission goes to the listed origin, and to no other', async () => {
  const allow = async (origin: string, method = 'GET'): Promise<[number, string | null, string | null]> => {
    const response = await fetch(at('/probe'), { method, headers: { origin, ...(method === 'OPTIONS' ? { 'access-control-request-method': 'POST' } : {}) } });
    await response.arrayBuffer();
    return [response.status, response.headers.get('access-control-allow-origin'), response.headers.get('vary')];
  };
  assert.deepEqual(await allow(ORIGIN), [200, ORIGIN, 'Origin']);
  assert.deepEqual((await allow(ORIGIN, 'OPTIONS')).slice(0, 2), [204, ORIGIN]);
  const preflight = await fetch(at('/probe'), { method: 'OPTIONS', headers: { origin: ORIGIN, 'access-control-request-method': 'POST' } });
  assert.equal(preflight.headers.get('access-control-allow-headers'), 'Authorization,Content-Type,Idempotency-Key,If-None-Match');
  for (const origin of ['null', 'https://app.example.com.evil.com', 'http://app.example.com', 'https://APP.example.com', `${ORIGIN}/`]) {
    assert.deepEqual(await allow(origin), [200, null, 'Origin'], origin);
    assert.deepEqual(await allow(origin, 'OPTIONS'), [204, null, 'Origin'], origin);
  }
});

test('public data carries an ETag and answers 304', async () => {
  const first = await fetch(at('/probe?text=a'));
  const etag = first.headers.get('etag') ?? '';
  assert.equal(first.headers.get('cache-control'), 'public, max-age=5');
  const second = await fetch(at('/probe?text=a'), { headers: { 'if-none-match': `"other", ${etag}` } });
  assert.deepEqual([second.status, await second.text()], [304, '']);
  assert.equal((await fetch(at('/probe?text=b'), { headers: { 'if-none-match': etag } })).status, 200);
});

test('fields picks fields', async () => {
  assert.deepEqual(await (await fetch(at('/probe?text=a&fields=more,toString'))).json(), { data: { more: 'x' } });
});

test('large replies are compressed, small ones are not', async () => {
  const encoding = async (path: string): Promise<string | null> => {
    const response = await fetch(at(path), { headers: { 'accept-encoding': 'gzip' } });
    await response.json();
    return response.headers.get('content-encoding');
  };
  assert.equal(await encoding('/probe/large'), 'gzip');
  assert.equal((await fetch(at('/probe/large'))).headers.get('vary'), 'Origin, Accept-Encoding');
  assert.equal(await encoding('/probe/x'), null);
});

test('requests that two parsers could read differently are refused, and end the connection', async () => {
  const post = (headers: string, body = '{}'): Promise<string> => raw(`POST /api/v1/probe HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${headers}\r\n\r\n${body}`);
  for (const [name, reply] of Object.entries({
    'length and chunks': await post('Content-Length: 2\r\nTransfer-Encoding: chunked', '0\r\n\r\n'),
    'two lengths': await post('Content-Length: 2\r\nContent-Length: 3'),
    'an obscure transfer encoding': await post('Transfer-Encoding: xchunked'),
    'a space before the colon': await post('Content-Length : 2'),
    'a bare line feed': await raw('GET /api/v1/probe HTTP/1.1\nHost: x\n\n'),
    'no host': await raw('GET /api/v1/probe HTTP/1.1\r\nConnection: close\r\n\r\n'),
    'no HTTP': await raw('hello\r\n\r\n'),
  })) assert.match(reply, /^HTTP\/1\.1 400 /, name);
  assert.match(await raw('hello\r\n\r\n'), /application\/problem\+json[^]*VALIDATION_FAILED/);
  assert.match(await raw(`GET / HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 413 [^]*PAYLOAD_TOO_LARGE/);
});

test('what is refused before the pipeline has the documented form too, and ends the connection', async () => {
  for (const [name, request, status, code] of [
    ['no host', 'GET /api/v1/probe HTTP/1.1\r\n\r\n', 400, 'VALIDATION_FAILED'],
    ['no host, and a body', 'POST /api/v1/probe HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}', 400, 'VALIDATION_FAILED'],
    ['an expectation', 'GET /api/v1/probe HTTP/1.1\r\nHost: x\r\nExpect: foo\r\n\r\n', 400, 'VALIDATION_FAILED'],
    ['an expectation of a body', 'POST /api/v1/probe HTTP/1.1\r\nHost: x\r\nExpect: foo\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n', 400, 'VALIDATION_FAILED'],
  ] as const) {
    const [head, body] = (await raw(request)).split('\r\n\r\n') as [string, string];
    const headers = new Headers(head.split('\r\n').slice(1).map((line) => line.split(': ') as [string, string]));
    assert.equal(headers.get('connection'), 'close', name);
    await assertProblem(new Response(body, { status: Number(head.split(' ')[1]), headers }), status, code);
  }
});

test('a host may be empty, and missing where HTTP/1.0 knows none; 100-continue is met', async () => {
  for (const request of ['GET /api/v1/probe HTTP/1.0\r\n\r\n', 'GET /api/v1/probe HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n']) assert.match(await raw(request), /^HTTP\/1\.1 200 /, request);
  const continued = await raw('POST /api/v1/probe HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}');
  assert.match(continued, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
});

test('a target may be a whole URL', async () => {
  const ask = (target: string, method = 'GET'): Promise<string> => raw(`${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  assert.match(await ask('http://x/api/v1/probe?text=whole'), /^HTTP\/1\.1 200 [^]*"text":"whole"/);
  assert.match(await ask('HTTPS://user@other.example:99999/api/v1/probe/x%20y'), /^HTTP\/1\.1 200 [^]*"text":"x y"/);
  assert.match(await ask('http://x/api/v1/probe/large', 'OPTIONS'), /^HTTP\/1\.1 204 [^]*Allow: GET, OPTIONS/);
  assert.match(await ask('http://x/health/live'), /^HTTP\/1\.1 200 /);
  assert.match(await ask('http://x'), /^HTTP\/1\.1 302 [^]*Location: \/docs\r\n/);
  for (const target of ['http://x?text=a', 'http:///api/v1/probe', 'ftp://x/api/v1/probe', 'http:/api/v1/probe', '/http://x/api/v1/probe']) {
    assert.match(await ask(target), /^HTTP\/1\.1 40[04] [^]*X-Request-Id: [^]*application\/problem\+json/, target);
  }
  const { tokens } = await api.identity.registration.register({ email: 'whole@bourse.test', password: 'idempotent tests 9' }, { ip: '127.0.0.1', userAgent: '', requestId: '' });
  for (const target of ['/api/v1/probe/once', 'http://x/api/v1/probe/once']) {
    const reply = await raw(`POST ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${tokens.accessToken}\r\nIdempotency-Key: key\r\n\r\n`);
    assert.match(reply, /^HTTP\/1\.1 200 /);
  }
  const [path, whole] = seen.splice(0);
  assert.match(path?.idempotencyKey ?? '', /:key$/);
  assert.deepEqual(whole, path);
});

test('an Idempotency-Key is scoped to the account; its fingerprint is of the meaning', async () => {
  const { tokens } = await api.identity.registration.register({ email: 'once@bourse.test', password: 'idempotent tests 9' }, { ip: '127.0.0.1', userAgent: '', requestId: '' });
  const send = (path: string, body: string, key: string): Promise<Response> => post(path, body, { authorization: `Bearer ${tokens.accessToken}`, 'idempotency-key': key });
  await send('/probe/once', '{"a":1,"b":2}', 'key-1');
  await send('/probe/once', '{ "b": 2, "a": 1 }', 'key-1');
  await send('/probe/once', '{"a":1,"b":3}', 'key-1');
  const [first, same, other] = seen;
  assert.match(first?.idempotencyKey ?? '', /^\d+:key-1$/);
  assert.deepEqual(same, first);
  assert.equal(other?.idempotencyKey, first?.idempotencyKey);
  assert.notEqual(other?.fingerprint, first?.fingerprint);
  for (const bad of ['x'.repeat(65), 'a b', 'schlüssel']) await assertProblem(await send('/probe/once', '{}', bad), 400, 'VALIDATION_FAILED');
});

test('forwarded addresses count only from configured proxies', async () => {
  const address = async (server: Api, forwarded: string): Promise<string> => {
    const response = await fetch(`${server.url}/api/v1/probe/address`, { headers: { 'x-forwarded-for': forwarded } });
    return ((await response.json()) as { data: { text: string } }).data.text;
  };
  assert.equal(await address(api, '10.9.9.9'), '127.0.0.1');
  const oneHop = await startApi({ routes: probes, env: { TRUST_PROXY: '1' } });
  const ranges = await startApi({ routes: probes, env: { TRUST_PROXY: '127.0.0.0/8,10.0.0.0/8' } });
  try {
    assert.equal(await address(oneHop, '1.1.1.1, 2.2.2.2'), '2.2.2.2');
    assert.equal(await address(ranges, '1.1.1.1, 3.3.3.3, 10.1.1.1'), '3.3.3.3');
  } finally {
    await oneHop.close();
    await ranges.close();
  }
});

test('a forwarded address that does not count is told of once', async () => {
  for (const [env, times] of [[{}, 1], [{ TRUST_PROXY: '1' }, 0]] as const) {
    const warnings: string[] = [];
    const plain = await startApi({ routes: probes, env, logger: { ...silentLogger, warn: (message) => void warnings.push(message) } });
    try {
      for (const headers of [{}, { 'x-forwarded-for': '10.9.9.9' }, { 'x-forwarded-for': '10.9.9.8' }]) await fetch(`${plain.url}/api/v1/probe/address`, { headers: headers as Record<string, string> });
      assert.equal(warnings.filter((message) => message.startsWith('a request came with X-Forwarded-For, and TRUST_PROXY is not set')).length, times);
    } finally {
      await plain.close();
    }
  }
});

test('a rate limit is told in each reply and refuses what is over it', async () => {
  const limited = await startApi({ routes: probes, env: { RATE_LIMITS: 'on', RATE_LIMIT_PER_MINUTE: '2' } });
  try {
    const send = (): Promise<Response> => fetch(`${limited.url}/api/v1/probe/x`);
    const first = await send();
    assert.equal(first.headers.get('ratelimit-policy'), '"address";q=2;w=60');
    assert.match(first.headers.get('ratelimit') ?? '', /^"address";r=1;t=\d+$/);
    await send();
    const third = await send();
    assert.match(third.headers.get('retry-after') ?? '', /^\d+$/);
    await assertProblem(third, 429, 'RATE_LIMITED');
  } finally {
    await limited.close();
  }
});

test('a batch counts as one request for every ten of its items', async () => {
  const limited = await startApi({ routes: probes, env: { RATE_LIMITS: 'on', RATE_LIMIT_PER_MINUTE: '12' } });
  try {
    const send = (items: number): Promise<Response> =>
      fetch(`${limited.url}/api/v1/probe/batch`, { method: 'POST', body: JSON.stringify({ orders: Array.from({ length: items }, () => 0) }), headers: { 'content-type': 'application/json' } });
    // 12 − 1 − 1 − 2 − 5; more than a batch may hold would be refused as a whole, and counts as one.
    for (const [items, left] of [[1, 11], [10, 10], [11, 8], [50, 3], [51, 2]]) assert.match((await send(items)).headers.get('ratelimit') ?? '', new RegExp(`;r=${left};`), `${items} items`);
    await assertProblem(await send(50), 429, 'RATE_LIMITED');
  } finally {
    await limited.close();
  }
});

test('bad input is counted before it is refused, and what is over the limit is not even read', async () => {
  const limited = await startApi({ routes: probes, env: { RATE_LIMITS: 'on', RATE_LIMIT_PER_MINUTE: '6' } });
  try {
    const at = `${limited.url}/api/v1/probe`;
    const send = (body: string | Buffer<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Response> => fetch(at, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
    const bad: readonly (readonly [string, () => Promise<Response>, number, string])[] = [
      ['no JSON', () => send('{"text":'), 400, 'VALIDATION_FAILED'],
      ['another type', () => send('{}', { 'content-type': 'text/plain' }), 415, 'UNSUPPORTED_MEDIA_TYPE'],
      ['another encoding', () => send('{}', { 'content-encoding': 'zip' }), 415, 'UNSUPPORTED_MEDIA_TYPE'],
      ['too large', () => send(gzipSync('x'.repeat(100_001)), { 'content-encoding': 'gzip' }), 413, 'PAYLOAD_TOO_LARGE'],
      ['an operator', () => send('{"deep":{"$where":"1"}}'), 400, 'VALIDATION_FAILED'],
      ['an operator in the query', () => fetch(`${at}?text[$ne]=1`), 400, 'VALIDATION_FAILED'],
    ];
    for (const [i, [name, ask, status, code]] of bad.entries()) {
      const response = await ask();
      assert.match(response.headers.get('ratelimit') ?? '', new RegExp(`^"address";r=${5 - i};t=\\d+$`), name);
      await assertProblem(response, status, code);
    }
    const over = await send('{"text":');
    assert.match(over.headers.get('retry-after') ?? '', /^\d+$/);
    await assertProblem(over, 429, 'RATE_LIMITED');
    // Of the bodies that these announce nothing ever comes.
    for (const length of ['Content-Length: 50', 'Transfer-Encoding: chunked']) {
      const reply = await raw(`POST /api/v1/probe HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n${length}\r\n\r\n`, limited.url);
      assert.match(reply, /^HTTP\/1\.1 429 [^]*RATE_LIMITED/, length);
    }
    // A short body that was not read ends no connection.
    const whole = 'POST /api/v1/probe HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';
    const both = await raw(`${whole}${whole.replace('Host: x', 'Host: x\r\nConnection: close')}`, limited.url);
    assert.equal(both.match(/HTTP\/1\.1 429 /g)?.length, 2, both);
  } finally {
    await limited.close();
  }
});

test('slow clients have their limits', () => {
  const { headersTimeout, requestTimeout, timeout, maxConnections } = api.server.server;
  assert.deepEqual([headersTimeout, requestTimeout, timeout, maxConnections], [10_000, 30_000, 75_000, 20_000]);
});

test('a request that is not complete in time is told so', async () => {
  const hasty = await startApi({ routes: probes });
  try {
    hasty.server.server.headersTimeout = hasty.server.server.requestTimeout = 1;
    const head = 'POST /api/v1/probe HTTP/1.1\r\nHost: x\r\n';
    for (const reply of await Promise.all([head, `${head}Content-Type: application/json\r\nContent-Length: 5\r\n\r\n{`].map((request) => raw(request, hasty.url)))) {
      assert.match(reply, /^HTTP\/1\.1 400 [^]*Connection: close[^]*"VALIDATION_FAILED","detail":"the request was not complete in time"/);
    }
    // One that does not close its side keeps nothing.
    const silent = connect({ port: Number(new URL(hasty.url).port), host: '127.0.0.1', allowHalfOpen: true });
    silent.write('GET / HTTP/1.1\r\n');
    await once(silent, 'data');
    const open = (): Promise<number> => new Promise((resolve) => hasty.server.server.getConnections((_error, count) => resolve(count)));
    await eventually('the connection goes', async () => ((await open()) === 0 ? true : undefined));
    silent.destroy();
  } finally {
    await hasty.close();
  }
});

/** A connection that stays open, and what comes back on it: '' when it is closed instead. */
function keptOpen(url: string, headers = ''): { readonly reply: Promise<string>; readonly end: () => void } {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const reply = new Promise<string>((resolve) => {
    socket.once('data', (chunk) => resolve(chunk.toString()));
    for (const end of ['close', 'error']) socket.once(end, () => resolve(''));
  });
  socket.write(`GET /api/v1/probe/address HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
  return { reply, end: () => socket.destroy() };
}

async function refusals(of: Api): Promise<string[]> {
  return (await of.metrics.registry.getSingleMetricAsString('bourse_rate_limited_total')).split('\n').filter((line) => !line.startsWith('#') && !line.endsWith(' 0'));
}

test('connections of one address are limited; those that are refused are counted, and the log tells', async () => {
  const lines: unknown[] = [];
  const tight = await startApi({ env: { MAX_CONNECTIONS_PER_ADDRESS: '1' }, routes: probes, logger: { ...silentLogger, warn: (...line) => void lines.push(line) } });
  const first = keptOpen(tight.url);
  try {
    assert.match(await first.reply, /^HTTP\/1\.1 200 /);
    for (let i = 0; i < 3; i++) assert.equal(await keptOpen(tight.url).reply, '');
    assert.deepEqual(await refusals(tight), ['bourse_rate_limited_total{limit="address_connections"} 3']);
    assert.deepEqual(lines[0], ['a connection was refused: too many are open', { limit: 'address_connections', address: '127.0.0.1', leftOut: 0 }]);
  } finally {
    first.end();
    await tight.close();
  }
});

test('connections through a proxy are limited in all, not as those of one client', async () => {
  const behind = await startApi({ env: { TRUST_PROXY: '1', MAX_CONNECTIONS: '3', MAX_CONNECTIONS_PER_ADDRESS: '1' }, routes: probes });
  const clients = [1, 2, 3].map((n) => keptOpen(behind.url, `X-Forwarded-For: 10.0.0.${n}\r\n`));
  try {
    for (const [i, { reply }] of clients.entries()) assert.match(await reply, new RegExp(`^HTTP/1\\.1 200 [^]*"10\\.0\\.0\\.${i + 1}"`));
    assert.equal(await keptOpen(behind.url, 'X-Forwarded-For: 10.0.0.4\r\n').reply, '');
    assert.deepEqual(await refusals(behind), ['bourse_rate_limited_total{limit="connections"} 1']);
  } finally {
    for (const { end } of clients) end();
    await behind.close();
  }
});

test('closing lets a running request finish and takes no other', async () => {
  const draining = await startApi({ routes: probes });
  const running = new Promise<void>((resolve) => { entered = resolve; });
  const slow = fetch(`${draining.url}/api/v1/probe/slow`);
  await running;
  const closed = draining.server.close();
  await assert.rejects(fetch(`${draining.url}/api/v1/probe/x`));
  letGo();
  assert.deepEqual(await (await slow).json(), { data: { text: 'done' } });
  await closed;
  await draining.close();
});

test('requests are measured by route, not by path', async () => {
  await (await fetch(at('/probe/some-id'))).text();
  await (await fetch(at('/no/such/route'))).text();
  const text = await (await fetch(`${api.url}/metrics`)).text();
  assert.match(text, /bourse_http_request_seconds_count\{method="GET",route="\/api\/v1\/probe\/:id",status="200"\} \d+/);
  assert.match(text, /route="unmatched",status="404"/);
  assert.match(text, /bourse_errors_total\{code="NOT_FOUND"\} \d+/);
  assert.ok(!text.includes('some-id'));
});

async function readinessMetrics(url: string): Promise<string[]> {
  return (await (await fetch(`${url}/metrics`)).text()).split('\n').filter((line) => /^bourse_(?:ready|dependency_up)\b/.test(line));
}

test('readiness says what is wrong', async () => {
  const broken = await startApi({ checks: [{ name: 'disk', required: true, check: () => ({ ok: false, detail: '3 MiB free' }) }, { name: 'feeds', required: false, check: () => { throw new Error(SECRET_PATH); } }] });
  try {
    const ready = await fetch(`${broken.url}/health/ready`);
    assert.deepEqual([ready.status, await ready.json()], [503, { status: 'unready', reasons: ['disk: 3 MiB free'] }]);
    const text = await (await fetch(`${broken.url}/health/dependencies`)).text();
    assert.match(text, /"name":"engine","required":true,"ok":true/);
    assert.ok(!text.includes(SECRET_PATH));
    assert.deepEqual(await readinessMetrics(broken.url), ['bourse_ready 0', 'bourse_dependency_up{dependency="engine"} 1', 'bourse_dependency_up{dependency="store"} 1', 'bourse_dependency_up{dependency="disk"} 0', 'bourse_dependency_up{dependency="feeds"} 0']);
    assert.equal((await fetch(`${broken.url}/health/live`)).status, 200);
  } finally {
    await broken.close();
  }
  assert.deepEqual(await readinessMetrics(api.url), ['bourse_ready 1', 'bourse_dependency_up{dependency="engine"} 1', 'bourse_dependency_up{dependency="store"} 1'], 'a scrape looks for itself');
  assert.equal((await fetch(`${api.url}/health/ready`)).status, 200);
});

test('damage of the store makes the process unready, and says nothing of the inside', async () => {
  const damaged = storeCheck({ ping: async () => { throw new StoreDamagedError(`${SECRET_PATH} is damaged`); } });
  const broken = await startApi({ checks: [{ ...damaged, name: 'damaged store' }] });
  try {
    const ready = await fetch(`${broken.url}/health/ready`);
    assert.deepEqual([ready.status, await ready.json()], [503, { status: 'unready', reasons: ['damaged store: damaged; the log says where, and what to do'] }]);
  } finally {
    await broken.close();
  }
});

interface Media { content: Record<string, { schema: { required?: string[]; additionalProperties?: boolean; properties?: Record<string, Record<string, unknown>> } }> }
interface Documented { requestBody?: Media & { required: boolean }; security?: unknown; parameters: { name: string; explode?: boolean; schema: Record<string, unknown> }[]; responses: Record<string, Media & { $ref?: string; headers?: object }> }

const openApi = async () => (await (await fetch(`${api.url}/openapi.json`)).json()) as { openapi: string; paths: Record<string, Record<string, Documented>> };

test('what may be left out is documented as such, with what then holds', async () => {
  const { paths } = await openApi();
  const logout = paths['/api/v1/auth/logout']?.post;
  assert.deepEqual([logout?.requestBody?.required, logout?.security], [false, [{}, { bearer: [] }]]);
  assert.equal((await fetch(at('/auth/logout'), { method: 'POST' })).status, 204);
  const list = new Map(paths['/api/v1/probe/list']?.get?.parameters.map((parameter) => [parameter.name, parameter]));
  assert.deepEqual(list.get('limit')?.schema, { type: 'integer', minimum: 1, maximum: 500, default: 50, description: 'at most so many' });
  assert.deepEqual([list.get('fields')?.explode, list.get('fields')?.schema], [false, { type: 'array', items: { type: 'string', enum: ['id', 'price'] }, minItems: 1, description: 'only these fields of each item; the others, which its schema requires, are left out' }]);
});

test('how long a new password must be is documented as it is asked for; at sign-in any goes', async () => {
  const { paths } = await openApi();
  const bounds = (path: string, name: string) => {
    const { minLength, maxLength } = paths[`/api/v1/auth/${path}`]?.post?.requestBody?.content['application/json']?.schema.properties?.[name] ?? {};
    return [minLength, maxLength] as [number, number];
  };
  assert.deepEqual([bounds('register', 'password'), bounds('password', 'newPassword'), bounds('login', 'password')], [[8, 128], [8, 128], [1, 512]]);
  const register = async (email: string, length: number) => (await fetch(at('/auth/register'), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email, password: 'quince-olive-marble-'.repeat(7).slice(0, length) }) })).status;
  const [min, max] = bounds('register', 'password');
  assert.deepEqual(await Promise.all([register('short@example.com', min - 1), register('least@example.com', min), register('most@example.com', max)]), [400, 201, 201]);
});

test('each status that a route can have of itself is documented, with its headers', async () => {
  const { paths } = await openApi();
  const ready = paths['/health/ready']?.get?.responses;
  assert.deepEqual(Object.keys(ready ?? {}), ['200', '503', 'default']);
  assert.deepEqual(ready?.[503]?.content['application/json']?.schema.required, ['status', 'reasons']);
  const probe = paths['/api/v1/probe']?.get?.responses;
  assert.deepEqual([probe?.[304]?.$ref, probe?.[429]?.$ref], ['#/components/responses/NotModified', '#/components/responses/RateLimited']);
  assert.deepEqual(Object.keys(probe?.[200]?.headers ?? {}), ['X-Request-Id', 'RateLimit-Policy', 'RateLimit', 'ETag']);
  assert.deepEqual(Object.keys(paths['/api/v1/auth/me']?.get?.responses ?? {}), ['200', '429', 'default']);
});

test('the documentation is generated from the routes, and its page has no inline script', async () => {
  const api31 = await openApi();
  assert.deepEqual(defects(api31), []);
  assert.equal(api31.openapi, '3.1.0');
  const login = api31.paths['/api/v1/auth/login']?.post;
  const { schema } = login?.requestBody?.content['application/json'] ?? {};
  assert.deepEqual([login?.requestBody?.required, schema?.required, schema?.additionalProperties, schema?.properties?.['email']?.['format']], [true, ['email', 'password'], false, 'email']);
  assert.equal(login?.security, undefined);
  assert.deepEqual(api31.paths['/api/v1/auth/me']?.get?.security, [{ bearer: [] }]);
  const takesKey = (method: string, path: string): boolean => JSON.stringify(api31.paths[`/api/v1${path}`]?.[method]).includes('"Idempotency-Key"');
  for (const [method, path] of [['post', '/auth/register'], ['post', '/auth/password'], ['delete', '/auth/sessions/{id}'], ['put', '/admin/users/{id}/roles']] as const) assert.ok(takesKey(method, path), path);
  for (const [method, path] of [['post', '/auth/login'], ['post', '/auth/refresh'], ['get', '/auth/me']] as const) assert.ok(!takesKey(method, path), path);
  const page = await (await fetch(`${api.url}/docs`)).text();
  assert.match(page, /<script src="\/docs\/docs.js" defer><\/script>/);
  assert.doesNotMatch(page, /<script>|<style>| on\w+=/);
  assert.match((await fetch(`${api.url}/docs/docs.js`)).headers.get('content-type') ?? '', /^text\/javascript/);
  for (const path of ['/', '/docs/']) {
    const response = await fetch(`${api.url}${path}`, { redirect: 'manual' });
    assert.deepEqual([response.status, response.headers.get('location'), api31.paths[path]], [302, '/docs', undefined], path);
  }
});
