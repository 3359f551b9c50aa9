/**
 * Decides when a backup is due and has a thread of its own make it: one at a time, so long after the newest one in the folder, however often the process was started
 * since. What fails is logged, counted and tried again; nothing else is touched by it.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Millis } from '../engine/units.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { inSeconds, type Clock } from '../utils/clock.ts';
import type { BackupMade, BackupTask } from './backup-worker.ts';
import { backupName, type Backup } from './folder.ts';

/** A backup that is being made. */
export interface RunningBackup {
  /** Rejects with what went wrong, or was stopped. */
  readonly made: Promise<BackupMade>;
  stop(): void;
}

export interface BackupsOptions extends Omit<BackupTask, 'name'> {
  /** Between the beginnings of two. */
  readonly everyMs: Millis;
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly metrics: Pick<Metrics, 'backupEvery' | 'backupFailures' | 'backupLast' | 'backupSeconds' | 'backupSize'>;
  readonly logger: Logger;
  /** Default: in a thread. */
  readonly begin?: (task: BackupTask) => RunningBackup;
}

/** A start has enough to do: prices, and clients that come back. */
const AFTER_START_MS = 60_000;
/** After a failure, unless the next one is due before. */
const RETRY_MS = 900_000;
/** Timers stand still while the machine sleeps, and take no more than 24 days: so often the clock is asked. */
const LOOK_MS = 60_000;

export class Backups {
  readonly #options: BackupsOptions;
  #due: Millis;
  #cancel: () => void = () => undefined;
  #running: RunningBackup | undefined;
  #closed = false;

  /** `existing`: the backups that are there. Begins to wait. */
  constructor(options: BackupsOptions, existing: readonly Backup[]) {
    this.#options = options;
    const { clock, everyMs, metrics } = options;
    const now = clock.now();
    // Whatever is called after a time to come was made while the clock was wrong.
    const newest = Math.max(0, ...existing.map(({ time }) => time).filter((time) => time <= now));
    metrics.backupEvery.set(everyMs / 1_000);
    metrics.backupLast.set(newest / 1_000);
    this.#due = Math.max(now + Math.min(AFTER_START_MS, everyMs), newest + everyMs);
    this.#wait(now);
  }

  /** Breaks off the one that is being made; the next one removes what is left of it. Waits for nothing: a disk that does not answer must not keep the process. */
  close(): void {
    this.#closed = true;
    this.#cancel();
    this.#running?.stop();
  }

  #wait(now: Millis): void {
    this.#cancel = this.#options.clock.after(Math.max(0, Math.min(this.#due - now, LOOK_MS)), () => {
      const later = this.#options.clock.now();
      if (later < this.#due) this.#wait(later);
      else void this.#make(later);
    });
  }

  async #make(started: Millis): Promise<void> {
    const { dataDirectory, directory, apart, keep, minFree, everyMs, clock, metrics, logger, begin = inThread } = this.#options;
    const name = backupName(started);
    const from = performance.now();
    try {
      this.#running = begin({ dataDirectory, directory, apart, name, keep, minFree });
      const made = await this.#running.made;
      if (this.#closed) return;
      const seconds = (performance.now() - from) / 1_000;
      metrics.backupLast.set(started / 1_000);
      metrics.backupSeconds.set(seconds);
      metrics.backupSize.set(made.bytes);
      logger.info('backup made', { path: join(directory, name), seq: made.seq, bytes: made.bytes, seconds });
      if (made.left !== undefined) logger.warn('old backups could not be removed; the next backup tries again', { directory, reason: made.left });
      this.#due = started + everyMs;
    } catch (error) {
      if (this.#closed) return;
      metrics.backupFailures.inc();
      const againMs = Math.min(RETRY_MS, everyMs);
      logger.error('the backup failed; trading is not affected, and it is tried again', { path: join(directory, name), error, seconds: inSeconds(againMs) });
      this.#due = clock.now() + againMs;
    } finally {
      this.#running = undefined;
    }
    this.#wait(clock.now());
  }
}

function inThread(task: BackupTask): RunningBackup {
  const worker = new Worker(new URL('./backup-worker.ts', import.meta.url), { workerData: task, name: 'backup' });
  const { promise, resolve, reject } = Promise.withResolvers<BackupMade>();
  worker.on('message', resolve);
  worker.on('error', reject);
  worker.on('exit', () => reject(new Error('its thread has ended')));
  return { made: promise, stop: () => void worker.terminate() };
}
