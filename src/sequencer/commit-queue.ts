/**
 * Group commit: what is executed together goes to the journal together, while earlier appends are still in flight, up to a bound; everything beyond it waits
 * for the next. Entries are answered in order, after their append. It never retries: after a failed append it answers nothing but the failure,
 * and its owner makes a new one.
 */
import type { Seq } from '../engine/units.ts';
import { endOf, type Journal, type JournalRecord } from '../journal/journal.ts';
import type { RecordBody } from './record.ts';

/** Who waits for a command's reply. */
export type Waiter = PromiseWithResolvers<object>;

/** An executed command whose record is to be durable before its reply is given. */
export interface Entry {
  readonly record: JournalRecord;
  readonly body: RecordBody;
  readonly reply: object;
  readonly waiter: Waiter;
}

export interface CommitQueueOptions {
  readonly journal: Journal;
  /** Most records, and most characters of their bodies, in one append. */
  readonly batchRecords: number;
  readonly batchChars: number;
  /** Most appends that the journal has been given and has not answered. More than one only for a journal that takes them in order and nothing after a failed one. */
  readonly appendsInFlight: number;
  /** So many waiting entries are sent at once, without waiting to be flushed; more appends than one keep the journal's thread busy meanwhile. */
  readonly eagerRecords: number;
  /** Called with each durable batch, before its replies. */
  readonly onCommitted: (entries: readonly Entry[], seconds: number) => void;
  /** Called once, when an append has failed. The owner then calls `fail`. */
  readonly onFailure: (error: Error) => void;
}

const DONE = Promise.resolve();

export class CommitQueue {
  readonly #options: CommitQueueOptions;
  #waiting: Entry[] = [];
  /** Appends, oldest first. */
  #inFlight: Entry[][] = [];
  #depth = 0;
  #barrier: { readonly last: Entry; readonly passed: Promise<void> } | undefined;
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

  /** The waiter gets the reply when the entry is durable; `flush` sends what waits. */
  push(entry: Entry): void {
    if (this.#failure !== undefined) return entry.waiter.reject(this.#failure);
    this.#waiting.push(entry);
    this.#depth++;
    if (this.#waiting.length >= this.#options.eagerRecords) this.flush();
  }

  /** Resolves when everything pushed so far is durable. */
  barrier(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const last = this.#waiting.at(-1) ?? this.#inFlight.at(-1)?.at(-1);
    if (last === undefined) return DONE;
    if (this.#barrier?.last !== last) this.#barrier = { last, passed: last.waiter.promise.then(() => undefined) };
    return this.#barrier.passed;
  }

  /** The entry that holds event `seq`, if it waits here. */
  find(seq: Seq): Entry | undefined {
    for (const batch of this.#inFlight) {
      if (seq <= endOf(batch.at(-1)!.record)) return entryOf(batch, seq);
    }
    return entryOf(this.#waiting, seq);
  }

  /** Answers everything that waits, and everything that comes, with `error`. */
  fail(error: Error): void {
    this.#failure ??= error;
    const all = [...this.#inFlight.flat(), ...this.#waiting];
    this.#inFlight = [];
    this.#waiting = [];
    this.#depth = 0;
    this.#barrier = undefined;
    for (const { waiter } of all) waiter.reject(this.#failure);
  }

  /** Sends what waits, unless as many appends as may be are in flight: then it goes with the next commit. */
  flush(): void {
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

  #takeBatch(): Entry[] {
    const { batchRecords, batchChars } = this.#options;
    let count = 0;
    for (let chars = 0; count < this.#waiting.length && count < batchRecords && chars < batchChars; count++) chars += this.#waiting[count]!.record.body.length;
    if (count < this.#waiting.length) return this.#waiting.splice(0, count);
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }

  #commit(batch: readonly Entry[], seconds: number): void {
    if (this.#failure !== undefined) return;
    if (this.#inFlight.shift() !== batch) throw new Error('the journal answered appends out of order');
    this.#depth -= batch.length;
    this.#options.onCommitted(batch, seconds);
    for (const { reply, waiter } of batch) waiter.resolve(reply);
    this.flush();
  }
}

/** By halves, as entries stand in order of seq. */
function entryOf(entries: readonly Entry[], seq: Seq): Entry | undefined {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (endOf(entries[middle]!.record) < seq) low = middle + 1;
    else high = middle;
  }
  const found = entries[low];
  return found !== undefined && found.record.seq <= seq ? found : undefined;
}
