/** What is told of attempts to sign in or to register that have to wait: each is counted, and the first of a series is logged. Decides nothing. */
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';

/** By guesser (an account from one address), account, address; and registrations, by address. */
const LIMITS = ['sign_in_guesser', 'sign_in_account', 'sign_in_address', 'registration'] as const;
type AttemptLimit = (typeof LIMITS)[number];

export class ThrottleLog {
  readonly #metrics: Pick<Metrics, 'rateLimited'>;
  readonly #logger: Logger;

  constructor({ metrics, logger }: { readonly metrics: Pick<Metrics, 'rateLimited'>; readonly logger: Logger }) {
    this.#metrics = metrics;
    this.#logger = logger;
    for (const limit of LIMITS) metrics.rateLimited.inc({ limit }, 0);
  }

  /** `key`: whose attempts they are, as `Attempts` has it; the log shortens what is an e-mail address. */
  refused(limit: AttemptLimit, key: string, first: boolean): void {
    this.#metrics.rateLimited.inc({ limit });
    if (first) this.#logger.warn('attempts have to wait: somebody may be guessing', { limit, who: key });
  }
}
