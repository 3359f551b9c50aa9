/** Opens the embedded leader on a data directory: lock, journal, recovery, timers, snapshots. The one place that puts these together. */
import { setTimeout as delay } from 'node:timers/promises';
import type { EngineReader } from '../engine/reader.ts';
import type { Millis, Seq } from '../engine/units.ts';
import { lockDirectory, type DirectoryLock } from '../journal/directory-lock.ts';
import { DirectoryLockedError, JournalUnavailableError } from '../journal/errors.ts';
import { openSqliteJournal } from '../journal/sqlite.ts';
import { journalPath } from '../journal/sqlite-file.ts';
import { SqliteJournalReader } from '../journal/sqlite-reader.ts';
import { silentLogger, type Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { Leader, type JournalClock } from './leader.ts';
import { leaderMetrics, noMetrics } from './leader-metrics.ts';
import { RecoveryError, requireComplete } from './recovery.ts';
import { Snapshotter } from './snapshotter.ts';

export interface OpenLeaderOptions {
  /** DATA_DIR; created when it is not there. */
  readonly directory: string;
  readonly clock: JournalClock;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  /** Events between snapshots. Default 500,000. */
  readonly snapshotEvery?: number;
  /** Commands executed and not durable yet; more are refused. Default 20,000. */
  readonly queueLimit?: number;
  /** Ids remembered for 24 hours, 32 bytes each; beyond it the oldest go early. Default 4,194,304. */
  readonly idLimit?: number;
  /** How long another process may take to let go of the directory. Default 2 s. */
  readonly lockWaitMs?: Millis;
  /** Upper bound of the journal in pages of 4 KiB, asked at each opening: how tests fill the disk. */
  readonly maxPages?: () => number | undefined;
  readonly onProgress?: (done: Seq, total: Seq) => void;
  /** Asked once the directory is locked: see RecoveryOptions. */
  readonly followedTo?: () => Seq;
  /** The gate's last question, before anything happens to the recovered state. See LeaderOptions. */
  readonly admit?: (recovered: EngineReader) => Promise<void>;
  /** The leader cannot go on: end the process with a failure. */
  readonly onFatal?: (error: Error) => void;
}

export const DEFAULT_ID_LIMIT = 4_194_304;
const SNAPSHOT_EVERY = 500_000;
const QUEUE_LIMIT = 20_000;
const BATCH_RECORDS = 2_000;
const BATCH_CHARS = 4_000_000;
/** The journal's thread merges what has arrived into one transaction, so it never waits for this one between two. */
const APPENDS_IN_FLIGHT = 64;
const EAGER_RECORDS = 64;
const GROUP_COMMANDS = 64;
/** A process that is being replaced may need so long to let go of the directory. */
const LOCK_WAIT_MS = 2_000;
const LOCK_RETRY_MS = 50;
/** How late a dead-man switch or funding may be when nothing else happens. */
const TIMER_MS = 50;

/** Throws DirectoryLockedError, RecoveryError, JournalUnavailableError. */
export async function openLeader(options: OpenLeaderOptions): Promise<Leader> {
  const { directory, logger, idLimit = DEFAULT_ID_LIMIT } = options;
  const metrics = options.metrics === undefined ? noMetrics : leaderMetrics(options.metrics);
  const lock = await lockWithin(directory, options.lockWaitMs ?? LOCK_WAIT_MS);
  let timer: NodeJS.Timeout | undefined;
  let snapshotter: Snapshotter | undefined;
  try {
    const followedTo = options.followedTo?.() ?? 0;
    await lookBeforeWriting(directory, followedTo);
    const leader = await Leader.open({
      openJournal: () => openSqliteJournal({ directory, logger, maxPages: options.maxPages?.(), mustExist: followedTo > 0 }),
      journalFile: journalPath(directory),
      followedTo,
      clock: options.clock,
      logger,
      metrics,
      queueLimit: options.queueLimit ?? QUEUE_LIMIT,
      batchRecords: BATCH_RECORDS,
      batchChars: BATCH_CHARS,
      appendsInFlight: APPENDS_IN_FLIGHT,
      eagerRecords: EAGER_RECORDS,
      groupCommands: GROUP_COMMANDS,
      idLimit,
      schedule: setImmediate,
      delay: (ms) => delay(ms),
      onProgress: options.onProgress,
      admit: options.admit,
      onFatal: options.onFatal,
      onClosing: async () => {
        clearInterval(timer);
        await snapshotter?.close();
      },
      onClosed: () => lock.release(),
    });
    timer = setInterval(() => leader.advanceTime(), TIMER_MS);
    const taker = new Snapshotter({ directory, every: options.snapshotEvery ?? SNAPSHOT_EVERY, idLimit, logger, onTaken: metrics.snapshotTaken }, leader.recovery.snapshotSeq);
    snapshotter = taker;
    leader.onCommitted(({ seq }) => taker.onCommitted(seq));
    logger.info('recovered', { seq: leader.committedSeq, ...leader.recovery });
    return leader;
  } catch (error) {
    lock.release();
    throw withPlace(error, directory);
  }
}

/** Whoever starts it may know where the journal is, and must; those who ask a running server may not. */
function withPlace(error: unknown, directory: string): unknown {
  if (!(error instanceof JournalUnavailableError)) return error;
  const advice = 'its disk must have free space, and it and the files beside it must be writable for the user that the server runs as';
  return new JournalUnavailableError(`${journalPath(directory)}: ${error.message}; ${advice}`, error);
}

/** Opened for writing, SQLite cuts a damaged -wal file off for good. What is missing from it is found before, so that somebody can still try to save it. */
async function lookBeforeWriting(directory: string, followedTo: Seq): Promise<void> {
  let journal: SqliteJournalReader | undefined;
  try {
    // What it has to say of snapshots, recovery says.
    journal = new SqliteJournalReader(directory, silentLogger);
    const [newest] = await journal.snapshots();
    requireComplete(journal.lastSeq, newest?.seq ?? 0, { journalFile: journalPath(directory), followedTo });
  } catch (error) {
    // A journal that is new, missing or damaged is for whoever opens it for writing to tell.
    if (error instanceof RecoveryError) throw error;
  } finally {
    journal?.close();
  }
}

async function lockWithin(directory: string, ms: number): Promise<DirectoryLock> {
  for (const deadline = performance.now() + ms; ; ) {
    try {
      return lockDirectory(directory);
    } catch (error) {
      if (!(error instanceof DirectoryLockedError) || performance.now() >= deadline) throw error;
      await delay(LOCK_RETRY_MS);
    }
  }
}
