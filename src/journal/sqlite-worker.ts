/** The thread on which the journal's file is written and read, so that no fsync ever holds up the thread that serves requests. Answers requests in order, those that arrived together with one message. */
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import type { Seq } from '../engine/units.ts';
import { joinBackground } from '../utils/cpus.ts';
import { JournalConflictError, JournalCorruptError, JournalUnavailableError } from './errors.ts';
import { unflatten, type FlatRecords } from './flat-records.ts';
import type { JournalRecord } from './journal.ts';
import { JournalFile } from './sqlite-file.ts';

export interface WorkerSettings {
  readonly path: string;
  readonly maxPages?: number;
}

interface AppendRequest {
  readonly id: number;
  readonly type: 'append';
  readonly records: FlatRecords;
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

const NOTHING: readonly JournalRecord[] = [];

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

  /** Answers in order; appends that stand together are one transaction with one sync. What is stored already is read without parting them. */
  answer(requests: readonly WorkerRequest[]): WorkerReply[] {
    const replies: WorkerReply[] = [];
    for (let at = 0; at < requests.length; ) {
      const appends: AppendRequest[] = [];
      for (; at < requests.length; at++) {
        const request = requests[at] as WorkerRequest;
        if (request.type === 'append') appends.push(request);
        else if (appends.length === 0 || (request.type === 'record_at' && request.seq <= this.#lastSeq)) replies.push(this.#attempt(request.id, () => this.#handle(request)));
        else break;
      }
      if (appends.length > 0) replies.push(...this.#append(appends));
    }
    return replies;
  }

  opened(): WorkerReply {
    return { id: 0, lastSeq: this.#lastSeq, ok: true, value: NOTHING };
  }

  #append(requests: readonly AppendRequest[]): WorkerReply[] {
    const outcome = this.#attempt(0, () => {
      if (this.#broken !== undefined) throw this.#broken;
      try {
        this.#lastSeq = this.#file.append(unflatten(requests.map(({ records }) => records)));
      } catch (error) {
        if (error instanceof JournalUnavailableError) this.#broken = error;
        throw error;
      }
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

if (parentPort !== null) {
  joinBackground();
  serve(parentPort, workerData as WorkerSettings);
}
