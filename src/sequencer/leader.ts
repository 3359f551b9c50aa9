/**
 * The one writer: gives commands their order and time, executes them in memory, makes their events durable, and only then answers and tells
 * the followers. What arrives in one turn is executed together. When the journal fails it answers nothing, throws its state away, and leads again from what the journal holds.
 */
import type { Command, CommandType } from '../engine/commands.ts';
import type { Engine } from '../engine/engine.ts';
import type { Outcome } from '../engine/events.ts';
import type { EngineReader } from '../engine/reader.ts';
import type { Reject } from '../engine/reject.ts';
import type { Millis, Seq } from '../engine/units.ts';
import { JournalConflictError, JournalCorruptError } from '../journal/errors.ts';
import type { Journal } from '../journal/journal.ts';
import type { Logger } from '../observability/logger.ts';
import { UnavailableError } from '../utils/errors.ts';
import { CommitQueue, type Waiter } from './commit-queue.ts';
import { Followers } from './followers.ts';
import { isSuspect, judge, rememberIds, withEarlier, type IdLookup, type Source, type Verdict } from './idempotency.ts';
import type { LeaderMetrics } from './leader-metrics.ts';
import { RecoveryError, recover, refusalOf, takeSnapshot, type Recovered, type RecoveryOptions } from './recovery.ts';
import { decodeBody, encodeRecord, endOf, type RecordBody } from './record.ts';
import type { CommandMeta, Committed, CommittedRecord, Sequencer } from './sequencer.ts';
import { currentState } from './state.ts';

export interface LeaderOptions {
  /** Opens the journal: at the start, and again after every failure of it. */
  readonly openJournal: () => Promise<Journal>;
  /** Milliseconds since the epoch. May jump; journaled time never goes back. */
  readonly clock: () => Millis;
  readonly logger: Logger;
  readonly metrics: LeaderMetrics;
  /** Most commands executed and not durable yet; more are refused. */
  readonly queueLimit: number;
  readonly batchRecords: number;
  readonly batchChars: number;
  readonly appendsInFlight: number;
  readonly eagerRecords: number;
  /** So many commands that have arrived are executed at once, without waiting for what else arrives. */
  readonly groupCommands: number;
  readonly idLimit: number;
  /** Runs a task soon: when what arrives together has arrived. */
  readonly schedule: (task: () => void) => void;
  readonly delay: (ms: Millis) => Promise<void>;
  readonly onProgress?: RecoveryOptions['onProgress'];
  readonly journalFile?: RecoveryOptions['journalFile'];
  readonly followedTo?: RecoveryOptions['followedTo'];
  /** Asked before anything happens to the recovered state: whether what is kept beside the journal fits it. Throws RecoveryError. */
  readonly admit?: (recovered: EngineReader) => Promise<void>;
  /** Told once when it cannot go on: the process should end. */
  readonly onFatal?: (error: Error) => void;
  /** Stops what works beside the leader, before its last snapshot. */
  readonly onClosing?: () => Promise<void>;
  /** Lets go of what the leader held. */
  readonly onClosed?: () => void;
}

/** A command that has been taken and is not executed yet. */
interface Arrived {
  readonly command: Command;
  readonly meta: CommandMeta | undefined;
  readonly answer: Answer;
  readonly waiter: Waiter;
}

type PartialVerdict = Verdict & { readonly kind: 'partial' };
type Answer = (committed: Committed) => object;
type Status = Sequencer['status'];

/** What clients send most, and what changes neither assets nor markets nor who has an account. All else is executed when it arrives. */
const CAN_WAIT: ReadonlySet<CommandType> = new Set(['place_order', 'place_orders', 'cancel_order', 'cancel_orders', 'replace_orders', 'amend_order']);
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 5_000;
const FOLLOW_RECORDS = 500;
const NONE_LOADED: ReadonlyMap<Seq, Source> = new Map();
const NOTHING_THERE: Source = { record: { seq: 0, count: 0, time: 0, key: '', fingerprint: '', body: '' }, body: { events: [] } };

export class Leader implements Sequencer {
  /** Whoever looks finds what has arrived before executed. */
  readonly state: EngineReader = currentState(
    () => {
      this.#executeArrived();
      return this.#engine;
    },
    () => this.#engine,
  );
  readonly #options: LeaderOptions;
  readonly #followers: Followers;
  #status: Status = { state: 'starting' };
  #journal: Journal;
  #queue: CommitQueue;
  #arrived: Arrived[] = [];
  #scheduled = false;
  /** Commands that wait for what their ids led to before. */
  #judging = 0;
  #engine: Engine;
  #recovered: Recovered;
  #lastTime: Millis;
  #committedSeq: Seq;
  #committedTime: Millis;
  #retryMs = FIRST_RETRY_MS;
  #rebuilding: Promise<void> = Promise.resolve();
  #closing = false;
  readonly #ids = this.#lookup(NONE_LOADED);
  readonly #closeRequested = Promise.withResolvers<void>();

  /** Recovers, then leads. Throws RecoveryError, JournalUnavailableError. */
  static async open(options: LeaderOptions): Promise<Leader> {
    const journal = await options.openJournal().catch((error: unknown) => {
      throw refusalOf(error, options.journalFile);
    });
    try {
      const recovered = await recover(journal, options);
      await options.admit?.(recovered.engine);
      return new Leader(options, journal, recovered);
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  private constructor(options: LeaderOptions, journal: Journal, recovered: Recovered) {
    this.#options = options;
    this.#followers = new Followers(options.logger);
    this.#journal = journal;
    this.#queue = this.#createQueue(journal);
    this.#recovered = recovered;
    this.#engine = recovered.engine;
    this.#lastTime = recovered.time;
    this.#committedTime = recovered.time;
    this.#committedSeq = recovered.engine.seq;
    this.#status = { state: 'leading' };
  }

  get status(): Status {
    return this.#status;
  }

  get committedSeq(): Seq {
    return this.#committedSeq;
  }

  /** How the last recovery went. */
  get recovery(): Recovered['figures'] {
    return this.#recovered.figures;
  }

  submit(command: Command, meta?: CommandMeta): Promise<Committed | Reject>;
  submit<T extends object>(command: Command, meta: CommandMeta | undefined, answer: (committed: Committed) => T): Promise<T | Reject>;
  submit(command: Command, meta?: CommandMeta, answer: Answer = whole): Promise<object> {
    const refusal = this.#whyNot();
    if (refusal !== undefined) return Promise.reject(refusal);
    const waiter: Waiter = Promise.withResolvers();
    this.#arrived.push({ command, meta, answer, waiter });
    if (this.#arrived.length >= this.#options.groupCommands || !CAN_WAIT.has(command.type)) this.#executeArrived();
    this.#soon();
    return waiter.promise;
  }

  barrier(): Promise<void> {
    this.#executeArrived();
    if (this.#status.state !== 'leading') return Promise.reject(this.#unavailable());
    return this.#queue.barrier();
  }

  onCommitted(listener: (record: CommittedRecord) => void): () => void {
    return this.#followers.add(listener);
  }

  /** Lets happen what is due by the clock. Called by a timer; before a command it comes by itself. */
  advanceTime(): void {
    if (this.#status.state !== 'leading') return;
    this.#executeArrived();
    this.#advanceTo(this.#now());
    this.#soon();
  }

  /** Takes no more commands, waits for those taken, writes a snapshot, closes the journal. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#executeArrived();
    this.#queue.flush();
    this.#closing = true;
    this.#closeRequested.resolve();
    const drained = this.#queue.barrier().catch(() => undefined);
    if (this.#status.state === 'leading') this.#status = { state: 'stopped', reason: 'it is shutting down' };
    await drained;
    await this.#rebuilding;
    await this.#options.onClosing?.();
    if (this.#engine.seq === this.#committedSeq && !this.#queue.failed) await this.#snapshotAtEnd();
    await this.#journal.close();
    this.#options.onClosed?.();
    this.#status = { state: 'stopped', reason: this.#status.reason };
  }

  #now(): Millis {
    return Math.max(this.#lastTime, this.#options.clock());
  }

  /** Executes and sends to the journal what this turn brings. */
  #soon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.schedule(() => {
      this.#executeArrived();
      this.#queue.flush();
      this.#scheduled = false;
    });
  }

  #executeArrived(): void {
    if (this.#arrived.length === 0) return;
    const group = this.#arrived;
    this.#arrived = [];
    const now = this.#now();
    if (this.#status.state === 'leading') this.#advanceTo(now);
    for (const arrived of group) {
      if (this.#status.state === 'leading') this.#take(arrived, now);
      else arrived.waiter.reject(this.#unavailable());
    }
  }

  #take(arrived: Arrived, now: Millis): void {
    let suspect: boolean;
    try {
      suspect = isSuspect(arrived.command, arrived.meta, this.#ids, now);
    } catch (error) {
      return arrived.waiter.reject(error);
    }
    if (suspect) void this.#judge(arrived, now);
    else this.#run(arrived, now);
  }

  #advanceTo(now: Millis): void {
    const due = this.#engine.nextTimer();
    if (due === undefined || due > now) return;
    const waiter: Waiter = Promise.withResolvers();
    // Nobody waits for the outcome; a failed append is dealt with where it fails.
    waiter.promise.catch(() => undefined);
    this.#run({ command: { type: 'advance_time' }, meta: undefined, answer: whole, waiter }, now);
  }

  #lookup(loaded: ReadonlyMap<Seq, Source>): IdLookup {
    const recovered = () => this.#recovered;
    return {
      get window() { return recovered().window; },
      openOrder: (account, id) => this.#engine.orderByClientId(account, id)?.id,
      source: (seq) => loaded.get(seq) ?? this.#queue.find(seq),
    };
  }

  #whyNot(): UnavailableError | undefined {
    if (this.#status.state !== 'leading') return this.#unavailable();
    if (this.#queue.depth + this.#arrived.length + this.#judging >= this.#options.queueLimit) return new UnavailableError('too many commands are waiting for the journal; try again in a moment');
    return undefined;
  }

  #unavailable(): UnavailableError {
    const { state, reason } = this.#status;
    return new UnavailableError(`commands are not taken: ${state}${reason === undefined ? '' : ` (${reason})`}`);
  }

  /** Looks at what the ids led to before; what is new is executed in the turn in which that was decided. Never rejects: the waiter does. */
  async #judge(arrived: Arrived, now: Millis): Promise<void> {
    const { command, meta, answer, waiter } = arrived;
    const loaded = new Map<Seq, Source>();
    try {
      for (;;) {
        const verdict = judge(command, meta, this.#lookup(loaded));
        switch (verdict.kind) {
          case 'load':
            await this.#loadAll(verdict.seqs, loaded);
            now = this.#resume();
            break;
          case 'refuse':
            await this.#queue.barrier();
            return waiter.resolve(verdict.refusal);
          case 'replay':
            await this.#queue.barrier();
            return waiter.resolve(answer(verdict.committed));
          case 'partial':
            this.#run({ ...arrived, command: verdict.command }, now, verdict);
            return this.#soon();
          case 'new':
            this.#run(arrived, now);
            return this.#soon();
        }
      }
    } catch (error) {
      waiter.reject(error);
    }
  }

  async #loadAll(seqs: readonly Seq[], into: Map<Seq, Source>): Promise<void> {
    this.#judging++;
    try {
      await Promise.all(seqs.map(async (seq) => into.set(seq, await this.#load(seq))));
    } finally {
      this.#judging--;
    }
  }

  /** The time by now, up to which everything due has happened. Throws when commands are not taken any more. */
  #resume(): Millis {
    const refusal = this.#whyNot();
    if (refusal !== undefined) throw refusal;
    const now = this.#now();
    this.#advanceTo(now);
    this.#soon();
    return now;
  }

  async #load(seq: Seq): Promise<Source> {
    try {
      const record = await this.#journal.recordAt(seq);
      return record === undefined ? NOTHING_THERE : { record, body: decodeBody(record) };
    } catch (error) {
      throw new UnavailableError(`an earlier command could not be read from the journal (${(error as Error).message})`, error);
    }
  }

  /** What fails after the engine has acted leaves it ahead of the journal: then the leader stops. */
  #run(arrived: Arrived, now: Millis, partial?: PartialVerdict): void {
    try {
      this.#runAs(arrived, now, partial);
    } catch (error) {
      this.#stop(new Error(`the leader failed on ${arrived.command.type}: ${(error as Error).message}`, { cause: error }));
      arrived.waiter.reject(this.#unavailable());
    }
  }

  #runAs({ command, meta, answer, waiter }: Arrived, now: Millis, partial: PartialVerdict | undefined): void {
    const outcome = this.#execute(command, now);
    if (outcome === undefined) return waiter.reject(this.#unavailable());
    this.#options.metrics.executed(command.type, outcome.ok);
    if (!outcome.ok) return this.#onceDurable(waiter, () => outcome);
    const results = partial === undefined ? outcome.results : partial.merge(outcome.results ?? []);
    let { events } = outcome;
    if (events.length === 0 && (meta?.idempotencyKey ?? '') !== '') {
      // A repeat that comes late must find that it came to nothing, or it would be the first to do something.
      const noted = this.#execute({ type: 'note' }, now);
      if (noted?.ok !== true) return waiter.reject(this.#unavailable());
      events = noted.events;
    }
    const body: RecordBody = results === undefined ? { events } : { events, results };
    const { seq } = this.#engine;
    const committed: Committed = partial === undefined
      ? { ok: true, seq, time: this.#lastTime, events, results, replayed: false }
      : { ok: true, seq, time: this.#lastTime, ...withEarlier(partial.earlier, events), results, replayed: false };
    // Nothing happened, and nobody will ask: there is nothing to store.
    if (events.length === 0) return this.#onceDurable(waiter, () => answer(committed));
    const record = encodeRecord(body, this.#lastTime, meta?.idempotencyKey ?? '', meta?.fingerprint ?? '');
    rememberIds(this.#recovered.window, record, events);
    let reply: object;
    try {
      reply = answer(committed);
    } catch (error) {
      // What has happened is stored, whoever can make nothing of it.
      const stored: Waiter = Promise.withResolvers();
      stored.promise.then(() => waiter.reject(error), waiter.reject);
      return this.#queue.push({ record, body, reply: committed, waiter: stored });
    }
    this.#queue.push({ record, body, reply, waiter });
  }

  /** Gives the reply when all that it was decided on is durable. */
  #onceDurable(waiter: Waiter, reply: () => object): void {
    this.#queue.barrier().then(reply).then(waiter.resolve, waiter.reject);
  }

  /** undefined: a broken invariant; the leader has stopped. */
  #execute(command: Command, now: Millis): Outcome | undefined {
    this.#lastTime = Math.max(this.#lastTime, now);
    try {
      return this.#engine.execute(command, this.#lastTime);
    } catch (error) {
      this.#stop(new Error(`the engine failed on ${command.type}: ${(error as Error).message}`, { cause: error }));
      return undefined;
    }
  }

  #createQueue(journal: Journal): CommitQueue {
    const { batchRecords, batchChars, appendsInFlight, eagerRecords } = this.#options;
    return new CommitQueue({
      journal, batchRecords, batchChars, appendsInFlight, eagerRecords,
      onCommitted: (entries, seconds) => {
        this.#retryMs = FIRST_RETRY_MS;
        const before = this.#committedSeq;
        this.#tell(entries.map(({ record, body: { events } }) => ({ seq: endOf(record), time: record.time, events })));
        const figures = { seconds, records: entries.length, events: this.#committedSeq - before, queued: this.#queue.depth };
        this.#options.metrics.committed({ ...figures, engineSeq: this.#engine.seq, committedSeq: this.#committedSeq });
      },
      onFailure: (error) => this.#onAppendFailed(error),
    });
  }

  #tell(records: readonly CommittedRecord[]): void {
    const last = records.at(-1);
    if (last === undefined) return;
    this.#committedSeq = last.seq;
    this.#committedTime = last.time;
    this.#followers.tell(records);
  }

  #onAppendFailed(error: Error): void {
    if (error instanceof JournalConflictError) {
      this.#stop(error);
      return;
    }
    this.#status = { state: 'recovering', reason: error.message };
    this.#options.logger.error('the journal failed; commands are refused until it works again', { error });
    this.#queue.fail(new UnavailableError(`the journal failed (${error.message}); whether this command was stored is not known: send it again with the same id`, error));
    this.#rebuilding = this.#rebuild();
  }

  /** For good: going on could do harm. */
  #stop(error: Error): void {
    this.#status = { state: 'stopped', reason: error.message };
    this.#options.logger.error('the leader has stopped', { error });
    this.#queue.fail(this.#unavailable());
    this.#options.onFatal?.(error);
  }

  async #rebuild(): Promise<void> {
    for (;;) {
      await Promise.race([this.#options.delay(this.#retryMs), this.#closeRequested.promise]);
      if (this.#closing) return;
      this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
      try {
        await this.#reopen();
        return;
      } catch (error) {
        if (error instanceof RecoveryError || error instanceof JournalCorruptError) {
          this.#stop(error);
          return;
        }
        this.#status = { state: 'recovering', reason: (error as Error).message };
        // Without a stack: it is tried many times, and the first failure has one.
        this.#options.logger.warn('the journal does not work yet', { reason: (error as Error).message });
      }
    }
  }

  async #reopen(): Promise<void> {
    await this.#journal.close();
    const journal = await this.#options.openJournal();
    this.#journal = journal;
    if (journal.lastSeq < this.#committedSeq) {
      throw new RecoveryError(`The journal ends at event ${journal.lastSeq}, but events up to ${this.#committedSeq} have been acknowledged.`, 'Restore the journal from a backup or replica that is complete; nothing has been changed.');
    }
    const recovered = await recover(journal, this.#options);
    await this.#catchUp(journal, recovered.engine.seq);
    this.#recovered = recovered;
    this.#engine = recovered.engine;
    this.#queue = this.#createQueue(journal);
    if (this.#closing) return;
    this.#status = { state: 'leading' };
    this.#options.logger.info('the journal works again; commands are taken', { seq: this.#committedSeq });
  }

  /** Tells the followers of records that were stored although their append had failed. */
  async #catchUp(journal: Journal, lastSeq: Seq): Promise<void> {
    while (this.#committedSeq < lastSeq) {
      const records = await journal.read(this.#committedSeq, FOLLOW_RECORDS);
      this.#tell(records.map((record) => ({ seq: endOf(record), time: record.time, events: decodeBody(record).events })));
    }
  }

  async #snapshotAtEnd(): Promise<void> {
    try {
      const newest = (await this.#journal.snapshots())[0];
      if (newest?.seq === this.#committedSeq || this.#committedSeq === 0) return;
      await this.#journal.saveSnapshot(takeSnapshot(this.#engine, this.#recovered.window, this.#committedTime));
    } catch (error) {
      this.#options.logger.warn('no snapshot was written at the end; the next start replays the journal', { error });
    }
  }
}

function whole(committed: Committed): Committed {
  return committed;
}
