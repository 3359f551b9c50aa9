/** Counts requests by client address (IPv6: by /56) and refuses what is over the limit. Says in each of their replies what is left (IETF draft RateLimit headers). */
import { RateLimiterMemory, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import { RATE_LIMIT_PREFIX } from '../cache/keys.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { Refusal } from '../types/refusal.ts';
import { clientKey } from '../utils/addresses.ts';
import type { ApiResponse, Stage } from './http.ts';

const WINDOW_SECONDS = 60;
const POLICY = 'address';
/** Probes are cheap, and an orchestrator that gets no answer would end a process that is only busy. */
const UNLIMITED = '/health/';

export interface RateLimitOptions {
  readonly enabled: boolean;
  readonly perMinute: number;
  readonly metrics: Pick<Metrics, 'rateLimited'>;
  readonly logger: Logger;
}

export function rateLimiter(options: RateLimitOptions): Stage {
  options.metrics.rateLimited.inc({ limit: POLICY }, 0);
  if (!options.enabled) return (_req, _res, next) => next();
  const limiter: RateLimiterAbstract = new RateLimiterMemory({ keyPrefix: RATE_LIMIT_PREFIX, points: options.perMinute, duration: WINDOW_SECONDS });
  const policy = `"${POLICY}";q=${options.perMinute};w=${WINDOW_SECONDS}`;
  const tell = (res: ApiResponse, { remainingPoints, msBeforeNext }: RateLimiterRes): void => {
    res.lines.push('RateLimit-Policy', policy, 'RateLimit', `"${POLICY}";r=${remainingPoints};t=${seconds(msBeforeNext)}`);
  };
  return (req, res, next) => {
    if (req.pathname.startsWith(UNLIMITED)) return next();
    limiter.consume(clientKey(req.address)).then(
      (state) => {
        tell(res, state);
        next();
      },
      (state: unknown) => {
        if (!(state instanceof RateLimiterRes)) {
          // Counting is out of order; that must not stop trading.
          options.logger.error('the rate limiter failed', { error: state });
          return next();
        }
        tell(res, state);
        options.metrics.rateLimited.inc({ limit: POLICY });
        next(new Refusal('RATE_LIMITED', `at most ${options.perMinute} requests a minute from one address`, { retryAfterSeconds: seconds(state.msBeforeNext) }));
      },
    );
  };
}

function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}
