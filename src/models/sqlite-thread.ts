/** The thread that owns the store's connections: takes lists of requests, runs them in order, answers each list with one message. Sweeps what has expired. */
import { parentPort, workerData } from 'node:worker_threads';
import { wallTime } from '../utils/clock.ts';
import { joinBackground } from '../utils/cpus.ts';
import { OperatingError } from '../utils/errors.ts';
import type { CollectionSpec, Find, Where } from './collection.ts';
import { locate } from './damage.ts';
import { SqliteStore } from './sqlite.ts';
import { sweepEvery } from './sweeper.ts';
import type { SqliteTable } from './table.ts';

type Doc = { readonly id: string };

/** What can be asked of a collection of T, or of the whole store. */
export type StoreOperation<T extends Doc> =
  | { readonly op: 'open'; readonly spec: CollectionSpec<T> }
  | { readonly op: 'get'; readonly collection: string; readonly key: string }
  | { readonly op: 'find'; readonly collection: string; readonly query: Find<T> }
  | { readonly op: 'pick'; readonly collection: string; readonly fields: readonly (keyof T & string)[]; readonly query: Find<T> }
  | { readonly op: 'count'; readonly collection: string; readonly where: Where<T> | undefined }
  | { readonly op: 'insert'; readonly collection: string; readonly doc: T }
  | { readonly op: 'put'; readonly collection: string; readonly docs: readonly T[] }
  | { readonly op: 'patch'; readonly collection: string; readonly key: string; readonly set: Partial<T> }
  | { readonly op: 'remove'; readonly collection: string; readonly where: Where<T> }
  | { readonly op: 'ping' }
  | { readonly op: 'close' };

/** As it crosses the thread, of whichever collection. */
export type StoreRequest = { readonly id: number } & StoreOperation<Doc>;

/** What crosses a thread of an error; `code` tells which class it was. */
export interface WireError {
  readonly code: string;
  readonly name: string;
  readonly message: string;
}

export type StoreReply = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: WireError };

export interface StoreThreadData {
  readonly directory: string;
  readonly sweepMs: number;
  /** ms since the epoch: what has expired by then is swept. Default now. */
  readonly sweepAt?: number | undefined;
}

const SWEEP_LIMIT = 500;

function serve(port: NonNullable<typeof parentPort>, { directory, sweepMs, sweepAt }: StoreThreadData): void {
  const store = new SqliteStore(directory);
  const specs = new Map<string, CollectionSpec<Doc>>();
  const tables = new Map<string, SqliteTable<Doc>>();

  const tableOf = (name: string): SqliteTable<Doc> => {
    const open = tables.get(name);
    if (open !== undefined) return open;
    const spec = specs.get(name);
    if (spec === undefined) throw new Error(`the collection ${name} was not opened`);
    // Also where an earlier try has failed: the database may have been busy.
    const table = store.table(spec);
    tables.set(name, table);
    return table;
  };

  /** Documents travel as JSON text: cheaper to make here and to read there than structured clones. */
  const run = (request: StoreRequest): unknown => {
    switch (request.op) {
      case 'open':
        specs.set(request.spec.name, request.spec);
        return void tableOf(request.spec.name);
      case 'get': return tableOf(request.collection).getText(request.key);
      case 'find': return tableOf(request.collection).findText(request.query);
      case 'pick': return tableOf(request.collection).pickText(request.fields, request.query);
      case 'count': return tableOf(request.collection).count(request.where);
      case 'insert': return tableOf(request.collection).insert(request.doc);
      case 'put': return tableOf(request.collection).put(request.docs);
      case 'patch': return tableOf(request.collection).patch(request.key, request.set);
      case 'remove': return tableOf(request.collection).remove(request.where);
      case 'ping': return void store.ping();
      case 'close': return void store.close();
    }
  };

  const answer = (request: StoreRequest): StoreReply => {
    try {
      return { id: request.id, value: run(request) };
    } catch (thrown) {
      const spec = 'collection' in request ? specs.get(request.collection) : undefined;
      const error = spec === undefined ? thrown : locate(thrown as Error, directory, spec);
      const { name, message } = error as Error;
      return { id: request.id, error: { code: error instanceof OperatingError ? error.code : '', name, message } };
    }
  };

  const stopSweeping = sweepEvery(sweepMs, () => store.sweep(sweepAt ?? wallTime(), SWEEP_LIMIT) >= SWEEP_LIMIT);

  port.on('message', (requests: readonly StoreRequest[]) => {
    port.postMessage(requests.map(answer));
    if (requests.some((request) => request.op === 'close')) {
      stopSweeping();
      port.close();
    }
  });
}

if (parentPort !== null) {
  joinBackground();
  serve(parentPort, workerData as StoreThreadData);
}
