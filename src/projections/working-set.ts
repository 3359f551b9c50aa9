/** What is being worked on: values in memory, loaded on demand, and the documents that wait to be written. */
import { LRUCache } from 'lru-cache';
import type { SqliteTable } from '../models/table.ts';

const NONE = Symbol('none');

/** A bounded cache in front of a loader, which remembers also what is not there. What was changed is held, however much it is, until it is settled: it can be loaded from nowhere. */
export class WorkingSet<K extends string | number, V extends object> {
  readonly #cache: LRUCache<K, V | typeof NONE>;
  readonly #changed = new Map<K, V | typeof NONE>();
  readonly #load: (key: K) => V | undefined;

  constructor(capacity: number, load: (key: K) => V | undefined) {
    this.#cache = new LRUCache({ max: capacity });
    this.#load = load;
  }

  get(key: K): V | undefined {
    const known = this.#changed.get(key) ?? this.#cache.get(key);
    if (known !== undefined) return known === NONE ? undefined : (known as V);
    const loaded = this.#load(key);
    this.#cache.set(key, loaded ?? NONE);
    return loaded;
  }

  set(key: K, value: V | undefined): void {
    this.#changed.set(key, value ?? NONE);
  }

  /** What was changed since the last time, each once; to be called when it can be loaded again. */
  settle(): V[] {
    const values: V[] = [];
    for (const [key, value] of this.#changed) {
      this.#cache.set(key, value);
      if (value !== NONE) values.push(value as V);
    }
    this.#changed.clear();
    return values;
  }

  clear(): void {
    this.#changed.clear();
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
