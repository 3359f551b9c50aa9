import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { JournalFile, journalPath } from '../journal/sqlite-file.ts';
import { record } from '../journal/contract.ts';
import { backupName, backupsIn, foreignBackup, isInBackup, removeOld, removeUnfinished } from './folder.ts';

/** 2026-11-26T12:00:00Z; `date -d @1795694400 -u`. */
const NOON = 1_795_694_400_000;
const DAY = 86_400_000;

describe('the folder of backups', () => {
  let directory: string;
  beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'bourse-backups-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  const folder = (name: string, ...files: string[]): string => {
    mkdirSync(join(directory, name));
    for (const file of files) writeFileSync(join(directory, name, file), '');
    return name;
  };
  const backup = (time: number): string => folder(backupName(time), 'journal.db');
  /** A data directory whose journal begins like this. */
  const journalOf = (name: string, time: number): string => {
    mkdirSync(join(directory, name));
    const journal = new JournalFile(journalPath(join(directory, name)));
    journal.append([record(1, 1, { time })]);
    journal.close();
    return join(directory, name);
  };

  test('names them by the second in UTC, and finds the complete ones, newest first', () => {
    assert.equal(backupName(NOON + 999), 'bourse-2026-11-26T12-00-00Z');
    for (const time of [NOON, NOON + DAY, NOON - DAY]) backup(time);
    folder(`${backupName(NOON + 2 * DAY)}.unfinished`, 'journal.db');
    folder(backupName(NOON + 3 * DAY));
    for (const other of ['bourse-2026-13-26T12-00-00Z', 'bourse-by-hand', '2026-11-26T12-00-00Z', 'xbourse-2026-11-26T12-00-00Z']) folder(other, 'journal.db');
    assert.deepEqual(backupsIn(directory), [NOON + DAY, NOON, NOON - DAY].map((time) => ({ name: backupName(time), time })));
  });

  test('loses the oldest, and nothing that is not called like a backup', () => {
    const names = Array.from({ length: 6 }, (_, i) => backup(NOON + i * DAY));
    const others = [folder('by hand', 'journal.db'), folder('bourse-2026-11-26', 'journal.db')];
    assert.equal(removeOld(directory, 2, names[5]!), 4);
    assert.deepEqual(readdirSync(directory).sort(), [...others, names[4]!, names[5]!].sort());
    assert.equal(removeOld(directory, 2, names[5]!), 0);
  });

  test('never loses the one that was just made, whatever the clock once was', () => {
    const ahead = [backup(NOON + 900 * DAY), backup(NOON + 901 * DAY)];
    const made = backup(NOON);
    assert.equal(removeOld(directory, 2, made), 1);
    assert.deepEqual(readdirSync(directory).sort(), [made, ahead[1]!].sort());
    removeOld(directory, 1, made);
    assert.deepEqual(readdirSync(directory), [made]);
  });

  test('loses those of a time to come first, so that they push out none that is made now', () => {
    for (const days of [900, 901, 902]) backup(NOON + days * DAY);
    const made = [0, 1, 2].map((days) => {
      const name = backup(NOON + days * DAY);
      removeOld(directory, 3, name);
      return name;
    });
    assert.deepEqual(readdirSync(directory).sort(), made);
  });

  test('loses what is left of ours, and nothing else that is unfinished', () => {
    const kept = [backup(NOON), folder('by hand.unfinished')];
    folder(`${backupName(NOON)}.unfinished`, 'journal.db');
    removeUnfinished(directory);
    assert.deepEqual(readdirSync(directory).sort(), kept.sort());
  });

  test('is another server’s where the newest backup that can be read begins otherwise than the journal', () => {
    const data = journalOf('data', NOON);
    assert.equal(foreignBackup(directory, data), undefined);
    journalOf(backupName(NOON), NOON + 1);
    assert.equal(foreignBackup(directory, data), backupName(NOON));
    backup(NOON + 2 * DAY);
    assert.equal(foreignBackup(directory, data), backupName(NOON), 'one that cannot be read says nothing');
    journalOf(backupName(NOON + DAY), NOON);
    assert.equal(foreignBackup(directory, data), undefined);
  });

  test('is nobody’s where the beginning of the journal itself cannot be read', () => {
    const data = journalOf('data', NOON);
    journalOf(backupName(NOON), NOON);
    const journal = new DatabaseSync(journalPath(data));
    journal.exec("UPDATE records SET body = 'x'");
    journal.close();
    assert.equal(foreignBackup(directory, data), undefined);
  });

  for (const [what, name, expected] of [
    ['a backup', backupName(NOON), true],
    ['what is within a backup', join(backupName(NOON), 'snapshots'), true],
    ['a backup that is unfinished', `${backupName(NOON)}.unfinished`, true],
    ['a folder beside the backups', 'data', false],
    ['the folder of backups', '', false],
    ['the folder above', '..', false],
  ] as const) {
    test(`${expected ? 'goes some day with' : 'never takes'} ${what}`, () => {
      const path = join(directory, name);
      mkdirSync(path, { recursive: true });
      symlinkSync(path, join(directory, 'link'));
      assert.deepEqual([isInBackup(directory, path), isInBackup(directory, join(directory, 'link'))], [expected, expected]);
    });
  }
});
