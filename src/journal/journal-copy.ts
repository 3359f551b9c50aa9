/**
 * Copies a journal, as far as it is wanted, and checks each record against its checksum on the way: a copy is good, or there is none. The original may be written
 * meanwhile, and is held up by nothing: each read is short. Synchronous, for threads that may block.
 */
import { closeSync, fstatSync, fsyncSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { Millis, Seq } from '../engine/units.ts';
import { JournalCorruptError } from './errors.ts';
import { endOf } from './journal.ts';
import { JOURNAL_SCHEMA, JournalFile, type RecordHead } from './sqlite-file.ts';

export interface JournalCopyOptions {
  /** No event after this one, and so no record that only begins before it. Default: as far as the journal goes when the copying begins. */
  readonly toSeq?: Seq;
  /** No record of a later time. */
  readonly toTime?: Millis | undefined;
  /** Called from time to time with the last event copied and the last there is; what it throws ends the copying. */
  readonly onProgress?: (done: Seq, total: Seq) => void;
}

export interface JournalCopied {
  /** Of the last event copied, 0: none. */
  readonly seq: Seq;
  /** Of that event's record. */
  readonly time: Millis;
}

const READ_RECORDS = 1_000;
/** Written out so often that the rest, which waits for the disk at the end, is small, and that others who write to this disk never wait for much. */
const SYNC_BYTES = 16_777_216;
const BUSY_TIMEOUT_MS = 5_000;

/** Makes the file `to` (0600), which must not be there; on disk when it returns. Throws JournalCorruptError, which names the first event that cannot be copied, JournalUnavailableError, and what SQLite throws for `to`. */
export function copyJournal(from: string, to: string, { toSeq = Infinity, toTime = Infinity, onProgress }: JournalCopyOptions = {}): JournalCopied {
  const source = new JournalFile(from, { readOnly: true });
  try {
    const copy = new CopyWriter(from, to, source.format());
    try {
      const total = Math.min(toSeq, source.lastSeq());
      for (const records of checked(source, total)) {
        const end = records.findIndex((record) => endOf(record) > toSeq || record.time > toTime);
        copy.append(end < 0 ? records : records.slice(0, end));
        onProgress?.(copy.seq, total);
        if (end >= 0) break;
      }
      return copy.finish();
    } finally {
      copy.close();
    }
  } finally {
    source.close();
  }
}

/** Where a record is damaged, those before it come one by one, so that each of them can be had. */
function* checked(source: JournalFile, total: Seq): Generator<readonly RecordHead[]> {
  for (let after = 0, limit = READ_RECORDS; after < total; ) {
    let records: readonly RecordHead[];
    try {
      records = source.heads(after, limit);
    } catch (error) {
      if (!(error instanceof JournalCorruptError)) throw error;
      if (limit === 1) throw new JournalCorruptError(error.message, after + 1, error);
      limit = 1;
      continue;
    }
    const last = records.at(-1);
    if (last === undefined) throw new JournalCorruptError(`events ${after + 1} to ${total} are missing from the journal`, after + 1);
    yield records;
    after = endOf(last);
  }
}

/** The file of a journal that nobody else knows yet. Nothing of it is worth anything before all of it is there, so it takes no care of what happens if the process ends. */
class CopyWriter {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  /** Kept open: closing any handle of the file would give up SQLite's locks on it. */
  readonly #file: number;
  #last: RecordHead = { seq: 0, count: 1, time: 0 };
  #syncedBytes = 0;

  constructor(from: string, to: string, format: number) {
    // Made by us, so that it is private from the first byte; SQLite takes a file that is empty.
    this.#file = openSync(to, 'wx', 0o600);
    this.#db = new DatabaseSync(to, { timeout: BUSY_TIMEOUT_MS });
    this.#db.exec('PRAGMA main.journal_mode = OFF; PRAGMA main.synchronous = OFF; PRAGMA main.cache_size = -16384');
    this.#db.exec(JOURNAL_SCHEMA);
    this.#db.exec(`PRAGMA user_version = ${format}`);
    // The rows go over as they are stored, without becoming values of this program again.
    this.#db.prepare('ATTACH ? AS source').run(`${pathToFileURL(from).href}?mode=ro`);
    this.#insert = this.#db.prepare('INSERT INTO main.records SELECT * FROM source.records WHERE seq BETWEEN ? AND ?');
  }

  get seq(): Seq {
    return endOf(this.#last);
  }

  append(records: readonly RecordHead[]): void {
    const last = records.at(-1);
    if (last === undefined) return;
    const { changes } = this.#insert.run(records[0]!.seq, last.seq);
    if (changes !== records.length) throw new JournalCorruptError(`the journal has other records at event ${records[0]!.seq} than a moment ago`, records[0]!.seq);
    this.#last = last;
    if (fstatSync(this.#file).size - this.#syncedBytes >= SYNC_BYTES) this.#sync();
  }

  finish(): JournalCopied {
    this.#db.close();
    this.#sync();
    return { seq: this.seq, time: this.#last.time };
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
    closeSync(this.#file);
  }

  #sync(): void {
    fsyncSync(this.#file);
    this.#syncedBytes = fstatSync(this.#file).size;
  }
}
