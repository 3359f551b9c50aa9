/**
 * The recovery gate: builds the state from the newest good snapshot and the journal after it, and lets nothing through that does not add up.
 * It repairs nothing: what it finds wrong it names, with the place and with what an operator can do.
 */
import { Engine } from '../engine/engine.ts';
import type { Event } from '../engine/events.ts';
import type { Millis, Seq } from '../engine/units.ts';
import { JournalCorruptError } from '../journal/errors.ts';
import { endOf, type JournalReader, type JournalRecord, type Snapshot } from '../journal/journal.ts';
import type { Logger } from '../observability/logger.ts';
import { OperatingError } from '../utils/errors.ts';
import { rememberIds } from './idempotency.ts';
import { IdWindow } from './id-window.ts';
import { decodeBody } from './record.ts';
import { decodeSnapshotBody, encodeSnapshotBody } from './snapshot-body.ts';

/** The process must not start. The message says what is wrong and where; `advice` what an operator can do. */
export class RecoveryError extends OperatingError {
  readonly advice: string;
  constructor(problem: string, advice: string, cause?: unknown) {
    super('RECOVERY_REFUSED', `${problem} ${advice}`, { retryable: false, cause });
    this.advice = advice;
  }
}

export interface RecoveryOptions {
  readonly logger: Logger;
  /** Most ids remembered (see IdWindow). */
  readonly idLimit: number;
  /** Where the journal is, for messages. Default: journal.db. */
  readonly journalFile?: string;
  /** Of the last event that a follower, which is told of durable ones alone, has kept. Default 0. */
  readonly followedTo?: Seq;
  /** Stop after the record that holds this event. Default: the end. */
  readonly toSeq?: Seq;
  /** Whether snapshots may be used. Default true. */
  readonly useSnapshots?: boolean;
  /** Positions whose funding one command of the engine settles, where tests want fewer. */
  readonly fundingPage?: number;
  /** Called from time to time with the last event applied and the last there is. */
  readonly onProgress?: (done: Seq, total: Seq) => void;
}

export interface Recovered {
  readonly engine: Engine;
  readonly window: IdWindow;
  /** Time of the last record, 0 when there is none. */
  readonly time: Millis;
  readonly figures: {
    /** 0 = from zero. */
    readonly snapshotSeq: Seq;
    /** Applied from the journal. */
    readonly events: number;
    readonly seconds: number;
  };
}

interface State {
  readonly engine: Engine;
  readonly window: IdWindow;
  time: Millis;
  snapshotSeq: Seq;
}

const READ_RECORDS = 500;

const KEEP_AND_REPORT = 'Keep a copy of the data directory, start the version that last ran on it, and report this: the state and the program disagree; nothing has been changed.';

/** Throws RecoveryError, or JournalUnavailableError when the journal cannot be read now. */
export async function recover(journal: JournalReader, options: RecoveryOptions): Promise<Recovered> {
  const started = performance.now();
  const total = Math.min(options.toSeq ?? Infinity, journal.lastSeq);
  try {
    const state = await startingPoint(journal, total, options);
    const events = await applyTail(journal, state, total, options);
    checkState(state.engine);
    return {
      engine: state.engine,
      window: state.window,
      time: state.time,
      figures: { snapshotSeq: state.snapshotSeq, events, seconds: (performance.now() - started) / 1000 },
    };
  } catch (error) {
    throw refusalOf(error, options.journalFile);
  }
}

/** Damage of the journal as a refusal to start; any other error as it is. */
export function refusalOf(error: unknown, journalFile: string | undefined): unknown {
  return error instanceof JournalCorruptError ? new RecoveryError(`Recovery stopped: ${error.message}.`, restoreBackup(journalFile), error) : error;
}

function restoreBackup(journalFile = 'journal.db'): string {
  return `Restore ${journalFile} together with its -wal file from a backup or replica that is complete, then start again; nothing has been changed.`;
}

/** A snapshot of a state that is durable up to its last event. */
export function takeSnapshot(engine: Engine, window: IdWindow, time: Millis): Snapshot {
  const bytes = encodeSnapshotBody({ engine: engine.snapshot(), ids: window.encode() });
  return { seq: engine.seq, time, stateHash: engine.stateHash(), bytes };
}

async function startingPoint(journal: JournalReader, total: Seq, options: RecoveryOptions): Promise<State> {
  const heads = options.useSnapshots === false ? [] : await journal.snapshots();
  requireComplete(journal.lastSeq, heads[0]?.seq ?? 0, options);
  for (const head of heads) {
    if (head.seq > total) continue;
    try {
      return await restore(journal, head.seq, options);
    } catch (error) {
      options.logger.warn('a snapshot is not used; trying an older one, or the whole journal', { seq: head.seq, error });
    }
  }
  return { engine: Engine.create(options.fundingPage), window: new IdWindow(options.idLimit), time: 0, snapshotSeq: 0 };
}

/**
 * Throws RecoveryError when a snapshot or a follower knows of more than the journal. SQLite drops the end of a -wal file that is damaged, and the chain of what is left
 * holds: only others know that there was more.
 */
export function requireComplete(lastSeq: Seq, snapshotSeq: Seq, { journalFile, followedTo = 0 }: Pick<RecoveryOptions, 'journalFile' | 'followedTo'>): void {
  const known = Math.max(snapshotSeq, followedTo);
  if (known <= lastSeq) return;
  const witness = snapshotSeq === known ? 'The newest snapshot holds' : 'The collections in projections.db hold';
  const goOn: string[] = [];
  if (snapshotSeq > lastSeq) goOn.push('Only if the journal is known to be right and the snapshots belong to another one, move the folder "snapshots" away.');
  if (followedTo > lastSeq) goOn.push('To go on without these events, remove projections.db with its -wal and -shm files while the process is stopped: the collections are built anew from the journal.');
  throw new RecoveryError(
    `${witness} events up to ${known}, but the journal ends at ${lastSeq}: the acknowledged events ${lastSeq + 1} to ${known} are missing from the journal.`,
    [restoreBackup(journalFile), ...goOn].join(' '),
  );
}

async function restore(journal: JournalReader, seq: Seq, { idLimit, fundingPage }: RecoveryOptions): Promise<State> {
  const snapshot = await journal.loadSnapshot(seq);
  const record = await journal.recordAt(seq);
  if (record === undefined || endOf(record) !== seq || record.time !== snapshot.time) throw new Error(`the journal has no record that ends at event ${seq} at the snapshot's time`);
  const body = decodeSnapshotBody(snapshot.bytes);
  const engine = Engine.restore(body.engine, fundingPage);
  if (engine.seq !== seq) throw new Error(`the snapshot of event ${seq} holds a state of event ${engine.seq}`);
  const hash = engine.stateHash();
  if (hash !== snapshot.stateHash) throw new Error(`the restored state has the hash ${hash}, the snapshot says ${snapshot.stateHash}`);
  return { engine, window: IdWindow.decode(body.ids, idLimit), time: snapshot.time, snapshotSeq: seq };
}

/** Returns how many events were applied. Reads the next records while it applies these. */
async function applyTail(journal: JournalReader, state: State, total: Seq, options: RecoveryOptions): Promise<number> {
  const first = state.engine.seq;
  let next = journal.read(first, READ_RECORDS);
  while (state.engine.seq < total) {
    const records = await next;
    const last = records.at(-1);
    if (last === undefined) throw new RecoveryError(`The journal says it ends at event ${total}, but nothing follows event ${state.engine.seq}.`, restoreBackup(options.journalFile));
    next = journal.read(endOf(last), READ_RECORDS);
    // Handled when it is awaited; here only so that a failure that comes first is not reported as unhandled.
    next.catch(() => undefined);
    for (const record of records) {
      if (record.seq > total) break;
      applyRecord(state, record, options.journalFile);
    }
    options.onProgress?.(state.engine.seq, total);
  }
  await next.catch(() => undefined);
  return state.engine.seq - first;
}

function applyRecord(state: State, record: JournalRecord, journalFile: string | undefined): void {
  const { events } = parse(record, journalFile);
  if (events.length !== record.count) throw new RecoveryError(`The journal record at event ${record.seq} should hold ${record.count} events and holds ${events.length}.`, restoreBackup(journalFile));
  for (const event of events) applyEvent(state.engine, event, record.time, journalFile);
  rememberIds(state.window, record, events);
  state.time = record.time;
}

function parse(record: JournalRecord, journalFile: string | undefined): { readonly events: readonly Event[] } {
  try {
    return decodeBody(record);
  } catch (error) {
    throw new RecoveryError(`The journal record at event ${record.seq} is not readable (${(error as Error).message}).`, restoreBackup(journalFile), error);
  }
}

function applyEvent(engine: Engine, event: Event, time: Millis, journalFile: string | undefined): void {
  const expected = engine.seq + 1;
  if (event.seq !== expected) throw new RecoveryError(`The journal holds event ${event.seq} where event ${expected} belongs.`, restoreBackup(journalFile));
  try {
    engine.apply(event, time);
  } catch (error) {
    throw new RecoveryError(`Event ${event.seq} (${event.type}) of the journal cannot be applied: ${(error as Error).message}.`, KEEP_AND_REPORT, error);
  }
}

function checkState(engine: Engine): void {
  const wrong = engine.audit().find((row) => row.sum !== 0);
  if (wrong !== undefined) {
    const code = engine.assets[wrong.asset]?.code ?? `asset ${wrong.asset}`;
    throw new RecoveryError(`The ledger does not balance at event ${engine.seq}: all accounts together hold ${wrong.sum} minor units of ${code} instead of 0.`, KEEP_AND_REPORT);
  }
  try {
    engine.check();
  } catch (error) {
    throw new RecoveryError(`The state at event ${engine.seq} breaks a law: ${(error as Error).message}.`, KEEP_AND_REPORT, error);
  }
}
