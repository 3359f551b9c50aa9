/** The process as an operator meets it: killed under load, started twice, misconfigured, stopped. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { allowedCpus } from '../../src/utils/cpus.ts';
import { Client } from '../support/client.ts';
import { cpus, unlessSeparable } from '../support/cpus.ts';
import { ADMIN, startServer, type ServerProcess } from '../support/server-process.ts';
import { eventually } from '../support/wait.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
const ROUNDS = 3;
const TRADERS = 8;

interface Order { readonly id: string; readonly clientOrderId: string; readonly status: string; readonly quantity: string }

const directory = mkdtempSync(join(tmpdir(), 'bourse-process-'));
after(() => rmSync(directory, { recursive: true, force: true }));

function runOnce(env: Readonly<Record<string, string>>): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN], { env: { ...process.env, PORT: '0', FEEDS: 'manual', HOUSE: 'off', ...env }, encoding: 'utf8', timeout: 30_000 });
  return { status, text: `${stdout}${stderr}` };
}

/** As `runOnce`, with this process's own servers going on. */
async function runBeside(env: Readonly<Record<string, string>>): Promise<{ status: number | null; text: string }> {
  const child = spawn(process.execPath, [MAIN], { env: { ...process.env, PORT: '0', FEEDS: 'manual', HOUSE: 'off', ...env }, timeout: 30_000 });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, text };
}

/** Places orders one after the other until the server is gone; tells each acknowledged one, and the one it got no answer to. */
async function trade(client: Client, prefix: string, acknowledged: Map<string, Order>, unanswered: Set<string>): Promise<void> {
  for (let i = 0; ; i++) {
    const clientOrderId = `${prefix}-${i}`;
    try {
      const answer = await client.send<Order>('POST', '/orders', body(clientOrderId, i));
      if (answer.status === 201) acknowledged.set(clientOrderId, answer.data);
      else if (answer.code === 'MAX_OPEN_ORDERS') await client.delete('/orders?symbol=ETH-USDT');
      else assert.equal(answer.status, 503, `unexpected ${answer.status} ${answer.code}`);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      unanswered.add(clientOrderId);
      return;
    }
  }
}

function body(clientOrderId: string, i: number): Record<string, string> {
  return { symbol: 'ETH-USDT', side: i % 2 === 0 ? 'buy' : 'sell', type: 'limit', price: i % 2 === 0 ? '2000' : '2000.5', quantity: '0.01', clientOrderId };
}

/** Accounts keep their tokens across restarts: sessions survive. */
async function traders(server: ServerProcess): Promise<string[]> {
  return Promise.all(Array.from({ length: TRADERS }, async (_, i) => {
    const client = await Client.register(server.url, `trader-${i}`);
    await client.post('/wallets/deposits', { asset: 'USDT', amount: '100000' });
    await client.post('/wallets/deposits', { asset: 'ETH', amount: '100' });
    return client.token;
  }));
}

test('killed under load and started again, it has every acknowledged order once, and the ledger balances', { timeout: 180_000 }, async () => {
  let server = await startServer({ directory });
  try {
    const tokens = await traders(server);
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged = tokens.map(() => new Map<string, Order>());
      const unanswered = tokens.map(() => new Set<string>());
      const running = tokens.map((token, i) => trade(new Client(server.url, token), `r${round}`, acknowledged[i] as Map<string, Order>, unanswered[i] as Set<string>));
      await eventually('orders are flowing', () => (acknowledged.every((orders) => orders.size > 30 + 40 * round) ? true : undefined), 30_000);
      await server.kill();
      await Promise.all(running);

      server = await startServer({ directory });
      for (const [i, token] of tokens.entries()) {
        const client = new Client(server.url, token);
        for (const [clientOrderId, order] of acknowledged[i] as Map<string, Order>) {
          const found = await client.get<Order>(`/orders/client:${clientOrderId}`);
          assert.equal(found.id, order.id);
          assert.equal(found.quantity, order.quantity);
        }
        for (const clientOrderId of unanswered[i] as Set<string>) {
          const n = Number(clientOrderId.split('-')[1]);
          const first = await client.send<Order>('POST', '/orders', body(clientOrderId, n));
          const second = await client.send<Order>('POST', '/orders', body(clientOrderId, n));
          if (first.status === 201) assert.equal(second.data.id, first.data.id, 'a retry has one effect');
        }
      }
      const audit = await (await Client.admin(server.url)).get<{ balanced: boolean }>('/admin/ledger/audit');
      assert.equal(audit.balanced, true);
    }
    assert.equal(await server.stop(), 0, 'SIGTERM ends it cleanly');
  } finally {
    await server.kill();
  }
});

test('after a restart the first look at a market is answered by the cache', async () => {
  const server = await startServer({ directory });
  try {
    assert.equal((await new Client(server.url).get<{ symbol: string }>('/markets/BTC-USDT')).symbol, 'BTC-USDT');
    const lookUps = (await (await fetch(`${server.url}/metrics`)).text()).split('\n').filter((line) => /^bourse_cache_.*"cache:market"/.test(line));
    assert.deepEqual(lookUps, ['bourse_cache_hits_total{cache="cache:market"} 1']);
  } finally {
    await server.stop();
  }
});

test('a second process on the same data directory is refused and says why', async () => {
  const server = await startServer({ directory });
  try {
    const { status, text } = runOnce({ DATA_DIR: directory });
    assert.equal(status, 1);
    assert.match(text, /another process|in use|locked/i);
    assert.equal(text.split('is in use by another process').length, 2, `said once, plainly: ${text}`);
    assert.doesNotMatch(text, /"stack"/);
    assert.equal((await fetch(`${server.url}/health/live`)).status, 200, 'the first one goes on');
  } finally {
    await server.kill();
  }
});

test('a bad setting ends it with status 78 and is named', () => {
  for (const [name, value] of [['PORT', '99999'], ['FEEDS', 'telepathy'], ['LOG_LEVEL', 'loud'], ['ADMIN_IPS', '300.1.1.1'], ['DATA_DIR', join(MAIN, 'below')]] as const) {
    const { status, text } = runOnce({ DATA_DIR: directory, [name]: value });
    assert.equal(status, 78, `${name}=${value}: ${text}`);
    assert.equal(text.split('\n').filter((line) => line.startsWith(`  ${name}: `)).length, 1, text);
    assert.doesNotMatch(text, /^ +at /m);
  }
});

test('a setting that only a start shows to be bad is named before the first administrator is made', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const recordings = mkdtempSync(join(directory, 'recordings-'));
  mkdirSync(join(recordings, 'prices'));
  writeFileSync(join(recordings, 'prices', '2022-12-13-btcusdt-binance.csv'), '');
  const cases = [
    ['PORT', String(port), /another process listens on port \d+ of 127\.0\.0\.1; stop it, or take another port/],
    // RFC 5737, for documentation: nobody has it.
    ['HOST', '192.0.2.1', /192\.0\.2\.1 is not an address of this machine; 0\.0\.0\.0 or :: stand for all of its addresses/],
    ['FEEDS', 'replay:/nonexistent', /cannot be read: \/nonexistent \(ENOENT\)/],
    ['FEEDS', `replay:${mkdtempSync(join(directory, 'empty-'))}`, /nothing to replay in .*: no file has a name like/],
    ['FEEDS', `replay:${recordings}?day=2030-01-01`, /nothing to replay in .* for 2030-01-01: it holds prices of 2022-12-13/],
  ] as const;
  const fresh = mkdtempSync(join(directory, 'fresh-'));
  for (const [name, value, message] of cases) {
    const { status, text } = await runBeside({ DATA_DIR: fresh, [name]: value });
    assert.equal(status, 78, `${name}=${value}: ${text}`);
    assert.match(text, new RegExp(`^  ${name}: .*`, 'm'));
    assert.match(text, message);
    assert.doesNotMatch(text, /First administrator|^ +at |"stack"/m);
  }
  assert.match((await runBeside({ DATA_DIR: fresh, ADMIN_PASSWORD: 'password123' })).text, /ADMIN_PASSWORD: /, 'there is no administrator yet');
});

test('an argument is refused, since settings are environment variables, and hides no variable that is wrong', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, '--port', '1'], { env: { ...process.env, HOUSE: 'maybe' }, encoding: 'utf8', timeout: 30_000 });
  assert.deepEqual([status, stdout], [78, '']);
  assert.match(stderr, /--port: settings are environment variables, see docs\/configuration\.md/);
  assert.match(stderr, /HOUSE: "maybe" is not one of on, off/);
});

for (const signal of ['SIGHUP', 'SIGQUIT', 'SIGINT'] as const) {
  test(`${signal} ends it as SIGTERM does`, { skip: process.platform === 'win32', timeout: 60_000 }, async () => {
    const server = await startServer({ env: { LOG_LEVEL: 'info' } });
    try {
      process.kill(server.pid, signal);
      // Of two signals at once the later may be heard first.
      await eventually('it stops for the signal', () => (server.output().includes(`"message":"stopped","reason":"${signal}"`) ? true : undefined));
      assert.equal(await server.stop(), 0, server.output());
    } finally {
      await server.dispose();
    }
  });
}

test('told to end, it first stops being ready, and serves on for SHUTDOWN_DELAY_MS', { timeout: 60_000 }, async () => {
  const server = await startServer({ env: { SHUTDOWN_DELAY_MS: '600000' } });
  try {
    const client = await Client.register(server.url, 'late');
    process.kill(server.pid, 'SIGTERM');
    const reasons = await eventually('it is not ready', async () => {
      const response = await fetch(`${server.url}/health/ready`);
      return response.status === 503 ? ((await response.json()) as { reasons: string[] }).reasons : undefined;
    });
    assert.deepEqual(reasons, ['process: it is stopping']);
    await client.post('/wallets/deposits', { asset: 'USDT', amount: '1' });
    await Client.register(server.url, 'later');
  } finally {
    await server.dispose();
  }
});

test('a start says in its log files what started, warns of what is nearly a setting, and tells how the demo finds it', { timeout: 60_000 }, async () => {
  const server = await startServer({ env: { LOG_LEVEL: 'info', CORS_ORIGIN: 'https://app.example.com', MAX_CONNECTIONS: '1000000' } });
  try {
    const logs = () => readdirSync(join(server.directory, 'logs')).filter((name) => name.endsWith('.log')).map((name) => readFileSync(join(server.directory, 'logs', name), 'utf8')).join('');
    const line = await eventually('the line', () => logs().split('\n').find((text) => text.includes('"message":"ready"')));
    const { url, version, node, feeds, pid } = JSON.parse(line) as Record<string, unknown>;
    const { version: released } = JSON.parse(readFileSync(resolve(MAIN, '../../package.json'), 'utf8')) as { version: string };
    assert.deepEqual({ url, version, node, feeds, pid }, { url: server.url, version: released, node: process.version, feeds: 'manual', pid: server.pid });
    assert.match(logs(), /CORS_ORIGIN is set and is no setting; was CORS_ORIGINS meant\?/);
    if (process.platform === 'linux') assert.match(logs(), /this process may have \d+ files open, and MAX_CONNECTIONS=1000000 needs 1000100/);
    await eventually('the banner', () => server.output().includes(`Try: BOURSE_URL=${server.url} npm run demo `) || undefined);
  } finally {
    await server.dispose();
  }
});

test('the demo says at once that nobody has set prices', { timeout: 60_000 }, async () => {
  const server = await startServer();
  try {
    const demo = spawnSync(process.execPath, [resolve(MAIN, '../../scripts/demo.ts')], { env: { ...process.env, BOURSE_URL: `${server.url}/` }, encoding: 'utf8', timeout: 30_000 });
    assert.deepEqual([demo.status, demo.stdout], [1, '']);
    assert.match(demo.stderr, /^nothing can be traded: no price yet: BTC-USDT, .*; set them with POST \/api\/v1\/admin\/prices\n$/);
  } finally {
    await server.dispose();
  }
});

test('the serving thread has its CPU to itself, also while a snapshot is made', { skip: unlessSeparable, timeout: 60_000 }, async () => {
  const own = cpus[0]!;
  const place = mkdtempSync(join(directory, 'cpus-'));
  const server = await startServer({ directory: place, env: { SERVING_CPU: String(own), SNAPSHOT_EVERY: '1' } });
  try {
    const threads = () => readdirSync(`/proc/${server.pid}/task`).flatMap((tid) => {
      try {
        const task = `/proc/${server.pid}/task/${tid}`;
        return [{ tid: Number(tid), name: readFileSync(`${task}/comm`, 'utf8').trim(), cpus: allowedCpus(`${task}/status`) }];
      } catch {
        return [];
      }
    });
    const misplaced = () => threads().filter(({ tid, cpus: where }) => where.includes(own) !== (tid === server.pid));
    assert.deepEqual(misplaced(), []);
    assert.ok(threads().some(({ name }) => name === 'journal'));
    // Passwords are hashed on threads of their own, each of these events leads to a snapshot, and both start threads late.
    const client = await Client.register(server.url, 'late');
    for (let i = 0; i < 5; i++) await client.post('/wallets/deposits', { asset: 'USDT', amount: '1' });
    await eventually('a snapshot', () => readdirSync(join(place, 'snapshots')).length > 0 || undefined);
    await eventually('every thread is where it belongs', () => misplaced().length === 0 || undefined);
  } finally {
    await server.dispose();
  }
});

test('a CPU that cannot be set apart is a bad setting', { skip: process.platform !== 'linux' }, () => {
  const { status, text } = runOnce({ DATA_DIR: join(directory, 'no-cpu'), SERVING_CPU: '4095' });
  assert.equal(status, 78, text);
  assert.match(text, /SERVING_CPU: CPU 4095 is not among those of this process/);
});

test('an administrator with a common password is not made; the setting is named', () => {
  const fresh = mkdtempSync(join(tmpdir(), 'bourse-password-'));
  const { status, text } = runOnce({ DATA_DIR: fresh, ADMIN_PASSWORD: 'password123' });
  rmSync(fresh, { recursive: true, force: true });
  assert.equal(status, 78, text);
  assert.match(text, /ADMIN_PASSWORD: .*common/);
});

test('it goes on when nobody reads its output any more, and ends when it is told to', { timeout: 60_000 }, async () => {
  const place = mkdtempSync(join(directory, 'unread-'));
  const child = spawn(process.execPath, [MAIN], { env: { ...process.env, PORT: '0', DATA_DIR: place, FEEDS: 'manual', HOUSE: 'off', LOG_LEVEL: 'debug' } });
  try {
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    const url = await eventually('it is ready', () => /"msg":"ready","url":"([^"]+)"/.exec(output)?.[1], 30_000);
    child.stdout.destroy();
    child.stderr.destroy();
    for (let i = 0; i < 5; i++) assert.equal((await fetch(`${url}/health/live`)).status, 200);
    child.kill('SIGTERM');
    const [status] = (await once(child, 'exit')) as [number | null];
    assert.equal(status, 0);
    const logs = readdirSync(join(place, 'logs')).filter((name) => name.endsWith('.log')).map((name) => readFileSync(join(place, 'logs', name), 'utf8')).join('');
    assert.match(logs, /"path":"\/health\/live"/);
    assert.doesNotMatch(logs, /cannot go on/);
  } finally {
    child.kill('SIGKILL');
  }
});

for (const [signal, how] of [['SIGTERM', 'stops with npm, cleanly'], ['SIGKILL', 'does not outlive an npm that was killed']] as const) {
  test(`started by npm it ${how}`, { timeout: 60_000 }, async () => {
    const fresh = mkdtempSync(join(tmpdir(), 'bourse-npm-'));
    const npm = spawn('npm', ['start'], { cwd: resolve(import.meta.dirname, '../..'), env: { ...process.env, PORT: '0', DATA_DIR: fresh, FEEDS: 'manual', HOUSE: 'off' }, stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    npm.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const url = await eventually('it is ready', () => /"msg":"ready","url":"([^"]+)"/.exec(output)?.[1], 30_000);
    npm.kill(signal);
    const [status] = (await once(npm, 'exit')) as [number | null];
    if (signal === 'SIGTERM') assert.equal(status, 0);
    await eventually('nobody answers any more', () => fetch(`${url}/health/live`).then(() => undefined, () => true));
    rmSync(fresh, { recursive: true, force: true });
  });
}

test('what it writes to disk is for its owner alone, and no secret is in its output', async () => {
  const server = await startServer({ directory, env: { LOG_LEVEL: 'debug' } });
  try {
    const admin = await Client.admin(server.url);
    assert.equal(statSync(directory).mode & 0o077, 0);
    for (const file of ['journal.db', 'store.db', 'projections.db', 'projections.db-wal', 'keys.json']) assert.equal(statSync(join(directory, file)).mode & 0o077, 0, file);
    assert.ok(!server.output().includes(ADMIN.password));
    assert.ok(!server.output().includes(admin.token));
  } finally {
    await server.kill();
  }
});
