/** The thread of the projector: reads the journal's file itself, so that history costs the serving thread nothing but a number. Told how far the journal is, tells how far the collections are. */
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { Millis, Seq } from '../engine/units.ts';
import { JournalFile, journalPath } from '../journal/sqlite-file.ts';
import { SqliteDatabase } from '../models/sqlite.ts';
import { Projector } from './projector.ts';

export interface ProjectorThreadData {
  readonly directory: string;
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

class ProjectorLoop {
  readonly #port: NonNullable<typeof parentPort>;
  readonly #database: SqliteDatabase;
  readonly #file: JournalFile;
  readonly #projector: Projector;
  readonly #lingerMs: Millis;
  readonly #sweeper: NodeJS.Timeout;
  #target: Seq;
  #builds = 0;
  #timer: NodeJS.Timeout | undefined;
  #startedAt = 0;

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

  /** A single command is projected at once; while many come, each batch waits a moment for company. */
  #wake(): void {
    if (this.#timer !== undefined || this.#projector.checkpoint >= this.#target) return;
    this.#timer = setTimeout(() => this.#run(), Math.max(0, this.#startedAt + this.#lingerMs - performance.now()));
  }

  #run(): void {
    this.#timer = undefined;
    this.#startedAt = performance.now();
    try {
      const events = this.#projector.step();
      this.#report(events, (performance.now() - this.#startedAt) / 1000);
      if (events > 0) this.#wake();
    } catch (error) {
      this.#port.postMessage({ type: 'failed', message: (error as Error).message } satisfies ProjectorReport);
      this.#timer = setTimeout(() => this.#run(), RETRY_MS);
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
    clearTimeout(this.#timer);
    clearInterval(this.#sweeper);
    this.#database.close();
    this.#file.close();
    this.#port.close();
  }
}

if (parentPort !== null) new ProjectorLoop(parentPort, workerData as ProjectorThreadData);
