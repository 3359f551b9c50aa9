/** The cache port and its in-process adapter. What is in a cache may vanish at any time; nothing in it is the only copy. */
import { LRUCache } from 'lru-cache';
import type { Metrics } from '../observability/metrics.ts';

/** Values are texts, so that any adapter can hold them. */
export interface Cache {
  get(key: string): Promise<string | undefined>;
  /** `ttlMs` > 0. */
  set(key: string, value: string, ttlMs: number): Promise<void>;
  delete(key: string): Promise<void>;
}

const MAX_ENTRIES = 100_000;
const MAX_CHARACTERS = 64 * 1_048_576;

/** Bounded by entries and by size; the least recently used goes first. Look-ups are counted by the first two words of the key. */
export class MemoryCache implements Cache {
  readonly #entries: LRUCache<string, string>;
  readonly #metrics: Pick<Metrics, 'cacheHits' | 'cacheMisses'>;

  constructor(metrics: Pick<Metrics, 'cacheHits' | 'cacheMisses'>, options: { readonly maxEntries?: number } = {}) {
    this.#metrics = metrics;
    this.#entries = new LRUCache({
      max: options.maxEntries ?? MAX_ENTRIES,
      maxSize: MAX_CHARACTERS,
      sizeCalculation: (value, key) => value.length + key.length,
    });
  }

  get(key: string): Promise<string | undefined> {
    const value = this.#entries.get(key);
    const counter = value === undefined ? this.#metrics.cacheMisses : this.#metrics.cacheHits;
    counter.inc({ cache: key.split(':', 2).join(':') });
    return Promise.resolve(value);
  }

  set(key: string, value: string, ttlMs: number): Promise<void> {
    this.#entries.set(key, value, { ttl: ttlMs });
    return Promise.resolve();
  }

  delete(key: string): Promise<void> {
    this.#entries.delete(key);
    return Promise.resolve();
  }
}
