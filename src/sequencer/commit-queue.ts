/**
 * Group commit: what is executed together goes to the journal together, while earlier appends are still in flight, up to a bound; everything beyond it waits
 * for the next. Entries are answered in order, after their append. It never retries: after a failed append it answers nothing but the failure,
 * and its owner makes a new one.
 */
import type { Seq } from '../engine/units.ts';
import type { Journal, JournalRecord } from '../journal/journal.ts';
import { endOf, type RecordBody } from './record.ts';

/** An executed command that waits for its record to be durable. */
export interface Entry {
  readonly record: JournalRecord;
  readonly body: RecordBody;
  readonly reply: object;
}

interface Waiting extends Entry {
  readonly promise: Promise<object>;
  readonly resolve: (reply: object) => void;
  readonly reject: (error: Error) => void;
  barrier: Promise<void> | undefined;
}

export interface CommitQueueOptions {
  readonly journal: Journal;
  /** Most records, and most characters of their bodies, in one append. */
  readonly batchRecords: number;
  readonly batchChars: number;
  /** Most appends that the journal has been given and has not answered. More than one only for a journal that takes them in order and nothing after a failed one. */
  readonly appendsInFlight: number;
  /** So many waiting entries are sent at once, without waiting for what else arrives; more appends than one keep the journal's thread busy meanwhile. */
  readonly eagerRecords: number;
  /** Runs a task soon: when what arrived together has been executed. */
  readonly schedule: (task: () => void) => void;
  /** Called with each durable batch, before its replies. */
  readonly onCommitted: (entries: readonly Entry[], seconds: number) => void;
  /** Called once, when an append has failed. The owner then calls `fail`. */
  readonly onFailure: (error: Error) => void;
}

const DONE = Promise.resolve();

export class CommitQueue {
  readonly #options: CommitQueueOptions;
  #waiting: Waiting[] = [];
  /** Appends, oldest first. */
  #inFlight: Waiting[][] = [];
  #depth = 0;
  #scheduled = false;
  #failure: Error | undefined;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
  }

  /** Executed and not durable yet. */
  get depth(): number {
    return this.#depth;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Resolves with the entry's reply when it is durable. */
  push({ record, body, reply }: Entry): Promise<object> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<object>();
    this.#waiting.push({ record, body, reply, promise, resolve, reject, barrier: undefined });
    this.#depth++;
    if (this.#inFlight.length >= this.#options.appendsInFlight) return promise;
    if (this.#waiting.length >= this.#options.eagerRecords) this.#flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      this.#options.schedule(() => {
        this.#scheduled = false;
        this.#flush();
      });
    }
    return promise;
  }

  /** Resolves when everything pushed so far is durable. */
  barrier(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const last = this.#waiting.at(-1) ?? this.#inFlight.at(-1)?.at(-1);
    if (last === undefined) return DONE;
    return (last.barrier ??= last.promise.then(() => undefined));
  }

  /** The entry that holds event `seq`, if it waits here. */
  find(seq: Seq): Entry | undefined {
    const holds = ({ record }: Entry): boolean => record.seq <= seq && seq <= endOf(record);
    for (const batch of this.#inFlight) {
      const found = batch.find(holds);
      if (found !== undefined) return found;
    }
    return this.#waiting.find(holds);
  }

  /** Answers everything that waits, and everything that comes, with `error`. */
  fail(error: Error): void {
    this.#failure ??= error;
    const all = [...this.#inFlight.flat(), ...this.#waiting];
    this.#inFlight = [];
    this.#waiting = [];
    this.#depth = 0;
    for (const waiting of all) waiting.reject(this.#failure);
  }

  #flush(): void {
    if (this.#failure !== undefined || this.#waiting.length === 0 || this.#inFlight.length >= this.#options.appendsInFlight) return;
    const batch = this.#takeBatch();
    this.#inFlight.push(batch);
    const started = performance.now();
    this.#options.journal.append(batch.map(({ record }) => record)).then(
      () => this.#commit(batch, (performance.now() - started) / 1000),
      (error: Error) => {
        if (this.#failure === undefined) this.#options.onFailure(error);
      },
    );
  }

  #takeBatch(): Waiting[] {
    const { batchRecords, batchChars } = this.#options;
    let count = 0;
    for (let chars = 0; count < this.#waiting.length && count < batchRecords && chars < batchChars; count++) chars += this.#waiting[count]!.record.body.length;
    if (count < this.#waiting.length) return this.#waiting.splice(0, count);
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }

  #commit(batch: readonly Waiting[], seconds: number): void {
    if (this.#failure !== undefined) return;
    if (this.#inFlight.shift() !== batch) throw new Error('the journal answered appends out of order');
    this.#depth -= batch.length;
    this.#options.onCommitted(batch, seconds);
    for (const { reply, resolve } of batch) resolve(reply);
    this.#flush();
  }
}
