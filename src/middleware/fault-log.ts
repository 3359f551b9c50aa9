/** What the log says of requests that failed: a fault with its stack; what is not available right now once a second, since with a full disk that is every request. */
import type { Logger, LogFields } from '../observability/logger.ts';
import { SparseLine } from '../observability/sparse-line.ts';

export class FaultLog {
  readonly #logger: Logger;
  readonly #unavailable: SparseLine;

  /** `now` in ms, of any origin. */
  constructor(logger: Logger, now?: () => number) {
    this.#logger = logger;
    this.#unavailable = new SparseLine(now);
  }

  fault(request: LogFields, error: unknown): void {
    this.#logger.error('a request failed', { ...request, error });
  }

  /** Without a stack: the cause is outside. `leftOut` counts those since the last line. */
  unavailable(request: LogFields, error: unknown): void {
    this.#unavailable.say((leftOut) => {
      this.#logger.warn('a request was refused: not available right now', { ...request, reason: error instanceof Error ? error.message : String(error), leftOut });
    });
  }
}
