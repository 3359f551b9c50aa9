/** The thread on which the journal's file is written and read, so that no fsync ever holds up the thread that serves requests. Answers requests in order, those that arrived together with one message. */
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import type { Seq } from '../engine/units.ts';
import { joinBackground } from '../utils/cpus.ts';
import { JournalConflictError, JournalCorruptError, JournalUnavailableError } from './errors.ts';
import type { JournalRecord } from './journal.ts';
import { JournalFile } from './sqlite-file.ts';

export interface WorkerSettings {
  readonly path: string;
  readonly maxPages?: number;
}

/** An append comes flat, `FIELDS_PER_RECORD` values a record: cheaper to hand over than objects. */
interface AppendRequest {
  readonly id: number;
  readonly type: 'append';
  readonly flat: readonly (number | string)[];
}
type OtherRequest = { readonly id: number } & (
  | { readonly type: 'read'; readonly afterSeq: Seq; readonly limit: number }
  | { readonly type: 'record_at'; readonly seq: Seq }
  | { readonly type: 'close' }
);
export type WorkerRequest = AppendRequest | OtherRequest;

export type WorkerFailure = { readonly kind: 'conflict' | 'unavailable' } | { readonly kind: 'corrupt'; readonly seq: Seq };
/** Replies come as arrays. The first reply, with id 0, comes when the file is open; every reply tells where the journal ends. */
export type WorkerReply = { readonly id: number; readonly lastSeq: Seq } & (
  | { readonly ok: true; readonly value: readonly JournalRecord[] }
  | { readonly ok: false; readonly failure: WorkerFailure; readonly message: string }
);

const FIELDS_PER_RECORD = 6;
const NOTHING: readonly JournalRecord[] = [];

export function flatten(records: readonly JournalRecord[]): (number | string)[] {
  const flat: (number | string)[] = [];
  for (const record of records) flat.push(record.seq, record.count, record.time, record.key, record.fingerprint, record.body);
  return flat;
}

function unflatten(flat: readonly (number | string)[]): JournalRecord[] {
  const records: JournalRecord[] = [];
  for (let at = 0; at < flat.length; at += FIELDS_PER_RECORD) {
    const [seq, count, time, key, fingerprint, body] = flat.slice(at, at + FIELDS_PER_RECORD) as [number, number, number, string, string, string];
    records.push({ seq, count, time, key, fingerprint, body });
  }
  return records;
}

function failureOf(error: unknown): WorkerFailure {
  if (error instanceof JournalConflictError) return { kind: 'conflict' };
  if (error instanceof JournalCorruptError) return { kind: 'corrupt', seq: error.seq };
  return { kind: 'unavailable' };
}

/** What has arrived: the message that was just delivered, and those that wait behind it. */
function arrived(port: MessagePort, first: WorkerRequest): WorkerRequest[] {
  const requests = [first];
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) requests.push(next.message as WorkerRequest);
  return requests;
}

class JournalServer {
  readonly #file: JournalFile;
  #lastSeq: Seq;
  /** Where a failed append ended up is unknown, so nothing may follow it. */
  #broken: JournalUnavailableError | undefined;

  constructor(file: JournalFile) {
    this.#file = file;
    this.#lastSeq = file.lastSeq();
  }

  /** Answers in order; appends that stand together are one transaction with one sync. */
  answer(requests: readonly WorkerRequest[]): WorkerReply[] {
    const replies: WorkerReply[] = [];
    for (let at = 0; at < requests.length; ) {
      const request = requests[at++] as WorkerRequest;
      if (request.type !== 'append') {
        replies.push(this.#attempt(request.id, () => this.#handle(request)));
        continue;
      }
      const appends = [request];
      for (let next = requests[at]; next?.type === 'append'; next = requests[++at]) appends.push(next);
      replies.push(...this.#append(appends));
    }
    return replies;
  }

  opened(): WorkerReply {
    return { id: 0, lastSeq: this.#lastSeq, ok: true, value: NOTHING };
  }

  #append(requests: readonly AppendRequest[]): WorkerReply[] {
    const flat = requests.length === 1 ? requests[0]!.flat : requests.flatMap((request) => request.flat);
    const outcome = this.#attempt(0, () => {
      if (this.#broken !== undefined) throw this.#broken;
      this.#file.append(unflatten(flat));
      this.#lastSeq = endOf(flat);
      return NOTHING;
    });
    return requests.map(({ id }) => ({ ...outcome, id }));
  }

  #handle(request: OtherRequest): readonly JournalRecord[] {
    switch (request.type) {
      case 'read':
        return this.#file.read(request.afterSeq, request.limit);
      case 'record_at': {
        const record = this.#file.recordAt(request.seq);
        return record === undefined ? NOTHING : [record];
      }
      case 'close':
        this.#file.close();
        return NOTHING;
    }
  }

  #attempt(id: number, body: () => readonly JournalRecord[]): WorkerReply {
    try {
      const value = body();
      return { id, lastSeq: this.#lastSeq, ok: true, value };
    } catch (error) {
      if (error instanceof JournalUnavailableError) this.#broken ??= error;
      return failed(id, this.#lastSeq, error);
    }
  }
}

function failed(id: number, lastSeq: Seq, error: unknown): WorkerReply {
  return { id, lastSeq, ok: false, failure: failureOf(error), message: (error as Error).message };
}

function serve(port: MessagePort, settings: WorkerSettings): void {
  let server: JournalServer;
  try {
    server = new JournalServer(new JournalFile(settings.path, { maxPages: settings.maxPages }));
  } catch (error) {
    port.postMessage([failed(0, 0, error)]);
    port.close();
    return;
  }
  port.postMessage([server.opened()]);
  port.on('message', (first: WorkerRequest) => {
    const requests = arrived(port, first);
    port.postMessage(server.answer(requests));
    if (requests.some(({ type }) => type === 'close')) port.close();
  });
}

function endOf(flat: readonly (number | string)[]): Seq {
  const last = flat.length - FIELDS_PER_RECORD;
  return (flat[last] as number) + (flat[last + 1] as number) - 1;
}

if (parentPort !== null) {
  joinBackground();
  serve(parentPort, workerData as WorkerSettings);
}
