/**
 * The store as the serving thread sees it: every call becomes a message to the store's thread, so no query ever holds up a request. Calls of
 * one turn of the event loop travel together. Bounded in number and in time; both bounds answer UnavailableError.
 */
import { Worker } from 'node:worker_threads';
import { UnavailableError } from '../utils/errors.ts';
import type { Collection, CollectionSpec, Page, Store } from './collection.ts';
import { locate } from './damage.ts';
import { DuplicateKeyError, InvalidCursorError, StoreDamagedError } from './errors.ts';
import type { StoreOperation, StoreReply, StoreRequest, StoreThreadData, WireError } from './sqlite-thread.ts';
import type { TextPage } from './table.ts';

type AnyDoc = { readonly id: string };

/** Refused, they would leave a collection that nobody can use, or the thread running. */
const ALWAYS: ReadonlySet<StoreRequest['op']> = new Set(['open', 'close']);

export interface RemoteStoreOptions {
  /** Exists. */
  readonly directory: string;
  /** Told of each finished call. */
  readonly observe?: (collection: string, operation: string, seconds: number) => void;
  readonly maxInFlight?: number;
  readonly timeoutMs?: number;
  readonly sweepMs?: number;
  /** Replaced in tests: see StoreThreadData. */
  readonly sweepAt?: number;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly collection: string;
  readonly op: string;
  readonly startedAt: number;
}

export class RemoteStore implements Store {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #maxInFlight: number;
  readonly #timeoutMs: number;
  readonly #observe: RemoteStoreOptions['observe'];
  readonly #opened = new Set<string>();
  readonly #directory: string;
  readonly #timer: NodeJS.Timeout;
  #outbox: StoreRequest[] = [];
  #nextId = 1;
  #failure: Error | undefined;
  /** The first that was met. */
  #damage: StoreDamagedError | undefined;

  constructor(options: RemoteStoreOptions) {
    this.#directory = options.directory;
    this.#maxInFlight = options.maxInFlight ?? 2_000;
    this.#timeoutMs = options.timeoutMs ?? 5_000;
    this.#observe = options.observe;
    const workerData: StoreThreadData = { directory: options.directory, sweepMs: options.sweepMs ?? 30_000, sweepAt: options.sweepAt };
    this.#worker = new Worker(new URL('./sqlite-thread.ts', import.meta.url), { workerData, name: 'store' });
    this.#worker.on('message', (replies: readonly StoreReply[]) => this.#settle(replies));
    this.#worker.on('error', (error) => this.#fail(new UnavailableError('the store has failed', error)));
    this.#worker.on('exit', () => this.#fail(new UnavailableError('the store is closed')));
    this.#timer = setInterval(() => this.#expire(), Math.max(10, this.#timeoutMs / 10));
    this.#timer.unref();
  }

  collection<T extends AnyDoc>(spec: CollectionSpec<T>): Collection<T> {
    const collection = spec.name;
    if (!this.#opened.has(collection)) {
      this.#opened.add(collection);
      // A failing open shows in the first call on the collection.
      this.#call<T>({ op: 'open', spec }, collection).catch(() => undefined);
    }
    const parse = <R>(text: string): R => this.#parse(text, spec) as R;
    const call = (operation: StoreOperation<T>): Promise<unknown> => this.#call(operation, collection);
    return {
      get: async (key) => {
        const text = (await call({ op: 'get', collection, key })) as string | undefined;
        return text === undefined ? undefined : parse<T>(text);
      },
      find: async (query): Promise<Page<T>> => {
        const { items, nextCursor } = (await call({ op: 'find', collection, query })) as TextPage;
        return { items: parse<T[]>(items), ...(nextCursor !== undefined && { nextCursor }) };
      },
      pick: async (fields, query) => {
        const { items, nextCursor } = (await call({ op: 'pick', collection, fields, query })) as TextPage;
        return { items: parse(items), ...(nextCursor !== undefined && { nextCursor }) };
      },
      count: async (where) => (await call({ op: 'count', collection, where })) as number,
      insert: async (doc) => void (await call({ op: 'insert', collection, doc })),
      put: async (docs) => void (await call({ op: 'put', collection, docs })),
      patch: async (key, set) => (await call({ op: 'patch', collection, key, set })) as boolean,
      remove: async (where) => (await call({ op: 'remove', collection, where })) as number,
    };
  }

  /** Fails from the first damaged document on: whoever asks for it will not be served until an operator has done something. */
  async ping(): Promise<void> {
    await this.#call({ op: 'ping' }, '');
    if (this.#damage !== undefined) throw this.#damage;
  }

  /** After what was asked before has been answered, however much that is. */
  async close(): Promise<void> {
    if (this.#failure !== undefined) return;
    const exited = new Promise<void>((resolve) => void this.#worker.once('exit', () => resolve()));
    await this.#call({ op: 'close' }, '');
    await exited;
  }

  #call<T extends AnyDoc>(operation: StoreOperation<T>, collection: string): Promise<unknown> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#pending.size >= this.#maxInFlight && !ALWAYS.has(operation.op)) return Promise.reject(new UnavailableError('too many queries to the store are waiting'));
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#pending.set(id, { resolve, reject, collection, op: operation.op, startedAt: performance.now() });
    if (this.#outbox.length === 0) setImmediate(() => this.#flush());
    this.#outbox.push({ ...operation, id } as unknown as StoreRequest);
    return promise;
  }

  #flush(): void {
    const requests = this.#outbox;
    this.#outbox = [];
    try {
      this.#worker.postMessage(requests);
    } catch (error) {
      // A value that cannot cross threads: refuse the whole list, for nothing of it was sent.
      for (const { id } of requests) this.#take(id)?.reject(new TypeError('a document holds a value that is not data', { cause: error }));
    }
  }

  #settle(replies: readonly StoreReply[]): void {
    for (const reply of replies) {
      const pending = this.#take(reply.id);
      if (pending === undefined) continue;
      this.#observe?.(pending.collection, pending.op, (performance.now() - pending.startedAt) / 1000);
      if ('error' in reply) pending.reject(this.#noted(thrown(reply.error)));
      else pending.resolve(reply.value);
    }
  }

  #parse(text: string, spec: Pick<CollectionSpec<AnyDoc>, 'name' | 'projected'>): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw this.#noted(locate(error as Error, this.#directory, spec));
    }
  }

  #noted(error: Error): Error {
    if (error instanceof StoreDamagedError) this.#damage ??= error;
    return error;
  }

  /** Oldest first, so it stops at the first that is still in time. */
  #expire(): void {
    const limit = performance.now() - this.#timeoutMs;
    for (const [id, pending] of this.#pending) {
      if (pending.startedAt > limit) return;
      this.#pending.delete(id);
      pending.reject(new UnavailableError(`the store did not answer within ${this.#timeoutMs} ms`));
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    clearInterval(this.#timer);
    for (const pending of this.#pending.values()) pending.reject(this.#failure);
    this.#pending.clear();
  }
}

function thrown(error: WireError): Error {
  if (error.code === 'DUPLICATE_KEY') return new DuplicateKeyError(error.message);
  if (error.code === 'STORE_DAMAGED') return new StoreDamagedError(error.message);
  if (error.code === 'INVALID_CURSOR') return new InvalidCursorError(error.message);
  if (error.name === 'TypeError') return new TypeError(error.message);
  if (error.name === 'RangeError') return new RangeError(error.message);
  return new UnavailableError(`the store failed: ${error.message}`);
}
