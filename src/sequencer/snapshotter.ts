/** Decides when a snapshot is due and has a thread of its own make it. One at a time; a failed one is logged and tried again with the next. */
import { Worker } from 'node:worker_threads';
import type { Seq } from '../engine/units.ts';
import type { Journal } from '../journal/journal.ts';
import type { Logger } from '../observability/logger.ts';
import { takeSnapshot, type Recovered } from './recovery.ts';
import type { SnapshotMessage, SnapshotTask } from './snapshot-worker.ts';

export interface SnapshotterOptions {
  readonly directory: string;
  /** Events between two snapshots. */
  readonly every: number;
  readonly idLimit: number;
  readonly logger: Logger;
  readonly onTaken: (seconds: number) => void;
}

export class Snapshotter {
  readonly #options: SnapshotterOptions;
  #lastSeq: Seq;
  #worker: Worker | undefined;
  #running: Promise<void> = Promise.resolve();

  /** `lastSeq`: of the newest snapshot there is. */
  constructor(options: SnapshotterOptions, lastSeq: Seq) {
    this.#options = options;
    this.#lastSeq = lastSeq;
  }

  /** Call with every committed seq. */
  onCommitted(seq: Seq): void {
    if (seq - this.#lastSeq < this.#options.every || this.#worker !== undefined) return;
    this.#lastSeq = seq;
    this.#running = this.#take(seq);
  }

  /** Gives up the snapshot that is being made. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
    await this.#running;
  }

  async #take(toSeq: Seq): Promise<void> {
    const { directory, idLimit, logger, onTaken } = this.#options;
    const started = performance.now();
    const task: SnapshotTask = { directory, toSeq, idLimit };
    const worker = new Worker(new URL('./snapshot-worker.ts', import.meta.url), { workerData: task, name: 'snapshot' });
    this.#worker = worker;
    const { promise, resolve } = Promise.withResolvers<void>();
    let done: Seq | undefined;
    worker.on('message', (message: SnapshotMessage) => {
      if (message.type === 'done') done = message.seq;
      else logger[message.level](message.message, message.fields);
    });
    worker.on('error', (error) => logger.error('the snapshot failed; the next start replays more of the journal', { toSeq, error }));
    worker.on('exit', () => resolve());
    await promise;
    this.#worker = undefined;
    if (done === undefined) return;
    const seconds = (performance.now() - started) / 1000;
    onTaken(seconds);
    logger.info('snapshot taken', { seq: done, seconds });
  }
}

/** Of a state that is durable, so that the next start need not replay anything. Without it the start takes longer: a failure is logged. */
export async function snapshotAtEnd(journal: Journal, { engine, window, time }: Pick<Recovered, 'engine' | 'window' | 'time'>, logger: Logger): Promise<void> {
  try {
    const newest = (await journal.snapshots())[0];
    if (engine.seq === 0 || newest?.seq === engine.seq) return;
    await journal.saveSnapshot(takeSnapshot(engine, window, time));
  } catch (error) {
    logger.warn('no snapshot was written at the end; the next start replays the journal', { error });
  }
}
