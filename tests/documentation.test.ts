/** What the documentation names is there: files and folders in backticks, links between pages. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '..');
const PAGES = globSync(['README.md', 'docs/**/*.md'], { cwd: ROOT }).sort();
/** Made while running, or somebody's own. */
const NOT_HERE = new Set(['logs/', 'snapshots/', 'test-output/replay/']);

/** `feeds/symbols.ts`, `middleware/`; not a bare file name, which says where it is in the sentence around it. */
const PATH = /`([\w.-]+(?:\/[\w.-]+)*\/|(?:[\w.-]+\/)+[\w.-]+\.(?:ts|mjs|json|md|cjs))`/g;
const LINK = /\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g;

for (const page of PAGES) {
  const text = readFileSync(join(ROOT, page), 'utf8');

  test(`${page}: the files and folders it names exist`, () => {
    const missing = Array.from(text.matchAll(PATH), ([, path]) => path!)
      .filter((path) => !NOT_HERE.has(path) && ![ROOT, join(ROOT, 'src'), join(ROOT, dirname(page))].some((base) => existsSync(join(base, path))));
    assert.deepEqual(missing, []);
  });

  test(`${page}: its links lead somewhere`, () => {
    const missing = Array.from(text.matchAll(LINK), ([, path]) => path!).filter((path) => !existsSync(join(ROOT, dirname(page), path)));
    assert.deepEqual(missing, []);
  });
}

test('there are pages to check', () => assert.ok(PAGES.length > 10, PAGES.join(' ')));
