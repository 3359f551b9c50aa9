/** The chain that makes a journal's damage visible: each record's CRC-32 is seeded by the one before it, so a changed, missing or swapped record breaks all that follow. */
import { crc32 } from 'node:zlib';
import type { Seq } from '../engine/units.ts';
import { JournalConflictError, JournalCorruptError } from './errors.ts';
import type { JournalRecord } from './journal.ts';

export interface StoredRecord extends JournalRecord {
  readonly crc: number;
}

/** Of the record before the first. */
export const FIRST_CRC = 0;

export function recordCrc(record: JournalRecord, previous: number): number {
  const head = crc32(`${record.seq} ${record.count} ${record.time} ${record.key.length} ${record.key} ${record.fingerprint} `, previous);
  return crc32(record.body, head);
}

export function strip({ seq, count, time, key, fingerprint, body }: StoredRecord): JournalRecord {
  return { seq, count, time, key, fingerprint, body };
}

/** Checks that `records` continue `lastSeq` without a gap, and returns where they end. Throws JournalConflictError. */
export function assertContinues(records: readonly JournalRecord[], lastSeq: Seq): Seq {
  let expected = lastSeq + 1;
  for (const record of records) {
    if (record.seq !== expected) throw new JournalConflictError(`the journal ends at event ${expected - 1}, but the append starts at ${record.seq}`);
    if (record.count < 1) throw new JournalConflictError(`the record at event ${record.seq} holds no event`);
    expected += record.count;
  }
  return expected - 1;
}

/** Checks continuity and checksums of stored records that follow the record with `previousCrc`. Throws JournalCorruptError. */
export function verifyChain(records: readonly StoredRecord[], firstSeq: Seq, previousCrc: number): void {
  let expected = firstSeq;
  let crc = previousCrc;
  for (const record of records) {
    crc = verifyNext(record, expected, crc);
    expected += record.count;
  }
}

/** Checks that a stored record begins with event `expected` and follows the record with `previousCrc`; returns its checksum. Throws JournalCorruptError. */
export function verifyNext(record: StoredRecord, expected: Seq, previousCrc: number): number {
  if (record.seq !== expected) throw new JournalCorruptError(`events ${expected} to ${record.seq - 1} are missing from the journal`, expected);
  const crc = recordCrc(record, previousCrc);
  if (crc !== record.crc) throw new JournalCorruptError(`the journal record at event ${record.seq} does not match its checksum`, record.seq);
  return crc;
}
