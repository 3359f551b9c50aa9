/** Makes DATA_DIR and BACKUP_DIR and sees whether they can be written, before anything is: what is wrong there is a bad setting like any other. */
import { closeSync, existsSync, mkdirSync, openSync, realpathSync, rmSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { syncToDisk } from '../utils/sync-to-disk.ts';
import { ConfigError } from './config.ts';

const PROBE = '.probe';
const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there; give it the right to, or name another folder',
  EPERM: 'this user may not write there; give it the right to, or name another folder',
  EROFS: 'that file system is read-only; name another folder',
  ENOTDIR: 'it is a file, or inside of one; name a folder',
  ENOENT: 'no folder can be made there; name another one',
};

/** Creates the folder (0700) where it is missing. Throws ConfigError. */
export function prepareDataDirectory(path: string): void {
  prepare('DATA_DIR', path);
}

/** As the data directory, which is there by now. Throws ConfigError also where the one is inside of the other. */
export function prepareBackupDirectory(path: string, dataDirectory: string): void {
  // What is inside goes with it: looked for before it is made, and again where links lead somewhere else.
  requireOutside(path, path, dataDirectory);
  prepare('BACKUP_DIR', path);
  requireOutside(path, realpathSync(path), realpathSync(dataDirectory));
}

function requireOutside(path: string, real: string, dataDirectory: string): void {
  const way = relative(dataDirectory, real);
  if (way.split(sep)[0] !== '..' && !isAbsolute(way)) throw new ConfigError([`BACKUP_DIR: ${path} is inside of DATA_DIR and would be lost with it; name a folder on another disk`]);
}

function prepare(setting: string, path: string): void {
  try {
    make(path);
    const probe = join(path, PROBE);
    closeSync(openSync(probe, 'w', 0o600));
    rmSync(probe, { force: true });
  } catch (error) {
    const { code = 'unknown', message } = error as NodeJS.ErrnoException;
    throw new ConfigError([`${setting}: ${path} cannot be written (${code}): ${ADVICE[code] ?? message}`]);
  }
}

/** So that no power cut takes them, and all that will be in them. One folder after the other: Node's own recursive way never ends where the system says "not found" for a folder that cannot be made, as in /proc. */
function make(path: string): void {
  if (existsSync(path)) {
    if (!statSync(path).isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
    return;
  }
  if (dirname(path) !== path) make(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process was faster, or the name leads nowhere, which the probe finds out.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  try {
    syncToDisk(dirname(path));
  } catch {
    // Whoever may make folders in one that they may not read leaves it to the system, which does so within seconds.
  }
}
