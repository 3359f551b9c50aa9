/** The process on a data directory that something has happened to: it does not start, and says which file, why, and what to do. */
import assert from 'node:assert/strict';
import { closeSync, cpSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from '../support/client.ts';
import { startServer } from '../support/server-process.ts';

/** So many that the last part of the journal holds nothing else. */
const DEPOSITS = 40;

const root = mkdtempSync(join(tmpdir(), 'bourse-damage-'));
/** Left by a server that was killed, after a clean stop before. */
const killed = join(root, 'killed');
/** Of the clean stop: one user less. */
const earlier = join(root, 'earlier');

before(async () => {
  const first = await startServer({ directory: killed });
  await Client.register(first.url, 'early');
  await first.stop();
  cpSync(killed, earlier, { recursive: true });
  const second = await startServer({ directory: killed });
  const late = await Client.register(second.url, 'late');
  for (let i = 0; i < DEPOSITS; i++) await late.post('/wallets/deposits', { asset: 'USDT', amount: '1000' });
  await late.get('/wallets/transactions');
  await second.kill();
});
after(() => rmSync(root, { recursive: true, force: true }));

/** A copy of what was left, after `happen`. */
function directoryWhere(happen: (path: (name: string) => string) => void): string {
  const directory = mkdtempSync(join(root, 'case-'));
  cpSync(killed, directory, { recursive: true });
  happen((name) => join(directory, name));
  return directory;
}

/** What a start says that comes to nothing. */
async function refusalOf(directory: string): Promise<string> {
  const started = await startServer({ directory }).catch((error: Error) => error);
  if (!(started instanceof Error)) {
    await started.kill();
    assert.fail('it has started');
  }
  assert.match(started.message, /ended with status 1/);
  return started.message;
}

function remove(path: (name: string) => string, ...names: string[]): void {
  for (const name of names) rmSync(path(name), { recursive: true, force: true });
}

const JOURNAL = ['journal.db', 'journal.db-wal', 'journal.db-shm'];
const PROJECTIONS = ['projections.db', 'projections.db-wal', 'projections.db-shm'];

test('what was left by kill -9 is started on', async () => {
  await (await startServer({ directory: directoryWhere(() => undefined) })).kill();
});

test('a journal of an earlier time than the store is not started on', async () => {
  const directory = directoryWhere((path) => {
    remove(path, ...JOURNAL, ...PROJECTIONS, 'snapshots');
    cpSync(join(earlier, 'journal.db'), path('journal.db'));
  });
  const text = await refusalOf(directory);
  assert.match(text, /store\.db and journal\.db do not belong together: 1 of 3 users .* none in the journal/);
  assert.match(text, /Restore both from the same backup/);
  assert.ok(text.includes(directory));
});

test('a store without any journal is not started on', async () => {
  const directory = directoryWhere((path) => remove(path, ...JOURNAL, ...PROJECTIONS, 'snapshots'));
  assert.match(await refusalOf(directory), /3 of 3 users have another account/);
});

for (const [name, damage] of [
  ['is damaged', (file) => {
    const at = Math.floor(statSync(file).size * 0.99);
    const fd = openSync(file, 'r+');
    writeSync(fd, Buffer.from('ruin'), 0, 4, at);
    closeSync(fd);
  }],
  ['is cut off', (file) => truncateSync(file, Math.floor(statSync(file).size * 0.97))],
] as readonly (readonly [string, (file: string) => void])[]) {
  test(`a journal whose -wal file ${name} has lost acknowledged events, and is not started on until the operator decides so`, async () => {
    const directory = directoryWhere((path) => damage(path('journal.db-wal')));
    const damaged = readFileSync(join(directory, 'journal.db-wal'));
    const text = await refusalOf(directory);
    assert.deepEqual(readFileSync(join(directory, 'journal.db-wal')), damaged, 'nothing has been changed');
    assert.match(text, /projections\.db hold events up to (\d+), but the journal ends at (\d+): the acknowledged events (\d+) to \1 are missing/);
    assert.ok(text.includes(`Restore ${join(directory, 'journal.db')} together with its -wal file`));
    remove((file) => join(directory, file), ...PROJECTIONS);
    await (await startServer({ directory })).kill();
  });
}

test('a journal that is missing beside what was made from it is not begun anew', async () => {
  const directory = directoryWhere((path) => remove(path, ...JOURNAL));
  assert.ok((await refusalOf(directory)).includes(`${join(directory, 'journal.db')} is not there, but snapshots or collections`));
  assert.ok(!existsSync(join(directory, 'journal.db')));
});

test('a journal that SQLite finds damaged is named, with what to do', async () => {
  const directory = directoryWhere((path) => {
    remove(path, 'journal.db-wal', 'journal.db-shm');
    writeFileSync(path('journal.db'), 'ruin'.repeat(10_000));
  });
  const text = await refusalOf(directory);
  assert.match(text, /file is not a database/);
  assert.ok(text.includes(`Restore ${join(directory, 'journal.db')} together`));
});

for (const [name, way] of [['store.db', 'restore it, with its -wal file, from a backup'], ['projections.db', 'remove it with its -wal and -shm files']] as const) {
  test(`a ${name} that is damaged is named, with what to do`, async () => {
    const directory = directoryWhere((path) => {
      remove(path, `${name}-wal`, `${name}-shm`);
      writeFileSync(path(name), 'ruin'.repeat(10_000));
    });
    const text = await refusalOf(directory);
    assert.ok(text.includes(`\n${join(directory, name)} is damaged (file is not a database): stop the process`), text);
    assert.ok(text.includes(way));
  });
}

test('a store of an earlier time than the journal is started on: whoever registered since registers again', async () => {
  const directory = directoryWhere((path) => {
    remove(path, 'store.db', 'store.db-wal', 'store.db-shm');
    cpSync(join(earlier, 'store.db'), path('store.db'));
  });
  const server = await startServer({ directory });
  try {
    const late = await Client.register(server.url, 'late');
    const balances = await late.get<readonly { readonly total: string }[]>('/wallets');
    assert.deepEqual(balances.filter(({ total }) => Number(total) !== 0), []);
  } finally {
    await server.kill();
  }
  assert.ok(existsSync(join(directory, 'store.db')));
});
