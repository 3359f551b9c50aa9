/** Makes DATA_DIR and sees whether it can be written, before anything is: what is wrong there is a bad setting like any other. */
import { closeSync, existsSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
  try {
    make(path);
    const probe = join(path, PROBE);
    closeSync(openSync(probe, 'w', 0o600));
    rmSync(probe, { force: true });
  } catch (error) {
    const { code = 'unknown', message } = error as NodeJS.ErrnoException;
    throw new ConfigError([`DATA_DIR: ${path} cannot be written (${code}): ${ADVICE[code] ?? message}`]);
  }
}

/** One folder after the other: Node's own recursive way never ends where the system says "not found" for a folder that cannot be made, as in /proc. */
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
}
