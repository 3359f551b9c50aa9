/** One process per data directory. The lock is SQLite's exclusive file lock: the kernel drops it however the process ends, so it never has to be cleared by hand. */
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DirectoryLockedError } from './errors.ts';

export interface DirectoryLock {
  release(): void;
}

/** Creates the directory (0700) when it is not there. Throws DirectoryLockedError when another process, or another part of this one, holds it. */
export function lockDirectory(directory: string): DirectoryLock {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'lock.db');
  const ownerPath = join(directory, 'lock.pid');
  closeSync(openSync(path, 'a', 0o600));
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    throw new DirectoryLockedError(`the data directory ${directory} is in use by another process${owner(ownerPath)}; stop it first, or give this one its own DATA_DIR (${(error as Error).message})`);
  }
  writeFileSync(ownerPath, `${process.pid}\n`, { mode: 0o600 });
  return { release: () => { if (db.isOpen) db.close(); } };
}

/** Only for the message: the file may be old, the lock is what counts. */
function owner(path: string): string {
  try {
    return ` (pid ${readFileSync(path, 'utf8').trim()})`;
  } catch {
    return '';
  }
}
