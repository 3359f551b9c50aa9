/** How documents of one collection stand in rows: as JSON, or, where the collection names its fields, as a JSON array of their values beside the texts that have numbers. */
import type { CollectionSpec } from './collection.ts';
import { type Bound, bound, columnsOf, numberOfId, quoted } from './query.ts';
import type { Words } from './words.ts';

type AnyDoc = { readonly id: string };
type Row = Readonly<Record<string, unknown>>;

export class RowFormat<T extends AnyDoc> {
  /** Definition of the id and of what holds the document. */
  readonly schema: string;
  /** Every column, the id and the document first. */
  readonly columns: readonly string[];
  /** What to select for `restore`. */
  readonly selected: string;
  readonly #spec: CollectionSpec<T>;
  readonly #words: Words;
  readonly #queried: readonly { readonly name: string; readonly repeated: boolean }[];
  readonly #repeated: ReadonlySet<string>;
  /** Of a document without names: all fields in order, those that may be absent, and those in the array. */
  readonly #fields: readonly string[] | undefined;
  readonly #optional: ReadonlySet<string>;
  readonly #listed: readonly string[];

  constructor(spec: CollectionSpec<T>, words: Words) {
    this.#spec = spec;
    this.#words = words;
    const queried = columnsOf(spec);
    this.#repeated = new Set(spec.repeated);
    for (const field of this.#repeated) if (!queried.includes(field)) throw new TypeError(`${spec.name}.${field} is in no index`);
    this.#queried = queried.map((name) => ({ name, repeated: this.#repeated.has(name) }));
    const kinds = spec.fields as Readonly<Record<string, 'always' | 'optional'>> | undefined;
    this.#fields = kinds && Object.keys(kinds);
    this.#optional = new Set(this.#fields?.filter((field) => kinds![field] === 'optional'));
    this.#listed = this.#fields?.filter((field) => field !== 'id' && !this.#repeated.has(field)) ?? [];
    const body = this.#fields === undefined ? 'doc' : 'fields';
    this.columns = ['id', body, ...queried];
    this.selected = (this.#fields === undefined ? ['doc'] : ['id', body, ...this.#repeated]).map(quoted).join(', ');
    // SQLite keeps the comment: `.schema` names the values, and a change of them is seen.
    const names = this.#fields === undefined ? '' : ` /* ${this.#listed.join(', ')} */`;
    this.schema = `id ${spec.ids === 'numbers' ? 'INTEGER' : 'TEXT'} NOT NULL PRIMARY KEY, ${quoted(body)} TEXT NOT NULL${names}`;
  }

  /** What the documents are, field by field, for whoever reads the file by hand; undefined where the rows say so themselves. */
  get view(): string | undefined {
    if (this.#fields === undefined) return undefined;
    return `SELECT ${this.#fields.map((field) => `${this.sqlOf(field)} AS ${quoted(field)}`).join(', ')} FROM ${quoted(this.#spec.name)}`;
  }

  /** SQL for a field of the document in a row. */
  sqlOf(field: string): string {
    if (field === 'id') return 'CAST(id AS TEXT)';
    if (this.#repeated.has(field)) return `(SELECT word FROM words WHERE words.id = ${quoted(field)})`;
    return this.#fields === undefined ? `doc ->> '$.${field}'` : `fields ->> ${this.#listed.indexOf(field)}`;
  }

  /** Values for `columns`. Throws TypeError. */
  row(doc: T): Bound[] {
    const fields = doc as Row;
    const row: Bound[] = [this.#key(doc.id), this.#fields === undefined ? JSON.stringify(doc) : this.#values(fields)];
    for (const { name, repeated } of this.#queried) {
      const value = fields[name];
      if (value === undefined || value === null) row.push(null);
      else row.push(repeated ? this.#words.store(value as string) : bound(value, name));
    }
    return row;
  }

  /** @param row of `selected`. */
  restore(row: Row): T {
    if (this.#fields === undefined) return JSON.parse(row['doc'] as string) as T;
    const values = JSON.parse(row['fields'] as string) as unknown[];
    const doc: Record<string, unknown> = {};
    let at = 0;
    for (const field of this.#fields) {
      const value = field === 'id' ? String(row['id']) : this.#repeated.has(field) ? this.#text(row[field] as number | null) : values[at++];
      if (value !== null || !this.#optional.has(field)) doc[field] = value;
    }
    return doc as T;
  }

  /** The document as JSON. */
  text(row: Row): string {
    return this.#fields === undefined ? (row['doc'] as string) : JSON.stringify(this.restore(row));
  }

  #values(doc: Row): string {
    const values: unknown[] = [];
    for (const field of this.#listed) values.push(doc[field]);
    return JSON.stringify(values);
  }

  #text(number: number | null): string | null {
    return number === null ? null : this.#words.textOf(number);
  }

  #key(id: string): Bound {
    if (this.#spec.ids !== 'numbers') return id;
    const key = numberOfId(id);
    if (key === undefined) throw new TypeError(`${this.#spec.name} has numbers as ids, and ${id} is none`);
    return key;
  }
}
