/** Nothing that CI should have proven is left out unseen: what a test needs and does not find fails there, and is skipped with a sentence elsewhere. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '..');

/** A test file that needs what is not there, run by itself. */
function run(module: string, skip: string, env: Readonly<Record<string, string | undefined>>): { readonly status: number | null; readonly text: string } {
  const script = `
    import { test } from 'node:test';
    import * as needs from ${JSON.stringify(new URL(module, import.meta.url).href)};
    test('needs something', { skip: ${skip} }, () => {});
  `;
  const { NODE_TEST_CONTEXT: _context, CI: _ci, ...rest } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { env: { ...rest, ...env }, encoding: 'utf8', timeout: 30_000 });
  return { status, text: `${stdout}${stderr}` };
}

test('a program that is not there is a failure in CI, and a reason to skip elsewhere', () => {
  const skip = "needs.unlessInstalled('no-such-program-anywhere')";
  const here = run('./support/needs.ts', skip, {});
  assert.equal(here.status, 0, here.text);
  assert.match(here.text, /no-such-program-anywhere is not installed/);
  const ci = run('./support/needs.ts', skip, { CI: 'true' });
  assert.equal(ci.status, 1, ci.text);
  assert.match(ci.text, /needed where CI is set: no-such-program-anywhere is not installed/);
  assert.equal(run('./support/needs.ts', "needs.unless(true, 'x')", { CI: 'true' }).status, 0);
});

test('recordings may be absent in CI only where that is said', () => {
  const absent = run('./support/recordings.ts', 'needs.skipWithoutRecordings', { CI: 'true', RECORDINGS: 'absent' });
  assert.equal(absent.status, 0, absent.text);
  assert.match(absent.text, /the recordings .* are not beside this checkout/);
});

test('CI says that it is CI, and installs what tests need', () => {
  const script = readFileSync(join(ROOT, '.ci/run'), 'utf8');
  assert.match(script, /^export CI=/m);
  for (const program of ['chromium', 'promtool', 'taskset']) assert.match(script, new RegExp(`command -v ${program} `));
});
