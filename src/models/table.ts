/** One collection in one SQLite connection: documents beside the columns that queries use. Synchronous; `sqlite.ts` and the threads call it. */
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { LRUCache } from 'lru-cache';
import type { CollectionSpec, Find, Where } from './collection.ts';
import { DuplicateKeyError } from './errors.ts';
import { QueryBuilder, type Sql, numberOfId, quoted } from './query.ts';
import { RowFormat } from './rows.ts';
import type { Words } from './words.ts';

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
  readonly #format: RowFormat<T>;
  readonly #queries: QueryBuilder<T>;
  readonly #statements = new LRUCache<string, StatementSync>({ max: 200 });
  readonly #transaction: <R>(body: () => R) => R;
  readonly #get: StatementSync;
  readonly #insert: StatementSync;
  readonly #put: StatementSync;

  constructor(db: DatabaseSync, spec: CollectionSpec<T>, words: Words, transaction: <R>(body: () => R) => R) {
    this.#db = db;
    this.#spec = spec;
    this.#format = new RowFormat(spec, words);
    this.#queries = new QueryBuilder(spec, this.#format.selected, (text) => words.numberOf(text));
    this.#transaction = transaction;
    transaction(() => this.#createSchema());
    const table = quoted(spec.name);
    const names = this.#format.columns.map(quoted);
    const insert = `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
    this.#get = db.prepare(`SELECT ${this.#format.selected} FROM ${table} WHERE id = ?`);
    this.#insert = db.prepare(insert);
    // SQLite rewrites every index that has a column in this list, whether its value differs or not.
    const [, body, ...queried] = this.#format.columns;
    const replaced = [body!, ...(spec.changing ?? queried)].map(quoted);
    this.#put = db.prepare(`${insert} ON CONFLICT (id) DO UPDATE SET ${replaced.map((name) => `${name} = excluded.${name}`).join(', ')}`);
  }

  getText(id: string): string | undefined {
    const row = this.#rowOf(id);
    return row === undefined ? undefined : this.#format.text(row);
  }

  get(id: string): T | undefined {
    const row = this.#rowOf(id);
    return row === undefined ? undefined : this.#format.restore(row);
  }

  findText(query: Find<T>): TextPage {
    const rows = this.#all(this.#queries.find(query));
    const more = rows.length > query.limit;
    if (more) rows.pop();
    const items = `[${rows.map((row) => this.#format.text(row)).join(',')}]`;
    if (!more) return { items };
    return { items, nextCursor: this.#queries.cursorAfter(query, this.#format.restore(rows.at(-1)!)) };
  }

  /** Of the columns of these fields; the page begins after a cursor of the same query. */
  pickText(fields: readonly (keyof T & string)[], query: Find<T>): TextPage {
    const rows = this.#all(this.#queries.pick(fields, query));
    const more = rows.length > query.limit;
    if (more) rows.pop();
    const items = JSON.stringify(rows);
    return more ? { items, nextCursor: this.#queries.cursorAfter(query, rows.at(-1) as unknown as T) } : { items };
  }

  find(query: Find<T>): T[] {
    return this.#all(this.#queries.find(query)).slice(0, query.limit).map((row) => this.#format.restore(row));
  }

  count(where?: Where<T>): number {
    return this.#all(this.#queries.count(where))[0]!['n'] as number;
  }

  /** Throws DuplicateKeyError. */
  insert(doc: T): void {
    this.#guarded(() => this.#insert.run(...this.#format.row(doc)));
  }

  /** Inserts or replaces, all or none. */
  put(docs: readonly T[]): void {
    this.#transaction(() => this.#guarded(() => {
      for (const doc of docs) this.#put.run(...this.#format.row(doc));
    }));
  }

  /** False when there is no such document. */
  patch(id: string, set: Partial<T>): boolean {
    if (set.id !== undefined && set.id !== id) throw new TypeError('an id cannot be changed');
    return this.#transaction(() => {
      const doc = this.get(id);
      if (doc === undefined) return false;
      this.#guarded(() => this.#put.run(...this.#format.row({ ...doc, ...set })));
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

  #rowOf(id: string): Record<string, SQLOutputValue> | undefined {
    const key = this.#spec.ids === 'numbers' ? numberOfId(id) : id;
    return key === undefined ? undefined : this.#get.get(key);
  }

  #all(sql: Sql): Record<string, SQLOutputValue>[] {
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
    const [, , ...queried] = this.#format.columns;
    if (this.#spec.projected === true) this.#dropOtherFormat();
    this.#db.exec(`CREATE TABLE IF NOT EXISTS ${table} (${[this.#format.schema, ...queried.map(quoted)].join(', ')})`);
    const present = new Set((this.#db.prepare(`SELECT name FROM pragma_table_info(?)`).all(this.#spec.name) as { name: string }[]).map((row) => row.name));
    for (const name of queried) {
      if (present.has(name)) continue;
      this.#db.exec(`ALTER TABLE ${table} ADD COLUMN ${quoted(name)}`);
      this.#db.exec(`UPDATE ${table} SET ${quoted(name)} = ${this.#format.sqlOf(name)}`);
    }
    for (const index of this.#spec.indexes) this.#createIndex(index.fields as Readonly<Record<string, 1 | -1>>, index.unique === true, index.sparse === true);
    if (this.#spec.ttl !== undefined) this.#createIndex({ [this.#spec.ttl.field]: 1 }, false, false);
    if (this.#format.view !== undefined) this.#db.exec(`CREATE VIEW IF NOT EXISTS ${this.#viewName} AS ${this.#format.view}`);
  }

  get #viewName(): string {
    return quoted(`${this.#spec.name}_by_name`);
  }

  /** What is folded from the journal need not be converted: the projector writes it again. */
  #dropOtherFormat(): void {
    const { name } = this.#spec;
    const found = this.#db.prepare(`SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?`).get(name) as { sql: string } | undefined;
    if (found === undefined || found.sql.includes(`(${this.#format.schema}`)) return;
    this.#db.exec(`DROP VIEW IF EXISTS ${this.#viewName}`);
    this.#db.exec(`DROP TABLE ${quoted(name)}`);
  }

  #createIndex(fields: Readonly<Record<string, 1 | -1>>, unique: boolean, sparse: boolean): void {
    const names = Object.keys(fields);
    const name = [this.#spec.name, ...names.map((field) => (fields[field] === 1 ? field : `${field}_desc`))].join('__');
    const columns = names.map((field) => `${quoted(field)}${fields[field] === 1 ? '' : ' DESC'}`).join(', ');
    const where = sparse ? ` WHERE ${quoted(names.at(-1)!)} IS NOT NULL` : '';
    this.#db.exec(`CREATE ${unique ? 'UNIQUE ' : ''}INDEX IF NOT EXISTS ${quoted(name)} ON ${quoted(this.#spec.name)} (${columns})${where}`);
  }
}
