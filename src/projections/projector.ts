/**
 * Carries the collections from the journal's events: reads records after the checkpoint, folds them, and writes documents and checkpoint as
 * one. A crash between two batches costs nothing: what was not written is read again. Synchronous; `projector-thread.ts` drives it.
 */
import type { Seq } from '../engine/units.ts';
import { endOf, type JournalRecord } from '../journal/journal.ts';
import type { CollectionSpec } from '../models/collection.ts';
import type { SqliteDatabase } from '../models/sqlite.ts';
import { readStored } from '../models/stored.ts';
import type { SqliteTable } from '../models/table.ts';
import type { Logger } from '../observability/logger.ts';
import { decodeBody } from '../sequencer/record.ts';
import { Collections } from './collections.ts';

/** Raise it when an event becomes other documents than before, or documents other rows: the collections are then built anew. */
const VERSION = 3;

interface Checkpoint {
  readonly id: 'projector';
  /** Of the last event that the collections reflect. */
  readonly seq: Seq;
  readonly version: number;
}

const checkpoints: CollectionSpec<Checkpoint> = { name: 'checkpoints', indexes: [], projected: true };

/**
 * How far the collections in a data directory are that nobody has opened, 0 where there are none. They are never ahead of what was durable, so a journal that ends
 * earlier has lost events. What cannot be read says nothing: the collections are no part of what must be right for a start.
 */
export function storedCheckpoint(directory: string, logger: Pick<Logger, 'warn'>): Seq {
  try {
    const seq = readStored(directory, checkpoints, 'projector')?.seq ?? 0;
    if (!Number.isSafeInteger(seq)) throw new Error('the checkpoint is no number');
    return seq;
  } catch (error) {
    logger.warn('projections.db could not be read: whether it knows of more events than the journal is not checked', { directory, error });
    return 0;
  }
}

/** The part of the journal's file that is read. */
export interface EventSource {
  /** Records that hold events > afterSeq, in order, at most `limit`. */
  read(afterSeq: Seq, limit: number): readonly JournalRecord[];
  lastSeq(): Seq;
}

export interface ProjectorOptions {
  readonly database: SqliteDatabase;
  readonly source: EventSource;
  /** Bounds of one batch, whichever comes first; of the time spent folding, not writing. */
  readonly maxEvents?: number;
  readonly maxMs?: number;
}

const MAX_EVENTS = 25_000;
const MAX_MS = 200;
const READ_RECORDS = 200;

export class Projector {
  readonly #database: SqliteDatabase;
  readonly #source: EventSource;
  readonly #maxEvents: number;
  readonly #maxMs: number;
  readonly #collections: Collections;
  readonly #checkpoints: SqliteTable<Checkpoint>;
  /** Read and not yet folded. */
  #pending: readonly JournalRecord[] = [];
  #pendingAt = 0;
  #seq: Seq = 0;
  #full = false;

  /** Starts where the stored checkpoint is; from nothing when the collections are of another version or ahead of the journal. */
  constructor(options: ProjectorOptions) {
    this.#database = options.database;
    this.#source = options.source;
    this.#maxEvents = options.maxEvents ?? MAX_EVENTS;
    this.#maxMs = options.maxMs ?? MAX_MS;
    this.#checkpoints = options.database.table(checkpoints);
    this.#collections = new Collections(options.database);
    const stored = this.#checkpoints.get('projector');
    if (stored === undefined || (stored.version === VERSION && stored.seq <= this.#source.lastSeq())) this.#seq = stored?.seq ?? 0;
    else this.#rebuild();
  }

  /** Of the last event that the collections reflect. */
  get checkpoint(): Seq {
    return this.#seq;
  }

  /** Whether the last batch ended because it was full. */
  get full(): boolean {
    return this.#full;
  }

  /** Folds and writes one batch; returns how many events it held, 0 = nothing left to read. Throws what the store or the journal throws, with nothing changed. */
  step(): number {
    const before = this.#seq;
    try {
      const count = this.#fold();
      if (count > 0) this.#commit();
      return count;
    } catch (error) {
      this.#restart(before);
      throw error;
    }
  }

  #fold(): number {
    const until = performance.now() + this.#maxMs;
    let count = 0;
    this.#full = true;
    for (let record = this.#next(); record !== undefined; record = this.#next()) {
      count += this.#foldRecord(record, this.#maxEvents - count);
      if (this.#seq < endOf(record)) return count;
      this.#pendingAt++;
      if (count >= this.#maxEvents || performance.now() >= until) return count;
    }
    this.#full = false;
    return count;
  }

  /** At most `limit` of the record's events: a large one may take several batches. */
  #foldRecord(record: JournalRecord, limit: number): number {
    const { events } = decodeBody(record);
    let count = 0;
    for (const event of events) {
      if (event.seq <= this.#seq) continue;
      if (count === limit) return count;
      if (event.seq !== this.#seq + 1) throw new Error(`event ${event.seq} follows ${this.#seq}: the journal has a gap`);
      this.#collections.apply(event, record.time);
      this.#seq = event.seq;
      count++;
    }
    return count;
  }

  #next(): JournalRecord | undefined {
    if (this.#pendingAt === this.#pending.length) {
      this.#pending = this.#source.read(this.#seq, READ_RECORDS);
      this.#pendingAt = 0;
    }
    return this.#pending[this.#pendingAt];
  }

  #commit(): void {
    this.#database.transaction(() => {
      this.#collections.flush();
      this.#checkpoints.put([{ id: 'projector', seq: this.#seq, version: VERSION }]);
    });
  }

  /** Removes all documents and starts from the first event; `step` does the rest. */
  #rebuild(): void {
    this.#database.transaction(() => {
      this.#collections.clear();
      this.#checkpoints.clear();
    });
    this.#restart(0);
  }

  #restart(seq: Seq): void {
    this.#collections.reset();
    this.#pending = [];
    this.#pendingAt = 0;
    this.#seq = seq;
  }
}
