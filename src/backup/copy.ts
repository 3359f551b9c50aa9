/**
 * Copies what cannot be made again out of a data directory, whoever writes there meanwhile. The copy is a data directory itself. It has its name only when it is
 * complete and on disk. Changes no data of the source; blocks its thread.
 */
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Seq } from '../engine/units.ts';
import { copyJournal } from '../journal/journal-copy.ts';
import { journalPath } from '../journal/sqlite-file.ts';
import { syncToDisk } from '../utils/sync-to-disk.ts';

/** What follows the name of a copy until it is complete. */
export const UNFINISHED = '.unfinished';

const BUSY_TIMEOUT_MS = 30_000;
const MIB = 1_048_576;
const SNAPSHOTS = 'snapshots';

export interface CopyOptions {
  /** Bytes that stay free where the copy goes. Default 0. */
  readonly minFree?: number;
  /** Called from time to time with the last event copied and the last there is. */
  readonly onProgress?: (done: Seq, total: Seq) => void;
}

export interface Copied {
  /** Of the last event in it. */
  readonly seq: Seq;
  readonly bytes: number;
}

/** Throws where `to` is there already, and an Error with one sentence for what cannot be read or written: nothing is left then. */
export function copyDataDirectory(from: string, to: string, { minFree = 0, onProgress }: CopyOptions = {}): Promise<Copied> {
  return underName(to, (unfinished) => {
    requireFree(unfinished, minFree + sizeOf(from));
    const seq = copyInOrder(from, unfinished, (done, total) => {
      requireFree(unfinished, minFree);
      onProgress?.(done, total);
    });
    return { seq, bytes: sizeOf(unfinished) };
  });
}

/** Makes the folder `to` (0700) of what `fill` puts into it. It has that name only when all of it is on disk. Throws where it is there already, and what `fill` throws: nothing is left then. */
export async function underName<T>(to: string, fill: (unfinished: string) => T | Promise<T>): Promise<T> {
  if (existsSync(to)) throw new Error(`${to} is there already: name a folder that is not`);
  const unfinished = `${to}${UNFINISHED}`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  try {
    const result = await fill(unfinished);
    syncToDisk(unfinished);
    renameSync(unfinished, to);
    syncToDisk(dirname(to));
    return result;
  } catch (error) {
    // What is left of it takes up space, which may be what was missing.
    rmSync(unfinished, { recursive: true, force: true });
    throw error;
  }
}

/** One state of the file, whoever writes to it meanwhile, made anew: what is damaged in it does not come along unseen. */
export function copyDatabase(from: string, to: string, name: string): void {
  const path = join(to, name);
  // Made by us, so that it is private from the first byte; SQLite takes a file that is empty.
  closeSync(openSync(path, 'wx', 0o600));
  try {
    const db = new DatabaseSync(join(from, name), { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    try {
      db.prepare('VACUUM INTO ?').run(path);
    } finally {
      db.close();
    }
  } catch (error) {
    throw new Error(`${join(from, name)} cannot be copied: ${(error as Error).message}`, { cause: error });
  }
  syncToDisk(path);
}

/** Skips what is not there: keys that the environment gives, a snapshot that has just made room for a newer one. */
export function copyFile(from: string, to: string, name: string): void {
  try {
    copyFileSync(join(from, name), join(to, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new Error(`${join(from, name)} cannot be copied: ${(error as Error).message}`, { cause: error });
  }
  syncToDisk(join(to, name));
}

/** The journal last: a user whose account the journal does not know, or a snapshot of events that it has not, could not be used. The other way round nothing is missing. */
function copyInOrder(from: string, to: string, onProgress: (done: Seq, total: Seq) => void): Seq {
  copyDatabase(from, to, 'store.db');
  copyFile(from, to, 'keys.json');
  mkdirSync(join(to, SNAPSHOTS), { mode: 0o700 });
  for (const name of snapshotsIn(from)) copyFile(from, to, join(SNAPSHOTS, name));
  syncToDisk(join(to, SNAPSHOTS));
  try {
    return copyJournal(journalPath(from), journalPath(to), { onProgress }).seq;
  } catch (error) {
    throw new Error(`${journalPath(from)} cannot be copied: ${(error as Error).message}`, { cause: error });
  }
}

function snapshotsIn(directory: string): string[] {
  const folder = join(directory, SNAPSHOTS);
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.snap')) : [];
}

/** Bytes of what is copied out of a data directory. */
function sizeOf(directory: string): number {
  const names = ['store.db', 'store.db-wal', 'keys.json', 'journal.db', 'journal.db-wal', ...snapshotsIn(directory).map((name) => join(SNAPSHOTS, name))];
  return names.reduce((sum, name) => sum + (statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** Throws where fewer bytes are free. */
function requireFree(directory: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  if (free < bytes) throw new Error(`there is not enough space in ${dirname(directory)}: ${Math.floor(free / MIB)} MiB are free, and ${Math.ceil(bytes / MIB)} MiB must be; nothing of the copy was kept`);
}
