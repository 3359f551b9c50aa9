/** A data directory as it was at a time or event: what came before is there, what came after is gone, and nobody gets what was another one's. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { Client } from '../support/client.ts';
import { ADMIN, startServer, type ServerProcess } from '../support/server-process.ts';
import { eventually } from '../support/wait.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const root = mkdtempSync(join(tmpdir(), 'bourse-restore-'));
after(() => rmSync(root, { recursive: true, force: true }));

interface Order { readonly id: string; readonly createdAt: number; readonly status: string }
interface Wallet { readonly account: string; readonly asset: string; readonly total: string; readonly available: string }
interface Run { readonly status: number | null; readonly stdout: string; readonly stderr: string }

function script(name: string, ...args: readonly string[]): Run {
  return spawnSync(process.execPath, [join(ROOT, 'scripts', name), ...args], { encoding: 'utf8', timeout: 60_000 });
}

const restore = (from: string, to: string, ...until: readonly string[]): Run => script('restore.ts', '--data', from, '--to', to, ...until);

function restored(from: string, to: string, ...until: readonly string[]): string {
  const { status, stdout, stderr } = restore(from, to, ...until);
  assert.equal(status, 0, stderr);
  return stdout;
}

const stateOf = (text: string): string => /^state +(.+)$/m.exec(text)?.[1] ?? assert.fail(text);
const eventOf = (text: string): number => Number(/^event (\d+),/.exec(stateOf(text))?.[1]);
/** Of one asset, in all wallets. */
const held = (wallets: readonly Wallet[]): number => wallets.reduce((sum, { total }) => sum + Number(total), 0);
const order = (price: string, clientOrderId: string): object => ({ symbol: 'ETH-USDT', side: 'buy', type: 'limit', price, quantity: '1', clientOrderId });

/** What is in the files of a data directory, those aside that a reader needs. */
function contents(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => !/-shm$|^logs|^lock/.test(name) && statSync(join(directory, name)).isFile());
  return Object.fromEntries(files.sort().map((name) => [name, createHash('sha256').update(readFileSync(join(directory, name))).digest('hex')]));
}

describe('a day on which something went wrong', () => {
  const data = join(root, 'data');
  let server: ServerProcess;
  let ann: Client;
  let bob: Client;
  let early: Order;
  let annsWallets: readonly (readonly string[])[];
  let made: object;
  const walletsOf = async (client: Client) => (await client.get<Wallet[]>('/wallets')).map(({ account, asset, total, available }) => [account, asset, total, available]);
  const WRONG = { method: 'PATCH', path: '/admin/markets/ETH-USDT', body: { status: 'halted' }, key: { 'Idempotency-Key': 'the-wrong-one' } } as const;
  const doWrong = async (url: string) => (await Client.admin(url)).send<{ status: string }>(WRONG.method, WRONG.path, WRONG.body, WRONG.key);

  const makeAsset = async (url: string) => (await Client.admin(url)).send<object>('POST', '/admin/assets', { asset: 'EXTRA', scale: 6 }, { 'Idempotency-Key': 'the-asset' });
  /** What follows has another millisecond. */
  const nextMillisecond = (now = Date.now()) => eventually('time passes', () => (Date.now() > now ? true : undefined));

  before(async () => {
    server = await startServer({ directory: data, env: { SNAPSHOT_EVERY: '5' } });
    const { status, data: asset } = await makeAsset(server.url);
    assert.equal(status, 201);
    made = asset;
    await nextMillisecond();
    ann = await Client.register(server.url, 'ann');
    await ann.post('/wallets/deposits', { asset: 'USDT', amount: '10000' });
    early = await ann.post<Order>('/orders', order('1000', 'early'));
    annsWallets = await walletsOf(ann);
    await nextMillisecond(early.createdAt);
    await ann.post<Order>('/orders', order('1001', 'late'));
    bob = await Client.register(server.url, 'bob');
    await bob.post('/wallets/deposits', { asset: 'USDT', amount: '777' });
    const carl = await Client.register(server.url, 'carl');
    await carl.post('/wallets/deposits', { asset: 'ETH', amount: '1' });
    // One record with several events.
    await carl.post('/orders', { symbol: 'ETH-USDT', side: 'sell', type: 'limit', price: '1001', quantity: '1' });
    assert.equal((await doWrong(server.url)).data.status, 'halted');
  });
  after(() => server.kill());

  test('is as it was at the time of the first order, beside the running server', { timeout: 120_000 }, async () => {
    const to = join(root, 'at-a-time');
    const text = restored(data, to, '--until', new Date(early.createdAt).toISOString());
    // The state of the source at that event, by the other tool.
    const replayed = script('replay.ts', '--data', data, '--to', String(eventOf(text)));
    assert.equal(stateOf(text), stateOf(replayed.stdout));
    assert.match(stateOf(text), new RegExp(`, ${new Date(early.createdAt).toISOString()}, hash \\w+$`));
    assert.match(text, /^left out +events \d+ to \d+, the first of 20\S+Z$/m);
    assert.match(text, /^removed +2 users whose accounts were opened later, 2 sessions, 1 kept replies$/m);
    assert.deepEqual(readdirSync(to, { recursive: true }).sort(), ['journal.db', 'keys.json', 'snapshots', `snapshots/${eventOf(text)}.snap`, 'store.db']);
    for (const name of ['.', 'journal.db', 'store.db', 'keys.json', 'snapshots', `snapshots/${eventOf(text)}.snap`]) assert.equal(statSync(join(to, name)).mode & 0o077, 0, name);

    const again = await startServer({ directory: to });
    try {
      const same = new Client(again.url, ann.token);
      assert.equal((await same.get<Order>('/orders/client:early')).id, early.id);
      assert.equal((await same.send('GET', '/orders/client:late')).status, 404);
      assert.deepEqual(await walletsOf(same), annsWallets);
      // Bob is nobody until he registers again; then he has what a newcomer has, and trades with what is his.
      assert.equal((await new Client(again.url, bob.token).send('GET', '/wallets')).status, 401);
      const anew = await Client.register(again.url, 'bob');
      assert.deepEqual(await anew.get<Wallet[]>('/wallets'), []);
      await anew.post('/wallets/deposits', { asset: 'ETH', amount: '1' });
      assert.equal((await anew.post<Order>('/orders', { symbol: 'ETH-USDT', side: 'sell', type: 'limit', price: '3000', quantity: '1' })).status, 'new');
      assert.deepEqual(await walletsOf(same), annsWallets);
      assert.equal((await same.get<Order>('/orders/client:early')).status, 'new');
      // What was done after that time is done no more, and a repeat of it does it.
      assert.equal((await same.get<{ status: string }>('/markets/ETH-USDT')).status, 'open');
      assert.equal((await doWrong(again.url)).data.status, 'halted');
      assert.equal((await same.get<{ status: string }>('/markets/ETH-USDT')).status, 'halted');
      assert.equal((await (await Client.admin(again.url)).get<{ balanced: boolean }>('/admin/ledger/audit')).balanced, true);
      assert.equal(await again.stop(), 0);
    } finally {
      await again.kill();
    }
    // The audit log goes on: it has what was done later as well, and that this was undone.
    assert.match(script('audit-log.ts', '--data', to).stdout, /^whole /);
    const store = new DatabaseSync(join(to, 'store.db'), { readOnly: true });
    const entries = store.prepare("SELECT doc FROM auditlogs WHERE action = 'data.restore'").all().map((row) => JSON.parse(row['doc'] as string) as { after: Record<string, unknown> });
    store.close();
    assert.deepEqual(entries.map(({ after: { event, users, sessions, replies } }) => [event, users, sessions, replies]), [[eventOf(text), 2, 2, 1]]);
    assert.equal((await ann.get<Order>('/orders/client:late')).status, 'filled', 'the server that it was made of goes on');
  });

  test('is as it is in the end where no time is given, with everybody', { timeout: 120_000 }, async () => {
    const to = join(root, 'whole');
    const text = restored(data, to);
    assert.match(text, /^left out +nothing: the journal ends there$/m);
    assert.match(text, /^removed +0 users whose accounts were opened later, 0 sessions, 0 kept replies$/m);
    const again = await startServer({ directory: to });
    try {
      assert.equal(held(await new Client(again.url, bob.token).get<Wallet[]>('/wallets')), 777);
      assert.equal((await doWrong(again.url)).data.status, 'halted');
    } finally {
      await again.kill();
    }
  });

  describe('once its server has stopped', () => {
    let lastSeq: number;
    before(async () => {
      await server.kill();
      lastSeq = eventOf(script('replay.ts', '--data', data).stdout);
    });

    test('is as it was at any event, with the same hash as a replay; the source stays as it is', { timeout: 120_000 }, () => {
      const unchanged = contents(data);
      const ends = new DatabaseSync(join(data, 'journal.db'), { readOnly: true }).prepare('SELECT seq + count - 1 AS last, count FROM records ORDER BY seq').all() as { last: number; count: number }[];
      const several = ends.findLast(({ count }) => count > 1) ?? assert.fail('no record has several events');
      const cases: [string, number, number][] = [['the first record', ends[0]!.last, ends[0]!.last], ['the end', lastSeq, lastSeq], ['within a record', several.last - 1, several.last - several.count]];
      for (const [what, until, expected] of cases) {
        const text = restored(data, join(root, `event-${until}`), '--until-event', String(until));
        assert.equal(eventOf(text), expected, what);
        assert.equal(stateOf(text), stateOf(script('replay.ts', '--data', data, '--to', String(expected)).stdout), what);
      }
      assert.deepEqual(contents(data), unchanged);
    });

    test('what the last event was answered with is still the answer', { timeout: 60_000 }, async () => {
      const journal = new DatabaseSync(join(data, 'journal.db'), { readOnly: true });
      const { last } = journal.prepare("SELECT seq + count - 1 AS last FROM records WHERE body LIKE '%EXTRA%'").get() as { last: number };
      journal.close();
      const to = join(root, 'up-to-an-answer');
      assert.match(restored(data, to, '--until-event', String(last)), /^removed +3 users whose accounts were opened later, 3 sessions, 1 kept replies$/m);
      const again = await startServer({ directory: to });
      try {
        const { status, data: asset } = await makeAsset(again.url);
        assert.deepEqual([status, asset], [201, made]);
      } finally {
        await again.kill();
      }
    });

    test('can be had of a backup as well, and of what was restored before', () => {
      const backup = join(root, 'backup');
      assert.equal(script('backup.ts', '--data', data, '--to', backup).status, 0);
      const unchanged = contents(backup);
      const until = new Date(early.createdAt).toISOString();
      const text = restored(backup, join(root, 'of-a-backup'), '--until', until);
      assert.deepEqual(contents(backup), unchanged);
      const further = restored(join(root, 'of-a-backup'), join(root, 'further'), '--until', '2999-12-31T23:59+01:00');
      assert.equal(stateOf(further), stateOf(text));
      assert.match(further, /^left out +nothing: the journal ends there, \d+\.\d s before the given time$/m);
    });

    test('cannot be had where it was not, and then nothing is left', () => {
      const to = join(root, 'none');
      const empty = mkdtempSync(join(root, 'empty-'));
      const refusals: [readonly string[], RegExp][] = [
        [['--data', data, '--until', '2001-01-01T00:00:00Z'], /^the journal in .*data begins at 20\S+Z, after 2001-01-01T00:00:00\.000Z$/],
        [['--data', data, '--until-event', String(lastSeq + 1)], new RegExp(`^the journal in .*data ends at event ${lastSeq}, before event ${lastSeq + 1}$`)],
        [['--data', data, '--until-event', '0'], /^no record of the journal in .*data ends at event 0 or before$/],
        [['--data', empty], /^there is no journal\.db in .*empty-/],
      ];
      for (const [args, message] of refusals) {
        const { status, stderr } = script('restore.ts', '--to', to, ...args);
        assert.equal(status, 1, stderr);
        assert.match(stderr.trimEnd(), message);
      }
      assert.match(restore(data, join(data, 'within')).stderr, /within is inside of .*data: name a folder outside of it/);
      assert.match(restore(data, empty).stderr, /empty-.* is there already: name a folder that is not/);
      for (const path of [to, `${to}.unfinished`, join(data, 'within.unfinished')]) assert.ok(!existsSync(path), path);
    });

    test('a command that says nothing clear is refused', () => {
      for (const until of ['12:00', '2026-11-26T12:00:00', '2026-02-30T12:00:00Z', 'yesterday']) assert.equal(restore(data, join(root, 'none'), '--until', until).status, 64, until);
      assert.equal(restore(data, join(root, 'none'), '--until', '2026-11-26T12:00Z', '--until-event', '7').status, 64);
    });

    test('a journal that is damaged is refused with the event, and can be had up to there', () => {
      const broken = join(root, 'broken');
      cpSync(data, broken, { recursive: true });
      const journal = new DatabaseSync(join(broken, 'journal.db'));
      const { seq } = journal.prepare('SELECT seq FROM records ORDER BY seq DESC LIMIT 1 OFFSET 3').get() as { seq: number };
      journal.exec(`UPDATE records SET body = replace(body, '1', '2') WHERE seq = ${seq}`);
      journal.close();
      const to = join(root, 'up-to-there');
      const { status, stderr } = restore(broken, to);
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`broken/journal\\.db is damaged: the journal record at event ${seq} does not match its checksum; what is before it can be had with --until-event ${seq - 1}\\n$`));
      assert.ok(!existsSync(to) && !existsSync(`${to}.unfinished`));
      assert.equal(eventOf(restored(broken, to, '--until-event', String(seq - 1))), seq - 1);
    });

    test('a journal that has lost its end is not taken for whole', () => {
      const shortened = join(root, 'shortened');
      cpSync(data, shortened, { recursive: true });
      const journal = new DatabaseSync(join(shortened, 'journal.db'));
      journal.exec(`DELETE FROM records WHERE time > ${early.createdAt}`);
      const { last } = journal.prepare('SELECT max(seq + count - 1) AS last FROM records').get() as { last: number };
      journal.close();
      const to = join(root, 'of-a-shortened-one');
      for (const until of [[], ['--until', '2999-01-01T00:00:00Z']]) assert.match(restore(shortened, to, ...until).stderr, new RegExp(`the acknowledged events ${last + 1} to ${lastSeq} are missing .*--until-event ${last}\\.\\n$`));
      const text = restored(shortened, to, '--until-event', String(last));
      assert.equal(eventOf(text), last);
      assert.match(text, new RegExp(`^left out +events ${last + 1} to ${lastSeq}$`, 'm'));
      assert.match(text, /^removed +2 users whose accounts were opened later, 2 sessions, 1 kept replies$/m);
    });
  });
});

test('the newest journal with the users of an older backup has everybody’s money, and whoever registered since registers again', { timeout: 120_000 }, async () => {
  const [data, backup, joined] = [join(root, 'lost'), join(root, 'older'), join(root, 'joined')];
  const server = await startServer({ directory: data });
  const dora = await Client.register(server.url, 'dora');
  assert.equal(script('backup.ts', '--data', data, '--to', backup).status, 0);
  await dora.post('/wallets/deposits', { asset: 'USDT', amount: '50' });
  await Client.register(server.url, 'emil');
  await server.kill();
  // As docs/operations.md has it: all of the backup, and the journal with its -wal file of the lost directory.
  cpSync(backup, joined, { recursive: true });
  rmSync(join(joined, 'journal.db'));
  for (const name of readdirSync(data).filter((file) => file.startsWith('journal.db'))) cpSync(join(data, name), join(joined, name));
  const again = await startServer({ directory: joined });
  try {
    assert.equal(held(await new Client(again.url, dora.token).get<Wallet[]>('/wallets')), 50);
    assert.deepEqual(await (await Client.register(again.url, 'emil')).get<Wallet[]>('/wallets'), []);
    assert.equal((await new Client(again.url).send('POST', '/auth/login', ADMIN)).status, 200);
  } finally {
    await again.kill();
  }

  // Of two servers: everybody would have another one's account, or none, and nobody is taken out for that.
  const mixed = join(root, 'mixed');
  cpSync(joined, mixed, { recursive: true, filter: (path) => !path.includes('store.db') });
  const other = await startServer({ directory: join(root, 'other') });
  await Client.register(other.url, 'fay');
  await other.stop();
  cpSync(join(root, 'other', 'store.db'), join(mixed, 'store.db'));
  const { status, stderr } = restore(mixed, join(root, 'of-two'));
  assert.equal(status, 1);
  assert.match(stderr, /In .*mixed, store\.db and journal\.db do not belong together: 1 of 2 users/);
  assert.ok(!existsSync(join(root, 'of-two')));
});
