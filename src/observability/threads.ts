/**
 * How busy each thread of the process is, and how much memory its heap takes: the library's figures are of the serving thread alone. Threads are told apart by the names
 * that they are started with. Measured every few seconds, not by whoever looks: a thread that is busy answers late.
 */
import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Worker } from 'node:worker_threads';
import type { Metrics } from './metrics.ts';

type ThreadMetrics = Pick<Metrics, 'threadActive' | 'threadHeap'>;

interface Thread {
  readonly name: string;
  /** Since it began: the time in which it did not wait for something to do. */
  readonly activeMs: () => number;
  /** undefined: it has ended. */
  readonly heapBytes: () => Promise<number | undefined>;
  countedMs: number;
  /** Whether it has yet to say how large its heap is: one that waits for a disk says so when that has answered. */
  asked: boolean;
}

const EVERY_MS = 5_000;
const SERVING = 'serving';

export class ThreadWatch {
  readonly #metrics: ThreadMetrics;
  readonly #threads = new Set<Thread>();
  readonly #timer: NodeJS.Timeout;
  readonly #onWorker = (worker: Worker): void => this.#follow(worker);

  /** Sees threads that are started from now on. */
  constructor(metrics: ThreadMetrics) {
    this.#metrics = metrics;
    this.#threads.add({
      name: SERVING,
      activeMs: () => performance.eventLoopUtilization().active,
      heapBytes: () => Promise.resolve(getHeapStatistics().used_heap_size),
      countedMs: 0,
      asked: false,
    });
    process.on('worker', this.#onWorker);
    this.#timer = setInterval(() => void this.measure(), EVERY_MS);
    this.#timer.unref();
  }

  /** One look at all threads; resolves when each that was asked has answered. Called by a timer. */
  async measure(): Promise<void> {
    await Promise.all([...this.#threads].map(async (thread) => {
      this.#count(thread);
      if (thread.asked) return;
      thread.asked = true;
      const bytes = await thread.heapBytes();
      thread.asked = false;
      if (bytes !== undefined && this.#threads.has(thread)) this.#metrics.threadHeap.set({ thread: thread.name }, bytes);
    }));
  }

  close(): void {
    clearInterval(this.#timer);
    process.off('worker', this.#onWorker);
    this.#threads.clear();
  }

  #follow(worker: Worker): void {
    const thread: Thread = {
      name: worker.threadName ?? 'unnamed',
      activeMs: () => worker.performance.eventLoopUtilization().active,
      heapBytes: () => worker.getHeapStatistics().then(({ used_heap_size: bytes }) => bytes, () => undefined),
      countedMs: 0,
      asked: false,
    };
    this.#threads.add(thread);
    worker.once('exit', () => {
      this.#threads.delete(thread);
      this.#metrics.threadHeap.remove({ thread: thread.name });
    });
  }

  #count(thread: Thread): void {
    const activeMs = thread.activeMs();
    this.#metrics.threadActive.inc({ thread: thread.name }, Math.max(0, activeMs - thread.countedMs) / 1_000);
    thread.countedMs = activeMs;
  }
}
