/** The thread of the projector: reads the journal's file itself, so that history costs the serving thread nothing but a number. Told how far the journal is, tells how far the collections are. */
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { Millis, Seq } from '../engine/units.ts';
import { JournalFile, journalPath } from '../journal/sqlite-file.ts';
import { SqliteDatabase } from '../models/sqlite.ts';
import { yieldToOthers } from '../utils/thread-priority.ts';
import { Projector } from './projector.ts';

export interface ProjectorThreadData {
  readonly directory: string;
  /** Most time that a batch waits for company. */
  readonly lingerMs: Millis;
  readonly sweepMs: Millis;
}

export type ProjectorRequest =
  /** The journal holds everything up to here. */
  | { readonly type: 'committed'; readonly seq: Seq }
  | { readonly type: 'rebuild' }
  | { readonly type: 'close' };

export type ProjectorReport =
  /** `builds`: how many times everything was built anew. */
  | { readonly type: 'progress'; readonly checkpoint: Seq; readonly builds: number; readonly events: number; readonly seconds: number }
  /** Nothing was written; it tries again. */
  | { readonly type: 'failed'; readonly message: string };

const SWEEP_LIMIT = 500;
const RETRY_MS = 500;
const CACHE_MIB = 64;
/** Least wait between two batches, and how much longer than the last batch took: so the thread works at most a third of the time, until it falls behind. */
const LINGER_MIN_MS = 2;
const LINGER_FACTOR = 2;

class ProjectorLoop {
  readonly #port: NonNullable<typeof parentPort>;
  readonly #database: SqliteDatabase;
  readonly #file: JournalFile;
  readonly #projector: Projector;
  readonly #lingerMs: Millis;
  readonly #sweeper: NodeJS.Timeout;
  #target: Seq;
  #builds = 0;
  /** A batch is about to run. */
  #scheduled = false;
  #closed = false;
  /** Not before this. */
  #nextAt = 0;

  constructor(port: NonNullable<typeof parentPort>, { directory, lingerMs, sweepMs }: ProjectorThreadData) {
    this.#port = port;
    this.#lingerMs = lingerMs;
    this.#database = new SqliteDatabase(join(directory, 'projections.db'), { durable: false, cacheMiB: CACHE_MIB });
    this.#file = new JournalFile(journalPath(directory), { readOnly: true });
    this.#projector = new Projector({ database: this.#database, source: this.#file });
    this.#target = this.#file.lastSeq();
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs);
    port.on('message', (request: ProjectorRequest) => this.#handle(request));
    this.#report(0, 0);
    this.#wake();
  }

  #handle(request: ProjectorRequest): void {
    switch (request.type) {
      case 'committed':
        this.#target = Math.max(this.#target, request.seq);
        return this.#wake();
      case 'rebuild':
        this.#projector.rebuild();
        this.#builds++;
        this.#report(0, 0);
        return this.#wake();
      case 'close':
        return this.#close();
    }
  }

  /** A single command is projected at once; while many come, batches wait a moment for company; what fills whole batches is behind and waits for nothing. */
  #wake(): void {
    if (this.#scheduled || this.#projector.checkpoint >= this.#target) return;
    const wait = this.#projector.full ? 0 : this.#nextAt - performance.now();
    this.#schedule(wait);
  }

  #schedule(wait: Millis): void {
    this.#scheduled = true;
    if (wait < 1) setImmediate(() => this.#run());
    else setTimeout(() => this.#run(), wait);
  }

  #run(): void {
    this.#scheduled = false;
    if (this.#closed) return;
    const startedAt = performance.now();
    try {
      const events = this.#projector.step();
      const endedAt = performance.now();
      this.#nextAt = endedAt + Math.min(this.#lingerMs, Math.max(LINGER_MIN_MS, LINGER_FACTOR * (endedAt - startedAt)));
      this.#report(events, (endedAt - startedAt) / 1000);
      if (events > 0) this.#wake();
    } catch (error) {
      this.#port.postMessage({ type: 'failed', message: (error as Error).message } satisfies ProjectorReport);
      this.#schedule(RETRY_MS);
    }
  }

  #report(events: number, seconds: number): void {
    this.#port.postMessage({ type: 'progress', checkpoint: this.#projector.checkpoint, builds: this.#builds, events, seconds } satisfies ProjectorReport);
  }

  #sweep(): void {
    try {
      while (this.#database.sweep(Date.now(), SWEEP_LIMIT) >= SWEEP_LIMIT);
    } catch {
      // Busy or full: the next round tries again, and a full disk shows in `failed`.
    }
  }

  #close(): void {
    this.#closed = true;
    clearInterval(this.#sweeper);
    this.#database.close();
    this.#file.close();
    this.#port.close();
  }
}

if (parentPort !== null) {
  yieldToOthers();
  new ProjectorLoop(parentPort, workerData as ProjectorThreadData);
}
