/**
 * `npm run backup -- --data DIR --to DIR`: copies what cannot be made again out of a data directory, beside a running server or without one. The copy is a
 * data directory itself: start on it, or put it in the place of the lost one. Changes no data of the source.
 */
import { closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { JournalFile, journalPath } from '../src/journal/sqlite-file.ts';
import { readOptions, refuse } from './options.ts';
import { requireDataDirectory, run } from './run.ts';

const USAGE = 'usage: npm run backup -- [--data DIR] --to DIR';
const BUSY_TIMEOUT_MS = 30_000;

const { values } = readOptions(USAGE, { options: { data: { type: 'string', default: './data' }, to: { type: 'string' } } });

function main(from: string, to: string): void {
  requireDataDirectory(from, 'journal.db');
  if (existsSync(to)) throw new Error(`${to} is there already: name a folder that is not`);
  // Under its name only when it is complete and on disk.
  const unfinished = `${to}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(join(unfinished, 'snapshots'), { recursive: true, mode: 0o700 });
  copyInOrder(from, unfinished);
  sync(unfinished);
  renameSync(unfinished, to);
  sync(dirname(to));
  console.log(`copied ${from} to ${to}, up to event ${lastEvent(to)}`);
}

/** The journal last: a user whose account the journal does not know, or a snapshot of events that it has not, could not be used. The other way round nothing is missing. */
function copyInOrder(from: string, to: string): void {
  copyDatabase(from, to, 'store.db');
  copyFile(from, to, 'keys.json');
  const snapshots = join(from, 'snapshots');
  const names = existsSync(snapshots) ? readdirSync(snapshots).filter((name) => name.endsWith('.snap')) : [];
  for (const name of names) copyFile(from, to, join('snapshots', name));
  sync(join(to, 'snapshots'));
  copyDatabase(from, to, 'journal.db');
}

/** One state of the file, whoever writes to it meanwhile. */
function copyDatabase(from: string, to: string, name: string): void {
  const path = join(to, name);
  // Made by us, so that it is private from the first byte; SQLite takes a file that is empty.
  closeSync(openSync(path, 'wx', 0o600));
  const db = new DatabaseSync(join(from, name), { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    db.prepare('VACUUM INTO ?').run(path);
  } catch (error) {
    throw new Error(`${join(from, name)} cannot be copied: ${(error as Error).message}`, { cause: error });
  } finally {
    db.close();
  }
  sync(path);
}

/** Skips what is not there: keys that the environment gives, a snapshot that has just made room for a newer one. */
function copyFile(from: string, to: string, name: string): void {
  try {
    copyFileSync(join(from, name), join(to, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  sync(join(to, name));
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function lastEvent(directory: string): number {
  const journal = new JournalFile(journalPath(directory), { readOnly: true });
  try {
    return journal.lastSeq();
  } finally {
    journal.close();
  }
}

await run(() => main(resolve(values.data), resolve(values.to ?? refuse('--to names the folder of the copy', USAGE))));
