/** The thread of the projector: reads the journal's file itself, so that history costs the serving thread nothing but a number. Told how far the journal is, tells how far the collections are. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Millis, Seq } from '../engine/units.ts';
import { JournalFile, journalPath } from '../journal/sqlite-file.ts';
import { isDamage, notOpened, wordsForDamage } from '../models/damage.ts';
import { openStoreFile, type SqliteDatabase } from '../models/sqlite.ts';
import { wallTime } from '../utils/clock.ts';
import { sweepEvery } from '../models/sweeper.ts';
import { joinBackground } from '../utils/cpus.ts';
import { yieldToOthers } from '../utils/thread-priority.ts';
import { Projector } from './projector.ts';

export interface ProjectorThreadData {
  readonly directory: string;
  /** Most time that a batch waits for company. */
  readonly lingerMs: Millis;
  readonly sweepMs: Millis;
  /** What has expired by then is swept. Default now. */
  readonly sweepAt?: Millis | undefined;
}

export type ProjectorRequest =
  /** The journal holds everything up to here. Answered by a report, at once or after the next batch. */
  | { readonly type: 'committed'; readonly seq: Seq }
  /** Somebody waits for the collections to be this far. */
  | { readonly type: 'wanted'; readonly seq: Seq }
  | { readonly type: 'close' };

export type ProjectorReport =
  | { readonly type: 'progress'; readonly checkpoint: Seq; readonly events: number; readonly seconds: number }
  /** Nothing was written; it tries again. */
  | { readonly type: 'failed'; readonly message: string };

const FILE = 'projections.db';
const SWEEP_LIMIT = 500;
const RETRY_MS = 500;
const CACHE_MIB = 64;
/** Least wait between two batches, and how much longer than the last batch took: so the thread works at most a third of the time, until it falls behind. */
const LINGER_MIN_MS = 2;
const LINGER_FACTOR = 2;
/** While nobody waits for the collections, batches are this far apart: large ones cost much less per event, and those who trade need the processor more. */
const LAZY_MS = 500;
/** Further behind than this it does not get for laziness: it is about what can be caught up on within a second. */
const LAZY_EVENTS = 50_000;

class ProjectorLoop {
  readonly #port: NonNullable<typeof parentPort>;
  readonly #database: SqliteDatabase;
  readonly #file: JournalFile;
  readonly #projector: Projector;
  readonly #lingerMs: Millis;
  readonly #stopSweeping: () => void;
  #target: Seq;
  #wanted: Seq = 0;
  /** The batch that is about to run. */
  #scheduled: NodeJS.Timeout | NodeJS.Immediate | undefined;
  #scheduledAt = 0;
  #closed = false;
  /** Not before this, when somebody waits; not before that, when nobody does. */
  #nextAt = 0;
  #lazyAt = 0;

  constructor(port: NonNullable<typeof parentPort>, { directory, lingerMs, sweepMs, sweepAt }: ProjectorThreadData) {
    this.#port = port;
    this.#lingerMs = lingerMs;
    this.#database = openStoreFile(directory, FILE, { cacheMiB: CACHE_MIB });
    this.#file = new JournalFile(journalPath(directory), { readOnly: true });
    this.#projector = this.#begin(directory);
    this.#target = this.#file.lastSeq();
    // A full disk shows in `failed`.
    this.#stopSweeping = sweepEvery(sweepMs, () => this.#database.sweep(sweepAt ?? wallTime(), SWEEP_LIMIT) >= SWEEP_LIMIT);
    port.on('message', (request: ProjectorRequest) => this.#handle(request));
    this.#report(0, 0);
    this.#wake();
  }

  #begin(directory: string): Projector {
    try {
      return new Projector({ database: this.#database, source: this.#file });
    } catch (error) {
      throw isDamage(error) ? notOpened(error as Error, directory, FILE) : error;
    }
  }

  #handle(request: ProjectorRequest): void {
    switch (request.type) {
      case 'committed':
        this.#target = Math.max(this.#target, request.seq);
        // It had read that far by itself: nothing will happen that would be reported.
        if (this.#projector.checkpoint >= this.#target) return this.#report(0, 0);
        return this.#wake();
      case 'wanted':
        this.#wanted = Math.max(this.#wanted, request.seq);
        this.#target = Math.max(this.#target, request.seq);
        return this.#wake();
      case 'close':
        return this.#close();
    }
  }

  /**
   * A single command is projected at once. While many come, batches wait for company: a moment when somebody waits for them, longer when nobody does. What fills
   * whole batches is behind and waits for nothing.
   */
  #wake(): void {
    const { checkpoint, full } = this.#projector;
    if (checkpoint >= this.#target) return;
    const needed = checkpoint < this.#wanted || this.#target - checkpoint > LAZY_EVENTS;
    this.#schedule(needed ? (full ? 0 : this.#nextAt) : this.#lazyAt);
  }

  /** At the earliest of the times asked for. */
  #schedule(at: number): void {
    if (this.#scheduled !== undefined) {
      if (at >= this.#scheduledAt) return;
      clearTimeout(this.#scheduled as NodeJS.Timeout);
      clearImmediate(this.#scheduled as NodeJS.Immediate);
    }
    this.#scheduledAt = at;
    const wait = at - performance.now();
    this.#scheduled = wait < 1 ? setImmediate(() => this.#run()) : setTimeout(() => this.#run(), wait);
  }

  #run(): void {
    this.#scheduled = undefined;
    if (this.#closed) return;
    const startedAt = performance.now();
    try {
      const events = this.#projector.step();
      const endedAt = performance.now();
      this.#nextAt = endedAt + Math.min(this.#lingerMs, Math.max(LINGER_MIN_MS, LINGER_FACTOR * (endedAt - startedAt)));
      this.#lazyAt = endedAt + LAZY_MS;
      this.#report(events, (endedAt - startedAt) / 1000);
      if (events > 0) this.#wake();
    } catch (error) {
      const message = isDamage(error) ? wordsForDamage(FILE, FILE, error) : (error as Error).message;
      this.#port.postMessage({ type: 'failed', message } satisfies ProjectorReport);
      this.#schedule(performance.now() + RETRY_MS);
    }
  }

  #report(events: number, seconds: number): void {
    this.#port.postMessage({ type: 'progress', checkpoint: this.#projector.checkpoint, events, seconds } satisfies ProjectorReport);
  }

  #close(): void {
    this.#closed = true;
    this.#stopSweeping();
    this.#database.close();
    this.#file.close();
    this.#port.close();
  }
}

if (parentPort !== null) {
  yieldToOthers();
  joinBackground();
  new ProjectorLoop(parentPort, workerData as ProjectorThreadData);
}
