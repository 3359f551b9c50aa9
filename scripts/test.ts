/**
 * Runs the whole suite: unit and property tests beside the code, integration and end-to-end tests, then the simulator.
 * Prints failures in full, coverage by folder, and `N passed, N failed` last. Arguments select test files by substring.
 */
import { spawn } from 'node:child_process';
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { run } from 'node:test';
import { inspect } from 'node:util';
import { readOptions, wholeNumber } from './options.ts';

const USAGE = 'usage: npm test -- [--no-coverage] [--sim COMMANDS] [PART OF A PATH …]';

const LINE_COVERAGE_MIN = 80;
const SUITE_LIMIT_MS = 12 * 60_000;
const root = resolve(import.meta.dirname, '..');
const output = resolve(root, 'test-output');

const { values, positionals } = readOptions(USAGE, {
  allowPositionals: true,
  options: { coverage: { type: 'boolean', default: true }, sim: { type: 'string' } },
  allowNegative: true,
});
const simCommands = values.sim === undefined ? (process.env.CI === undefined ? 200_000 : 1_000_000) : wholeNumber('sim', values.sim, USAGE);

interface CoverageFile { path: string; totalLineCount: number; coveredLineCount: number }

interface Tally { passed: number; failed: number; skipped: number; files: CoverageFile[] }

function select(): string[] {
  const files = globSync(['src/**/*.test.ts', 'tests/**/*.test.ts'], { cwd: root }).sort();
  return files.filter((file) => positionals.length === 0 || positionals.some((part) => file.includes(part))).map((file) => resolve(root, file));
}

async function runTests(files: string[], coverage: boolean): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0, files: [] };
  const stream = run({
    files,
    concurrency: 2,
    timeout: 300_000,
    // A test file that never ends is ended with all the others, and fails.
    signal: AbortSignal.timeout(SUITE_LIMIT_MS),
    coverage,
    coverageIncludeGlobs: ['src/**/*.ts'],
    coverageExcludeGlobs: ['**/*.test.ts', '**/contract.ts', 'tests/**', 'scripts/**', 'bench/**'],
  });
  const seen = new Map<string, number>();
  for await (const event of stream) {
    if (event.type === 'test:pass' || event.type === 'test:fail') {
      const { data } = event;
      const isSuite = data.details.type === 'suite' || data.name === data.file;
      if (event.type === 'test:fail' && !(isSuite && isSubtestFailure(data.details.error))) {
        tally.failed++;
        console.log(`\n✖ ${data.file === undefined ? '' : `${relative(root, data.file)}: `}${data.name}\n${inspect(data.details.error, { depth: 6 })}`);
      } else if (isSuite) continue;
      else if (data.skip !== undefined) {
        tally.skipped++;
        console.log(`- skipped: ${data.name}${typeof data.skip === 'string' ? ` (${data.skip})` : ''}`);
      } else if (event.type === 'test:pass') tally.passed++;
      if (data.file !== undefined) seen.set(data.file, (seen.get(data.file) ?? 0) + 1);
    } else if (event.type === 'test:summary' && event.data.file !== undefined) {
      const { file, counts, duration_ms: ms, success } = event.data;
      console.log(`${success ? '✔' : '✖'} ${relative(root, file)} (${counts.tests} tests, ${(ms / 1000).toFixed(1)} s)`);
    } else if (event.type === 'test:coverage') {
      tally.files = event.data.summary.files;
    }
  }
  return tally;
}

function isSubtestFailure(error: unknown): boolean {
  return (error as { failureType?: string } | undefined)?.failureType === 'subtestsFailed';
}

/** Prints a row per folder and returns the covered percentage of all lines. */
function reportCoverage(files: readonly CoverageFile[]): number {
  const folders = new Map<string, { lines: number; covered: number }>();
  let lines = 0;
  let covered = 0;
  for (const file of files) {
    const folder = relative(root, file.path).split('/').slice(0, 2).join('/');
    const row = folders.get(folder) ?? { lines: 0, covered: 0 };
    row.lines += file.totalLineCount;
    row.covered += file.coveredLineCount;
    folders.set(folder, row);
    lines += file.totalLineCount;
    covered += file.coveredLineCount;
  }
  const percent = (part: number, whole: number) => (whole === 0 ? 100 : (100 * part) / whole);
  console.log('\nLine coverage');
  for (const [folder, row] of [...folders].sort()) console.log(`  ${folder.padEnd(24)} ${percent(row.covered, row.lines).toFixed(1).padStart(5)} %  of ${row.lines}`);
  const total = percent(covered, lines);
  console.log(`  ${'all'.padEnd(24)} ${total.toFixed(1).padStart(5)} %  of ${lines}`);
  mkdirSync(output, { recursive: true });
  const worst = files.map((file) => ({ path: relative(root, file.path), percent: percent(file.coveredLineCount, file.totalLineCount) })).sort((a, b) => a.percent - b.percent);
  writeFileSync(resolve(output, 'coverage.json'), JSON.stringify({ total, files: worst }, undefined, 2));
  return total;
}

function simulate(): Promise<boolean> {
  console.log(`\nSimulator: ${simCommands.toLocaleString('en')} commands`);
  return new Promise((done) => {
    const child = spawn(process.execPath, ['scripts/sim.ts', '--commands', String(simCommands)], { cwd: root, stdio: 'inherit' });
    child.once('exit', (code) => done(code === 0));
  });
}

const everything = positionals.length === 0;
const tally = await runTests(select(), everything && values.coverage);
if (everything) {
  if (simCommands > 0) {
    if (await simulate()) tally.passed++;
    else tally.failed++;
  }
  if (values.coverage && reportCoverage(tally.files) < LINE_COVERAGE_MIN) {
    console.log(`✖ line coverage is below ${LINE_COVERAGE_MIN} %`);
    tally.failed++;
  }
}
if (tally.passed === 0) tally.failed++;
console.log(`\n${tally.passed} passed, ${tally.failed} failed${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''}`);
process.exit(tally.failed === 0 ? 0 : 1);
