/** The import rules can fail: each kind of import that they are there to forbid is found in a tree that has it. And the documentation shows the rules as they are. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { LAYERS, REACHES } from '../scripts/layers.ts';

const ROOT = resolve(import.meta.dirname, '..');

/** What is planned and has its rules already. */
const NOT_THERE_YET = ['binance', 'graphql'];

/** In words of the design: who must not import what. A folder stands for any file in it. */
const FORBIDDEN: readonly (readonly [rule: string, from: readonly string[], what: readonly string[]])[] = [
  ['engine-is-pure', ['engine'], ['node:crypto', 'node:fs', 'lru-cache', 'utils', 'observability', 'types', 'journal']],
  ['packages', ['services', 'journal', 'sequencer', 'projections', 'models', 'feeds'], ['express', 'socket.io']],
  ['folders', ['controllers', 'sockets', 'binance', 'graphql'], ['engine', 'journal', 'sequencer', 'models', 'projections', 'feeds', 'cache', 'config', 'middleware', 'http']],
  ['reaches', ['controllers', 'sockets', 'binance', 'graphql'], ['node:fs', 'node:fs/promises', 'node:sqlite', 'node:worker_threads', 'node:child_process', 'fs']],
  ['packages', ['controllers', 'sockets', 'binance', 'graphql'], ['winston', 'express', 'lru-cache', 'jsonwebtoken']],
  ['packages', ['controllers', 'http', 'middleware'], ['socket.io']],
  ['reaches', ['controllers', 'services', 'feeds', 'projections'], ['node:net', 'node:http', 'node:sqlite']],
  ['folders', ['journal'], ['sequencer', 'models', 'services', 'http']],
  ['folders', ['sequencer'], ['projections', 'models', 'services']],
  ['folders', ['models'], ['engine', 'services', 'projections']],
  ['folders', ['projections'], ['services', 'controllers', 'sockets']],
  ['folders', ['feeds'], ['engine', 'sequencer', 'services']],
  ['folders', ['services'], ['controllers', 'sockets', 'http', 'middleware', 'validators', 'journal']],
  ['folders', ['http'], ['services', 'controllers', 'engine', 'sockets', 'models']],
  ['folders', ['middleware'], ['services', 'controllers', 'engine', 'models']],
  ['folders', ['validators', 'types'], ['services', 'models']],
  ['folders', ['utils', 'cache', 'config', 'observability'], ['engine', 'services']],
  ['logger-is-made-once', ['services', 'sockets', 'http', 'journal'], ['observability/winston']],
  ['controllers-log-nothing', ['controllers'], ['observability/logger']],
  ['main-is-the-root', ['services', 'utils'], ['main']],
  ['no-dev-dependency', ['middleware'], ['fast-check']],
  ['product-without-tests', ['services'], ['../tests/there']],
  ['folder-without-layer', ['newcomer'], ['utils', 'node:path']],
];

interface Violation { readonly from: string; readonly to: string; readonly rule: { readonly name: string } }

describe('the import rules', () => {
  const tree = mkdtempSync(join(tmpdir(), 'bourse-imports-'));
  let violations: readonly Violation[];
  const rulesOf = (file: string): string[] => [...new Set(violations.filter(({ from }) => from === `src/${file}.ts`).map(({ rule }) => rule.name))].sort();

  const written: string[] = [];

  before(() => {
    for (const file of ['package.json', 'tsconfig.json']) copyFileSync(join(ROOT, file), join(tree, file));
    symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
    for (const file of [...Object.keys(LAYERS).map((folder) => `${folder}/there`), 'observability/winston', 'observability/logger', '../tests/there']) write(file, 'export {};');
    for (const [, from, what] of FORBIDDEN) for (const folder of from) for (const [i, target] of what.entries()) write(probe(folder, target), spelled(i, specifier(target)));
    for (const [folder, { folders, packages, reaches }] of Object.entries(LAYERS)) {
      const allowed = [folder, ...folders, ...packages, ...reaches.flatMap((reach) => REACHES[reach].map((name) => `node:${name}`)), ...(folder === 'engine' ? [] : ['node:path', 'node:crypto'])];
      write(`${folder}/allowed`, allowed.map((target) => spelled(0, specifier(target))).join('\n'));
    }
    write('utils/one', "import './other.ts';");
    write('utils/other', "import './one.ts';");
    write('utils/lost', "import './nowhere.ts';");
    write('main', written.map((file) => `import './${file}.ts';`).join('\n'));
    write('utils/alone', 'export {};');
    violations = cruise(tree);
  });
  after(() => rmSync(tree, { recursive: true }));

  function write(file: string, text: string): void {
    const path = join(tree, 'src', `${file}.ts`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${text}\n`);
    written.push(file);
  }

  for (const [rule, from, what] of FORBIDDEN) {
    for (const folder of from) {
      const name = LAYERS[folder] !== undefined && ['folders', 'packages', 'reaches'].includes(rule) ? `${folder}-${rule}` : rule;
      test(`${name}: ${folder} may not import ${what.join(', ')}`, () => {
        for (const target of what) assert.ok(rulesOf(probe(folder, target)).includes(name), `${folder} imports ${target}: ${rulesOf(probe(folder, target)).join(' ')}`);
      });
    }
  }

  test('a cycle, an import that leads nowhere, and a file that the product does not reach are found', () => {
    assert.deepEqual(rulesOf('utils/one'), ['no-circular']);
    assert.deepEqual(rulesOf('utils/lost'), ['no-unresolved']);
    assert.deepEqual(rulesOf('utils/alone'), ['product-for-the-product']);
  });

  test('what is allowed is not complained of', () => {
    for (const folder of Object.keys(LAYERS)) assert.deepEqual(rulesOf(`${folder}/allowed`), [], folder);
  });

  test('each folder has its rules, and only what is planned has rules without a folder', () => {
    const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
    assert.deepEqual(Object.keys(LAYERS).sort(), [...folders, ...NOT_THERE_YET].sort());
  });

  test('docs/architecture.md shows them as they are', () => {
    const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
    const section = /^## Layers$(.*?)^## /ms.exec(page)?.[1] ?? '';
    const words = (cell: string | undefined): string[] => (cell === undefined || cell.trim() === '–' ? [] : cell.split(',').map((word) => word.replaceAll('`', '').trim().replace(/\/$/, '')).sort());
    const shown = new Map<string, unknown>();
    for (const [, name, folders, packages, reaches] of section.matchAll(/^\| (`[^|]+) \|([^|]+)\|([^|]+)\|([^|]+)\|/gm)) {
      for (const folder of words(name)) shown.set(folder, { folders: words(folders), packages: words(packages), reaches: words(reaches) });
    }
    const sorted = Object.entries(LAYERS).map(([folder, { folders, packages, reaches }]) => [folder, { folders: folders.toSorted(), packages: packages.toSorted(), reaches: reaches.toSorted() }] as const);
    assert.deepEqual(Object.fromEntries(shown), Object.fromEntries(sorted));
  });
});

function probe(folder: string, target: string): string {
  return `${folder}/probe-${target.replaceAll(/\W+/g, '-')}`;
}

/** A folder's name stands for a file in it; what else is no file of the tree is a package or Node's. */
function specifier(target: string): string {
  if (target in LAYERS) return `../${target}/there.ts`;
  return target.includes('tests/') || target === 'main' || target.startsWith('observability/') ? `../${target}.ts` : target;
}

/** An import is found however it is written. */
function spelled(i: number, target: string): string {
  const spellings = [`import '${target}';`, `import type { A } from '${target}';\nexport type B = A;`, `export * from '${target}';`, `export const later = () => import('${target}');`];
  return spellings[i % spellings.length] as string;
}

function cruise(directory: string): Violation[] {
  const program = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const { stdout, stderr } = spawnSync(process.execPath, [program, '--config', join(ROOT, '.dependency-cruiser.cjs'), '--output-type', 'json', 'src'], { cwd: directory, encoding: 'utf8', maxBuffer: 64 * 1_048_576, timeout: 60_000 });
  assert.ok(stdout.startsWith('{'), stderr);
  return (JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary.violations;
}
