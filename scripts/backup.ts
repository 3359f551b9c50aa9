/**
 * `npm run backup -- --data DIR --to DIR`: copies what cannot be made again out of a data directory, beside a running server or without one. The copy is a
 * data directory itself: start on it, or put it in the place of the lost one. Changes no data of the source.
 */
import { resolve } from 'node:path';
import { copyDataDirectory } from '../src/backup/copy.ts';
import { showProgress } from '../src/process/announce.ts';
import { readOptions, refuse } from './options.ts';
import { requireDataDirectory, run } from './run.ts';

const USAGE = 'usage: npm run backup -- [--data DIR] --to DIR';

const { values } = readOptions(USAGE, { options: { data: { type: 'string', default: './data' }, to: { type: 'string' } } });

async function main(from: string, to: string): Promise<void> {
  requireDataDirectory(from, 'journal.db');
  const { seq } = await copyDataDirectory(from, to, { onProgress: showProgress('copying') });
  console.log(`copied ${from} to ${to}, up to event ${seq}`);
}

await run(() => main(resolve(values.data), resolve(values.to ?? refuse('--to names the folder of the copy', USAGE))));
