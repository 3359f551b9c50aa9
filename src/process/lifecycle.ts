/** The life of the process: how it starts, what ends it, and that everything in it gets to stop. Knows nothing of what runs in it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { CONFIG_EXIT_STATUS, ConfigError } from '../config/config.ts';
import type { Logger } from '../observability/logger.ts';
import { OperatingError } from '../utils/errors.ts';

/** `orderly`: it was asked to end; nothing is broken. */
export type Stop = (orderly: boolean) => unknown;

const PARENT_CHECK_MS = 200;
/** So long threads may take to end once everything has stopped. */
const THREADS_END_MS = 5_000;
/** Of those who ask it to end. A terminal that closes sends SIGHUP. */
const END_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;

export class Lifecycle {
  readonly #logger: Logger;
  readonly #stops: Stop[] = [];
  readonly #threads = new Set<Worker>();
  #ending = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** From here on faults nobody has caught and signals end it. Resolves when it has started, or has been told to end because it cannot. */
  async run(start: () => Promise<void>): Promise<void> {
    // Whoever read the output may be gone: that is no fault, and could not be said there. The log files go on.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
    for (const signal of END_SIGNALS) process.on(signal, () => this.#end(0, signal));
    process.on('worker', (thread: Worker) => {
      this.#threads.add(thread);
      thread.once('exit', () => this.#threads.delete(thread));
    });
    watchParent(() => this.#end(1, 'npm, which started this process, is gone'));
    process.on('uncaughtException', this.fail);
    process.on('unhandledRejection', this.fail);
    try {
      await start();
    } catch (error) {
      // For a reason that an operator can change: said once, to whom starts it.
      if (error instanceof ConfigError) this.#refuse(CONFIG_EXIT_STATUS, error.message, 'configuration');
      else if (error instanceof OperatingError) this.#refuse(1, error.message, error.code);
      else this.fail(error);
    }
  }

  /** What is started last stops first: first no more traffic, last the journal. */
  onStop(...stops: readonly Stop[]): void {
    this.#stops.push(...stops);
  }

  /** It cannot go on. Bound once. */
  readonly fail = (thrown: unknown): void => {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    this.#logger.error('cannot go on', { error });
    this.#end(1, error.message);
  };

  #refuse(status: number, message: string, reason: string): void {
    console.error(message);
    this.#end(status, reason);
  }

  #end(status: number, reason: string): void {
    if (this.#ending) return;
    this.#ending = true;
    void this.#stopAll(status === 0).then(async () => {
      await this.#endThreads();
      this.#logger.info('stopped', { reason });
      process.exitCode = status;
      // Whatever still holds the event loop is not worth waiting for: everything is on disk. An exit waits for all threads; where one does not end, only the system can end it.
      setImmediate(() => (this.#threads.size === 0 ? process.exit(status) : process.kill(process.pid, 'SIGKILL')));
    });
  }

  /** One that waits in the system, for a disk that does not answer, cannot be ended from here. */
  async #endThreads(): Promise<void> {
    await Promise.race([Promise.all([...this.#threads].map((thread) => thread.terminate())), delay(THREADS_END_MS)]);
    for (const { threadName } of this.#threads) this.#logger.warn('a thread did not end, and is not waited for', { thread: threadName });
  }

  /** Each gets its turn whatever the others do. */
  async #stopAll(orderly: boolean): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) {
      try {
        await stop(orderly);
      } catch (error) {
        this.#logger.error('a part did not stop cleanly', { error });
      }
    }
  }
}

/** npm that was killed outright cannot tell its child: a server that outlived it would hold the port and the data directory unseen. */
function watchParent(orphaned: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) orphaned();
  }, PARENT_CHECK_MS).unref();
}
