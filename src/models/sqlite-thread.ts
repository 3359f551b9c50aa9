/** The thread that owns the store's connections: takes lists of requests, runs them in order, answers each list with one message. Sweeps what has expired. */
import { parentPort, workerData } from 'node:worker_threads';
import { wallTime } from '../utils/clock.ts';
import { joinBackground } from '../utils/cpus.ts';
import { OperatingError } from '../utils/errors.ts';
import type { CollectionSpec, Find, Where } from './collection.ts';
import { locate } from './damage.ts';
import { SqliteStore } from './sqlite.ts';
import type { SqliteTable } from './table.ts';

type Doc = { readonly id: string };

export type StoreRequest = { readonly id: number } & (
  | { readonly op: 'open'; readonly spec: CollectionSpec<Doc> }
  | { readonly op: 'get'; readonly collection: string; readonly key: string }
  | { readonly op: 'find'; readonly collection: string; readonly query: Find<Doc> }
  | { readonly op: 'pick'; readonly collection: string; readonly fields: readonly string[]; readonly query: Find<Doc> }
  | { readonly op: 'count'; readonly collection: string; readonly where: Where<Doc> | undefined }
  | { readonly op: 'insert'; readonly collection: string; readonly doc: Doc }
  | { readonly op: 'put'; readonly collection: string; readonly docs: readonly Doc[] }
  | { readonly op: 'patch'; readonly collection: string; readonly key: string; readonly set: Partial<Doc> }
  | { readonly op: 'remove'; readonly collection: string; readonly where: Where<Doc> }
  | { readonly op: 'ping' }
  | { readonly op: 'close' }
);

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
      case 'pick': return tableOf(request.collection).pickText(request.fields as readonly 'id'[], request.query);
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

  const sweeper = setInterval(() => {
    try {
      while (store.sweep(sweepAt ?? wallTime(), SWEEP_LIMIT) >= SWEEP_LIMIT);
    } catch {
      // The database is busy or the disk full: the next round tries again, and writes report the fault to their callers.
    }
  }, sweepMs);

  port.on('message', (requests: readonly StoreRequest[]) => {
    port.postMessage(requests.map(answer));
    if (requests.some((request) => request.op === 'close')) {
      clearInterval(sweeper);
      port.close();
    }
  });
}

if (parentPort !== null) {
  joinBackground();
  serve(parentPort, workerData as StoreThreadData);
}
