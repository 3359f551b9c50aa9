/** Nothing that CI could have proven is left out unseen: what a test needs and does not find is skipped with a sentence, and fails where it was known to be there. */
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
  const { NODE_TEST_CONTEXT: _context, MUST_HAVE: _must, ...rest } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { env: { ...rest, ...env }, encoding: 'utf8', timeout: 30_000 });
  return { status, text: `${stdout}${stderr}` };
}

test('a program that is not there is a reason to skip, and a failure where it must be there', () => {
  const skip = "needs.unlessInstalled('no-such-program-anywhere')";
  for (const MUST_HAVE of [undefined, 'chromium no-such-program', '']) {
    const here = run('./support/needs.ts', skip, { MUST_HAVE });
    assert.equal(here.status, 0, here.text);
    assert.match(here.text, /no-such-program-anywhere is not installed/);
  }
  const must = run('./support/needs.ts', skip, { MUST_HAVE: 'chromium no-such-program-anywhere' });
  assert.equal(must.status, 1, must.text);
  assert.match(must.text, /there must be no-such-program-anywhere: no-such-program-anywhere is not installed/);
  assert.equal(run('./support/needs.ts', "needs.unless(true, 'x', 'y')", { MUST_HAVE: 'x' }).status, 0);
});

test('CI installs what tests need, and lets nothing that it has found be left out', () => {
  const script = readFileSync(join(ROOT, '.ci/run'), 'utf8');
  for (const program of ['chromium', 'promtool', 'strace', 'taskset', 'recordings']) assert.match(script, new RegExp(`\\b${program}\\b`));
  assert.match(script, /^export MUST_HAVE=/m);
});
