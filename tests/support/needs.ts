/**
 * What tests need of the machine that they run on. Without it they are skipped, and say why; but what MUST_HAVE names (words with spaces between them, which
 * `.ci/run` sets to what it has found or installed) nobody may leave out unseen: a test fails in their place.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

/** For a test's `skip`: false, or what is missing. To be asked once in a file, outside of tests. */
export function unless(there: boolean, need: string, missing: string): string | false {
  if (there) return false;
  if ((process.env.MUST_HAVE ?? '').split(' ').includes(need)) test(`there must be ${need}: ${missing}`, () => assert.fail(missing));
  return missing;
}

/** As `unless`, of a program on the PATH. */
export function unlessInstalled(program: string): string | false {
  return unless(spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0, program, `${program} is not installed`);
}
