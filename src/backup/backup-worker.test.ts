import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { record } from '../journal/contract.ts';
import { JournalFile, journalPath } from '../journal/sqlite-file.ts';
import { makeBackup } from './backup-worker.ts';
import { backupName } from './folder.ts';

/** 2026-11-26T12:00:00Z; `date -d @1795694400 -u`. */
const NOON = 1_795_694_400_000;
const SECOND = 1_000;

describe('a backup', () => {
  let root: string;
  let directory: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'bourse-backup-'));
    directory = join(root, 'backups');
    mkdirSync(directory);
  });
  afterEach(() => rmSync(root, { recursive: true }));

  /** A data directory whose journal begins at that time. */
  const server = (name: string, time: number): string => {
    const data = join(root, name);
    mkdirSync(data);
    const journal = new JournalFile(journalPath(data));
    journal.append([record(1, 1, { time })]);
    journal.close();
    new DatabaseSync(join(data, 'store.db')).close();
    return data;
  };
  const make = (dataDirectory: string, seconds: number, apart = false) =>
    makeBackup({ dataDirectory, directory, apart, name: backupName(NOON + seconds * SECOND), keep: 1, minFree: 0 });
  const names = (...seconds: readonly number[]): string[] => seconds.map((at) => backupName(NOON + at * SECOND));

  test('takes the place of the oldest', async () => {
    const data = server('data', NOON);
    for (const seconds of [0, 1]) assert.equal((await make(data, seconds)).seq, 1);
    assert.deepEqual(readdirSync(directory), names(1));
  });

  test('of another server pushes out none, and touches nothing that it is making', async () => {
    await make(server('data', NOON), 0);
    mkdirSync(join(directory, `${names(1)[0]}.unfinished`));
    await assert.rejects(make(server('other', NOON + 1), 2), /BACKUP_DIR: .*12-00-00Z is a backup of another journal than the one in .*other; give each server a folder of its own/);
    assert.deepEqual(readdirSync(directory), [...names(0), `${names(1)[0]}.unfinished`]);
  });

  test('does not go onto the disk of the data where its own is not mounted any more', async () => {
    const data = server('data', NOON);
    await assert.rejects(make(data, 0, true), /BACKUP_DIR: .*backups is on the disk of DATA_DIR now and was on another one; mount that/);
    assert.deepEqual(readdirSync(directory), []);
  });

  test('is not made where there is no folder any more', async () => {
    const data = server('data', NOON);
    rmSync(directory, { recursive: true });
    await assert.rejects(make(data, 0), /backups is no folder any more/);
    writeFileSync(directory, '');
    await assert.rejects(make(data, 0), /backups is no folder any more/);
  });
});
