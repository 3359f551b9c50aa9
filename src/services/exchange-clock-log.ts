/** Says once when the clock of this machine is ahead of those of the exchanges, and once when they agree again. Prices are taken all the same (feeds/clock-offset.ts). */
import type { Logger } from '../observability/logger.ts';
import { inSeconds } from '../utils/clock.ts';

/** Far more than the way from an exchange takes. */
const WRONG_MS = 2_000;
const RIGHT_MS = 1_000;

export class ExchangeClockLog {
  readonly #logger: Logger;
  #wrong = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  look(aheadMs: number): void {
    if (this.#wrong ? aheadMs > RIGHT_MS : aheadMs < WRONG_MS) return;
    this.#wrong = !this.#wrong;
    if (this.#wrong) this.#logger.warn('the clock of this machine is ahead of those of the exchanges: their prices are taken as they come, but times of orders, funding and candles are wrong', { seconds: inSeconds(aheadMs) });
    else this.#logger.info('the clock of this machine agrees with those of the exchanges again');
  }
}
