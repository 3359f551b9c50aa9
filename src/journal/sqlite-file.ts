/** The journal's file: schema, append and checked reads, synchronous. For threads that may block: the journal's worker, the projector, tools. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Millis, Seq } from '../engine/units.ts';
import { FIRST_CRC, assertContinues, strip, verifyChain, verifyNext, type StoredRecord } from './chain.ts';
import { JournalConflictError, JournalCorruptError, JournalUnavailableError } from './errors.ts';
import { endOf, type JournalRecord } from './journal.ts';
import { SQLITE_CONSTRAINT, SQLITE_CORRUPT, SQLITE_FULL, SQLITE_NOTADB, sqliteCode } from '../utils/sqlite-errors.ts';
import { RecordInserts } from './sqlite-insert.ts';

/** 2: bodies as `sequencer/event-rows.ts` has them, which versions that know format 1 alone cannot read. Tables and all else are the same. */
const FORMAT = 2;
const OLDEST_FORMAT = 1;
export const JOURNAL_SCHEMA = `
  CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    time INTEGER NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    body TEXT NOT NULL,
    crc INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS records_key ON records (key) WHERE key <> '';
  CREATE TABLE IF NOT EXISTS probe (body BLOB NOT NULL) STRICT;
`;
/** What must be writable when the journal is opened. Its pages are free afterwards: a small reserve. */
const PROBE_BYTES = 256 * 1024;
const CHECKPOINT_PAGES = 4_000;
const BUSY_TIMEOUT_MS = 5_000;

export interface JournalFileOptions {
  readonly readOnly?: boolean;
  /** Upper bound of the file in pages of 4 KiB: how tests fill the disk. */
  readonly maxPages?: number;
}

export type RecordHead = Pick<JournalRecord, 'seq' | 'count' | 'time'>;

interface Tail {
  readonly seq: Seq;
  readonly count: number;
  readonly crc: number;
}

export function journalPath(directory: string): string {
  return join(directory, 'journal.db');
}

export class JournalFile {
  readonly #db: DatabaseSync;
  readonly #inserts: RecordInserts | undefined;
  readonly #tail: StatementSync;
  readonly #before: StatementSync;
  readonly #containing: StatementSync;
  readonly #range: StatementSync;
  readonly #rows: StatementSync;

  /** Throws JournalUnavailableError (cannot be opened or written) or JournalCorruptError (not a journal). */
  constructor(path: string, options: JournalFileOptions = {}) {
    const readOnly = options.readOnly === true;
    this.#db = guard('open', () => openDatabase(path, readOnly, options.maxPages));
    const columns = 'seq, count, time, key, fingerprint, body, crc';
    const prepare = (sql: string): StatementSync => this.#db.prepare(sql);
    try {
      this.#inserts = readOnly ? undefined : new RecordInserts(this.#db);
      this.#tail = prepare('SELECT seq, count, crc FROM records ORDER BY seq DESC LIMIT 1');
      this.#before = prepare('SELECT seq, count, crc FROM records WHERE seq < ? ORDER BY seq DESC LIMIT 1');
      this.#containing = prepare(`SELECT ${columns} FROM records WHERE seq <= ? ORDER BY seq DESC LIMIT 1`);
      this.#range = prepare(`SELECT ${columns} FROM records WHERE seq >= ? ORDER BY seq LIMIT ?`);
      this.#rows = prepare(`SELECT ${columns} FROM records WHERE seq >= ? ORDER BY seq LIMIT ?`);
      // A third of the time that objects take, where a whole journal is gone through.
      this.#rows.setReturnArrays(true);
    } catch (error) {
      this.#db.close();
      throw translate('open', error);
    }
  }

  /** Which versions can read it. */
  format(): number {
    return guard('read', () => formatOf(this.#db));
  }

  /** Seq of the last stored event, 0 when empty. */
  lastSeq(): Seq {
    return guard('read', () => seqAt(this.#tailRow()));
  }

  /** All or none, durable on return. Returns the seq of the last stored event. Throws JournalConflictError, JournalUnavailableError. */
  append(records: readonly JournalRecord[]): Seq {
    return guard('append', () => {
      this.#db.exec('BEGIN IMMEDIATE');
      try {
        const tail = this.#tailRow();
        const lastSeq = assertContinues(records, seqAt(tail));
        this.#inserts!.run(records, tail?.crc ?? FIRST_CRC);
        this.#db.exec('COMMIT');
        return lastSeq;
      } catch (error) {
        if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
        throw error;
      }
    });
  }

  /** Records that hold events > afterSeq, at most `limit`, checked. Throws JournalCorruptError. */
  read(afterSeq: Seq, limit: number): JournalRecord[] {
    return guard('read', () => {
      const first = this.#containing.get(afterSeq + 1) as StoredRecord | undefined;
      const start = first !== undefined && first.seq + first.count > afterSeq + 1 ? first.seq : afterSeq + 1;
      const rows = this.#range.all(start, limit) as unknown as StoredRecord[];
      const previous = this.#before.get(start) as Tail | undefined;
      if (rows.length > 0) verifyChain(rows, seqAt(previous) + 1, previous?.crc ?? FIRST_CRC);
      return rows.map(strip);
    });
  }

  /** As `read`, after the last event of a record, of whose records only this much is wanted: several times as fast. Throws JournalCorruptError. */
  heads(afterSeq: Seq, limit: number): RecordHead[] {
    return guard('read', () => {
      const rows = this.#rows.all(afterSeq + 1, limit) as unknown as [seq: Seq, count: number, time: Millis, key: string, fingerprint: string, body: string, crc: number][];
      const previous = rows.length === 0 ? undefined : (this.#before.get(afterSeq + 1) as Tail | undefined);
      let last = seqAt(previous);
      let crc = previous?.crc ?? FIRST_CRC;
      return rows.map(([seq, count, time, key, fingerprint, body, stored]) => {
        crc = verifyNext({ seq, count, time, key, fingerprint, body, crc: stored }, last + 1, crc);
        const head: RecordHead = { seq, count, time };
        last = endOf(head);
        return head;
      });
    });
  }

  /** The record that holds event `seq`, checked. */
  recordAt(seq: Seq): JournalRecord | undefined {
    return guard('read', () => {
      const row = this.#containing.get(seq) as StoredRecord | undefined;
      if (row === undefined || row.seq + row.count <= seq) return undefined;
      const previous = this.#before.get(row.seq) as Tail | undefined;
      verifyChain([row], row.seq, previous?.crc ?? FIRST_CRC);
      return strip(row);
    });
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #tailRow(): Tail | undefined {
    return this.#tail.get() as Tail | undefined;
  }
}

/** Of the last event up to there; 0 where there is none. */
function seqAt(tail: Tail | undefined): Seq {
  return tail === undefined ? 0 : endOf(tail);
}

function openDatabase(path: string, readOnly: boolean, maxPages: number | undefined): DatabaseSync {
  // Created by us, so that it and the files SQLite makes beside it (same mode) are private from the first byte.
  if (!readOnly) closeSync(openSync(path, 'a', 0o600));
  const db = new DatabaseSync(path, { readOnly, timeout: BUSY_TIMEOUT_MS });
  try {
    if (!readOnly) {
      db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
      if (maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${maxPages}`);
      db.exec(JOURNAL_SCHEMA);
      checkFormat(db, true);
      db.exec(`INSERT INTO probe VALUES (zeroblob(${PROBE_BYTES})); DELETE FROM probe`);
    } else {
      checkFormat(db, false);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Who writes marks a new or older journal as of this format, before the first record that an earlier version could not read. */
function checkFormat(db: DatabaseSync, writes: boolean): void {
  const format = formatOf(db);
  const isNew = format === 0 && writes;
  if (!isNew && (format < OLDEST_FORMAT || format > FORMAT)) throw new JournalCorruptError(`the journal has format ${format}; this version reads formats ${OLDEST_FORMAT} to ${FORMAT}`, 0);
  if (writes && format !== FORMAT) db.exec(`PRAGMA user_version = ${FORMAT}`);
}

function formatOf(db: DatabaseSync): number {
  return (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
}

function guard<T>(operation: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw translate(operation, error);
  }
}

function translate(operation: string, error: unknown): Error {
  if (error instanceof JournalConflictError || error instanceof JournalCorruptError || error instanceof JournalUnavailableError) return error;
  const { message } = error as { message?: string };
  switch (sqliteCode(error)) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return new JournalCorruptError(`the journal's file is damaged (${message})`, 0, error);
    case SQLITE_CONSTRAINT:
      return new JournalConflictError(`another writer has already stored these events (${message})`);
    case SQLITE_FULL:
      return new JournalUnavailableError(`no space left for the journal (${message})`, error);
    default:
      return new JournalUnavailableError(`the journal failed to ${operation} (${message})`, error);
  }
}
