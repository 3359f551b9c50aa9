/** What every journal must do, as tests. Each adapter's test file runs this suite on its own harness. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Seq } from '../engine/units.ts';
import { JournalConflictError, JournalCorruptError, JournalUnavailableError } from './errors.ts';
import type { Journal, JournalRecord, Snapshot } from './journal.ts';

/** One place where a journal is stored, opened again and again, and damaged in between (while closed). */
export interface JournalHarness {
  open(): Promise<Journal>;
  corruptRecord(seq: Seq): void;
  removeRecord(seq: Seq): void;
  /** From now on appends fail, until `mend`. */
  fillDisk(): void;
  mend(): void;
  dispose(): void;
}

export function record(seq: Seq, count = 1, extra: Partial<JournalRecord> = {}): JournalRecord {
  return { seq, count, time: 1_700_000_000_000 + seq, key: '', fingerprint: '', body: JSON.stringify({ events: [`event ${seq} für €`] }), ...extra };
}

const snapshot = (seq: Seq): Snapshot => ({ seq, time: 1_700_000_000_000 + seq, stateHash: `hash${seq}`, bytes: new Uint8Array(10_000).fill(seq) });

export function journalContract(name: string, create: () => JournalHarness): void {
  describe(`${name}: the journal`, () => {
    let harness: JournalHarness;
    let journal: Journal;
    const reopen = async (between: () => void = () => {}): Promise<void> => {
      await journal.close();
      between();
      journal = await harness.open();
    };
    beforeEach(async () => {
      harness = create();
      journal = await harness.open();
    });
    afterEach(async () => {
      await journal.close();
      harness.dispose();
    });

    test('is empty at first', async () => {
      assert.equal(journal.lastSeq, 0);
      assert.deepEqual(await journal.read(0, 10), []);
      assert.equal(await journal.recordAt(1), undefined);
      assert.deepEqual(await journal.snapshots(), []);
    });

    test('gives back what was appended, also after it was opened again', async () => {
      const records = [record(1, 2, { key: '7:abc', fingerprint: 'f1' }), record(3), record(4, 50), record(54)];
      await journal.append(records.slice(0, 1));
      await journal.append(records.slice(1));
      assert.equal(journal.lastSeq, 54);
      assert.deepEqual(await journal.read(0, 10), records);
      await reopen();
      assert.equal(journal.lastSeq, 54);
      assert.deepEqual(await journal.read(0, 10), records);
      await journal.append([record(55)]);
      assert.deepEqual(await journal.read(54, 10), [record(55)]);
    });

    test('stores appends in the order in which they were given, without waiting between them', async () => {
      const records = Array.from({ length: 40 }, (_, i) => record(i + 1));
      const appends = records.map((one) => journal.append([one]));
      await Promise.all(appends);
      assert.equal(journal.lastSeq, 40);
      assert.deepEqual(await journal.read(0, 100), records);
    });

    test('takes nothing behind an append that failed', async () => {
      await journal.append([record(1)]);
      await reopen(() => harness.fillDisk());
      const appends: Promise<void>[] = [];
      // Large enough that the disk is full before the last.
      for (let seq = 2; seq <= 200; seq++) appends.push(journal.append([record(seq, 1, { body: 'x'.repeat(20_000) })]));
      const outcomes = (await Promise.allSettled(appends)).map(({ status }) => status);
      const firstFailure = outcomes.indexOf('rejected');
      assert.notEqual(firstFailure, -1);
      assert.ok(outcomes.slice(firstFailure).every((status) => status === 'rejected'));
      await reopen(() => harness.mend());
      assert.equal(journal.lastSeq, 1 + firstFailure);
    });

    test('reads from the record that holds the next event, at most `limit`', async () => {
      const records = [record(1), record(2, 3), record(5), record(6)];
      await journal.append(records);
      assert.deepEqual(await journal.read(2, 2), records.slice(1, 3));
      assert.deepEqual(await journal.read(4, 10), records.slice(2));
      assert.deepEqual(await journal.read(6, 10), []);
    });

    test('finds the record of any event', async () => {
      const records = [record(1), record(2, 3), record(5)];
      await journal.append(records);
      for (const [seq, index] of [[1, 0], [2, 1], [3, 1], [4, 1], [5, 2]] as const) assert.deepEqual(await journal.recordAt(seq), records[index]);
      assert.equal(await journal.recordAt(6), undefined);
    });

    test('refuses records that do not continue it, and stores none of them', async () => {
      await journal.append([record(1, 2)]);
      for (const wrong of [[record(1)], [record(2)], [record(4)], [record(3), record(5)], [record(3, 0)]]) {
        await assert.rejects(journal.append(wrong), JournalConflictError);
      }
      assert.equal(journal.lastSeq, 2);
      assert.deepEqual(await journal.read(0, 10), [record(1, 2)]);
      await journal.append([record(3)]);
      assert.equal(journal.lastSeq, 3);
    });

    test('names the record that was changed', async () => {
      await journal.append([record(1), record(2), record(3)]);
      await reopen(() => harness.corruptRecord(2));
      const named = (error: unknown): boolean => error instanceof JournalCorruptError && error.seq === 2;
      await assert.rejects(journal.read(0, 10), named);
      await assert.rejects(journal.recordAt(2), named);
      assert.deepEqual(await journal.read(0, 1), [record(1)]);
    });

    test('names the events that are missing', async () => {
      await journal.append([record(1), record(2, 4), record(6)]);
      await reopen(() => harness.removeRecord(2));
      for (const after of [0, 1, 3]) await assert.rejects(journal.read(after, 10), (error) => error instanceof JournalCorruptError && error.seq === 2);
      assert.equal(await journal.recordAt(3), undefined);
    });

    test('takes nothing more after a failed append, and works when it is opened again', async () => {
      await journal.append([record(1)]);
      harness.fillDisk();
      await reopen();
      await assert.rejects(journal.append([record(2, 1, { body: 'x'.repeat(8_000_000) })]), JournalUnavailableError);
      await assert.rejects(journal.append([record(2)]), JournalUnavailableError);
      harness.mend();
      await reopen();
      assert.deepEqual(await journal.read(0, 10), [record(1)]);
      await journal.append([record(2)]);
      assert.equal(journal.lastSeq, 2);
    });

    test('refuses everything after it was closed', async () => {
      await journal.close();
      await assert.rejects(journal.append([record(1)]), JournalUnavailableError);
      await assert.rejects(journal.read(0, 1), JournalUnavailableError);
      journal = await harness.open();
    });

    test('keeps the newest snapshots, listed newest first', async () => {
      for (const seq of [10, 20, 30, 40, 50]) await journal.saveSnapshot(snapshot(seq));
      await reopen();
      const { bytes, ...head } = snapshot(50);
      const [first, ...others] = await journal.snapshots();
      assert.deepEqual(first, head);
      assert.deepEqual(others.map((other) => other.seq), [40, 30]);
      const loaded = await journal.loadSnapshot(50);
      assert.deepEqual({ ...loaded, bytes: undefined }, { ...head, bytes: undefined });
      assert.deepEqual(Buffer.from(loaded.bytes), Buffer.from(bytes));
    });
  });
}
