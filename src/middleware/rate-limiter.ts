/**
 * Counts requests by client address (IPv6: by /56) and refuses what is over the limit, then what the stages before found wrong with the input. Says in each
 * of their replies what is left (IETF draft RateLimit headers).
 */
import { LRUCache } from 'lru-cache';
import { RateLimiterMemory, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import { RATE_LIMIT_PREFIX, RATE_LIMIT_WINDOW_SECONDS } from '../cache/keys.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { Refusal } from '../types/refusal.ts';
import { clientKey } from '../utils/addresses.ts';
import type { ApiResponse, Stage } from './http.ts';

const POLICY = 'address';
/** Addresses over their limit that are known at a time. One that is forgotten is found again with its next request. */
const MAX_KNOWN = 10_000;

/** Who is known to be over the limit, for stages that come before the counting. */
export class OverLimit {
  readonly #perMinute: number;
  readonly #known = new LRUCache<string, true>({ max: MAX_KNOWN });

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** Why nothing is taken from the address now; undefined when it is not known to be over its limit. */
  refusal(address: string): Refusal | undefined {
    if (this.#known.size === 0) return undefined;
    const key = clientKey(address);
    return this.#known.has(key) ? this.#refusal(this.#known.getRemainingTTL(key)) : undefined;
  }

  /** To be called when it was found out by counting. */
  found(key: string, msBeforeNext: number): Refusal {
    this.#known.set(key, true, { ttl: Math.max(1, msBeforeNext) });
    return this.#refusal(msBeforeNext);
  }

  #refusal(msBeforeNext: number): Refusal {
    return new Refusal('RATE_LIMITED', `at most ${this.#perMinute} requests a minute from one address`, { retryAfterSeconds: seconds(msBeforeNext) });
  }
}

export interface RateLimitOptions {
  readonly enabled: boolean;
  readonly perMinute: number;
  readonly overLimit: OverLimit;
  readonly metrics: Pick<Metrics, 'rateLimited'>;
  readonly logger: Logger;
}

export function rateLimiter(options: RateLimitOptions): Stage {
  options.metrics.rateLimited.inc({ limit: POLICY }, 0);
  if (!options.enabled) return (req, _res, next) => next(req.inputFailure);
  const limiter: RateLimiterAbstract = new RateLimiterMemory({ keyPrefix: RATE_LIMIT_PREFIX, points: options.perMinute, duration: RATE_LIMIT_WINDOW_SECONDS });
  const policy = `"${POLICY}";q=${options.perMinute};w=${RATE_LIMIT_WINDOW_SECONDS}`;
  const tell = (res: ApiResponse, { remainingPoints, msBeforeNext }: RateLimiterRes): void => {
    res.lines.push('RateLimit-Policy', policy, 'RateLimit', `"${POLICY}";r=${remainingPoints};t=${seconds(msBeforeNext)}`);
  };
  return (req, res, next) => {
    if (req.matched?.limited === false) return next(req.inputFailure);
    const key = clientKey(req.address);
    limiter.consume(key, req.matched?.cost?.(req.body) ?? 1).then(
      (state) => {
        tell(res, state);
        next(req.inputFailure);
      },
      (state: unknown) => {
        if (!(state instanceof RateLimiterRes)) {
          // Counting is out of order; that must not stop trading.
          options.logger.error('the rate limiter failed', { error: state });
          return next(req.inputFailure);
        }
        tell(res, state);
        options.metrics.rateLimited.inc({ limit: POLICY });
        next(options.overLimit.found(key, state.msBeforeNext));
      },
    );
  };
}

function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}
