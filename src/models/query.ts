/**
 * Turns queries into SQL. Field names come from the collection's definition, values are always bound, and what is neither a plain value nor
 * a known condition is refused: nothing that a client sends can become an operator or a piece of SQL.
 */
import { createHash } from 'node:crypto';
import { MAX_LIMIT, type CollectionSpec, type Find, type Where } from './collection.ts';
import { InvalidCursorError } from './errors.ts';

export type Bound = string | number | null;
type AnyDoc = { readonly id: string };

export interface Sql {
  readonly text: string;
  readonly values: Bound[];
}

interface SortKey {
  readonly field: string;
  readonly direction: 1 | -1;
}

const MAX_OFFSET = 100_000;
const COMPARE: Readonly<Record<string, string>> = { gt: '>', gte: '>=', lt: '<', lte: '<=' };

/** The fields that get a column: those of the indexes, the filters and the lifetime. */
export function columnsOf<T extends AnyDoc>(spec: CollectionSpec<T>): readonly string[] {
  const names = new Set<string>();
  for (const index of spec.indexes) for (const field of Object.keys(index.fields)) names.add(field);
  for (const field of spec.filters ?? []) names.add(field);
  if (spec.ttl !== undefined) names.add(spec.ttl.field);
  names.delete('id');
  return [...names];
}

export function quoted(name: string): string {
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) throw new TypeError(`not a name: ${name}`);
  return `"${name}"`;
}

/** The number that an id is where ids are numbers; undefined for any other text. */
export function numberOfId(id: string): number | undefined {
  const number = /^(?:0|[1-9]\d{0,15})$/.test(id) ? Number(id) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

/** Stands for an id that no document can have. */
const NO_ID = -1;

export class QueryBuilder<T extends AnyDoc> {
  readonly #name: string;
  readonly #numericIds: boolean;
  readonly #columns: ReadonlySet<string>;
  readonly #selected: string;
  readonly #repeated: ReadonlySet<string>;
  readonly #wordOf: (text: string) => number;

  /**
   * @param selected what is read of each document.
   * @param wordOf the number that stands for the text of a repeated field.
   */
  constructor(spec: CollectionSpec<T>, selected: string, wordOf: (text: string) => number) {
    this.#name = spec.name;
    this.#selected = selected;
    this.#repeated = new Set(spec.repeated);
    this.#wordOf = wordOf;
    this.#numericIds = spec.ids === 'numbers';
    this.#columns = new Set(['id', ...columnsOf(spec)]);
  }

  /** One row more than the limit, which tells whether another page follows. */
  find(query: Find<T>): Sql {
    return this.#page(query, this.#selected);
  }

  /** Like `find`, of the columns of these fields. */
  pick(fields: readonly string[], query: Find<T>): Sql {
    const columns = fields.map((field) => {
      if (this.#repeated.has(field)) throw new TypeError(`${this.#name}.${field} cannot be picked`);
      return field === 'id' && this.#numericIds ? 'CAST(id AS TEXT) AS id' : quoted(this.#column(field));
    });
    return this.#page(query, columns.join(', '));
  }

  count(where: Where<T> | undefined): Sql {
    const { clauses, values } = this.#conditions(where);
    return { text: `SELECT count(*) AS n FROM ${quoted(this.#name)}${whereText(clauses)}`, values };
  }

  remove(where: Where<T>): Sql {
    const { clauses, values } = this.#conditions(where);
    return { text: `DELETE FROM ${quoted(this.#name)}${whereText(clauses)}`, values };
  }

  /** The cursor that continues after `last`. */
  cursorAfter(query: Find<T>, last: T): string {
    const values = this.#sortKeys(query).map(({ field }) => {
      const value = last[field as keyof T];
      if (typeof value !== 'string' && typeof value !== 'number') throw new TypeError(`${this.#name} cannot be sorted by ${field}: a document lacks it`);
      return value;
    });
    return Buffer.from(JSON.stringify([this.#fingerprint(query), ...values])).toString('base64url');
  }

  #page(query: Find<T>, selected: string): Sql {
    const { limit, offset = 0 } = query;
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) throw new RangeError(`limit must be 1 to ${MAX_LIMIT}`);
    if (!Number.isInteger(offset) || offset < 0 || offset > MAX_OFFSET) throw new RangeError(`offset must be 0 to ${MAX_OFFSET}`);
    const keys = this.#sortKeys(query);
    const where = this.#conditions(query.where);
    if (query.cursor !== undefined) {
      const after = this.#decode(query, keys);
      where.clauses.push(afterKey(keys, after, where.values));
    }
    const order = keys.map((key) => `${quoted(key.field)} ${key.direction === 1 ? 'ASC' : 'DESC'}`).join(', ');
    const text = `SELECT ${selected} FROM ${quoted(this.#name)}${whereText(where.clauses)} ORDER BY ${order} LIMIT ? OFFSET ?`;
    return { text, values: [...where.values, limit + 1, offset] };
  }

  #sortKeys(query: Find<T>): SortKey[] {
    const keys: SortKey[] = [];
    for (const [field, direction] of Object.entries(query.sort ?? {})) {
      if (direction !== 1 && direction !== -1) throw new TypeError(`sort direction of ${field} must be 1 or -1`);
      if (this.#repeated.has(field)) throw new TypeError(`${this.#name} cannot be sorted by ${field}`);
      if (field !== 'id') keys.push({ field: this.#column(field), direction });
    }
    const explicit = (query.sort as Readonly<Record<string, 1 | -1>> | undefined)?.['id'];
    return [...keys, { field: 'id', direction: explicit ?? keys.at(-1)?.direction ?? -1 }];
  }

  #conditions(where: Where<T> | undefined): { clauses: string[]; values: Bound[] } {
    const clauses: string[] = [];
    const values: Bound[] = [];
    for (const [field, condition] of Object.entries(where ?? {})) this.#condition(this.#column(field), condition, clauses, values);
    return { clauses, values };
  }

  #condition(field: string, condition: unknown, clauses: string[], values: Bound[]): void {
    const column = quoted(field);
    if (condition === null) return void clauses.push(`${column} IS NULL`);
    if (typeof condition !== 'object') {
      clauses.push(`${column} = ?`);
      values.push(this.#bound(condition, field));
      return;
    }
    const parts = Object.entries(condition as object);
    if (parts.length === 0) throw new TypeError(`empty condition on ${field}`);
    for (const [operator, value] of parts) {
      if (operator === 'in') {
        if (!Array.isArray(value) || value.length > MAX_LIMIT) throw new TypeError(`in on ${field} takes a list of at most ${MAX_LIMIT}`);
        clauses.push(`${column} IN (SELECT value FROM json_each(?))`);
        values.push(JSON.stringify(value.map((item) => this.#bound(item, field))));
      } else {
        if (!Object.hasOwn(COMPARE, operator) || this.#repeated.has(field)) throw new TypeError(`unknown condition on ${field}`);
        clauses.push(`${column} ${COMPARE[operator]} ?`);
        values.push(this.#bound(value, field));
      }
    }
  }

  #bound(value: unknown, field: string): string | number {
    const found = bound(value, field);
    if (this.#repeated.has(field)) return this.#wordOf(String(found));
    return this.#numericIds && field === 'id' ? (numberOfId(String(found)) ?? NO_ID) : found;
  }

  #column(field: string): string {
    if (!this.#columns.has(field)) throw new TypeError(`${this.#name} cannot be queried by ${JSON.stringify(field)}: it is in no index`);
    return field;
  }

  #fingerprint(query: Find<T>): string {
    return createHash('sha256').update(JSON.stringify([this.#name, query.where ?? {}, query.sort ?? {}])).digest('base64url').slice(0, 11);
  }

  #decode(query: Find<T>, keys: readonly SortKey[]): Bound[] {
    let parsed: unknown;
    try {
      parsed = JSON.parse(Buffer.from(query.cursor ?? '', 'base64url').toString());
    } catch {
      throw new InvalidCursorError();
    }
    if (!Array.isArray(parsed) || parsed.length !== keys.length + 1 || parsed[0] !== this.#fingerprint(query)) throw new InvalidCursorError();
    const values: unknown[] = parsed.slice(1);
    if (!values.every((value) => typeof value === 'string' || typeof value === 'number')) throw new InvalidCursorError();
    return keys.map(({ field }, at) => this.#bound(values[at], field));
  }
}

/** Rows that sort after the key `after`; the first clause alone lets the index be entered at the right place. */
function afterKey(keys: readonly SortKey[], after: readonly Bound[], values: Bound[]): string {
  const beyond = (at: number): string => {
    const { field, direction } = keys[at]!;
    const compare = `${quoted(field)} ${direction === 1 ? '>' : '<'} ?`;
    values.push(after[at]!);
    if (at === keys.length - 1) return compare;
    values.push(after[at]!);
    return `(${compare} OR (${quoted(field)} = ? AND ${beyond(at + 1)}))`;
  };
  if (keys.length === 1) return beyond(0);
  const { field, direction } = keys[0]!;
  values.push(after[0]!);
  return `${quoted(field)} ${direction === 1 ? '>=' : '<='} ? AND ${beyond(0)}`;
}

function whereText(clauses: readonly string[]): string {
  return clauses.length === 0 ? '' : ` WHERE ${clauses.join(' AND ')}`;
}

/** What a column holds for a field's value: text, number, or 0/1; nothing else can be looked for. */
export function bound(value: unknown, field: string): string | number {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && !Number.isNaN(value)) return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  throw new TypeError(`a condition on ${field} must be a string, a number or a boolean`);
}
