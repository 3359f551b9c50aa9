/**
 * The embedded store: two SQLite files in one directory. `store.db` holds what services write (durable with each write), `projections.db`
 * what is folded from the journal (a power cut may cost its last moments; the projector writes them again). Synchronous underneath: processes
 * that serve requests reach it through `remote.ts`.
 */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Collection, CollectionSpec, Find, Page, Store } from './collection.ts';
import { fileOf, notOpened, pathOf, type StoreFile } from './damage.ts';
import { SqliteTable } from './table.ts';
import { Words } from './words.ts';

type AnyDoc = { readonly id: string };

const BUSY_TIMEOUT_MS = 5_000;
/** Where services wait for each write, small pages and a short write-ahead log. */
const DURABLE = { synchronous: 'FULL', pageBytes: 4_096, checkpointPages: 1_000 } as const;
/** Where many documents are written at once, a page costs more than what is in it; and the same pages change again and again before they need be carried over. */
const BULK = { synchronous: 'NORMAL', pageBytes: 16_384, checkpointPages: 2_000 } as const;

/** One connection with its tables. */
export class SqliteDatabase {
  readonly #db: DatabaseSync;
  readonly #tables = new Map<string, SqliteTable<AnyDoc>>();
  readonly #words: Words;
  #inTransaction = false;

  /** @param file `:memory:` for tests. */
  constructor(file: string, options: { readonly durable: boolean; readonly cacheMiB?: number }) {
    // Created by us, so that it and the files SQLite makes beside it (same mode) are private from the first byte.
    if (file !== ':memory:') closeSync(openSync(file, 'a', 0o600));
    this.#db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
    try {
      setUp(this.#db, options);
      this.#words = new Words(this.#db);
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  table<T extends AnyDoc>(spec: CollectionSpec<T>): SqliteTable<T> {
    let table = this.#tables.get(spec.name);
    if (table === undefined) {
      table = new SqliteTable<AnyDoc>(this.#db, spec as unknown as CollectionSpec<AnyDoc>, this.#words, (body) => this.transaction(body));
      this.#tables.set(spec.name, table);
    }
    return table as unknown as SqliteTable<T>;
  }

  /** All that `body` writes, or nothing. One inside another is part of the outer one. */
  transaction<R>(body: () => R): R {
    if (this.#inTransaction) return body();
    this.#db.exec('BEGIN IMMEDIATE');
    this.#inTransaction = true;
    try {
      const result = body();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      this.#words.forget();
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  /** Removes documents whose lifetime has ended, at most `limit` per collection; returns how many went. */
  sweep(now: number, limit: number): number {
    let removed = 0;
    for (const table of this.#tables.values()) removed += table.sweep(now, limit);
    return removed;
  }

  ping(): void {
    this.#db.exec('SELECT 1');
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}

/** Opens one of the files of a data directory. Throws StoreDamagedError or UnavailableError, which name it and what to do. */
export function openStoreFile(directory: string, file: StoreFile, options: { readonly cacheMiB?: number } = {}): SqliteDatabase {
  try {
    return new SqliteDatabase(pathOf(directory, file), { ...options, durable: file === 'store.db' });
  } catch (error) {
    throw notOpened(error as Error, directory, file);
  }
}

function setUp(db: DatabaseSync, options: { readonly durable: boolean; readonly cacheMiB?: number }): void {
  const { synchronous, pageBytes, checkpointPages } = options.durable ? DURABLE : BULK;
  // Before anything is written; a file that is there keeps its own.
  db.exec(`PRAGMA page_size = ${pageBytes}`);
  db.exec('PRAGMA journal_mode = WAL');
  db.exec(`PRAGMA synchronous = ${synchronous}`);
  db.exec(`PRAGMA cache_size = ${-1024 * (options.cacheMiB ?? 16)}`);
  db.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
  db.exec('PRAGMA journal_size_limit = 67108864');
}

/** Both files behind one port. */
export class SqliteStore implements Store {
  readonly #directory: string;
  readonly #databases = new Map<StoreFile, SqliteDatabase>();

  /** @param directory exists; `:memory:` for tests. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  table<T extends AnyDoc>(spec: CollectionSpec<T>): SqliteTable<T> {
    return this.#database(fileOf(spec)).table(spec);
  }

  collection<T extends AnyDoc>(spec: CollectionSpec<T>): Collection<T> {
    const table = this.table(spec);
    return {
      get: async (id) => table.get(id),
      find: async (query: Find<T>): Promise<Page<T>> => {
        const { items, nextCursor } = table.findText(query);
        return { items: JSON.parse(items) as T[], ...(nextCursor !== undefined && { nextCursor }) };
      },
      pick: async (fields, query) => {
        const { items, nextCursor } = table.pickText(fields, query);
        return { items: JSON.parse(items), ...(nextCursor !== undefined && { nextCursor }) };
      },
      count: async (where) => table.count(where),
      insert: async (doc) => table.insert(doc),
      put: async (docs) => table.put(docs),
      patch: async (id, set) => table.patch(id, set),
      remove: async (where) => table.remove(where),
    };
  }

  /** Only what services write: projections are swept by the projector, their one writer. */
  sweep(now: number, limit: number): number {
    return this.#databases.get('store.db')?.sweep(now, limit) ?? 0;
  }

  async ping(): Promise<void> {
    this.#database('store.db').ping();
  }

  async close(): Promise<void> {
    for (const database of this.#databases.values()) database.close();
    this.#databases.clear();
  }

  #database(file: StoreFile): SqliteDatabase {
    let database = this.#databases.get(file);
    if (database === undefined) {
      database = openStoreFile(this.#directory, file);
      this.#databases.set(file, database);
    }
    return database;
  }
}
