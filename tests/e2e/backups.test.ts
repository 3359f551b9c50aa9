/** Backups that a server makes by itself: beside trading, over restarts, and when they fail. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { Client } from '../support/client.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import { eventually } from '../support/wait.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
const NAME = /^bourse-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ$/;
const OFTEN = { BACKUP_INTERVAL_SECONDS: '1', BACKUP_KEEP: '3' };
const LIMIT_MS = 30_000;

const directory = mkdtempSync(join(tmpdir(), 'bourse-backups-'));
after(() => rmSync(directory, { recursive: true, force: true }));

interface Order { readonly id: string; readonly clientOrderId: string }
interface Wallet { readonly asset: string; readonly total: string }

const completeIn = (path: string): string[] => readdirSync(path).filter((name) => NAME.test(name)).sort();
const order = (clientOrderId: string): object => ({ symbol: 'ETH-USDT', side: 'buy', type: 'limit', price: '2000', quantity: '0.01', clientOrderId });

async function metric(server: ServerProcess, name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(new RegExp(`^bourse_${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

async function funded(server: ServerProcess, name: string): Promise<Client> {
  const client = await Client.register(server.url, name);
  await client.post('/wallets/deposits', { asset: 'USDT', amount: '100000' });
  return client;
}

test('a server trades while it makes backups, keeps the newest of them, and another server starts on one with all that was acknowledged before it', { timeout: 180_000 }, async () => {
  const backups = join(directory, 'made', 'here');
  const live = await startServer({ directory: join(directory, 'live'), env: { ...OFTEN, BACKUP_DIR: backups, SNAPSHOT_EVERY: '100' } });
  try {
    const client = await funded(live, 'ann');
    const acknowledged: Order[] = [];
    let stop = false;
    const trading = (async () => {
      for (let i = 0; !stop; i++) {
        if (i % 20 === 0) await Client.register(live.url, `user${i}`);
        acknowledged.push(await client.post<Order>('/orders', order(`o${i}`)));
        if (i % 50 > 0) await client.delete(`/orders/client:o${i}`);
      }
    })();
    const seen = new Set<string>();
    await eventually('more backups than are kept', () => {
      for (const name of completeIn(backups)) seen.add(name);
      return seen.size > 4 && acknowledged.length > 100 ? true : undefined;
    }, LIMIT_MS);
    const before = acknowledged.length;
    const seconds = Date.now() / 1_000;
    await eventually('a backup that was begun since', async () => ((await metric(live, 'backup_last_success_timestamp_seconds')) > seconds ? true : undefined), LIMIT_MS);
    stop = true;
    await trading;
    assert.ok(completeIn(backups).length <= 4, 'three, and for a moment the one that goes');
    assert.equal(await metric(live, 'backup_failures_total'), 0);
    assert.equal(await metric(live, 'backup_interval_seconds'), 1);
    assert.ok((await metric(live, 'backup_size_bytes')) > 0);
    const wallets = await client.get<Wallet[]>('/wallets');
    assert.equal(await live.stop(), 0);
    const newest = join(backups, completeIn(backups).at(-1)!);
    for (const name of ['.', 'journal.db', 'store.db', 'keys.json']) assert.equal(statSync(join(newest, name)).mode & 0o077, 0, name);

    const restored = await startServer({ directory: newest });
    try {
      const same = new Client(restored.url, client.token);
      for (const { id, clientOrderId } of acknowledged.slice(0, before)) assert.equal((await same.get<Order>(`/orders/client:${clientOrderId}`)).id, id);
      // Orders lock and release: what the wallet holds in all is the same at any moment.
      assert.deepEqual((await same.get<Wallet[]>('/wallets')).map(({ asset, total }) => [asset, total]), wallets.map(({ asset, total }) => [asset, total]));
      assert.equal((await (await Client.admin(restored.url)).get<{ balanced: boolean }>('/admin/ledger/audit')).balanced, true);
    } finally {
      await restored.kill();
    }
  } finally {
    await live.kill();
  }
});

test('backups that fail are logged and counted while trading goes on, and are made again once they can be', { timeout: 120_000 }, async () => {
  const backups = join(directory, 'failing');
  const server = await startServer({ env: { ...OFTEN, BACKUP_DIR: backups } });
  try {
    const client = await funded(server, 'bob');
    await eventually('a backup', () => completeIn(backups).length > 0 || undefined, LIMIT_MS);
    // As when a disk is not mounted any more, and something else has its place.
    renameSync(backups, `${backups}.away`);
    writeFileSync(backups, '');
    await eventually('failures', async () => ((await metric(server, 'backup_failures_total')) > 1 ? true : undefined), LIMIT_MS);
    for (let i = 0; i < 20; i++) await client.post('/orders', order(`f${i}`));
    assert.equal((await fetch(`${server.url}/health/ready`)).status, 200);
    assert.match(server.output(), /BACKUP_DIR: .*failing is no folder any more; mount its disk, or make it again.*"level":"error","message":"the backup failed; trading is not affected, and it is tried again"/);
    rmSync(backups);
    mkdirSync(backups);
    await eventually('a backup again', () => completeIn(backups).length > 0 || undefined, LIMIT_MS);
    assert.equal(await server.stop(), 0);
  } finally {
    await server.dispose();
  }
});

test('killed, or told to end, in the middle of a backup, it leaves nothing under the name of one, and the next one clears up', { timeout: 180_000 }, async () => {
  const backups = join(directory, 'killed');
  const data = join(directory, 'killed-data');
  let server = await startServer({ directory: data, env: { BACKUP_DIR: backups } });
  const client = await funded(server, 'cat');
  // So much that copying it takes a while.
  for (let i = 0; i < 60; i++) {
    await client.post('/orders/batch', { orders: Array.from({ length: 50 }, (_, k) => order(`b${i}-${k}`)) }).catch(() => undefined);
    await client.delete('/orders?symbol=ETH-USDT');
  }
  for (const end of ['kill', 'stop'] as const) {
    await server.stop();
    for (let round = 0; ; round++) {
      assert.ok(round < 20, 'it was never met in the middle of a backup');
      server = await startServer({ directory: data, env: { ...OFTEN, BACKUP_DIR: backups } });
      const unfinished = await eventually('a backup under way', () => readdirSync(backups).find((name) => name.endsWith('.unfinished')), LIMIT_MS);
      if (end === 'kill') await server.kill();
      else assert.equal(await server.stop(), 0);
      for (const name of completeIn(backups)) {
        const { status, stderr } = spawnSync(process.execPath, ['scripts/replay.ts', '--data', join(backups, name)], { cwd: resolve(MAIN, '../..'), encoding: 'utf8' });
        assert.equal(status, 0, `${name}: ${stderr}`);
      }
      if (existsSync(join(backups, unfinished))) break;
    }
    server = await startServer({ directory: data, env: { ...OFTEN, BACKUP_DIR: backups } });
    const left = readdirSync(backups).filter((name) => name.endsWith('.unfinished'));
    await eventually('what was left is gone', () => readdirSync(backups).every((name) => !left.includes(name)) || undefined, LIMIT_MS);
  }
  await server.kill();
});

test('a disk that does not answer keeps no process that is told to end', { skip: process.platform === 'win32', timeout: 120_000 }, async () => {
  const backups = join(directory, 'silent');
  const data = join(directory, 'silent-data');
  // Whoever opens it waits in the system, as for a disk, until somebody writes there: nobody does.
  const pipe = join(data, 'snapshots', 'silent.snap');
  mkdirSync(join(data, 'snapshots'), { recursive: true });
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  const server = await startServer({ directory: data, env: { ...OFTEN, BACKUP_DIR: backups } });
  try {
    const client = await funded(server, 'dan');
    const placed = await client.post<Order>('/orders', order('kept'));
    await eventually('a backup that has come to that', () => readdirSync(backups, { recursive: true, encoding: 'utf8' }).some((name) => name.endsWith('.unfinished/snapshots')) || undefined, LIMIT_MS);
    await server.stop();
    assert.match(server.output(), /"level":"warn","message":"a thread did not end, and is not waited for","thread":"backup"/);
    rmSync(pipe);
    const again = await startServer({ directory: data });
    try {
      assert.equal((await new Client(again.url, client.token).get<Order>('/orders/client:kept')).id, placed.id);
    } finally {
      await again.kill();
    }
  } finally {
    await server.kill();
  }
});

test('a daily backup is not made again because the server was started again', { timeout: 120_000 }, async () => {
  const backups = join(directory, 'daily');
  const data = join(directory, 'daily-data');
  const first = await startServer({ directory: data, env: { ...OFTEN, BACKUP_DIR: backups } });
  await eventually('a backup', () => completeIn(backups).length > 0 || undefined, LIMIT_MS);
  await first.stop();
  const made = completeIn(backups);
  const second = await startServer({ directory: data, env: { BACKUP_DIR: backups } });
  try {
    const last = await metric(second, 'backup_last_success_timestamp_seconds');
    assert.equal(`${new Date(last * 1_000).toISOString().slice(0, 19).replaceAll(':', '-')}Z`, made.at(-1)!.slice('bourse-'.length));
    assert.equal(await metric(second, 'backup_interval_seconds'), 86_400);
  } finally {
    await second.stop();
  }
  assert.deepEqual(completeIn(backups), made);
});

test('a BACKUP_DIR that cannot be used ends the start with status 78', { timeout: 120_000 }, async () => {
  const data = join(directory, 'bad-data');
  const start = (path: string, of = data): { status: number | null; text: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN], { env: { ...process.env, PORT: '0', FEEDS: 'manual', HOUSE: 'off', DATA_DIR: of, BACKUP_DIR: path }, encoding: 'utf8', timeout: 30_000 });
    return { status, text: `${stdout}${stderr}` };
  };
  const file = join(directory, 'file');
  writeFileSync(file, '');
  for (const [path, problem] of [[file, /^ {2}BACKUP_DIR: .*file cannot be written \(ENOTDIR\)/m], [join(data, 'backups'), /^ {2}BACKUP_DIR: .*backups is inside of DATA_DIR/m], [data, /inside of DATA_DIR/]] as const) {
    const { status, text } = start(path);
    assert.equal(status, 78, text);
    assert.match(text, problem);
    assert.doesNotMatch(text, /First administrator/);
  }
  assert.ok(!existsSync(join(data, 'backups')));
  // A data directory that was begun anew must not push out what is left of the lost one.
  const backups = join(directory, 'of-another');
  const other = await startServer({ env: { ...OFTEN, BACKUP_DIR: backups } });
  await eventually('a backup', () => completeIn(backups).length > 0 || undefined, LIMIT_MS);
  await other.dispose();
  const { status, text } = start(backups);
  assert.equal(status, 78, text);
  assert.match(text, /BACKUP_DIR: .*bourse-.*Z is a backup of another journal than the one in .*bad-data/);
  assert.doesNotMatch(text, /First administrator/);
  assert.ok(readFileSync(join(backups, completeIn(backups)[0]!, 'keys.json'), 'utf8').length > 0);
  // What runs on a backup would be removed with it.
  const own = join(backups, completeIn(backups)[0]!);
  const files = (): string[] => readdirSync(own).filter((name) => name !== 'logs');
  const unchanged = files();
  const refused = start(backups, own);
  assert.equal(refused.status, 78, refused.text);
  assert.match(refused.text, /DATA_DIR: .*bourse-.*Z is a backup in BACKUP_DIR and would be removed once it is old/);
  assert.deepEqual(files(), unchanged);
});

test('two servers that were started on one empty folder do not push out each other’s backups', { timeout: 120_000 }, async () => {
  const backups = join(directory, 'of-two');
  const servers = await Promise.all(['2', '1'].map((seconds) => startServer({ env: { BACKUP_INTERVAL_SECONDS: seconds, BACKUP_KEEP: '1', BACKUP_DIR: backups } })));
  try {
    const failing = await eventually('one of them is told', async () => {
      for (const server of servers) if ((await metric(server, 'backup_failures_total')) > 0) return server;
      return undefined;
    }, LIMIT_MS);
    assert.match(failing.output(), /BACKUP_DIR: .*bourse-.*Z is a backup of another journal than the one in /);
  } finally {
    await Promise.all(servers.map((server) => server.dispose()));
  }
});
