/** How a collection is defined and used, whatever stores it. Driver: `sqlite.ts`. The contract suite holds every driver to it. */

export interface IndexSpec<T> {
  readonly fields: { readonly [K in keyof T & string]?: 1 | -1 };
  readonly unique?: boolean;
  /** Leaves out documents in which the last field is null or absent. */
  readonly sparse?: boolean;
}

/** `optional`: may be absent, and is null in no document. */
export type FieldList<T> = { readonly [K in keyof T & string]-?: {} extends Pick<T, K> ? (null extends T[K] ? never : 'optional') : 'always' };

/** Times are integer ms, money decimal strings, in every document; a driver may store them in its own types and gives them back like this. */
export interface CollectionSpec<T extends { readonly id: string }> {
  readonly name: string;
  /** Field → 1 | -1, in order; fields that are queried or sorted by must be in some index or in `filters`. */
  readonly indexes: readonly IndexSpec<T>[];
  /** Further fields that queries may filter by, on top of what an index finds. */
  readonly filters?: readonly (keyof T & string)[];
  /** The ids are whole numbers in decimal, and sort as numbers: a driver may keep documents by them, which is cheaper than by text. Default: any text. */
  readonly ids?: 'numbers';
  /** Of the fields of `indexes` and `filters`, those that can differ when a document is replaced; the indexes of all others are left alone. Default: every one. */
  readonly changing?: readonly (keyof T & string)[];
  /** Every field, in an order for good: a driver may store the values without their names. */
  readonly fields?: FieldList<T>;
  /** Texts that come back in many documents: a driver may store each of them once. Queries can ask for them, not sort by them. */
  readonly repeated?: readonly (keyof T & string)[];
  /** Folded from the journal and rebuilt from it when lost: a driver may keep it apart and need not make each write durable. */
  readonly projected?: true;
  /** Documents go when `field` (ms) + seconds lies in the past. */
  readonly ttl?: { readonly field: keyof T & string; readonly seconds: number };
  /** Fields a driver may store as Decimal128 and Date. */
  readonly decimals?: readonly (keyof T & string)[];
  readonly dates?: readonly (keyof T & string)[];
}

type Scalar = string | number | boolean | null;
export type Condition<V> = V | { readonly in?: readonly V[]; readonly gt?: V; readonly gte?: V; readonly lt?: V; readonly lte?: V };
/** What must hold of a document. A field without a condition is left out: `undefined` is refused, so that a forgotten value never widens a query. */
export type Where<T> = { readonly [K in keyof T]?: T[K] extends Scalar | undefined ? Condition<NonNullable<T[K]>> | Extract<T[K], null> : never };

/** Most documents of a page, and most values of an `in`. */
export const MAX_LIMIT = 500;

export interface Find<T> {
  readonly where?: Where<T>;
  /** Default: `id` descending. `id` is always the last tie-breaker. */
  readonly sort?: { readonly [K in keyof T & string]?: 1 | -1 };
  /** 1…500. */
  readonly limit: number;
  /** Opaque, from the previous page with the same where and sort; a foreign one throws InvalidCursorError. */
  readonly cursor?: string;
  readonly offset?: number;
}

export interface Page<T> {
  readonly items: T[];
  readonly nextCursor?: string;
}

export interface Collection<T extends { readonly id: string }> {
  get(id: string): Promise<T | undefined>;
  find(query: Find<T>): Promise<Page<T>>;
  /** Pages of these fields alone, texts and numbers that are in indexes or `filters`: cheaper than documents where many are gone through. */
  pick<K extends keyof T & string>(fields: readonly K[], query: Find<T>): Promise<Page<Pick<T, K>>>;
  count(where?: Where<T>): Promise<number>;
  /** Throws DuplicateKeyError when the id or a unique index is taken. */
  insert(doc: T): Promise<void>;
  /** Whole documents, inserted or replaced, as one write. */
  put(docs: readonly T[]): Promise<void>;
  /** Sets fields of one document; false when there is none. */
  patch(id: string, set: Partial<T>): Promise<boolean>;
  remove(where: Where<T>): Promise<number>;
}

export interface Store {
  collection<T extends { readonly id: string }>(spec: CollectionSpec<T>): Collection<T>;
  /** Cheap round trip, for health. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
