import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { silentLogger } from '../observability/logger.ts';
import { journalContract, record } from './contract.ts';
import { lockDirectory } from './directory-lock.ts';
import { DirectoryLockedError, JournalCorruptError, JournalUnavailableError } from './errors.ts';
import { JournalFile, journalPath } from './sqlite-file.ts';
import { openSqliteJournal } from './sqlite.ts';

function temporaryDirectory(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'bourse-journal-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function formatOf(directory: string): number {
  const db = new DatabaseSync(journalPath(directory), { readOnly: true });
  const { user_version: format } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  db.close();
  return format;
}

function alter(directory: string, sql: string): void {
  const db = new DatabaseSync(journalPath(directory));
  db.exec(sql);
  db.close();
}

journalContract('sqlite', () => {
  const directory = temporaryDirectory();
  let maxPages: number | undefined;
  return {
    open: () => openSqliteJournal({ directory: directory.path, logger: silentLogger, maxPages }),
    corruptRecord: (seq) => alter(directory.path, `UPDATE records SET body = body || ' ' WHERE seq = ${seq}`),
    removeRecord: (seq) => alter(directory.path, `DELETE FROM records WHERE seq = ${seq}`),
    fillDisk: () => { maxPages = 200; },
    mend: () => { maxPages = undefined; },
    dispose: () => directory[Symbol.dispose](),
  };
});

test('files are private', async () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, 'data');
  const journal = await openSqliteJournal({ directory: path, logger: silentLogger });
  await journal.append([record(1)]);
  await journal.saveSnapshot({ seq: 1, time: 1, stateHash: 'x', bytes: new Uint8Array(1) });
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.equal(statSync(join(path, 'snapshots')).mode & 0o777, 0o700);
  const files = ['journal.db', 'journal.db-wal', 'journal.db-shm', join('snapshots', '1.snap')];
  for (const file of files) assert.equal(statSync(join(path, file)).mode & 0o777, 0o600, file);
  await journal.close();
});

test('others may read the file while it is written', async () => {
  using directory = temporaryDirectory();
  const journal = await openSqliteJournal({ directory: directory.path, logger: silentLogger });
  const reader = new JournalFile(journalPath(directory.path), { readOnly: true });
  assert.equal(reader.lastSeq(), 0);
  await journal.append([record(1), record(2, 3)]);
  assert.equal(reader.lastSeq(), 4);
  assert.deepEqual(reader.read(1, 10), [record(2, 3)]);
  reader.close();
  await journal.close();
});

test('a read that fails is no reason to take no more', async () => {
  using directory = temporaryDirectory();
  const journal = await openSqliteJournal({ directory: directory.path, logger: silentLogger });
  await journal.append([record(1)]);
  alter(directory.path, 'ALTER TABLE records RENAME TO hidden');
  await assert.rejects(journal.read(0, 10), JournalUnavailableError);
  await assert.rejects(journal.recordAt(1), JournalUnavailableError);
  alter(directory.path, 'ALTER TABLE hidden RENAME TO records');
  await journal.append([record(2)]);
  assert.deepEqual(await journal.read(0, 10), [record(1), record(2)]);
  await journal.close();
});

test('a file that is no journal is refused as damaged', async () => {
  using directory = temporaryDirectory();
  writeFileSync(journalPath(directory.path), 'this is not a database, and it is long enough to have a header'.repeat(20));
  await assert.rejects(openSqliteJournal({ directory: directory.path, logger: silentLogger }), JournalCorruptError);
});

test('a journal of another format is refused', async () => {
  using directory = temporaryDirectory();
  await (await openSqliteJournal({ directory: directory.path, logger: silentLogger })).close();
  alter(directory.path, 'PRAGMA user_version = 99');
  await assert.rejects(openSqliteJournal({ directory: directory.path, logger: silentLogger }), /format 99/);
});

test('a journal of format 1 is read as it is, and marked for earlier versions when it is opened for writing', async () => {
  using directory = temporaryDirectory();
  const journal = await openSqliteJournal({ directory: directory.path, logger: silentLogger });
  await journal.append([record(1), record(2, 3)]);
  await journal.close();
  alter(directory.path, 'PRAGMA user_version = 1');

  const reader = new JournalFile(journalPath(directory.path), { readOnly: true });
  assert.deepEqual(reader.read(0, 10), [record(1), record(2, 3)]);
  reader.close();
  assert.equal(formatOf(directory.path), 1);

  const reopened = await openSqliteJournal({ directory: directory.path, logger: silentLogger });
  assert.equal(formatOf(directory.path), 2);
  await reopened.append([record(5)]);
  assert.deepEqual(await reopened.read(0, 10), [record(1), record(2, 3), record(5)]);
  await reopened.close();
});

test('a full disk is found when the journal is opened', async () => {
  using directory = temporaryDirectory();
  await assert.rejects(openSqliteJournal({ directory: directory.path, logger: silentLogger, maxPages: 10 }), JournalUnavailableError);
});

test('damaged snapshots are left out or refused, by their checksum', async () => {
  using directory = temporaryDirectory();
  const journal = await openSqliteJournal({ directory: directory.path, logger: silentLogger });
  for (const seq of [1, 2, 3]) await journal.saveSnapshot({ seq, time: seq, stateHash: 'x', bytes: new Uint8Array(1_000) });
  const path = (seq: number): string => join(directory.path, 'snapshots', `${seq}.snap`);
  writeFileSync(join(directory.path, 'snapshots', '9.tmp'), 'left by a process that was killed');
  await journal.saveSnapshot({ seq: 1, time: 1, stateHash: 'x', bytes: new Uint8Array(1_000) });
  writeFileSync(path(3), 'short');
  const second = readFileSync(path(2));
  second[second.length - 1]! ^= 1;
  writeFileSync(path(2), second);
  assert.deepEqual((await journal.snapshots()).map((snapshot) => snapshot.seq), [2, 1]);
  await assert.rejects(journal.loadSnapshot(2), JournalCorruptError);
  assert.equal((await journal.loadSnapshot(1)).bytes.length, 1_000);
  await assert.rejects(journal.loadSnapshot(4), JournalUnavailableError);
  await assert.rejects(journal.loadSnapshot(3), /damaged \(it ends within its beginning\)/);
  writeFileSync(path(3), '');
  await assert.rejects(journal.loadSnapshot(3), /damaged \(it is empty\)/);
  assert.deepEqual(readdirSync(join(directory.path, 'snapshots')).filter((name) => name.endsWith('.tmp')), []);
  await journal.close();
});

test('a second holder of the directory is refused until the first lets go', () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, 'data');
  const lock = lockDirectory(path);
  assert.throws(() => lockDirectory(path), (error) => error instanceof DirectoryLockedError && error.message.includes(`pid ${process.pid}`));
  lock.release();
  lockDirectory(path).release();
});
