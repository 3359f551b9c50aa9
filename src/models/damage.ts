/** The store's files: which holds what, how damage is told from other faults, and what an operator can do about either. */
import { join } from 'node:path';
import { UnavailableError } from '../utils/errors.ts';
import { isDamagedFile, sqliteCode, SQLITE_FULL } from '../utils/sqlite-errors.ts';
import type { CollectionSpec } from './collection.ts';
import { StoreDamagedError, UnreadableRowError } from './errors.ts';

export type StoreFile = 'store.db' | 'projections.db';

const WAY_OUT: Readonly<Record<StoreFile, string>> = {
  'store.db': 'stop the process and restore it, with its -wal file, from a backup',
  'projections.db': 'stop the process, remove it with its -wal and -shm files, and start again: it is built anew from the journal',
};

export function fileOf(spec: Pick<CollectionSpec<{ readonly id: string }>, 'projected'>): StoreFile {
  return spec.projected === true ? 'projections.db' : 'store.db';
}

export function pathOf(directory: string, file: StoreFile): string {
  return directory === ':memory:' ? directory : join(directory, file);
}

export function isDamage(error: unknown): boolean {
  return error instanceof SyntaxError || error instanceof UnreadableRowError || isDamagedFile(error);
}

/** The file, what was found wrong in it and what to do. @param path of it, or its name where whoever reads this must not learn more. */
export function wordsForDamage(path: string, file: StoreFile, error: unknown, collection?: string): string {
  const place = collection === undefined ? path : `${path}, collection ${collection},`;
  // What JSON.parse says quotes the document.
  const reason = error instanceof SyntaxError ? 'a document is not JSON' : (error as Error).message;
  return `${place} is damaged (${reason}): ${WAY_OUT[file]}`;
}

/** For a fault met in a collection: damage, and a disk without space, are named with their place, anything else stays as it is. */
export function locate(error: Error, directory: string, spec: Pick<CollectionSpec<{ readonly id: string }>, 'name' | 'projected'>): Error {
  const file = fileOf(spec);
  if (isFull(error)) return noSpace(error, pathOf(directory, file));
  if (!isDamage(error)) return error;
  return new StoreDamagedError(wordsForDamage(pathOf(directory, file), file, error, spec.name));
}

/** For a file that could not be opened. */
export function notOpened(error: Error, directory: string, file: StoreFile): Error {
  const path = pathOf(directory, file);
  if (isFull(error)) return noSpace(error, path);
  if (isDamage(error)) return new StoreDamagedError(wordsForDamage(path, file, error), error);
  return new UnavailableError(`${path} cannot be opened (${error.message}); it and the files beside it must be writable for the user that the server runs as`, error);
}

function isFull(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_FULL || (error as NodeJS.ErrnoException).code === 'ENOSPC';
}

function noSpace(error: Error, path: string): UnavailableError {
  return new UnavailableError(`${path} cannot be written (${error.message}): free space on its disk, and start again where the process has ended; nothing acknowledged is lost`, error);
}
