import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { record } from '../journal/contract.ts';
import { JournalFile, journalPath } from '../journal/sqlite-file.ts';
import { copyDataDirectory, underName } from './copy.ts';

describe('a copy of a data directory', () => {
  let root: string;
  let data: string;
  let to: string;
  let journal: JournalFile;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'bourse-copy-'));
    [data, to] = [join(root, 'data'), join(root, 'to')];
    mkdirSync(join(data, 'snapshots'), { recursive: true });
    journal = new JournalFile(journalPath(data));
    journal.append([record(1), record(2, 3)]);
    const store = new DatabaseSync(join(data, 'store.db'));
    store.exec('PRAGMA journal_mode = WAL; CREATE TABLE users (id TEXT); INSERT INTO users VALUES (1)');
    store.close();
    for (const name of ['keys.json', 'projections.db', 'lock.db', 'snapshots/4.snap', 'snapshots/9.tmp']) writeFileSync(join(data, name), 'x');
  });
  afterEach(() => {
    journal.close();
    rmSync(root, { recursive: true });
  });

  test('has what cannot be made again, for the owner alone, and nothing of what was there before under its unfinished name', async () => {
    mkdirSync(`${to}.unfinished`);
    writeFileSync(join(`${to}.unfinished`, 'old'), 'x');
    const { seq, bytes } = await copyDataDirectory(data, to);
    assert.equal(seq, 4);
    assert.deepEqual(readdirSync(to, { recursive: true }).sort(), ['journal.db', 'keys.json', 'snapshots', 'snapshots/4.snap', 'store.db']);
    assert.equal(bytes, ['journal.db', 'keys.json', 'snapshots/4.snap', 'store.db'].reduce((sum, name) => sum + statSync(join(to, name)).size, 0));
    for (const name of ['.', 'journal.db', 'store.db']) assert.equal(statSync(join(to, name)).mode & 0o077, 0, name);
    assert.deepEqual(readdirSync(root).sort(), ['data', 'to']);
  });

  const FAILS: readonly (readonly [string, () => void, RegExp])[] = [
    ['a record is damaged', () => new DatabaseSync(journalPath(data)).exec("UPDATE records SET body = 'x' WHERE seq = 2"), /journal\.db cannot be copied: the journal record at event 2 does not match its checksum/],
    ['the store is no database', () => writeFileSync(join(data, 'store.db'), 'ruin'.repeat(1_000)), /store\.db cannot be copied: file is not a database/],
    ['the store is not there', () => rmSync(join(data, 'store.db')), /store\.db cannot be copied: /],
  ];
  for (const [what, happen, message] of FAILS) {
    test(`is not made where ${what}, and nothing is left of it`, async () => {
      happen();
      await assert.rejects(copyDataDirectory(data, to), message);
      assert.deepEqual(readdirSync(root), ['data']);
    });
  }

  test('is not begun where it would leave too little space free', async () => {
    await assert.rejects(copyDataDirectory(data, to, { minFree: Number.MAX_SAFE_INTEGER }), /not enough space in .*: \d+ MiB are free, and \d+ MiB must be/);
    assert.deepEqual(readdirSync(root), ['data']);
  });

  test('is refused where something has its name, whatever that is', async () => {
    writeFileSync(to, 'mine');
    await assert.rejects(copyDataDirectory(data, to), /to is there already/);
    assert.deepEqual(readdirSync(root).sort(), ['data', 'to']);
  });

  test('has its name only when it is filled', async () => {
    await underName(to, async (unfinished) => {
      writeFileSync(join(unfinished, 'file'), 'x');
      await Promise.resolve();
      assert.ok(!existsSync(to));
    });
    assert.deepEqual(readdirSync(to), ['file']);
  });
});
