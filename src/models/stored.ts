/** Documents from a file of the store that nobody has opened here: another process may be writing it, and it is left as it is. For collections in JSON. */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { CollectionSpec } from './collection.ts';
import { fileOf, pathOf } from './damage.ts';
import { quoted } from './query.ts';

type AnyDoc = { readonly id: string };

const BUSY_TIMEOUT_MS = 5_000;

/** Throws what SQLite throws, and SyntaxError for a document that is not JSON. */
export class StoredCollection<T extends AnyDoc> {
  readonly #db: DatabaseSync;
  readonly #table: string;

  constructor(directory: string, spec: CollectionSpec<T>) {
    this.#db = new DatabaseSync(pathOf(directory, fileOf(spec)), { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    this.#table = quoted(spec.name);
  }

  get(id: string): T | undefined {
    const row = this.#db.prepare(`SELECT doc FROM ${this.#table} WHERE id = ?`).get(id) as { doc: string } | undefined;
    return row === undefined ? undefined : (JSON.parse(row.doc) as T);
  }

  count(): number {
    return (this.#db.prepare(`SELECT count(*) AS n FROM ${this.#table}`).get() as { n: number }).n;
  }

  /** All of one state of the file, by a field that is in an index. */
  *inOrderOf(field: keyof T & string): Generator<T> {
    for (const row of this.#db.prepare(`SELECT doc FROM ${this.#table} ORDER BY ${quoted(field)}`).iterate()) yield JSON.parse(row['doc'] as string) as T;
  }

  close(): void {
    this.#db.close();
  }
}

/** One document; undefined where the file or the document is not there. */
export function readStored<T extends AnyDoc>(directory: string, spec: CollectionSpec<T>, id: string): T | undefined {
  if (!existsSync(pathOf(directory, fileOf(spec)))) return undefined;
  const stored = new StoredCollection(directory, spec);
  try {
    return stored.get(id);
  } finally {
    stored.close();
  }
}
