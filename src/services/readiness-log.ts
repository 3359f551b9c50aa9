/** Tells the log when the process stops being ready, why, and when it is ready again, whether or not anybody probes it. */
import type { Logger } from '../observability/logger.ts';
import { inSeconds } from '../utils/clock.ts';
import type { HealthService } from './health.ts';

export interface ReadinessLogParts {
  readonly health: Pick<HealthService, 'readiness'>;
  readonly logger: Logger;
  /** ms, monotonic. */
  readonly now?: () => number;
  /** Time between two looks, ms. */
  readonly everyMs?: number;
}

const EVERY_MS = 1_000;

export class ReadinessLog {
  readonly #parts: ReadinessLogParts;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  /** Since when it is not ready, and what failed at the last look. */
  #trouble: { readonly since: number; readonly what: string } | undefined;
  #looking: Promise<void> | undefined;

  /** Of a process that is ready now. */
  constructor(parts: ReadinessLogParts) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
    this.#timer = setInterval(() => void this.look(), parts.everyMs ?? EVERY_MS);
    this.#timer.unref();
  }

  /** One at a time. The timer calls it; tests may. */
  look(): Promise<void> {
    return (this.#looking ??= this.#look().finally(() => (this.#looking = undefined)));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const { health, logger } = this.#parts;
    const { ready, reasons } = await health.readiness();
    const before = this.#trouble;
    if (ready) {
      if (before !== undefined) logger.info('ready again', { seconds: inSeconds(this.#now() - before.since) });
      this.#trouble = undefined;
      return;
    }
    // By what fails: how many bytes are free, or how many events are missing, is another one each time.
    const what = reasons.map((reason) => reason.slice(0, reason.indexOf(':'))).join();
    if (before?.what !== what) logger.warn(before === undefined ? 'not ready: load balancers send nothing here' : 'still not ready', { reasons });
    this.#trouble = { since: before?.since ?? this.#now(), what };
  }
}
