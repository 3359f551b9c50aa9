/**
 * `npm run replay -- --data DIR [--to SEQ] [--snapshots]`: builds the state from the journal of a data directory, from its first event or from
 * the newest snapshot, with every check that a start makes of the journal, and says what came out. Reads only; the server may be running.
 */
import { journalPath } from '../src/journal/sqlite-file.ts';
import { SqliteJournalReader } from '../src/journal/sqlite-reader.ts';
import { storedCheckpoint } from '../src/projections/projector.ts';
import { DEFAULT_ID_LIMIT } from '../src/sequencer/open.ts';
import { recover, type Recovered } from '../src/sequencer/recovery.ts';
import { startProgress } from '../src/utils/progress.ts';
import { readOptions, wholeNumber } from './options.ts';
import { logger, stateLines } from './report.ts';
import { requireDataDirectory, run } from './run.ts';

const USAGE = 'usage: npm run replay -- --data DIR [--to SEQ] [--snapshots]';

async function main(): Promise<void> {
  const { values } = readOptions(USAGE, { options: { data: { type: 'string', default: './data' }, to: { type: 'string' }, snapshots: { type: 'boolean', default: false } } });
  const to = values.to === undefined ? undefined : wholeNumber('to', values.to, USAGE);
  requireDataDirectory(values.data, 'journal.db');
  // Before the journal, which may grow meanwhile.
  const followedTo = storedCheckpoint(values.data, logger);
  const journal = new SqliteJournalReader(values.data, logger);
  const progress = startProgress('replaying', Math.min(to ?? Infinity, journal.lastSeq));
  const options = { logger, idLimit: DEFAULT_ID_LIMIT, toSeq: to, useSnapshots: values.snapshots, journalFile: journalPath(values.data), followedTo };
  try {
    const recovered = await recover(journal, { ...options, onProgress: (done) => progress.set(done) });
    progress.end();
    print(recovered);
  } finally {
    journal.close();
  }
}

function print({ engine, time, figures }: Recovered): void {
  const { events, seconds, snapshotSeq } = figures;
  console.log(`from        ${snapshotSeq === 0 ? 'zero' : `the snapshot at event ${snapshotSeq}`}`);
  console.log(`applied     ${events} events in ${seconds.toFixed(2)} s (${Math.round(events / seconds)} events/s, all checks included)`);
  for (const line of stateLines(engine, time)) console.log(line);
}

await run(() => main());
