/** One process per data directory. The lock is SQLite's exclusive file lock: the kernel drops it however the process ends, so it never has to be cleared by hand. */
import { accessSync, closeSync, constants, mkdirSync, openSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isDamagedFile, SQLITE_BUSY, sqliteCode } from '../utils/sqlite-errors.ts';
import { DirectoryLockedError, DirectoryUnusableError } from './errors.ts';

export interface DirectoryLock {
  release(): void;
}

/**
 * Creates the directory (0700) when it is not there. Throws DirectoryLockedError when another process, or another part of this one, holds it, and DirectoryUnusableError
 * when that cannot be told.
 */
export function lockDirectory(directory: string): DirectoryLock {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'lock.db');
  const ownerPath = join(directory, 'lock.pid');
  const db = usable(path, () => lockFile(path, directory, ownerPath));
  try {
    usable(ownerPath, () => writeFileSync(ownerPath, `${process.pid}\n`, { mode: 0o600 }));
  } catch (error) {
    db.close();
    throw error;
  }
  return { release: () => { if (db.isOpen) db.close(); } };
}

function lockFile(path: string, directory: string, ownerPath: string): DatabaseSync {
  create(path);
  try {
    return lockEmptied(path);
  } catch (error) {
    if (sqliteCode(error) !== SQLITE_BUSY) throw error;
    throw new DirectoryLockedError(`the data directory ${directory} is in use by another process${owner(ownerPath)}; stop it first, or give this one its own DATA_DIR (${(error as Error).message})`);
  }
}

/** Empties a damaged file: nothing is kept in it. SQLite looks into it only when nobody holds it, and a lock is on the file, not on what is in it: whoever was faster keeps it. */
function lockEmptied(path: string): DatabaseSync {
  try {
    return lock(path);
  } catch (error) {
    if (!isDamagedFile(error)) throw error;
    truncateSync(path);
    return lock(path);
  }
}

/** Not opened where it is there: closing any handle of a file gives up the locks that this process has on it. */
function create(path: string): void {
  try {
    closeSync(openSync(path, 'ax', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // SQLite opens a file that it may only read without a word, and then locks nobody out.
    accessSync(path, constants.R_OK | constants.W_OK);
  }
}

function lock(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function usable<T>(path: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof DirectoryLockedError) throw error;
    throw new DirectoryUnusableError(
      `${path} cannot be opened or written (${(error as Error).message}). The whole data directory must belong to the user that the server runs as: one start as another user, such as root, leaves files that are theirs; give them back with chown -R.`,
      error,
    );
  }
}

/** Only for the message: the file may be old, the lock is what counts. */
function owner(path: string): string {
  try {
    return ` (pid ${readFileSync(path, 'utf8').trim()})`;
  } catch {
    return '';
  }
}
