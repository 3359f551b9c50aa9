/** Signing in and out over real HTTP, and every way of getting in without being let in. */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { users } from '../../src/models/users.ts';
import { sessions } from '../../src/models/sessions.ts';
import { hash } from '@node-rs/argon2';
import { auditlogs } from '../../src/models/auditlogs.ts';
import { keptreplies } from '../../src/models/keptreplies.ts';
import { silentLogger, type LogFields, type Logger } from '../../src/observability/logger.ts';
import { AuditChain } from '../../src/services/audit.ts';
import { JWT_SECRET, startApi, type Api } from '../support/api.ts';

interface SignedIn { user: { id: string; email: string; roles: string[] }; tokens: { accessToken: string; expiresIn: number; refreshToken: string } }
interface Answer<T> { status: number; data: T; code: string | undefined; detail: string | undefined; headers: Headers }

const PASSWORD = 'plain tests want plain words';
const ADMIN = { email: 'root@bourse.test', password: 'an administrator with words' };
let api: Api;
let serial = 0;

before(async () => {
  api = await startApi();
  await api.identity.registration.ensureAdmin(ADMIN);
});
after(() => api.close());

async function call<T>(method: string, path: string, body?: unknown, token?: string, on: Api = api, headers: Readonly<Record<string, string>> = {}): Promise<Answer<T>> {
  const response = await fetch(`${on.url}/api/v1${path}`, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const reply = (text === '' ? {} : JSON.parse(text)) as { data: T; code?: string; detail?: string };
  return { status: response.status, data: reply.data, code: reply.code, detail: reply.detail, headers: response.headers };
}

async function register(on: Api = api): Promise<SignedIn> {
  const answer = await call<SignedIn>('POST', '/auth/register', { email: `user${++serial}@bourse.test`, password: PASSWORD }, undefined, on);
  assert.equal(answer.status, 201, answer.detail);
  return answer.data;
}

async function assertRefused(token: string | undefined, code: string, path = '/auth/me'): Promise<void> {
  const answer = await call('GET', path, undefined, token);
  assert.equal(answer.code, code);
}

async function adminToken(): Promise<string> {
  return (await call<SignedIn>('POST', '/auth/login', ADMIN)).data.tokens.accessToken;
}

const encode = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const decode = (part: string | undefined): Record<string, unknown> => JSON.parse(Buffer.from(part ?? '', 'base64url').toString()) as Record<string, unknown>;

/** A token with other header fields and claims, signed with what the attacker has. */
function forge(token: string, header: Record<string, unknown>, claims: Record<string, unknown>, secret: string = JWT_SECRET, digest = 'sha256'): string {
  const [head, body] = token.split('.');
  const signed = `${encode({ ...decode(head), ...header })}.${encode({ ...decode(body), ...claims })}`;
  return `${signed}.${createHmac(digest, secret).update(signed).digest('base64url')}`;
}

test('guesses that have to wait are counted by their limit, and the log tells of the first', async () => {
  const lines: [string, LogFields | undefined][] = [];
  const logger: Logger = { ...silentLogger, warn: (message, fields) => void lines.push([message, fields]) };
  const strict = await startApi({ env: { RATE_LIMITS: 'on' }, logger });
  try {
    const figures = async (): Promise<string[]> => (await (await fetch(`${strict.url}/metrics`)).text()).split('\n').filter((line) => /^bourse_rate_limited_total.*(?:sign_in|registration)/.test(line));
    const none = ['sign_in_guesser', 'sign_in_account', 'sign_in_address', 'registration'].map((limit) => `bourse_rate_limited_total{limit="${limit}"} 0`);
    assert.deepEqual(await figures(), none);
    for (let i = 0; i < 9; i++) await call('POST', '/auth/login', { email: 'guessed@bourse.test', password: 'a wrong guess' }, undefined, strict);
    // Five are free; the address may make thirty.
    assert.deepEqual(await figures(), ['bourse_rate_limited_total{limit="sign_in_guesser"} 4', ...none.slice(1)]);
    assert.deepEqual(lines, [['attempts have to wait: somebody may be guessing', { limit: 'sign_in_guesser', who: 'guessed@bourse.test 127.0.0.1' }]]);
  } finally {
    await strict.close();
  }
});

test('a user signs up, is somebody, and signs in again', async () => {
  const { user, tokens } = await register();
  assert.equal(tokens.expiresIn, 900);
  assert.deepEqual(user.roles, ['user']);
  const me = await call<{ id: string }>('GET', '/auth/me', undefined, tokens.accessToken);
  assert.equal(me.data.id, user.id);
  assert.ok(!JSON.stringify(me.data).includes('argon2'));
  const again = await call<SignedIn>('POST', '/auth/login', { email: ` ${user.email.toUpperCase()} `, password: PASSWORD });
  assert.equal(again.data.user.id, user.id);
});

test('an e-mail address is registered once', async () => {
  const { user } = await register();
  const answer = await call('POST', '/auth/register', { email: user.email.toUpperCase(), password: PASSWORD });
  assert.deepEqual([answer.status, answer.code], [409, 'CONFLICT']);
  const both = await Promise.all([1, 2].map(() => call('POST', '/auth/register', { email: 'twice@bourse.test', password: PASSWORD })));
  assert.deepEqual(both.map(({ status }) => status).sort(), [201, 409]);
});

test('who repeats a registration with its key gets in, once, and nobody else does', async () => {
  const body = { email: 'again@bourse.test', password: PASSWORD };
  const send = (key: string | undefined, changes: object = {}) => call<SignedIn>('POST', '/auth/register', { ...body, ...changes }, undefined, api, key === undefined ? {} : { 'idempotency-key': key });
  const first = await send('first');
  assert.equal(first.status, 201);
  const again = await send('first');
  assert.deepEqual([again.status, again.data.user.id], [201, first.data.user.id]);
  assert.notEqual(again.data.tokens.accessToken, first.data.tokens.accessToken);
  assert.equal((await call('GET', '/auth/me', undefined, again.data.tokens.accessToken)).status, 200);
  for (const [key, changes] of [[undefined, {}], ['other', {}], ['first', { password: `${PASSWORD} not` }], ['first', { email: 'another@bourse.test' }]] as const) {
    const refused = await send(key, changes);
    assert.deepEqual([refused.status, refused.code], [409, 'CONFLICT'], `${key}`);
  }
  const both = await Promise.all([1, 2].map((n) => send('at-once', { email: `once${n}@bourse.test` })));
  assert.deepEqual(both.map(({ status }) => status).sort(), [201, 409], 'one key creates one user');
  const twins = await Promise.all([1, 2].map(() => send('twins', { email: 'twins@bourse.test' })));
  assert.deepEqual(twins.map(({ status, data }) => [status, data?.user.id]), [1, 2].map(() => [201, twins[0]?.data.user.id]));
  api.time.now += 24 * 3_600_000 + 1;
  assert.equal((await send('first')).status, 409, 'a key counts for a day');
  assert.equal((await send('first', { email: 'another@bourse.test' })).status, 201);
});

test('a password is refused when it is short, long, common or the e-mail itself', async () => {
  for (const password of ['seven77', 'x'.repeat(129), 'password123', 'P@ssw0rd!', 'Sunshine2024', '12345678', 'qwertyuiop', 'abcd1234', 'aaaaaaaa', 'abcabcabc', '19871225', 'plain@bourse.test']) {
    const answer = await call('POST', '/auth/register', { email: 'plain@bourse.test', password });
    assert.equal(answer.code, 'VALIDATION_FAILED', password);
  }
  // Eight characters after normalisation (NFKC: ﬁ is two), spaces, no composition rules.
  assert.equal((await call('POST', '/auth/register', { email: 'ligature@bourse.test', password: 'ﬁ ve zz' })).status, 201);
  assert.equal((await call('POST', '/auth/login', { email: 'ligature@bourse.test', password: 'fi ve zz' })).status, 200);
});

test('nobody signs up with more rights than a user has', async () => {
  const answer = await call('POST', '/auth/register', { email: 'eve@bourse.test', password: PASSWORD, roles: ['admin'] });
  assert.equal(answer.code, 'VALIDATION_FAILED');
});

test('a wrong password and an unknown account get the same answer', async () => {
  const { user } = await register();
  const wrong = await call('POST', '/auth/login', { email: user.email, password: 'something else entirely' });
  const unknown = await call('POST', '/auth/login', { email: 'nobody@bourse.test', password: 'something else entirely' });
  assert.deepEqual([wrong.status, wrong.code, wrong.detail], [401, 'UNAUTHENTICATED', 'e-mail or password is wrong']);
  assert.deepEqual([unknown.status, unknown.code, unknown.detail], [wrong.status, wrong.code, wrong.detail]);
});

test('tokens that are not ours are refused', async () => {
  const { tokens } = await register();
  const { accessToken } = tokens;
  const [head, body, signature] = accessToken.split('.') as [string, string, string];
  await assertRefused(undefined, 'UNAUTHENTICATED');
  for (const [name, token] of Object.entries({
    'no algorithm': `${encode({ ...decode(head), alg: 'none' })}.${body}.`,
    'no algorithm, old signature': `${encode({ ...decode(head), alg: 'none' })}.${body}.${signature}`,
    'another algorithm': forge(accessToken, { alg: 'HS512' }, {}, JWT_SECRET, 'sha512'),
    'another key id': forge(accessToken, { kid: 'other' }, {}),
    'another secret': forge(accessToken, {}, {}, 'another secret that is long enough too'),
    'another type': forge(accessToken, { typ: 'JWT' }, {}),
    'a key of its own': forge(accessToken, { jwk: { kty: 'oct', k: 'eA' } }, {}),
    'a key address': forge(accessToken, { jku: 'https://evil.example' }, {}),
    'another issuer': forge(accessToken, {}, { iss: 'other' }),
    'another audience': forge(accessToken, {}, { aud: 'other' }),
    'no expiry': forge(accessToken, {}, { exp: undefined }),
    'no start': forge(accessToken, {}, { nbf: undefined }),
    'a start in the future': forge(accessToken, {}, { nbf: 4_000_000_000 }),
    'another session': forge(accessToken, {}, { sid: 'other' }),
    'another user': forge(accessToken, {}, { sub: 'admin' }),
    'a changed claim': `${head}.${encode({ ...decode(body), sub: 'admin' })}.${signature}`,
    'a cut signature': accessToken.slice(0, -2),
    'words': 'hello',
  })) {
    const answer = await call('GET', '/auth/me', undefined, token);
    assert.deepEqual([answer.status, answer.code, answer.headers.get('www-authenticate')], [401, 'UNAUTHENTICATED', 'Bearer'], name);
  }
  // The forger works: with nothing changed the token is good.
  assert.equal((await call('GET', '/auth/me', undefined, forge(accessToken, {}, {}))).status, 200);
});

test('an access token ends after fifteen minutes, also one that was seen before; public routes do not care', async () => {
  const { tokens } = await register();
  assert.equal((await call('GET', '/auth/me', undefined, tokens.accessToken)).status, 200);
  api.time.now += 899_000;
  assert.equal((await call('GET', '/auth/me', undefined, tokens.accessToken)).status, 200);
  api.time.now += 1_000;
  await assertRefused(tokens.accessToken, 'TOKEN_EXPIRED');
  const refreshed = await call<SignedIn>('POST', '/auth/refresh', { refreshToken: tokens.refreshToken }, tokens.accessToken);
  assert.equal(refreshed.status, 200);
  assert.equal((await call('GET', '/auth/me', undefined, refreshed.data.tokens.accessToken)).status, 200);
});

test('a refresh token is good once; used again it ends the session, tokens included', async () => {
  const { user, tokens } = await register();
  const first = await call<SignedIn>('POST', '/auth/refresh', { refreshToken: tokens.refreshToken });
  assert.equal(first.status, 200);
  const { accessToken, refreshToken } = first.data.tokens;
  assert.equal((await call('GET', '/auth/me', undefined, accessToken)).status, 200);
  assert.equal((await call('POST', '/auth/refresh', { refreshToken: tokens.refreshToken })).code, 'UNAUTHENTICATED');
  await assertRefused(accessToken, 'UNAUTHENTICATED');
  assert.equal((await call('POST', '/auth/refresh', { refreshToken })).code, 'UNAUTHENTICATED');
  const { items } = await api.store.collection(auditlogs).find({ where: { actor: user.id, action: 'auth.refresh-reuse' }, limit: 10 });
  assert.equal(items.length, 1);
});

test('of two refreshes at the same time with one token, one gets through and the session ends', async () => {
  const { tokens } = await register();
  const both = await Promise.all([1, 2].map(() => call<SignedIn>('POST', '/auth/refresh', { refreshToken: tokens.refreshToken })));
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 401]);
  const winner = both.find(({ status }) => status === 200) as Answer<SignedIn>;
  await assertRefused(winner.data.tokens.accessToken, 'UNAUTHENTICATED');
});

test('a session ends when it is idle too long, and at its absolute end however busy it is', async () => {
  const own = await startApi();
  try {
    const day = 86_400_000;
    const idle = await register(own);
    own.time.now += 7 * day;
    assert.equal((await call('POST', '/auth/refresh', { refreshToken: idle.tokens.refreshToken }, undefined, own)).code, 'UNAUTHENTICATED');
    let { tokens } = await register(own);
    for (let i = 0; i < 5; i++) {
      own.time.now += 5.9 * day;
      const answer = await call<SignedIn>('POST', '/auth/refresh', { refreshToken: tokens.refreshToken }, undefined, own);
      assert.equal(answer.status, 200);
      ({ tokens } = answer.data);
    }
    own.time.now += 0.5 * day;
    assert.equal((await call('POST', '/auth/refresh', { refreshToken: tokens.refreshToken }, undefined, own)).code, 'UNAUTHENTICATED');
  } finally {
    await own.close();
  }
});

test('refresh tokens are not stored', async () => {
  const { user, tokens } = await register();
  const { items } = await api.store.collection(sessions).find({ where: { userId: user.id }, limit: 10 });
  const [id, secret] = tokens.refreshToken.split('.');
  assert.equal(items[0]?.id, id);
  assert.ok(!JSON.stringify(items).includes(secret as string));
});

test('logging out ends the access token at once, by either token', async () => {
  const one = await register();
  assert.equal((await call('GET', '/auth/me', undefined, one.tokens.accessToken)).status, 200);
  assert.equal((await call('POST', '/auth/logout', undefined, one.tokens.accessToken)).status, 204);
  await assertRefused(one.tokens.accessToken, 'UNAUTHENTICATED');
  const two = await register();
  assert.equal((await call('POST', '/auth/logout', { refreshToken: two.tokens.refreshToken })).status, 204);
  await assertRefused(two.tokens.accessToken, 'UNAUTHENTICATED');
  assert.equal((await call('POST', '/auth/logout', { refreshToken: 'nonsense' })).status, 204);
});

test('logging out with an access token whose time is over ends its session too, and only one of ours does', async () => {
  const { user, tokens } = await register();
  const login = async (): Promise<SignedIn['tokens']> => (await call<SignedIn>('POST', '/auth/login', { email: user.email, password: PASSWORD })).data.tokens;
  const logouts = async (): Promise<number> => api.store.collection(auditlogs).count({ actor: user.id, action: 'auth.logout' });
  const others = await login();
  api.time.now += 3_600_000;
  await assertRefused(tokens.accessToken, 'TOKEN_EXPIRED');
  for (const token of [forge(tokens.accessToken, {}, {}, 'another secret that is long enough too'), forge(tokens.accessToken, { typ: 'JWT' }, {}), forge(tokens.accessToken, {}, { aud: 'other' })]) {
    assert.equal((await call('POST', '/auth/logout', undefined, token)).status, 204);
  }
  assert.equal(await logouts(), 0);
  assert.equal((await call('POST', '/auth/logout', { refreshToken: 'nonsense' }, tokens.accessToken)).status, 204);
  assert.equal((await call('POST', '/auth/refresh', { refreshToken: tokens.refreshToken })).code, 'UNAUTHENTICATED');
  assert.equal((await call('POST', '/auth/logout', undefined, tokens.accessToken)).status, 204);
  assert.equal(await logouts(), 1, 'what has ended is not ended again');
  assert.equal((await call('POST', '/auth/refresh', { refreshToken: others.refreshToken })).status, 200, 'another session goes on');
});

test('sessions are listed and ended by their owner alone; another’s is unknown', async () => {
  const { user, tokens } = await register();
  const other = await call<SignedIn>('POST', '/auth/login', { email: user.email, password: PASSWORD });
  const listed = await call<{ id: string; current: boolean; refreshHash?: string }[]>('GET', '/auth/sessions', undefined, tokens.accessToken);
  assert.deepEqual(listed.data.map(({ current }) => current).sort(), [false, true]);
  assert.ok(listed.data.every(({ refreshHash }) => refreshHash === undefined));
  const target = listed.data.find(({ current }) => !current)?.id;
  const stranger = await register();
  const theirs = await call('DELETE', `/auth/sessions/${target}`, undefined, stranger.tokens.accessToken);
  const unknown = await call('DELETE', '/auth/sessions/unknown', undefined, stranger.tokens.accessToken);
  assert.deepEqual([theirs.status, theirs.code, theirs.detail], [404, 'NOT_FOUND', unknown.detail]);
  assert.equal((await call('GET', '/auth/me', undefined, other.data.tokens.accessToken)).status, 200);
  assert.equal((await call('DELETE', `/auth/sessions/${target}`, undefined, tokens.accessToken)).status, 204);
  await assertRefused(other.data.tokens.accessToken, 'UNAUTHENTICATED');
  assert.equal((await call('GET', '/auth/me', undefined, tokens.accessToken)).status, 200);
});

test('sessions come in pages, newest first, as other lists do', async () => {
  const { user, tokens } = await register();
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) {
    api.time.now += 1_000;
    const { data } = await call<SignedIn>('POST', '/auth/login', { email: user.email, password: PASSWORD });
    ids.unshift(data.tokens.refreshToken.split('.')[0] as string);
  }
  const ask = async (query: string) => {
    const response = await fetch(`${api.url}/api/v1/auth/sessions?${query}`, { headers: { authorization: `Bearer ${tokens.accessToken}` } });
    return (await response.json()) as { data: { id: string }[]; meta?: { nextCursor?: string }; code?: string };
  };
  const first = await ask('limit=2&fields=id');
  assert.deepEqual(first.data, [{ id: ids[0] }, { id: ids[1] }]);
  api.time.now += 1_000;
  await call('POST', '/auth/login', { email: user.email, password: PASSWORD });
  const rest = await ask(`limit=2&cursor=${first.meta?.nextCursor}`);
  assert.deepEqual([rest.data[0]?.id, rest.data.length, rest.meta?.nextCursor], [ids[2], 2, undefined], 'one that came meanwhile moves nothing');
  assert.deepEqual((await ask('offset=4&fields=current')).data, [{ current: true }]);
  for (const bad of ['limit=0', 'cursor=p1', 'fields=refreshHash', 'page=2']) assert.equal((await ask(bad)).code, 'VALIDATION_FAILED', bad);
});

test('changing the password needs the old one and ends all other sessions', async () => {
  const { user, tokens } = await register();
  const other = await call<SignedIn>('POST', '/auth/login', { email: user.email, password: PASSWORD });
  const change = (currentPassword: string, newPassword: string): Promise<Answer<unknown>> => call('POST', '/auth/password', { currentPassword, newPassword }, tokens.accessToken);
  assert.equal((await change('not the password', 'quite another password')).code, 'STEP_UP_REQUIRED');
  assert.equal((await change(PASSWORD, 'password1')).code, 'VALIDATION_FAILED');
  assert.equal((await change(PASSWORD, 'quite another password')).status, 204);
  await assertRefused(other.data.tokens.accessToken, 'UNAUTHENTICATED');
  assert.equal((await call('GET', '/auth/me', undefined, tokens.accessToken)).status, 200);
  assert.equal((await call('POST', '/auth/login', { email: user.email, password: PASSWORD })).code, 'UNAUTHENTICATED');
  assert.equal((await call('POST', '/auth/login', { email: user.email, password: 'quite another password' })).status, 200);
});

test('freezing ends everything at once; listeners hear of it', async () => {
  const { user, tokens } = await register();
  const heard: string[] = [];
  const stop = api.identity.sessions.onRevoked(({ userId }) => heard.push(userId));
  assert.equal((await call('GET', '/auth/me', undefined, tokens.accessToken)).status, 200);
  const admin = await adminToken();
  assert.equal((await call('POST', `/admin/users/${user.id}/freeze`, undefined, admin)).status, 200);
  stop();
  assert.deepEqual(heard, [user.id]);
  await assertRefused(tokens.accessToken, 'UNAUTHENTICATED');
  assert.equal((await call('POST', '/auth/refresh', { refreshToken: tokens.refreshToken })).code, 'UNAUTHENTICATED');
  assert.equal((await call('POST', '/auth/login', { email: user.email, password: PASSWORD })).code, 'FORBIDDEN');
  assert.equal((await call('POST', '/auth/login', { email: user.email, password: 'not the password' })).code, 'UNAUTHENTICATED');
  assert.equal((await call('POST', `/admin/users/${user.id}/unfreeze`, undefined, admin)).status, 200);
  assert.equal((await call('POST', '/auth/login', { email: user.email, password: PASSWORD })).status, 200);
});

test('what is changed of a user happens once per Idempotency-Key, and is answered as the first time', async () => {
  const { user } = await register();
  const admin = await adminToken();
  const send = (method: string, action: string, body: unknown, key: string) => call<{ status: string; roles: string[] }>(method, `/admin/users/${user.id}/${action}`, body, admin, api, { 'idempotency-key': key });
  const done = (): Promise<number> => api.store.collection(auditlogs).count({ target: user.id, actor: 'admin' });
  const both = await Promise.all([1, 2].map(() => send('POST', 'freeze', undefined, 'freeze')));
  assert.deepEqual(both.map(({ status, data }) => [status, data.status]), [1, 2].map(() => [200, 'frozen']));
  assert.equal(await done(), 1, 'two at the same time have one effect');
  assert.equal((await send('POST', 'unfreeze', undefined, 'freeze')).code, 'CONFLICT');
  assert.equal((await send('POST', 'unfreeze', undefined, 'unfreeze')).data.status, 'active');
  const roles = await send('PUT', 'roles', { roles: ['user', 'admin'] }, 'roles');
  assert.equal((await send('PUT', 'roles', { roles: ['user'] }, 'roles')).code, 'CONFLICT');
  assert.equal((await send('PUT', 'roles', { roles: ['user'] }, 'back')).status, 200);
  assert.deepEqual((await send('POST', 'freeze', undefined, 'freeze')).data, both[0]?.data, 'the first reply, whatever came after it');
  assert.deepEqual((await send('POST', 'unfreeze', undefined, 'unfreeze')).data.status, 'active');
  assert.deepEqual((await send('PUT', 'roles', { roles: ['user', 'admin'] }, 'roles')).data, roles.data);
  assert.equal(await done(), 4);
  assert.deepEqual((await api.store.collection(users).get(user.id))?.roles, ['user']);
  api.time.now += 24 * 3_600_000;
  const later = await call('POST', `/admin/users/${user.id}/unfreeze`, undefined, await adminToken(), api, { 'idempotency-key': 'freeze' });
  assert.equal(later.status, 200, 'a key counts for a day');
});

test('a session is ended and a password changed once per Idempotency-Key; what is kept of it holds no password', async () => {
  const { user, tokens } = await register();
  const login = async (password: string) => (await call<SignedIn>('POST', '/auth/login', { email: user.email, password })).data.tokens;
  const send = (method: string, path: string, body: unknown, key: string) => call(method, path, body, tokens.accessToken, api, { 'idempotency-key': key });
  const other = await login(PASSWORD);
  const path = `/auth/sessions/${other.refreshToken.split('.')[0]}`;
  assert.equal((await send('DELETE', '/auth/sessions/unknown', undefined, 'end')).code, 'NOT_FOUND');
  for (const time of ['first', 'again']) assert.equal((await send('DELETE', path, undefined, 'end')).status, 204, time);
  assert.equal((await send('DELETE', '/auth/sessions/unknown', undefined, 'end')).code, 'CONFLICT');

  const change = { currentPassword: PASSWORD, newPassword: 'quite another password' };
  assert.equal((await send('POST', '/auth/password', { ...change, currentPassword: 'a wrong guess' }, 'change')).code, 'STEP_UP_REQUIRED');
  const both = await Promise.all([1, 2].map(() => send('POST', '/auth/password', change, 'change')));
  assert.deepEqual(both.map(({ status }) => status), [204, 204]);
  const since = await login(change.newPassword);
  assert.equal((await send('POST', '/auth/password', change, 'change')).status, 204);
  assert.equal((await call('GET', '/auth/me', undefined, since.accessToken)).status, 200, 'a repeat ends no session');
  assert.equal((await send('POST', '/auth/password', { ...change, newPassword: 'yet another password' }, 'change')).code, 'CONFLICT');

  const { account } = (await api.store.collection(users).get(user.id)) as { account: number };
  const kept = await api.store.collection(keptreplies).get(`${account}:change`);
  assert.equal(kept?.body, '');
  const guess = createHash('sha256').update(`POST /api/v1/auth/password\n${JSON.stringify(change)}`).digest('base64url');
  assert.equal(kept?.fingerprint, createHmac('sha256', JWT_SECRET).update(`request:${guess}`).digest('base64url'), 'without the secret no guess can be tried on what is stored');
});

test('roles count at once, both ways, and only administrators give them', async () => {
  const { user, tokens } = await register();
  const attempt = (): Promise<Answer<unknown>> => call('PUT', `/admin/users/${user.id}/roles`, { roles: ['user', 'admin'] }, tokens.accessToken);
  assert.equal((await attempt()).code, 'FORBIDDEN');
  const admin = await adminToken();
  assert.equal((await call('PUT', `/admin/users/${user.id}/roles`, { roles: ['user', 'admin'] }, admin)).status, 200);
  assert.equal((await call('POST', '/admin/users/unknown/freeze', undefined, tokens.accessToken)).code, 'NOT_FOUND');
  assert.equal((await attempt()).code, 'CONFLICT');
  assert.equal((await call('PUT', `/admin/users/${user.id}/roles`, { roles: ['user'] }, admin)).status, 200);
  assert.equal((await attempt()).code, 'FORBIDDEN');
});

test('admin routes need the address as well as the role', async () => {
  const elsewhere = await startApi({ env: { ADMIN_IPS: '10.0.0.0/8', TRUST_PROXY: '1' } });
  try {
    await elsewhere.identity.registration.ensureAdmin(ADMIN);
    const { data } = await call<SignedIn>('POST', '/auth/login', ADMIN, undefined, elsewhere);
    const freeze = async (forwarded: string): Promise<number> =>
      (await fetch(`${elsewhere.url}/api/v1/admin/users/unknown/freeze`, { method: 'POST', headers: { authorization: `Bearer ${data.tokens.accessToken}`, 'x-forwarded-for': forwarded } })).status;
    assert.equal(await freeze('10.1.2.3'), 404);
    assert.equal(await freeze('10.1.2.3, 8.8.8.8'), 403);
  } finally {
    await elsewhere.close();
  }
});

test('guessing slows down, per account and whoever guesses; the right password has to wait as well', async () => {
  const strict = await startApi({ env: { RATE_LIMITS: 'on' } });
  try {
    const { user } = await register(strict);
    const login = (password: string): Promise<Answer<unknown>> => call('POST', '/auth/login', { email: user.email, password }, undefined, strict);
    for (let i = 0; i < 5; i++) assert.equal((await login('a wrong guess')).code, 'UNAUTHENTICATED');
    const blocked = await login(PASSWORD);
    assert.deepEqual([blocked.code, blocked.headers.get('retry-after')], ['RATE_LIMITED', '1']);
    strict.time.now += 1_000;
    assert.equal((await login('a wrong guess')).code, 'UNAUTHENTICATED');
    assert.equal((await login(PASSWORD)).headers.get('retry-after'), '2');
    strict.time.now += 2_000;
    assert.equal((await login(PASSWORD)).status, 200);
    assert.equal((await login('a wrong guess')).code, 'UNAUTHENTICATED');
    // Many guesses at once are counted one by one before any is answered.
    const many = await Promise.all(Array.from({ length: 12 }, () => login('a wrong guess')));
    assert.equal(many.filter(({ code }) => code === 'RATE_LIMITED').length, 8);
  } finally {
    await strict.close();
  }
});

test('whoever guesses at an account does not keep its owner out, and guesses from everywhere wait as well', async () => {
  const strict = await startApi({ env: { RATE_LIMITS: 'on', TRUST_PROXY: '1' } });
  try {
    const { user, tokens } = await register(strict);
    const login = (password: string, from: string): Promise<Answer<unknown>> => call('POST', '/auth/login', { email: user.email, password }, undefined, strict, { 'x-forwarded-for': from });
    for (let i = 0; i < 5; i++) assert.equal((await login('a wrong guess', '203.0.113.9')).code, 'UNAUTHENTICATED');
    assert.equal((await login('a wrong guess', '203.0.113.9')).code, 'RATE_LIMITED');
    const change = { currentPassword: PASSWORD, newPassword: `${PASSWORD} again` };
    assert.equal((await call('POST', '/auth/password', change, tokens.accessToken, strict, { 'x-forwarded-for': '198.51.100.1' })).status, 204);
    assert.equal((await login(change.newPassword, '198.51.100.1')).status, 200);
    for (let address = 1; address <= 200; address++) assert.equal((await login('a wrong guess', `192.0.2.${address}`)).code, 'UNAUTHENTICATED', String(address));
    assert.equal((await login(change.newPassword, '198.51.100.1')).headers.get('retry-after'), '1');
    strict.time.now += 1_000;
    assert.equal((await login(change.newPassword, '198.51.100.1')).status, 200);
  } finally {
    await strict.close();
  }
});

test('a hash with weaker parameters is renewed at the next sign-in', async () => {
  const { user } = await register();
  const collection = api.store.collection(users);
  await collection.patch(user.id, { passwordHash: await hash(PASSWORD, { memoryCost: 8_192, timeCost: 1, parallelism: 1 }) });
  assert.equal((await call('POST', '/auth/login', { email: user.email, password: PASSWORD })).status, 200);
  assert.match((await collection.get(user.id))?.passwordHash ?? '', /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
});

test('nobody is let into an account that the journal opened for somebody else', async () => {
  const { user, tokens } = await register();
  const other = await register();
  const collection = api.store.collection(users);
  const { account } = (await collection.get(user.id))!;
  const { account: others } = (await collection.get(other.user.id))!;
  await collection.remove({ id: other.user.id });
  await collection.patch(user.id, { account: others });
  await assertRefused(tokens.accessToken, 'UNAVAILABLE');
  await collection.patch(user.id, { account });
  assert.equal((await call('GET', '/auth/me', undefined, tokens.accessToken)).status, 200);
});

test('who is given an account that is another user’s in the store is not told that the e-mail address is registered', async () => {
  const { user } = await register();
  const collection = api.store.collection(users);
  const { account } = (await collection.get(user.id))!;
  await collection.patch(user.id, { account: account + 1 });
  const answer = await call('POST', '/auth/register', { email: 'unlucky@bourse.test', password: PASSWORD });
  assert.deepEqual([answer.status, answer.code], [500, 'INTERNAL']);
  assert.equal(await collection.count({ email: 'unlucky@bourse.test' }), 0);
  await collection.patch(user.id, { account });
});

test('the first administrator is created once', async () => {
  const fresh = await startApi();
  try {
    const first = await fresh.identity.registration.ensureAdmin({ email: 'Boss@Bourse.test', password: undefined });
    assert.equal(first?.email, 'boss@bourse.test');
    assert.match(first?.password ?? '', /^[A-Za-z0-9_-]{24}$/);
    assert.equal(await fresh.identity.registration.ensureAdmin(ADMIN), undefined);
    assert.equal((await call('POST', '/auth/login', { email: 'boss@bourse.test', password: first?.password }, undefined, fresh)).status, 200);
  } finally {
    await fresh.close();
  }
});

test('what happened is in the audit log, whose chain shows every change to it', async () => {
  const collection = api.store.collection(auditlogs);
  const verify = async () => {
    const chain = new AuditChain();
    for (;;) {
      const { items } = await collection.find({ where: { seq: { gt: chain.last.seq } }, sort: { seq: 1 }, limit: 500 });
      const broken = items.map((entry) => chain.follow(entry)).find((found) => found !== undefined);
      if (broken !== undefined || items.length < 500) return broken;
    }
  };
  assert.equal(await verify(), undefined);
  const { items } = await collection.find({ sort: { seq: 1 }, limit: 3 });
  const [first, second] = items as [(typeof items)[0], (typeof items)[0]];
  assert.deepEqual([first.action, first.target], ['user.create', 'admin']);
  await collection.put([{ ...second, actor: 'somebody else' }]);
  assert.deepEqual(await verify(), { seq: 2, reason: 'its content is not what was written' });
  await collection.remove({ seq: 2 });
  assert.deepEqual(await verify(), { seq: 2, reason: 'the entry is missing' });
  await collection.insert(second);
  assert.equal(await verify(), undefined);
});
