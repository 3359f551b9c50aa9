/** The names that operators build on: collections with their indexes and lifetimes in the store as it is on disk, key patterns, middleware stages in order, folders; and what the log files say and never say. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { io } from 'socket.io-client';
import { cacheKeys, RATE_LIMIT_PREFIX } from '../../src/cache/keys.ts';
import { keptreplies } from '../../src/models/keptreplies.ts';
import { priceticks } from '../../src/models/priceticks.ts';
import { sessions } from '../../src/models/sessions.ts';
import { roomName } from '../../src/sockets/rooms.ts';
import { Venue } from '../support/contract.ts';
import { ADMIN, startServer, type ServerProcess } from '../support/server-process.ts';
import { call, connected } from '../support/socket-world.ts';
import { eventually } from '../support/wait.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const EMAIL = 'grace.hopper.1906@bourse.test';
const PASSWORD = 'a most private phrase 31337';
const PERP = 'BTC-USDT-PERP';

/** Of the process that ran and was stopped. */
interface Past {
  readonly directory: string;
  readonly requestIds: readonly string[];
  readonly secrets: readonly string[];
}

interface Index { readonly fields: Readonly<Record<string, 1 | -1>>; readonly unique: boolean }

describe('what stays behind', () => {
  let server: ServerProcess;
  let past: Past;

  /** Logins, orders, failures and a liquidation, over REST and sockets, then a clean stop. */
  before(async () => {
    server = await startServer({ env: { LOG_LEVEL: 'debug' } });
    const venue = await Venue.at(server.url);
    const requestIds: string[] = [];
    const secrets: string[] = [PASSWORD, ADMIN.password, EMAIL, ADMIN.email];
    const login = async (credentials: { email: string; password: string }): Promise<string> => {
      const answer = await venue.nobody.expect<{ tokens: { accessToken: string; refreshToken: string } }>('POST', '/auth/login', 200, { body: credentials });
      const { accessToken, refreshToken } = answer.data.tokens;
      secrets.push(accessToken, accessToken.split('.')[2] as string, refreshToken);
      return accessToken;
    };
    const note = ({ headers }: { headers: Headers }): void => void requestIds.push(headers.get('x-request-id') as string);
    const registered = await venue.nobody.expect<{ tokens: { accessToken: string; refreshToken: string } }>('POST', '/auth/register', 201, { body: { email: EMAIL, password: PASSWORD } });
    secrets.push(registered.data.tokens.refreshToken);
    note(registered);
    note(await venue.nobody.ask('POST', '/auth/register', { body: { email: EMAIL, password: PASSWORD } }));
    note(await venue.nobody.ask('POST', '/auth/login', { body: { email: EMAIL, password: `${PASSWORD}x` } }));
    const token = await login({ email: EMAIL, password: PASSWORD });
    const bearer = { authorization: `Bearer ${token}` };
    const adminBearer = { authorization: `Bearer ${await login(ADMIN)}` };
    const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = bearer): Promise<void> => note(await venue.nobody.ask(method, path, { body, headers }));
    await ask('POST', '/admin/prices', { prices: [{ symbol: PERP, index: '20000', mark: '20000' }] }, adminBearer);
    await ask('GET', `/admin/users?email=${EMAIL}`, undefined, adminBearer);
    for (const account of ['spot', 'futures']) await ask('POST', '/wallets/deposits', { asset: 'USDT', amount: '10000', account });
    await ask('POST', '/wallets/deposits', { asset: 'BTC', amount: '1' });
    await ask('POST', '/orders', { symbol: 'BTC-USDT', side: 'sell', type: 'limit', price: '20000', quantity: '0.1' });
    await ask('POST', '/orders', { symbol: 'BTC-USDT', side: 'buy', type: 'limit', price: '20000', quantity: '0.1', selfTradePrevention: 'none' });
    await ask('POST', '/orders', { symbol: 'BTC-USDT', side: 'buy', type: 'limit', price: '0.001', quantity: '0.1' });
    await ask('POST', '/orders', { symbol: 'BTC-USDT', password: PASSWORD, email: EMAIL });
    await ask('POST', '/auth/password', { currentPassword: `${PASSWORD}y`, newPassword: `${PASSWORD}z` });
    await ask('GET', '/nothing?token=whatever');
    const socket = io(`${server.url}/user`, { transports: ['websocket'], auth: { token }, reconnection: false });
    await connected(socket);
    await call(socket, 'order:place', { symbol: 'BTC-USDT', side: 'buy', type: 'limit', price: 'x', quantity: '1', note: PASSWORD });
    socket.disconnect();
    await eventually('the trade is stored', async () => ((await venue.nobody.ask<unknown[]>('GET', '/trades', { headers: bearer })).data.length > 0 ? true : undefined));
    assert.equal(await server.stop(), 0);
    past = { directory: server.directory, requestIds, secrets };
  });
  after(() => server.dispose());

  const collections = (): ReadonlyMap<string, readonly Index[]> => {
    const found = new Map<string, readonly Index[]>();
    for (const file of ['store.db', 'projections.db']) {
      const db = new DatabaseSync(join(past.directory, file), { readOnly: true });
      const all = (sql: string, ...values: string[]): Record<string, unknown>[] => db.prepare(sql).all(...values);
      for (const { name: table } of all("SELECT name FROM sqlite_master WHERE type = 'table'") as { name: string }[]) {
        const indexes = all('SELECT name, "unique" FROM pragma_index_list(?)', table).map(({ name, unique }) => ({
          unique: unique === 1,
          fields: Object.fromEntries(all('SELECT name, "desc" FROM pragma_index_xinfo(?) WHERE key = 1', String(name)).map((column) => [String(column['name']), column['desc'] === 1 ? -1 : 1] as const)),
        }));
        found.set(table, indexes);
      }
      db.close();
    }
    return found;
  };

  test('every collection is in the store, with its compound indexes', () => {
    const stored = collections();
    for (const name of ['users', 'orders', 'positions', 'trades', 'markets', 'wallets', 'priceticks', 'liquidations', 'auditlogs', 'sessions', 'keptreplies']) assert.ok(stored.has(name), name);
    const wanted: readonly (readonly [string, Readonly<Record<string, 1 | -1>>])[] = [
      ['orders', { userId: 1, status: 1, createdAt: -1 }], ['positions', { userId: 1, status: 1 }], ['trades', { symbol: 1, timestamp: -1 }], ['priceticks', { symbol: 1, timestamp: -1 }],
      ['priceticks', { timestamp: 1 }], ['sessions', { expiresAt: 1 }], ['keptreplies', { createdAt: 1 }], ['users', { email: 1 }], ['users', { registrationKey: 1 }],
    ];
    for (const [name, fields] of wanted) {
      const texts = (stored.get(name) ?? []).map((index) => JSON.stringify(index.fields));
      assert.ok(texts.includes(JSON.stringify(fields)), `${name} has ${texts.join(' ')}`);
    }
    assert.ok(stored.get('users')?.some(({ fields, unique }) => unique && Object.keys(fields).join() === 'email'), 'an address is taken once');
    assert.deepEqual(priceticks.ttl, { field: 'timestamp', seconds: 86_400 });
    assert.deepEqual(sessions.ttl, { field: 'expiresAt', seconds: 0 });
    assert.deepEqual(keptreplies.ttl, { field: 'createdAt', seconds: 86_400 });
  });

  test('documents and their money are as the contract words them; passwords are hashed', () => {
    const store = new DatabaseSync(join(past.directory, 'store.db'), { readOnly: true });
    const [user] = store.prepare("SELECT doc ->> '$.passwordHash' AS hash FROM users WHERE email = ?").all(EMAIL) as { hash: string }[];
    store.close();
    assert.match(user?.hash ?? '', /^\$argon2id\$/);
    const projections = new DatabaseSync(join(past.directory, 'projections.db'), { readOnly: true });
    const [trade] = projections.prepare('SELECT * FROM trades_by_name').all();
    projections.close();
    const { price, quantity, timestamp, symbol } = trade ?? {};
    assert.deepEqual([price, quantity, typeof timestamp, symbol], ['20000', '0.1', 'number', 'BTC-USDT']);
  });

  test('the log files name each request and no secret', () => {
    const logs = join(past.directory, 'logs');
    assert.equal(statSync(logs).mode & 0o077, 0);
    const files = readdirSync(logs).filter((file) => file.endsWith('.log'));
    assert.ok(files.length > 0);
    for (const file of files) assert.equal(statSync(join(logs, file)).mode & 0o077, 0, file);
    const text = files.map((file) => readFileSync(join(logs, file), 'utf8')).join('');
    const lines = text.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const line of lines) assert.ok(typeof line['timestamp'] === 'string' && ['error', 'warn', 'info', 'debug'].includes(String(line['level'])), JSON.stringify(line));
    for (const id of past.requestIds) assert.ok(lines.some((line) => line['requestId'] === id && line['status'] !== undefined && line['path'] !== undefined), `request ${id} is in the log`);
    for (const secret of past.secrets) {
      assert.ok(!text.includes(secret), `the log has ${secret.slice(0, 12)}…`);
      // The first administrator is named once, to the operator.
      if (secret !== ADMIN.email) assert.ok(!server.output().includes(secret), `the console has ${secret.slice(0, 12)}…`);
    }
  });

  test('no file has a password or a token in plain text', () => {
    const secrets = past.secrets.filter((text) => !text.includes('@')).map((text) => Buffer.from(text));
    for (const file of readdirSync(past.directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())) {
      const bytes = readFileSync(join(file.parentPath, file.name));
      for (const secret of secrets) assert.ok(!bytes.includes(secret), file.name);
    }
  });

  test('key patterns', () => {
    assert.deepEqual(
      [cacheKeys.userSession('u'), RATE_LIMIT_PREFIX, cacheKeys.market('BTC-USDT'), cacheKeys.orderbook('BTC-USDT'), roomName('r')],
      ['user:session:u', 'rate:limit', 'cache:market:BTC-USDT', 'cache:orderbook:BTC-USDT', 'ws:room:r'],
    );
  });

  test('the middleware stages, in their order', () => {
    const app = readFileSync(join(ROOT, 'src/http/app.ts'), 'utf8');
    const stages = [...app.matchAll(/^ {2}(?:use|app\.use)\((\w+)\(/gm)].map((match) => match[1] as string);
    const named = ['helmet', 'cors', 'compression', 'json', 'mongoSanitize', 'rateLimiter', 'authentication', 'authorization', 'validation'];
    assert.deepEqual(stages.filter((stage) => named.includes(stage)), named);
    for (const stage of named) {
      const file = stage.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      assert.ok(existsSync(join(ROOT, `src/middleware/${file}.ts`)), file);
    }
  });

  test('folders', () => {
    for (const folder of ['controllers', 'services', 'models', 'middleware', 'utils', 'types', 'validators', 'config']) assert.ok(statSync(join(ROOT, 'src', folder)).isDirectory(), folder);
    for (const namespace of ['prices', 'user', 'admin', 'market']) assert.ok(existsSync(join(ROOT, `src/sockets/${namespace}.ts`)), namespace);
  });
});
