/** The thread on which the journal's file is written and read, so that no fsync ever holds up the thread that serves requests. Answers requests in order. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Seq } from '../engine/units.ts';
import { JournalConflictError, JournalCorruptError } from './errors.ts';
import type { JournalRecord } from './journal.ts';
import { JournalFile } from './sqlite-file.ts';

export interface WorkerSettings {
  readonly path: string;
  readonly maxPages?: number;
}

/** An append comes flat, `FIELDS_PER_RECORD` values a record: cheaper to hand over than objects. */
export type WorkerRequest = { readonly id: number } & (
  | { readonly type: 'append'; readonly flat: readonly (number | string)[] }
  | { readonly type: 'read'; readonly afterSeq: Seq; readonly limit: number }
  | { readonly type: 'record_at'; readonly seq: Seq }
  | { readonly type: 'close' }
);

export type WorkerFailure = { readonly kind: 'conflict' | 'unavailable' } | { readonly kind: 'corrupt'; readonly seq: Seq };
/** The first reply, with id 0, comes when the file is open; every reply tells where the journal ends. */
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

function handle(file: JournalFile, request: WorkerRequest): readonly JournalRecord[] {
  switch (request.type) {
    case 'append':
      file.append(unflatten(request.flat));
      return NOTHING;
    case 'read':
      return file.read(request.afterSeq, request.limit);
    case 'record_at': {
      const record = file.recordAt(request.seq);
      return record === undefined ? NOTHING : [record];
    }
    case 'close':
      file.close();
      return NOTHING;
  }
}

function failureOf(error: unknown): WorkerFailure {
  if (error instanceof JournalConflictError) return { kind: 'conflict' };
  if (error instanceof JournalCorruptError) return { kind: 'corrupt', seq: error.seq };
  return { kind: 'unavailable' };
}

function serve(port: NonNullable<typeof parentPort>, settings: WorkerSettings): void {
  let lastSeq: Seq = 0;
  const reply = (id: number, body: () => readonly JournalRecord[]): void => {
    let answer: WorkerReply;
    try {
      const value = body();
      answer = { id, lastSeq, ok: true, value };
    } catch (error) {
      answer = { id, lastSeq, ok: false, failure: failureOf(error), message: (error as Error).message };
    }
    port.postMessage(answer);
  };
  let file: JournalFile | undefined;
  reply(0, () => {
    file = new JournalFile(settings.path, { maxPages: settings.maxPages });
    lastSeq = file.lastSeq();
    return NOTHING;
  });
  port.on('message', (request: WorkerRequest) => {
    reply(request.id, () => {
      const value = handle(file!, request);
      if (request.type === 'append' && request.flat.length > 0) lastSeq = endOf(request.flat);
      return value;
    });
    if (request.type === 'close') port.close();
  });
}

function endOf(flat: readonly (number | string)[]): Seq {
  const last = flat.length - FIELDS_PER_RECORD;
  return (flat[last] as number) + (flat[last + 1] as number) - 1;
}

if (parentPort !== null) serve(parentPort, workerData as WorkerSettings);
