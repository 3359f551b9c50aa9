/** What the log says of markets that the house cannot quote: each reason once, however often it is met, and when quotes are there again. */
import type { Logger, LogFields } from '../observability/logger.ts';

export class HouseTrouble {
  readonly #logger: Logger;
  /** By symbol, why it is not quoted. */
  readonly #codes = new Map<string, string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  met(symbol: string, code: string, fields: LogFields): void {
    if (this.#codes.get(symbol) === code) return;
    this.#codes.set(symbol, code);
    this.#logger.warn('the house cannot quote', { symbol, code, ...fields });
  }

  over(symbol: string): void {
    if (this.#codes.delete(symbol)) this.#logger.info('the house quotes again', { symbol });
  }
}
