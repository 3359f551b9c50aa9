/** The collections as the serving thread sees them: how far they are, and waiting until they have what was committed. */
import { Worker } from 'node:worker_threads';
import type { Seq } from '../engine/units.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Sequencer } from '../sequencer/sequencer.ts';
import { inSeconds } from '../utils/clock.ts';
import type { ProjectorReport, ProjectorRequest, ProjectorThreadData } from './projector-thread.ts';

export interface ProjectionsOptions {
  /** Where the journal's file is and the collections' will be. The journal is open. */
  readonly directory: string;
  readonly sequencer: Pick<Sequencer, 'committedSeq' | 'onCommitted'>;
  readonly logger: Logger;
  readonly metrics?: Pick<Metrics, 'projectionLag' | 'projectionSeconds'>;
  /** Most time that a batch waits for company while there is much to do. */
  readonly lingerMs?: number;
  readonly sweepMs?: number;
  /** Replaced in tests: see ProjectorThreadData. */
  readonly sweepAt?: number;
}

interface Waiter {
  readonly seq: Seq;
  readonly resolve: (reached: boolean) => void;
  readonly timer: NodeJS.Timeout;
}

const MAX_WAITERS = 10_000;
const LINGER_MS = 25;
const SWEEP_MS = 30_000;

export class Projections {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #options: ProjectionsOptions;
  readonly #unsubscribe: () => void;
  readonly #waiters = new Set<Waiter>();
  #checkpoint: Seq = 0;
  /** The thread was told that there is more, and has not reported since. It reads the journal itself, so it needs no second word while it is at it. */
  #told = false;
  #announcing = false;
  /** The furthest that somebody has waited for. */
  #wanted: Seq = 0;
  /** Why it does not work at present, and since when (ms, monotonic). */
  #failure: { readonly reason: string; readonly since: number } | undefined;
  #closed = false;
  /** Nobody carries the collections any more. */
  #ended = false;

  constructor(options: ProjectionsOptions) {
    this.#options = options;
    const workerData: ProjectorThreadData = { directory: options.directory, lingerMs: options.lingerMs ?? LINGER_MS, sweepMs: options.sweepMs ?? SWEEP_MS, sweepAt: options.sweepAt };
    this.#worker = new Worker(new URL('./projector-thread.ts', import.meta.url), { workerData, name: 'projector' });
    this.#worker.on('message', (report: ProjectorReport) => this.#take(report));
    // What it died of may name paths, and the reason is shown to others.
    this.#worker.on('error', (error) => this.#fail('the projector cannot go on; the log says why', error));
    this.#exited = new Promise((resolve) => void this.#worker.once('exit', () => resolve()));
    void this.#exited.then(() => this.#end());
    this.#unsubscribe = options.sequencer.onCommitted(() => this.#announceSoon());
    this.#announceSoon();
  }

  /** Of the last event that the collections reflect. */
  get checkpoint(): Seq {
    return this.#checkpoint;
  }

  /** Committed events that the collections do not reflect yet. */
  get lag(): number {
    return Math.max(0, this.#options.sequencer.committedSeq - this.#checkpoint);
  }

  /** `failed`: writing or reading does not work at present, and why. */
  get status(): { readonly state: 'running' | 'failed' | 'closed'; readonly reason?: string } {
    if (this.#closed) return { state: 'closed' };
    return this.#failure === undefined ? { state: 'running' } : { state: 'failed', reason: this.#failure.reason };
  }

  /** Whether everything up to `seq` is in the collections, waiting at most `timeoutMs` for it, and not at all when nobody works on it. */
  reached(seq: Seq, timeoutMs: number): Promise<boolean> {
    if (this.#checkpoint >= seq) return Promise.resolve(true);
    if (this.#ended || this.#closed || this.#waiters.size >= MAX_WAITERS) return Promise.resolve(false);
    return new Promise((resolve) => {
      const waiter: Waiter = { seq, resolve, timer: setTimeout(() => this.#settle(waiter, false), timeoutMs) };
      this.#waiters.add(waiter);
      if (seq > this.#wanted) this.#want(seq);
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#unsubscribe();
    this.#giveUp();
    this.#send({ type: 'close' });
    await this.#exited;
  }

  /** So that it does not wait for company. */
  #want(seq: Seq): void {
    this.#wanted = seq;
    this.#send({ type: 'wanted', seq });
  }

  #announceSoon(): void {
    if (this.#announcing) return;
    this.#announcing = true;
    setImmediate(() => {
      this.#announcing = false;
      if (this.#closed) return;
      this.#options.metrics?.projectionLag.set(this.lag);
      if (this.#told || this.lag === 0) return;
      this.#told = true;
      this.#send({ type: 'committed', seq: this.#options.sequencer.committedSeq });
    });
  }

  #take(report: ProjectorReport): void {
    this.#told = false;
    if (report.type === 'failed') return this.#fail(report.message);
    const advanced = report.checkpoint > this.#checkpoint;
    this.#checkpoint = report.checkpoint;
    if (advanced || this.lag === 0) this.#recovered();
    this.#options.metrics?.projectionLag.set(this.lag);
    if (report.events > 0) this.#options.metrics?.projectionSeconds.observe(report.seconds);
    for (const waiter of this.#waiters) if (waiter.seq <= report.checkpoint) this.#settle(waiter, true);
    if (this.lag > 0) this.#announceSoon();
  }

  #end(): void {
    this.#ended = true;
    if (!this.#closed && this.#failure === undefined) this.#fail('the projector has ended');
    this.#giveUp();
  }

  #giveUp(): void {
    for (const waiter of this.#waiters) this.#settle(waiter, false);
  }

  #settle(waiter: Waiter, reached: boolean): void {
    clearTimeout(waiter.timer);
    this.#waiters.delete(waiter);
    waiter.resolve(reached);
  }

  /** Logged when it begins; it is tried again and again, and each try may fail for a reason of its own. */
  #fail(reason: string, error?: Error): void {
    const { logger } = this.#options;
    if (this.#failure === undefined) logger.error('the collections fall behind', { reason, error });
    else if (this.#failure.reason !== reason) logger.warn('the collections still fall behind', { reason, error });
    this.#failure = { reason, since: this.#failure?.since ?? performance.now() };
  }

  #recovered(): void {
    if (this.#failure === undefined) return;
    const seconds = inSeconds(performance.now() - this.#failure.since);
    this.#options.logger.info('the collections go on', { seconds, lag: this.lag });
    this.#failure = undefined;
  }

  #send(request: ProjectorRequest): void {
    this.#worker.postMessage(request);
  }
}
