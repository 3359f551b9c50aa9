/**
 * What is acknowledged survives a power cut. A server trades under strace(1); from its system calls follows what its disk may hold at any moment after the machine has
 * died: what was synced, and any part of the rest. At many such moments everything must be found that a client had been told by then, and the state must be sound.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { endOf } from '../../src/journal/journal.ts';
import { SqliteJournalReader } from '../../src/journal/sqlite-reader.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { storedCheckpoint } from '../../src/projections/projector.ts';
import { DEFAULT_ID_LIMIT } from '../../src/sequencer/open.ts';
import { decodeBody } from '../../src/sequencer/record.ts';
import { recover } from '../../src/sequencer/recovery.ts';
import { random } from '../../src/utils/random.ts';
import { Client } from '../support/client.ts';
import { Disk, type DiskCall } from '../support/disk.ts';
import { startServer } from '../support/server-process.ts';
import { hasEnded, readSystemCalls, skipWithoutTracing, tracedInto } from '../support/system-calls.ts';
import { eventually } from '../support/wait.ts';

const CLIENTS = 4;
/** Enough to fill the journal's log file, so that pages move from there into the database and the log begins anew. */
const ORDERS = 1_000;
/** Orders that a client has open, before it cancels the oldest. */
const OPEN = 10;
const CUTS = 60;
/** System calls before and after. */
const AROUND = 100;
const STARTS = 3;

const logger: Logger = { error() {}, warn() {}, info() {}, debug() {}, child: () => logger };

/** What a client was told: a user, an order or its end. */
interface Told { readonly begun: number; readonly what: string }

describe('after a power cut', { skip: skipWithoutTracing, timeout: 280_000 }, () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'bourse-power-')));
  const directory = join(root, 'data');
  let disk: readonly DiskCall[] = [];
  let told: readonly Told[] = [];

  before(async () => {
    const log = join(root, 'calls');
    const server = await startServer({ directory, within: tracedInto(log), env: { UV_USE_IO_URING: '0', SNAPSHOT_EVERY: '1000' } });
    await Promise.all(Array.from({ length: CLIENTS }, (_, client) => trade(server.url, client)));
    await server.kill();
    await eventually('the tracer has written down all calls', () => (hasEnded(log, server.pid) ? true : undefined));
    const calls = readSystemCalls(log, root);
    disk = calls.disk;
    told = calls.sent.flatMap(({ begun, text }) => whatIsTold(text).map((what) => ({ begun, what })));
    rmSync(log);
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  test('the run has met what it is for', () => {
    const ends = CLIENTS * (ORDERS - OPEN);
    assert.deepEqual([countOf(told, /^user/), countOf(told, /new$/), countOf(told, /canceled$/)], [CLIENTS, CLIENTS * ORDERS, ends]);
    // Of the journal's database the first is at its beginning, the second when pages have moved there.
    for (const [name, times] of [['journal.db-wal', 100], ['journal.db', 2], ['store.db-wal', CLIENTS], ['snapshots', 1]] as const) {
      assert.ok(syncsOf(disk, name).length >= times, `${name} was synced ${times} times`);
    }
  });

  test('everything is there that anybody was told, whenever it was', async () => {
    for (const { moment, files } of powerCuts(disk, told, CUTS)) {
      const found = await whatIsFound(files, join(root, 'cut'));
      assert.deepEqual(told.filter(({ begun, what }) => begun < moment && !found.has(what)), [], `at call ${moment}`);
    }
  });

  test('the server starts, and users find their orders', async () => {
    for (const { moment, files } of powerCuts(disk, told, STARTS)) {
      const after = join(root, 'started');
      lay(files, after);
      const server = await startServer({ directory: after });
      try {
        for (let client = 0; client < CLIENTS; client++) {
          if (!told.some(({ begun, what }) => begun < moment && what === user(client))) continue;
          const { tokens } = await new Client(server.url).post<{ tokens: { accessToken: string } }>('/auth/login', { email: user(client), password: `the password of user${client} 7` });
          const me = new Client(server.url, tokens.accessToken);
          const ended = new Set(told.filter(({ what }) => what.endsWith('canceled')).map(({ what }) => what.split(' ')[0]));
          const open = told.filter(({ begun, what }) => begun < moment && what.startsWith(`cut-${client}-`) && what.endsWith('new')).map(({ what }) => what.split(' ')[0]!).filter((id) => !ended.has(id));
          for (const id of open) assert.equal((await me.get<{ status: string }>(`/orders/client:${id}`)).status, 'new', `${id} at call ${moment}`);
        }
      } finally {
        await server.dispose();
      }
    }
  });

  test('a disk that keeps its word only for the databases, and not for their logs, would be found out', async () => {
    const lying = disk.filter(({ type, path }) => type !== 'sync' || path !== join(directory, 'journal.db-wal'));
    let lost = 0;
    for (const { moment, files } of powerCuts(lying, told, 5)) {
      const found = await whatIsFound(files, join(root, 'cut')).catch(() => new Set<string>());
      lost += told.filter(({ begun, what }) => begun < moment && !found.has(what)).length;
    }
    assert.ok(lost > 0);
  });
});

function user(client: number): string {
  return `user${client}@bourse.test`;
}

async function trade(url: string, client: number): Promise<void> {
  const me = await Client.register(url, `user${client}`);
  await me.post('/wallets/deposits', { asset: 'USDT', amount: '1000000' });
  for (let at = 0; at < ORDERS; at++) {
    await me.post('/orders', { symbol: 'ETH-USDT', side: 'buy', type: 'limit', price: '2000', quantity: '0.01', clientOrderId: `cut-${client}-${at}` });
    if (at >= OPEN) await me.delete(`/orders/client:cut-${client}-${at - OPEN}`);
  }
}

/** In a reply: `user0@bourse.test`, or `cut-0-1 new`. */
function whatIsTold(reply: string): string[] {
  if (!reply.startsWith('HTTP/1.1 2')) return [];
  const registered = /"email":"(user\d+@bourse\.test)"/.exec(reply)?.[1];
  const [, id, status] = /"clientOrderId":"(cut-\d+-\d+)".*?"status":"(\w+)"/.exec(reply) ?? [];
  return [...(registered === undefined ? [] : [registered]), ...(id === undefined ? [] : [`${id} ${status}`])];
}

function countOf(told: readonly Told[], pattern: RegExp): number {
  return told.filter(({ what }) => pattern.test(what)).length;
}

function syncsOf(calls: readonly DiskCall[], name: string): DiskCall[] {
  return calls.filter(({ type, path }) => type === 'sync' && basename(path) === name);
}

/** At so many moments since anybody was told anything: what the disk may hold. A third of them is right after something was told, a third around the last time at which the journal moved pages into its database. */
function* powerCuts(calls: readonly DiskCall[], told: readonly Told[], cuts: number): Generator<{ readonly moment: number; readonly files: ReadonlyMap<string, Buffer> }> {
  const { next } = random(cuts);
  const between = (first: number, last: number): number => first + Math.floor(next() * (last - first));
  const [first, last] = [told[0]!.begun, calls.at(-1)!.begun];
  const moved = syncsOf(calls, 'journal.db').at(-1)!;
  const kinds = [() => told[between(0, told.length)]!.begun + 1, () => between(first, last), () => between(moved.begun - AROUND, moved.done + AROUND)];
  const moments = Array.from({ length: cuts }, (_, at) => kinds[at % kinds.length]!()).sort((a, b) => a - b);
  const disk = new Disk();
  let at = 0;
  for (const moment of moments) {
    for (let call = calls[at]; call !== undefined && (call.type === 'sync' ? call.done : call.begun) < moment; call = calls[++at]) disk.apply(call);
    yield { moment, files: disk.afterPowerCut({ next }) };
  }
}

/** Makes a data directory of what a disk holds. What processes share in memory (`-shm`) does not outlive the machine. */
function lay(files: ReadonlyMap<string, Buffer>, directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  for (const folder of ['snapshots', 'logs']) mkdirSync(join(directory, folder), { recursive: true });
  for (const [path, content] of files) {
    if (path.endsWith('-shm')) continue;
    const name = path.includes('/snapshots/') ? join('snapshots', basename(path)) : path.includes('/logs/') ? join('logs', basename(path)) : basename(path);
    writeFileSync(join(directory, name), content);
  }
}

/** With all checks that a start makes of journal, snapshots and collections: throws where it would refuse. */
async function whatIsFound(files: ReadonlyMap<string, Buffer>, directory: string): Promise<Set<string>> {
  lay(files, directory);
  const found = new Set<string>();
  const followedTo = storedCheckpoint(directory, logger);
  const journal = new SqliteJournalReader(directory, logger);
  try {
    await recover(journal, { logger, idLimit: DEFAULT_ID_LIMIT, followedTo });
    const names = new Map<number, string>();
    for (let seq = 0; seq < journal.lastSeq;) {
      for (const record of await journal.read(seq, 500)) {
        seq = endOf(record);
        for (const event of decodeBody(record).events) {
          if (event.type === 'order_accepted') {
            names.set(event.seq, event.order.clientOrderId);
            found.add(`${event.order.clientOrderId} new`);
          } else if (event.type === 'order_closed') found.add(`${names.get(event.order)} canceled`);
        }
      }
    }
  } finally {
    journal.close();
  }
  if (!existsSync(join(directory, 'store.db'))) return found;
  const store = new DatabaseSync(join(directory, 'store.db'));
  for (const { email } of store.prepare('SELECT email FROM users').all()) found.add(String(email));
  store.close();
  return found;
}
