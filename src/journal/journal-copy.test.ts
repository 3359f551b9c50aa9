import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { record } from './contract.ts';
import { JournalCorruptError } from './errors.ts';
import { copyJournal } from './journal-copy.ts';
import type { JournalRecord } from './journal.ts';
import { JournalFile } from './sqlite-file.ts';

/** More than are read at once: records of one event, and of three from event 2,501 on. */
const RECORDS: readonly JournalRecord[] = [
  ...Array.from({ length: 2_500 }, (_, i) => record(1 + i, 1, i % 7 === 0 ? { key: `4:${i}`, fingerprint: `f${i}` } : {})),
  ...Array.from({ length: 100 }, (_, i) => record(2_501 + 3 * i, 3)),
];
const LAST = 2_800;

describe('a copy of a journal', () => {
  let directory: string;
  let from: string;
  let to: string;
  let source: JournalFile;
  beforeEach(() => {
    // A name that an address would read otherwise.
    directory = mkdtempSync(join(tmpdir(), 'bourse 100 %25 #copy?-'));
    [from, to] = [join(directory, 'journal.db'), join(directory, 'copy.db')];
    source = new JournalFile(from);
    source.append(RECORDS);
  });
  afterEach(() => {
    source.close();
    rmSync(directory, { recursive: true });
  });
  const copied = (): JournalRecord[] => {
    const copy = new JournalFile(to, { readOnly: true });
    try {
      return copy.read(0, 10_000);
    } finally {
      copy.close();
    }
  };
  const sql = (text: string): void => {
    const other = new DatabaseSync(from);
    other.exec(text);
    other.close();
  };

  test('has every record, is one private file, and can be written on', () => {
    const seen: [number, number][] = [];
    assert.deepEqual(copyJournal(from, to, { onProgress: (done, total) => seen.push([done, total]) }), { seq: LAST, time: RECORDS.at(-1)!.time});
    assert.deepEqual(seen, [[1_000, LAST], [2_000, LAST], [LAST, LAST]]);
    assert.deepEqual(copied(), RECORDS);
    assert.deepEqual(readdirSync(directory).filter((name) => name.startsWith('copy')), ['copy.db']);
    assert.equal(statSync(to).mode & 0o777, 0o600);
    const other = new DatabaseSync(to);
    assert.deepEqual({ ...other.prepare("SELECT seq FROM records INDEXED BY records_key WHERE key = '4:7' AND key <> ''").get() }, { seq: 8 });
    other.close();
    const copy = new JournalFile(to);
    assert.equal(copy.append([record(LAST + 1)]), LAST + 1);
    copy.close();
  });

  // The records of three events begin at 2,501, 2,504, 2,507 …; a record's time is that of its first event's number.
  for (const [what, options, seq, records] of [
    ['an event', { toSeq: 1_234 }, 1_234, 1_234],
    ['the last event of a record', { toSeq: 2_506 }, 2_506, 2_502],
    ['an event within a record, which it leaves out', { toSeq: 2_508 }, 2_506, 2_502],
    ['an event in the first record of a part that is read at once', { toSeq: 1_001 }, 1_001, 1_001],
    ['the time of a record', { toTime: 1_700_000_002_504 }, 2_506, 2_502],
    ['a time between two records', { toTime: 1_700_000_002_506 }, 2_506, 2_502],
    ['the earlier of both', { toSeq: 2_600, toTime: 1_700_000_000_017 }, 17, 17],
    ['a time before the first record', { toTime: 1_700_000_000_000 }, 0, 0],
  ] as const) {
    test(`goes up to ${what}`, () => {
      assert.deepEqual(copyJournal(from, to, options), { seq, time: records === 0 ? 0 : RECORDS[records - 1]!.time });
      assert.deepEqual(copied(), RECORDS.slice(0, records));
    });
  }

  test('holds up neither who appends meanwhile nor the end of the write-ahead log', () => {
    const other = new DatabaseSync(from);
    const { seq } = copyJournal(from, to, {
      onProgress(done) {
        if (done === 1_000) source.append([record(LAST + 1)]);
        const { busy, log } = other.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number; log: number };
        assert.deepEqual([busy, log], [0, 0]);
      },
    });
    other.close();
    assert.ok(seq >= LAST);
    assert.deepEqual(copied().slice(0, RECORDS.length), RECORDS);
  });

  test('of an older format is of that format', () => {
    source.close();
    sql('PRAGMA user_version = 1');
    copyJournal(from, to);
    const copy = new JournalFile(to, { readOnly: true });
    assert.equal(copy.format(), 1);
    copy.close();
  });

  for (const [what, damage, seq, message] of [
    ['was changed', "UPDATE records SET body = '{}' WHERE seq = 1234", 1_234, /record at event 1234 does not match its checksum/],
    ['is missing', 'DELETE FROM records WHERE seq = 2504', 2_504, /events 2504 to 2506 are missing/],
  ] as const) {
    test(`is refused where a record ${what}, and can be had up to the record before`, () => {
      sql(damage);
      assert.throws(() => copyJournal(from, to), (error) => error instanceof JournalCorruptError && error.seq === seq && message.test(error.message));
      rmSync(to);
      const good = RECORDS.filter((one) => one.seq < seq);
      assert.equal(copyJournal(from, to, { toSeq: seq - 1 }).seq, seq - 1);
      assert.deepEqual(copied(), good);
    });
  }

  test('does not take the place of a file that is there', () => {
    copyJournal(from, to);
    assert.throws(() => copyJournal(from, to), /EEXIST/);
    assert.ok(existsSync(to));
  });
});
