/** What the log says of requests that failed: a fault with its stack; what is not available right now once a second, since with a full disk that is every request. */
import type { Logger, LogFields } from '../observability/logger.ts';

const UNAVAILABLE_EVERY_MS = 1_000;

export class FaultLog {
  readonly #logger: Logger;
  readonly #now: () => number;
  #saidMs = -Infinity;
  #leftOut = 0;

  /** `now` in ms, of any origin. */
  constructor(logger: Logger, now: () => number = () => performance.now()) {
    this.#logger = logger;
    this.#now = now;
  }

  fault(request: LogFields, error: unknown): void {
    this.#logger.error('a request failed', { ...request, error });
  }

  /** Without a stack: the cause is outside. `leftOut` counts those since the last line. */
  unavailable(request: LogFields, error: unknown): void {
    const now = this.#now();
    if (now - this.#saidMs < UNAVAILABLE_EVERY_MS) {
      this.#leftOut++;
      return;
    }
    this.#logger.warn('a request was refused: not available right now', { ...request, reason: error instanceof Error ? error.message : String(error), leftOut: this.#leftOut });
    this.#saidMs = now;
    this.#leftOut = 0;
  }
}
