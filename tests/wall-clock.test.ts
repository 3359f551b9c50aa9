/** The wall clock may jump at any time: only `utils/clock.ts` reads it, so that whoever wants it has to say so. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const SRC = resolve(import.meta.dirname, '..', 'src');
const WALL_CLOCK = /\bDate\.now\b|\bnew Date\(\)/;

test('nothing but the clock reads the wall clock', () => {
  const files = globSync('**/*.ts', { cwd: SRC }).filter((file) => !file.endsWith('.test.ts'));
  assert.deepEqual(files.filter((file) => WALL_CLOCK.test(readFileSync(join(SRC, file), 'utf8'))), [join('utils', 'clock.ts')]);
});
