/** The embedded journal: one SQLite file in the data directory, written by its own thread, and snapshots beside it. After a failed append it takes nothing more: reopen it. */
import { existsSync, mkdirSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Seq } from '../engine/units.ts';
import type { Logger } from '../observability/logger.ts';
import { JournalConflictError, JournalCorruptError, JournalUnavailableError } from './errors.ts';
import { flatten } from './flat-records.ts';
import { KEEP_SNAPSHOTS, type Journal, type JournalRecord, type Snapshot } from './journal.ts';
import { SnapshotFiles, type SnapshotHead } from './snapshot-files.ts';
import { journalPath } from './sqlite-file.ts';
import type { WorkerReply, WorkerRequest, WorkerSettings } from './sqlite-worker.ts';

export interface SqliteJournalOptions {
  readonly directory: string;
  readonly logger: Logger;
  /** Upper bound of the file in pages of 4 KiB: how tests fill the disk. */
  readonly maxPages?: number;
  /** Something is there that was made from a journal: do not begin a new one. So also where there are snapshots. */
  readonly mustExist?: boolean;
}

type Ask = WorkerRequest extends infer R ? (R extends { readonly id: number } ? Omit<R, 'id'> : never) : never;
interface Waiting {
  readonly resolve: (records: readonly JournalRecord[]) => void;
  readonly reject: (error: Error) => void;
}

/** The caller holds the directory's lock. Throws JournalUnavailableError, JournalCorruptError. */
export async function openSqliteJournal(options: SqliteJournalOptions): Promise<Journal> {
  mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  const files = new SnapshotFiles(options.directory, KEEP_SNAPSHOTS, options.logger);
  if (!existsSync(journalPath(options.directory)) && (options.mustExist === true || (await files.any()))) {
    throw new JournalCorruptError(`${journalPath(options.directory)} is not there, but snapshots or collections that were made from it are`, 1);
  }
  const journal = new SqliteJournal(options, files);
  await journal.opened;
  return journal;
}

class SqliteJournal implements Journal {
  /** Settles when the worker has opened the file. */
  readonly opened: Promise<unknown>;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #files: SnapshotFiles;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #lastSeq: Seq = 0;
  #broken: JournalUnavailableError | undefined;

  constructor(options: SqliteJournalOptions, files: SnapshotFiles) {
    this.#files = files;
    const settings: WorkerSettings = { path: journalPath(options.directory), maxPages: options.maxPages };
    this.#worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), { workerData: settings, name: 'journal' });
    this.opened = this.#expect(0);
    this.#worker.on('message', (replies: readonly WorkerReply[]) => {
      for (const reply of replies) this.#settle(reply);
    });
    this.#worker.on('error', (error) => this.#break(new JournalUnavailableError(`the journal's thread failed (${error.message})`, error)));
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#break(new JournalUnavailableError('the journal is closed'));
        resolve();
      });
    });
    this.opened.catch(() => void this.#worker.terminate());
  }

  get lastSeq(): Seq {
    return this.#lastSeq;
  }

  async append(records: readonly JournalRecord[]): Promise<void> {
    if (records.length === 0) return;
    try {
      await this.#ask({ type: 'append', records: flatten(records) });
    } catch (error) {
      if (error instanceof JournalUnavailableError) this.#broken ??= error;
      throw error;
    }
  }

  async read(afterSeq: Seq, limit: number): Promise<JournalRecord[]> {
    return [...(await this.#ask({ type: 'read', afterSeq, limit }))];
  }

  async recordAt(seq: Seq): Promise<JournalRecord | undefined> {
    return (await this.#ask({ type: 'record_at', seq }))[0];
  }

  saveSnapshot(snapshot: Snapshot): Promise<void> {
    return this.#files.save(snapshot);
  }

  snapshots(): Promise<readonly SnapshotHead[]> {
    return this.#files.list();
  }

  loadSnapshot(seq: Seq): Promise<Snapshot> {
    return this.#files.load(seq);
  }

  async close(): Promise<void> {
    if (this.#broken === undefined) await this.#ask({ type: 'close' });
    else await this.#worker.terminate();
    await this.#exited;
  }

  #ask(request: Ask): Promise<readonly JournalRecord[]> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    const id = this.#nextId++;
    const answer = this.#expect(id);
    this.#worker.postMessage({ ...request, id });
    return answer;
  }

  #expect(id: number): Promise<readonly JournalRecord[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly JournalRecord[]>();
    this.#waiting.set(id, { resolve, reject });
    return promise;
  }

  #settle(reply: WorkerReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    this.#lastSeq = reply.lastSeq;
    if (waiting === undefined) return;
    if (reply.ok) waiting.resolve(reply.value);
    else waiting.reject(asError(reply));
  }

  #break(error: JournalUnavailableError): void {
    this.#broken ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#broken);
    this.#waiting.clear();
  }
}

function asError(reply: WorkerReply & { readonly ok: false }): Error {
  switch (reply.failure.kind) {
    case 'conflict':
      return new JournalConflictError(reply.message);
    case 'corrupt':
      return new JournalCorruptError(reply.message, reply.failure.seq);
    case 'unavailable':
      return new JournalUnavailableError(reply.message);
  }
}
