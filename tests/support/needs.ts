/**
 * What tests need of the machine that they run on. Without it they are skipped, and say why; where CI is set nothing is left out unseen: a test
 * fails in their place.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

/** For a test's `skip`: false, or what is missing. To be asked once in a file, outside of tests. */
export function unless(there: boolean, missing: string): string | false {
  if (there) return false;
  if (process.env.CI !== undefined) test(`needed where CI is set: ${missing}`, () => assert.fail(missing));
  return missing;
}

/** As `unless`, of a program on the PATH. */
export function unlessInstalled(program: string): string | false {
  return unless(spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0, `${program} is not installed`);
}
