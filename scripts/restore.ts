/**
 * `npm run restore -- --data DIR --to DIR [--until TIME | --until-event SEQ]`: makes a new data directory of a data directory or a backup, whose state is that of the
 * given time or event, and proves it before it gets its name. Changes no data of the source, whose server may be running.
 */
import { existsSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { copyDatabase, copyFile, underName } from '../src/backup/copy.ts';
import type { EngineReader } from '../src/engine/reader.ts';
import type { Millis, Seq } from '../src/engine/units.ts';
import { JournalCorruptError } from '../src/journal/errors.ts';
import { copyJournal, type JournalCopied } from '../src/journal/journal-copy.ts';
import { journalPath } from '../src/journal/sqlite-file.ts';
import { SqliteJournalReader } from '../src/journal/sqlite-reader.ts';
import { storedCheckpoint } from '../src/projections/projector.ts';
import { DEFAULT_ID_LIMIT } from '../src/sequencer/open.ts';
import { recover, RecoveryError, requireComplete, takeSnapshot } from '../src/sequencer/recovery.ts';
import { startProgress } from '../src/utils/progress.ts';
import { readOptions, refuse, wholeNumber } from './options.ts';
import { logger, stateLines } from './report.ts';
import { suitStore } from './restored-store.ts';
import { requireDataDirectory, run } from './run.ts';

const USAGE = 'usage: npm run restore -- [--data DIR] --to DIR [--until 2026-11-26T12:00:00Z | --until-event SEQ]';

/** Where the copy is to end; undefined: at the end of the journal. */
interface Until {
  readonly time: Millis | undefined;
  readonly event: Seq | undefined;
}

/** The journal of the source. */
interface Source {
  readonly lastSeq: Seq;
  /** Of the last event that anything in the directory knows of: more than `lastSeq` where the journal has lost its end. */
  readonly knownSeq: Seq;
  /** Throws where events are missing behind its end. */
  requireEnd(): void;
  /** undefined: there is none, or it is damaged. */
  timeOf(seq: Seq): Promise<Millis | undefined>;
}

async function main(from: string, to: string, until: Until): Promise<void> {
  for (const file of ['journal.db', 'store.db'] as const) requireDataDirectory(from, file);
  const inside = relative(from, to);
  if (existsSync(to)) throw new Error(`${to} is there already: name a folder that is not`);
  if (inside.split(sep)[0] !== '..' && !isAbsolute(inside)) throw new Error(`${to} is inside of ${from}: name a folder outside of it`);
  const lines = await underName(to, (unfinished) => restore(from, unfinished, until));
  console.log(`restored    ${from} to ${to}`);
  for (const line of lines) console.log(line);
}

/** Returns what there is to say of it. */
async function restore(from: string, to: string, until: Until): Promise<string[]> {
  // As in a backup, the journal last: whoever is in the store has an account in it, as long as nothing is cut off.
  copyDatabase(from, to, 'store.db');
  copyFile(from, to, 'keys.json');
  return withSource(from, async (source) => {
    const copied = await cut(from, to, source, until);
    const { engine, time } = await prove(from, to, copied);
    const leftOut = source.knownSeq - copied.seq;
    const endsAt = copied.seq < source.lastSeq ? await source.timeOf(copied.seq + 1) : undefined;
    const removed = await suitStore({ from, directory: to }, engine, copied, leftOut === 0 ? undefined : { events: leftOut, since: endsAt ?? copied.time });
    return [
      ...stateLines(engine, time),
      leftOut > 0
        ? `left out    events ${copied.seq + 1} to ${source.knownSeq}${endsAt === undefined ? '' : `, the first of ${iso(endsAt)}`}`
        : `left out    nothing: the journal ends there${until.time === undefined ? '' : `, ${((until.time - copied.time) / 1_000).toFixed(1)} s before the given time`}`,
      `removed     ${removed.users} users whose accounts were opened later, ${removed.sessions} sessions, ${removed.replies} kept replies`,
    ];
  });
}

async function withSource<T>(directory: string, body: (source: Source) => Promise<T>): Promise<T> {
  // Before the journal, which may grow meanwhile.
  const followedTo = storedCheckpoint(directory, logger);
  const journal = named(directory, () => new SqliteJournalReader(directory, logger));
  try {
    const [newest] = await journal.snapshots();
    const lastSeq = named(directory, () => journal.lastSeq);
    return await body({
      lastSeq,
      knownSeq: Math.max(lastSeq, newest?.seq ?? 0, followedTo),
      requireEnd() {
        try {
          requireComplete(lastSeq, newest?.seq ?? 0, { journalFile: journalPath(directory), followedTo });
        } catch (error) {
          throw error instanceof RecoveryError ? new Error(`${error.message} Or restore what there is, with --until-event ${lastSeq}.`, { cause: error }) : error;
        }
      },
      timeOf: (seq) => journal.recordAt(seq).then((record) => record?.time, () => undefined),
    });
  } finally {
    journal.close();
  }
}

/** Throws where there is nothing to copy, or not as far as it is wanted. */
async function cut(from: string, to: string, source: Source, until: Until): Promise<JournalCopied> {
  const { lastSeq } = source;
  if (until.event !== undefined && until.event > lastSeq) throw new Error(`the journal in ${from} ends at event ${lastSeq}, before event ${until.event}`);
  const toSeq = until.event ?? lastSeq;
  const progress = startProgress('copying', toSeq);
  try {
    const copied = named(from, () => copyJournal(journalPath(from), journalPath(to), { toSeq, toTime: until.time, onProgress: progress.set }));
    if (copied.seq === 0) throw new Error(await nothingBefore(from, source, until));
    if (copied.seq === lastSeq && until.event === undefined) source.requireEnd();
    return copied;
  } finally {
    progress.end();
  }
}

async function nothingBefore(from: string, source: Source, until: Until): Promise<string> {
  const first = await source.timeOf(1);
  if (first === undefined) return `the journal in ${from} is empty`;
  return until.time === undefined ? `no record of the journal in ${from} ends at event ${until.event} or before` : `the journal in ${from} begins at ${iso(first)}, after ${iso(until.time)}`;
}

/** Builds the state from the first event on, with every check that a replay makes, and leaves a snapshot of it, so that a start is quick. Throws RecoveryError. */
async function prove(from: string, to: string, copied: JournalCopied): Promise<{ readonly engine: EngineReader; readonly time: Millis }> {
  const journal = new SqliteJournalReader(to, logger);
  const progress = startProgress('proving', copied.seq);
  try {
    const { engine, window, time } = await recover(journal, { logger, idLimit: DEFAULT_ID_LIMIT, journalFile: journalPath(from), useSnapshots: false, onProgress: progress.set });
    if (engine.seq !== copied.seq || time !== copied.time) throw new Error(`the state is of event ${engine.seq}, ${iso(time)}, and the copy of event ${copied.seq}, ${iso(copied.time)}`);
    await journal.saveSnapshot(takeSnapshot(engine, window, time));
    return { engine, time };
  } finally {
    progress.end();
    journal.close();
  }
}

/** Damage with its place, and with how what lies before it can be had. */
function named<T>(directory: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof JournalCorruptError)) throw error;
    const advice = error.seq > 1 ? `; what is before it can be had with --until-event ${error.seq - 1}` : '';
    throw new Error(`${journalPath(directory)} is damaged: ${error.message}${advice}`, { cause: error });
  }
}

function iso(time: Millis): string {
  return new Date(time).toISOString();
}

/** ISO 8601 with its zone: whoever restores at night must not have to think about whose time it is. */
function instant(text: string): Millis {
  const [, day] = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  const time = Date.parse(text);
  // 30 February would be read as 2 March.
  const isDay = day !== undefined && !Number.isNaN(Date.parse(day)) && iso(Date.parse(day)).startsWith(day);
  return isDay && !Number.isNaN(time) ? time : refuse(`--until must be a time with its zone such as 2026-11-26T12:00:00Z, not ${JSON.stringify(text)}`, USAGE);
}

const { values } = readOptions(USAGE, {
  options: { data: { type: 'string', default: './data' }, to: { type: 'string' }, until: { type: 'string' }, 'until-event': { type: 'string' } },
});
const { until, 'until-event': event } = values;
if (until !== undefined && event !== undefined) refuse('--until and --until-event both say where to end: give one', USAGE);
const wanted: Until = { time: until === undefined ? undefined : instant(until), event: event === undefined ? undefined : wholeNumber('until-event', event, USAGE) };

await run(() => main(resolve(values.data), resolve(values.to ?? refuse('--to names the folder of the copy', USAGE)), wanted));
