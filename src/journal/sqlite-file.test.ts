import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { record } from './contract.ts';
import { JournalConflictError } from './errors.ts';
import type { JournalRecord } from './journal.ts';
import { JournalFile, journalPath } from './sqlite-file.ts';

const keyed = (seq: number): JournalRecord => record(seq, 1, { key: `7:${seq}`, fingerprint: `f${seq}` });
const series = (first: number, length: number, make = (seq: number): JournalRecord => record(seq)): JournalRecord[] => Array.from({ length }, (_, i) => make(first + i));

/** What the format stores of records from the journal's beginning, written out a second time. */
function rowsOf(records: readonly JournalRecord[]): object[] {
  let crc = 0;
  return records.map(({ seq, count, time, key, fingerprint, body }) => {
    crc = crc32(Buffer.from([seq, count, time, key.length, key, fingerprint, body].join(' ')), crc);
    return { seq, count, time, key, fingerprint, body, crc };
  });
}

describe('the journal file', () => {
  let directory: string;
  let file: JournalFile;
  let other: DatabaseSync;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'bourse-journal-file-'));
    file = new JournalFile(journalPath(directory));
    other = new DatabaseSync(journalPath(directory));
  });
  afterEach(() => {
    file.close();
    other.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const stored = (): object[] => other.prepare('SELECT * FROM records ORDER BY seq').all().map((row) => ({ ...row }));

  // Around the numbers of rows that one statement inserts.
  for (const length of [1, 3, 4, 5, 15, 16, 17, 20, 33, 100]) {
    test(`stores ${length} records, with keys or without, as the format says`, () => {
      const records = [...series(1, length), ...series(1 + length, length, keyed)];
      assert.equal(file.append(records.slice(0, length)), length);
      assert.equal(file.append(records.slice(length)), 2 * length);
      assert.deepEqual(stored(), rowsOf(records));
      assert.deepEqual(file.read(0, 2 * length), records);
    });
  }

  test('stores records with and without keys in their order, also in one append', () => {
    const records = [keyed(1), ...series(2, 18), ...series(20, 17, keyed), record(37), record(38, 1, { key: '7:only' }), record(39, 1, { fingerprint: 'only' }), record(40, 3)];
    assert.equal(file.append(records), 42);
    assert.deepEqual(stored(), rowsOf(records));
    assert.deepEqual(other.prepare("SELECT seq FROM records WHERE key = '7:30'").all().map((row) => row['seq']), [30]);
  });

  test('continues what was written row by row', () => {
    const records = [record(1), keyed(2), record(3, 4)];
    const insert = other.prepare('INSERT INTO records VALUES (:seq, :count, :time, :key, :fingerprint, :body, :crc)');
    for (const row of rowsOf(records)) insert.run(row as Record<string, number | string>);
    records.push(...series(7, 20));
    assert.equal(file.append(records.slice(3)), 26);
    assert.deepEqual(file.read(0, 100), records);
  });

  test('keeps nothing of an append that fails in the middle of a statement, and takes the next', () => {
    file.append(series(1, 2));
    other.exec("CREATE TRIGGER refuse BEFORE INSERT ON records WHEN NEW.seq = 30 BEGIN SELECT RAISE(FAIL, 'refused'); END");
    assert.throws(() => file.append(series(3, 40)), JournalConflictError);
    assert.deepEqual(stored(), rowsOf(series(1, 2)));
    other.exec('DROP TRIGGER refuse');
    file.append(series(3, 40));
    assert.deepEqual(stored(), rowsOf(series(1, 42)));
  });

  test('sees after its own appends what another writer has stored, whether or not the two collide', () => {
    file.append(series(1, 20));
    const writer = new JournalFile(journalPath(directory));
    writer.append([record(21)]);
    writer.close();
    assert.throws(() => file.append(series(21, 20)), JournalConflictError);
    assert.equal(file.append(series(22, 20)), 41);
    assert.deepEqual(stored(), rowsOf(series(1, 41)));
    other.exec("INSERT INTO records VALUES (1000, 1, 0, '', '', '{}', 0)");
    assert.throws(() => file.append(series(42, 20)), JournalConflictError);
    assert.equal(stored().length, 42);
  });
});
