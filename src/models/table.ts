/** One collection in one SQLite connection: documents as JSON beside the columns that queries use. Synchronous; `sqlite.ts` and the threads call it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { LRUCache } from 'lru-cache';
import type { CollectionSpec, Find, Where } from './collection.ts';
import { DuplicateKeyError } from './errors.ts';
import { type Bound, QueryBuilder, type Sql, bound, columnsOf, numberOfId, quoted } from './query.ts';

type AnyDoc = { readonly id: string };

/** A page as text, so that a thread can hand it on without building the documents. */
export interface TextPage {
  /** A JSON array. */
  readonly items: string;
  readonly nextCursor?: string;
}

/** SQLITE_CONSTRAINT_PRIMARYKEY and _UNIQUE. */
const TAKEN = new Set([1555, 2067]);

export class SqliteTable<T extends AnyDoc> {
  readonly #db: DatabaseSync;
  readonly #spec: CollectionSpec<T>;
  readonly #columns: readonly string[];
  readonly #queries: QueryBuilder<T>;
  readonly #statements = new LRUCache<string, StatementSync>({ max: 200 });
  readonly #transaction: <R>(body: () => R) => R;
  readonly #get: StatementSync;
  readonly #insert: StatementSync;
  readonly #put: StatementSync;

  constructor(db: DatabaseSync, spec: CollectionSpec<T>, transaction: <R>(body: () => R) => R) {
    this.#db = db;
    this.#spec = spec;
    this.#columns = columnsOf(spec);
    this.#queries = new QueryBuilder(spec);
    this.#transaction = transaction;
    transaction(() => this.#createSchema());
    const table = quoted(spec.name);
    const names = ['id', 'doc', ...this.#columns].map(quoted);
    const insert = `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
    this.#get = db.prepare(`SELECT doc FROM ${table} WHERE id = ?`);
    this.#insert = db.prepare(insert);
    // SQLite rewrites every index that has a column in this list, whether its value differs or not.
    const replaced = ['doc', ...(spec.changing ?? this.#columns)].map(quoted);
    this.#put = db.prepare(`${insert} ON CONFLICT (id) DO UPDATE SET ${replaced.map((name) => `${name} = excluded.${name}`).join(', ')}`);
  }

  getText(id: string): string | undefined {
    const key = this.#spec.ids === 'numbers' ? numberOfId(id) : id;
    return key === undefined ? undefined : (this.#get.get(key) as { doc: string } | undefined)?.doc;
  }

  get(id: string): T | undefined {
    const text = this.getText(id);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  findText(query: Find<T>): TextPage {
    const rows = this.#all(this.#queries.find(query)) as { doc: string }[];
    const more = rows.length > query.limit;
    if (more) rows.pop();
    const items = `[${rows.map((row) => row.doc).join(',')}]`;
    if (!more) return { items };
    return { items, nextCursor: this.#queries.cursorAfter(query, JSON.parse(rows.at(-1)!.doc) as T) };
  }

  find(query: Find<T>): T[] {
    return JSON.parse(this.findText(query).items) as T[];
  }

  count(where?: Where<T>): number {
    const rows = this.#all(this.#queries.count(where)) as { n: number }[];
    return rows[0]!.n;
  }

  /** Throws DuplicateKeyError. */
  insert(doc: T): void {
    this.#guarded(() => this.#insert.run(...this.#row(doc)));
  }

  /** Inserts or replaces, all or none. */
  put(docs: readonly T[]): void {
    this.#transaction(() => this.#guarded(() => {
      for (const doc of docs) this.#put.run(...this.#row(doc));
    }));
  }

  /** False when there is no such document. */
  patch(id: string, set: Partial<T>): boolean {
    if (set.id !== undefined && set.id !== id) throw new TypeError('an id cannot be changed');
    return this.#transaction(() => {
      const doc = this.get(id);
      if (doc === undefined) return false;
      this.#guarded(() => this.#put.run(...this.#row({ ...doc, ...set })));
      return true;
    });
  }

  /** How many went. */
  remove(where: Where<T>): number {
    const { text, values } = this.#queries.remove(where);
    return Number(this.#statement(text).run(...values).changes);
  }

  clear(): void {
    this.#db.exec(`DELETE FROM ${quoted(this.#spec.name)}`);
  }

  /** Removes at most `limit` documents whose lifetime has ended at `now`; returns how many went. */
  sweep(now: number, limit: number): number {
    const { ttl } = this.#spec;
    if (ttl === undefined) return 0;
    const table = quoted(this.#spec.name);
    const statement = this.#statement(`DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE ${quoted(ttl.field)} <= ? LIMIT ?)`);
    return Number(statement.run(now - ttl.seconds * 1000, limit).changes);
  }

  #row(doc: T): Bound[] {
    const row: Bound[] = [this.#key(doc.id), JSON.stringify(doc)];
    for (const column of this.#columns) {
      const value: unknown = doc[column as keyof T];
      row.push(value === undefined || value === null ? null : bound(value, column));
    }
    return row;
  }

  #key(id: string): Bound {
    if (this.#spec.ids !== 'numbers') return id;
    const key = numberOfId(id);
    if (key === undefined) throw new TypeError(`${this.#spec.name} has numbers as ids, and ${id} is none`);
    return key;
  }

  #all(sql: Sql): unknown[] {
    return this.#statement(sql.text).all(...sql.values);
  }

  #statement(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#db.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #guarded(write: () => unknown): void {
    try {
      write();
    } catch (error) {
      if (TAKEN.has((error as { errcode?: number }).errcode ?? 0)) throw new DuplicateKeyError(`${this.#spec.name}: the key is taken`, error);
      throw error;
    }
  }

  /** Columns carry no type, so a value is compared as what it is: the text '7' never equals the number 7. */
  #createSchema(): void {
    const table = quoted(this.#spec.name);
    const id = this.#spec.ids === 'numbers' ? 'INTEGER' : 'TEXT';
    if (this.#spec.projected === true) this.#dropOtherThan(id);
    this.#db.exec(`CREATE TABLE IF NOT EXISTS ${table} (id ${id} NOT NULL PRIMARY KEY, doc TEXT NOT NULL${this.#columns.map((name) => `, ${quoted(name)}`).join('')})`);
    const present = new Set((this.#db.prepare(`SELECT name FROM pragma_table_info(?)`).all(this.#spec.name) as { name: string }[]).map((row) => row.name));
    for (const name of this.#columns) {
      if (present.has(name)) continue;
      this.#db.exec(`ALTER TABLE ${table} ADD COLUMN ${quoted(name)}`);
      this.#db.prepare(`UPDATE ${table} SET ${quoted(name)} = doc ->> ?`).run(`$.${name}`);
    }
    for (const index of this.#spec.indexes) this.#createIndex(index.fields as Readonly<Record<string, 1 | -1>>, index.unique === true, index.sparse === true);
    if (this.#spec.ttl !== undefined) this.#createIndex({ [this.#spec.ttl.field]: 1 }, false, false);
  }

  /** What is folded from the journal need not be converted: the projector writes it again. */
  #dropOtherThan(type: 'INTEGER' | 'TEXT'): void {
    const { name } = this.#spec;
    const found = this.#db.prepare(`SELECT type FROM pragma_table_info(?) WHERE name = 'id'`).get(name) as { type: string } | undefined;
    if (found !== undefined && found.type !== type) this.#db.exec(`DROP TABLE ${quoted(name)}`);
  }

  #createIndex(fields: Readonly<Record<string, 1 | -1>>, unique: boolean, sparse: boolean): void {
    const names = Object.keys(fields);
    const name = [this.#spec.name, ...names.map((field) => (fields[field] === 1 ? field : `${field}_desc`))].join('__');
    const columns = names.map((field) => `${quoted(field)}${fields[field] === 1 ? '' : ' DESC'}`).join(', ');
    const where = sparse ? ` WHERE ${quoted(names.at(-1)!)} IS NOT NULL` : '';
    this.#db.exec(`CREATE ${unique ? 'UNIQUE ' : ''}INDEX IF NOT EXISTS ${quoted(name)} ON ${quoted(this.#spec.name)} (${columns})${where}`);
  }
}
