/** Slows guessing down: after some free attempts, each further one has to wait twice as long as the one before. Counts before the attempt is made, so that attempts at the same time count too. */
import { LRUCache } from 'lru-cache';

export interface AttemptPolicy {
  /** Attempts that never wait. */
  readonly free: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** Without an attempt for so long everything is forgotten. */
  readonly forgetMs: number;
}

interface Entry {
  count: number;
  nextAt: number;
  /** Whether it was told of: once until all is forgotten. */
  told?: boolean;
}

/** Told of each attempt that has to wait; `first`: of its key, until that is forgotten. */
export type OnRefused = (key: string, first: boolean) => void;

const MAX_KEYS = 100_000;

export class Attempts {
  readonly #policy: AttemptPolicy;
  readonly #clock: () => number;
  readonly #entries: LRUCache<string, Entry>;
  readonly #onRefused: OnRefused | undefined;

  constructor(policy: AttemptPolicy, clock: () => number, onRefused?: OnRefused) {
    this.#policy = policy;
    this.#clock = clock;
    this.#onRefused = onRefused;
    this.#entries = new LRUCache({ max: MAX_KEYS, ttl: policy.forgetMs, ttlResolution: 0, perf: { now: clock } });
  }

  /** 0: the attempt may be made and has been counted. Else ms until one may; nothing was counted. */
  take(key: string): number {
    const now = this.#clock();
    const entry = this.#entries.get(key) ?? { count: 0, nextAt: 0 };
    // A clock that was set back makes no wait longer than it was to be.
    entry.nextAt = Math.min(entry.nextAt, now + this.#delay(entry.count));
    if (now < entry.nextAt) {
      this.#onRefused?.(key, entry.told !== true);
      entry.told = true;
      return entry.nextAt - now;
    }
    const count = entry.count + 1;
    this.#entries.set(key, { ...entry, count, nextAt: now + this.#delay(count) });
    return 0;
  }

  /** It was not a guess: takes back one attempt. */
  refund(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#entries.set(key, { ...entry, count: entry.count - 1, nextAt: 0 });
  }

  /** The right person came: all is forgotten. */
  reset(key: string): void {
    this.#entries.delete(key);
  }

  #delay(count: number): number {
    const over = count - this.#policy.free;
    return over < 0 ? 0 : Math.min(this.#policy.maxDelayMs, this.#policy.firstDelayMs * 2 ** over);
  }
}
