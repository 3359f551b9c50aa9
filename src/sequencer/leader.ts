/**
 * The one writer: gives commands their order and time, executes them in memory, makes their events durable, and only then answers and tells
 * the followers. What arrives in one turn is executed together. When the journal fails it answers nothing, throws its state away, and leads again from what the journal holds.
 */
import type { Command } from '../engine/commands.ts';
import type { Engine } from '../engine/engine.ts';
import type { Outcome } from '../engine/events.ts';
import type { EngineReader } from '../engine/reader.ts';
import type { Reject } from '../engine/reject.ts';
import type { Millis, Seq } from '../engine/units.ts';
import { JournalConflictError } from '../journal/errors.ts';
import { endOf, type Journal } from '../journal/journal.ts';
import type { Logger } from '../observability/logger.ts';
import { UnavailableError } from '../utils/errors.ts';
import { Arrivals, type Answer, type Arrived } from './arrivals.ts';
import { CommitQueue, type Waiter } from './commit-queue.ts';
import { Followers } from './followers.ts';
import { rememberIds, withEarlier } from './idempotency.ts';
import type { LeaderMetrics } from './leader-metrics.ts';
import { LeadingAgain } from './leading-again.ts';
import { recover, refusalOf, type Recovered, type RecoveryOptions } from './recovery.ts';
import { encodeRecord, type RecordBody } from './record.ts';
import { Repeats, type Judgement } from './repeats.ts';
import type { CommandMeta, Committed, CommittedRecord, Sequencer } from './sequencer.ts';
import { snapshotAtEnd } from './snapshotter.ts';
import { currentState } from './state.ts';

/** Where journaled time comes from. What is due, and what has a deadline, waits for it: it must go on whatever happens to the machine's clock. */
export interface JournalClock {
  /** Milliseconds since the epoch. Should not go back; journaled time does not in any case. */
  now(): Millis;
  /** Goes on from `time` if that is later: the journal ends there. */
  reach(time: Millis): void;
}

export interface LeaderOptions {
  /** Opens the journal: at the start, and again after every failure of it. */
  readonly openJournal: () => Promise<Journal>;
  readonly clock: JournalClock;
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
  readonly fundingPage?: RecoveryOptions['fundingPage'];
  /** Asked before anything happens to the recovered state: whether what is kept beside the journal fits it. Throws RecoveryError. */
  readonly admit?: (recovered: EngineReader) => Promise<void>;
  /** Told once when it cannot go on: the process should end. */
  readonly onFatal?: (error: Error) => void;
  /** Stops what works beside the leader, before its last snapshot. */
  readonly onClosing?: () => Promise<void>;
  /** Lets go of what the leader held. */
  readonly onClosed?: () => void;
}

type PartialJudgement = Judgement & { readonly kind: 'partial' };
type Status = Sequencer['status'];

/** The journal may end so much ahead of the clock without a word. */
const AHEAD_MS = 2_000;

export class Leader implements Sequencer {
  /** Whoever looks finds what has arrived before executed. */
  readonly state: EngineReader = currentState(
    () => {
      this.#arrivals.execute();
      return this.#engine;
    },
    () => this.#engine,
  );
  readonly #options: LeaderOptions;
  readonly #followers: Followers;
  #status: Status = { state: 'starting' };
  #journal: Journal;
  #queue: CommitQueue;
  #recovered: Recovered;
  #lastTime: Millis;
  #committedSeq: Seq;
  #committedTime: Millis;
  #rebuilding: Promise<void> = Promise.resolve();
  #closing = false;
  readonly #closeRequested = Promise.withResolvers<void>();
  readonly #arrivals: Arrivals;
  readonly #repeats = new Repeats({
    window: () => this.#recovered.window,
    openOrder: (account, id) => this.#engine.orderByClientId(account, id)?.id,
    queued: (seq) => this.#queue.find(seq),
    recordAt: (seq) => this.#journal.recordAt(seq),
  });
  readonly #leadingAgain: LeadingAgain;

  /** Recovers, then leads. Throws RecoveryError, JournalUnavailableError. */
  static async open(options: LeaderOptions): Promise<Leader> {
    const journal = await options.openJournal().catch((error: unknown) => {
      throw refusalOf(error, options.journalFile);
    });
    try {
      const recovered = await recover(journal, options);
      await options.admit?.(recovered.engine);
      goOnFrom(recovered.time, options);
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
    this.#lastTime = recovered.time;
    this.#committedTime = recovered.time;
    this.#committedSeq = recovered.engine.seq;
    this.#arrivals = new Arrivals({ ...options, execute: (group) => this.#executeAll(group), onTurn: () => this.#queue.flush() });
    this.#leadingAgain = new LeadingAgain(options, {
      committedSeq: () => this.#committedSeq,
      tell: (records) => this.#tell(records),
      onFailed: (error) => {
        this.#status = { state: 'recovering', reason: error.message };
        // Without a stack: it is tried many times, and the first failure has one.
        options.logger.warn('the journal does not work yet', { reason: error.message });
      },
      closing: () => this.#closing,
      closeRequested: this.#closeRequested.promise,
    });
    this.#status = { state: 'leading' };
  }

  get #engine(): Engine {
    return this.#recovered.engine;
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
    this.#arrivals.add({ command, meta, answer, waiter });
    return waiter.promise;
  }

  barrier(): Promise<void> {
    this.#arrivals.execute();
    if (this.#status.state !== 'leading') return Promise.reject(this.#unavailable());
    return this.#queue.barrier();
  }

  onCommitted(listener: (record: CommittedRecord) => void): () => void {
    return this.#followers.add(listener);
  }

  /** Lets happen what is due by the clock. Called by a timer; before a command it comes by itself. */
  advanceTime(): void {
    if (this.#status.state !== 'leading') return;
    this.#arrivals.execute();
    this.#advanceTo(this.#now());
    this.#arrivals.soon();
  }

  /** Takes no more commands, waits for those taken, writes a snapshot, closes the journal. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#arrivals.execute();
    this.#queue.flush();
    this.#closing = true;
    this.#closeRequested.resolve();
    const drained = this.#queue.barrier().catch(() => undefined);
    if (this.#status.state === 'leading') this.#status = { state: 'stopped', reason: 'it is shutting down' };
    await drained;
    await this.#rebuilding;
    await this.#options.onClosing?.();
    if (this.#engine.seq === this.#committedSeq && !this.#queue.failed) await snapshotAtEnd(this.#journal, { ...this.#recovered, time: this.#committedTime }, this.#options.logger);
    await this.#journal.close();
    this.#options.onClosed?.();
    this.#status = { state: 'stopped', reason: this.#status.reason };
  }

  #now(): Millis {
    return Math.max(this.#lastTime, this.#options.clock.now());
  }

  #executeAll(group: readonly Arrived[]): void {
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
      suspect = this.#repeats.suspects(arrived.command, arrived.meta, now);
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

  #whyNot(): UnavailableError | undefined {
    if (this.#status.state !== 'leading') return this.#unavailable();
    if (this.#queue.depth + this.#arrivals.length + this.#repeats.loading >= this.#options.queueLimit) return new UnavailableError('too many commands are waiting for the journal; try again in a moment');
    return undefined;
  }

  #unavailable(): UnavailableError {
    const { state, reason } = this.#status;
    return new UnavailableError(`commands are not taken: ${state}${reason === undefined ? '' : ` (${reason})`}`);
  }

  /** What is new is executed in the turn in which that was decided. Never rejects: the waiter does. */
  async #judge(arrived: Arrived, now: Millis): Promise<void> {
    const { command, meta, answer, waiter } = arrived;
    const decided = async (judgement: Judgement): Promise<void> => {
      switch (judgement.kind) {
        case 'refuse':
          await this.#queue.barrier();
          return waiter.resolve(judgement.refusal);
        case 'replay':
          await this.#queue.barrier();
          return waiter.resolve(answer(judgement.committed));
        case 'partial':
          this.#run({ ...arrived, command: judgement.command }, now, judgement);
          return this.#arrivals.soon();
        case 'new':
          this.#run(arrived, now);
          return this.#arrivals.soon();
      }
    };
    try {
      await this.#repeats.judge(command, meta, () => (now = this.#resume()), decided);
    } catch (error) {
      waiter.reject(error);
    }
  }

  /** The time by now, up to which everything due has happened. Throws when commands are not taken any more. */
  #resume(): Millis {
    const refusal = this.#whyNot();
    if (refusal !== undefined) throw refusal;
    const now = this.#now();
    this.#advanceTo(now);
    this.#arrivals.soon();
    return now;
  }

  /** What fails after the engine has acted leaves it ahead of the journal: then the leader stops. */
  #run(arrived: Arrived, now: Millis, partial?: PartialJudgement): void {
    try {
      this.#runAs(arrived, now, partial);
    } catch (error) {
      this.#stop(new Error(`the leader failed on ${arrived.command.type}: ${(error as Error).message}`, { cause: error }));
      arrived.waiter.reject(this.#unavailable());
    }
  }

  #runAs({ command, meta, answer, waiter }: Arrived, now: Millis, partial: PartialJudgement | undefined): void {
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
        this.#leadingAgain.worked();
        const before = this.#committedSeq;
        this.#tell(entries.map(({ record, body: { events } }) => ({ seq: endOf(record), time: record.time, events })));
        const figures = { seconds, records: entries.length, events: this.#committedSeq - before, queued: this.#queue.depth };
        this.#options.metrics.committed({ ...figures, engineSeq: this.#engine.seq, committedSeq: this.#committedSeq, idsDroppedEarly: this.#recovered.window.droppedEarly });
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
    try {
      const reopened = await this.#leadingAgain.reopen(this.#journal);
      if (reopened === undefined) return;
      this.#journal = reopened.journal;
      this.#recovered = reopened.recovered;
      this.#queue = this.#createQueue(reopened.journal);
    } catch (error) {
      return this.#stop(error as Error);
    }
    if (this.#closing) return;
    this.#status = { state: 'leading' };
    this.#options.logger.info('the journal works again; commands are taken', { seq: this.#committedSeq });
  }
}

/** Where the clock was set back while nobody looked, waiting for it to come to where the journal ends would keep everything waiting that is due by then. */
function goOnFrom(time: Millis, { clock, logger }: Pick<LeaderOptions, 'clock' | 'logger'>): void {
  const ahead = time - clock.now();
  clock.reach(time);
  if (ahead >= AHEAD_MS) logger.warn('the journal ends at a time ahead of the clock, which must have been set back: time goes on from there', { journal: new Date(time).toISOString(), seconds: Math.round(ahead / 1_000) });
}

function whole(committed: Committed): Committed {
  return committed;
}
