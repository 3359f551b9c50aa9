/** What is being worked on: recently used values in memory, loaded on demand, and the documents that wait to be written. Both are bounded. */
import { LRUCache } from 'lru-cache';
import type { SqliteTable } from '../models/table.ts';

const NONE = Symbol('none');

/** A cache in front of a loader; remembers also what is not there. It must hold at least what one batch touches, for what is not written yet can be loaded from nowhere. */
export class WorkingSet<K extends string | number, V extends object> {
  readonly #cache: LRUCache<K, V | typeof NONE>;
  readonly #load: (key: K) => V | undefined;

  constructor(capacity: number, load: (key: K) => V | undefined) {
    this.#cache = new LRUCache({ max: capacity });
    this.#load = load;
  }

  get(key: K): V | undefined {
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached === NONE ? undefined : (cached as V);
    const loaded = this.#load(key);
    this.#cache.set(key, loaded ?? NONE);
    return loaded;
  }

  set(key: K, value: V | undefined): void {
    this.#cache.set(key, value ?? NONE);
  }

  clear(): void {
    this.#cache.clear();
  }
}

/** Documents of one table, the last of each id, until they are written. */
export class Outbox<T extends { readonly id: string }> {
  readonly table: SqliteTable<T>;
  readonly #docs = new Map<string, T>();

  constructor(table: SqliteTable<T>) {
    this.table = table;
  }

  put(doc: T): void {
    this.#docs.set(doc.id, doc);
  }

  /** Including what waits here. */
  get(id: string): T | undefined {
    return this.#docs.get(id) ?? this.table.get(id);
  }

  flush(): void {
    if (this.#docs.size === 0) return;
    this.table.put([...this.#docs.values()]);
    this.#docs.clear();
  }

  clear(): void {
    this.#docs.clear();
  }
}
