import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { lockDirectory } from './directory-lock.ts';
import { DirectoryLockedError, DirectoryUnusableError } from './errors.ts';

const MODULE = join(import.meta.dirname, 'directory-lock.ts');
const NOBODY = 65_534;

/** What another process gets: the name of the error and its message, or 'locked'; undefined where it cannot run. */
function attempt(directory: string, options: { readonly uid?: number } = {}): string | undefined {
  const script = `
    const { lockDirectory } = await import(${JSON.stringify(MODULE)});
    try { lockDirectory(${JSON.stringify(directory)}); console.log('locked'); } catch (error) { console.log(error.name + ' ' + error.message); }`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { ...options, encoding: 'utf8', timeout: 30_000 });
  return status === 0 ? stdout.trim() : undefined;
}

function elsewhere(directory: string): string | undefined {
  return attempt(directory)?.split(' ')[0];
}

describe('the lock of a data directory', () => {
  let directory: string;
  const file = (name: string): string => join(directory, name);
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'bourse-lock-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test('keeps other processes out, also after this one has tried twice, until it is released', () => {
    const lock = lockDirectory(directory);
    assert.equal(elsewhere(directory), 'DirectoryLockedError');
    assert.throws(() => lockDirectory(directory), DirectoryLockedError);
    assert.equal(elsewhere(directory), 'DirectoryLockedError');
    lock.release();
    assert.equal(elsewhere(directory), 'locked');
  });

  test('is taken where lock.db is damaged, for nothing is kept in it', () => {
    writeFileSync(file('lock.db'), 'ruin'.repeat(2_000));
    const lock = lockDirectory(directory);
    assert.equal(statSync(file('lock.db')).size, 0);
    assert.equal(elsewhere(directory), 'DirectoryLockedError');
    lock.release();
    assert.equal(elsewhere(directory), 'locked');
  });

  test('is kept by its holder when lock.db is damaged meanwhile', () => {
    const held = lockDirectory(directory);
    // By another process: this one would give its lock up by closing the file.
    spawnSync(process.execPath, ['-e', `require('node:fs').writeFileSync(${JSON.stringify(file('lock.db'))}, 'ruin'.repeat(2_000))`]);
    assert.equal(elsewhere(directory), 'DirectoryLockedError');
    assert.throws(() => lockDirectory(directory), DirectoryLockedError);
    assert.equal(readFileSync(file('lock.db'), 'utf8').slice(0, 4), 'ruin');
    held.release();
  });

  for (const name of ['lock.db', 'lock.pid']) {
    for (const [how, mode] of [['read', 0o000], ['written', 0o444]] as const) {
      test(`is not taken where ${name} may not be ${how}, and says whose the files must be`, (t) => {
        chmodSync(directory, 0o777);
        writeFileSync(file(name), '');
        chmodSync(file(name), mode);
        // Permissions do not bind root.
        const text = attempt(directory, process.geteuid?.() === 0 ? { uid: NOBODY } : {});
        if (text === undefined) return t.skip('another user cannot run this');
        assert.ok(text.startsWith(`DirectoryUnusableError ${file(name)} cannot be opened or written (`), text);
        assert.match(text, /must belong to the user that the server runs as.*chown -R/);
      });
    }
  }

  test('is let go of when lock.pid cannot be written', () => {
    mkdirSync(file('lock.pid'));
    assert.throws(() => lockDirectory(directory), DirectoryUnusableError);
    rmdirSync(file('lock.pid'));
    assert.equal(elsewhere(directory), 'locked');
  });
});
