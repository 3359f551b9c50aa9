/** The commands as somebody meets them who types `--help`, or an option that there is not; and that each of them makes a fresh clone ready first. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../..');
const COMMANDS = ['scripts/admin-password.ts', 'scripts/backup.ts', 'scripts/demo.ts', 'scripts/replay.ts', 'scripts/sim.ts', 'scripts/test.ts', 'bench/api.ts', 'bench/engine.ts'];

const directory = mkdtempSync(join(tmpdir(), 'bourse-commands-'));
after(() => rmSync(directory, { recursive: true }));

function run(script: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(ROOT, script), ...args], { cwd: directory, encoding: 'utf8', timeout: 30_000 });
}

for (const command of COMMANDS) {
  test(`${command} tells its usage, and when an option is none`, () => {
    const help = run(command, '--help');
    assert.deepEqual([help.status, help.stderr], [0, '']);
    assert.match(help.stdout, /^usage: npm (?:run|test)\b[^\n]+\n$/);
    const wrong = run(command, '--nonsense');
    assert.deepEqual([wrong.status, wrong.stdout], [64, '']);
    assert.match(wrong.stderr, /--nonsense/);
    assert.ok(wrong.stderr.endsWith(help.stdout), wrong.stderr);
    assert.doesNotMatch(wrong.stderr, /^ +at /m);
  });
}

test('a number that is none is named', () => {
  for (const [script, option] of [['scripts/sim.ts', '--seed'], ['scripts/replay.ts', '--to'], ['scripts/test.ts', '--sim'], ['bench/engine.ts', '--seed']] as const) {
    const { status, stderr } = run(script, option, 'x1');
    assert.equal(status, 64, script);
    assert.match(stderr, new RegExp(`^${option} must be a whole number, not "x1"\nusage: `));
  }
});

test('the demo takes the address of a server with or without a slash, and names what is none', () => {
  const demo = (url: string): string => spawnSync(process.execPath, [join(ROOT, 'scripts/demo.ts')], { cwd: directory, env: { ...process.env, BOURSE_URL: url }, encoding: 'utf8', timeout: 30_000 }).stderr;
  // Nobody listens on port 5.
  for (const url of ['http://127.0.0.1:5', 'http://127.0.0.1:5/']) assert.equal(demo(url), 'No server answers at http://127.0.0.1:5. Start one with: npm start\n');
  for (const url of ['localhost:4760', '127.0.0.1:3000', 'ws://127.0.0.1', 'http://127.0.0.1:1/api/v1', 'nonsense']) assert.match(demo(url), new RegExp(`^BOURSE_URL must be an address like http://127\\.0\\.0\\.1:3000, not "${url}"\nusage: npm run demo `));
});

test('a replay of a folder without a journal names the folder', () => {
  const { status, stderr } = run('scripts/replay.ts', '--data', './nix');
  assert.equal(status, 1);
  assert.match(stderr, /^there is no journal\.db in \/.*\/nix: /);
});

test('every command that runs on Node installs first what a fresh clone has not', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  const commands = Object.entries(scripts).filter(([, command]) => /^(?:exec )?node .*\.ts$/.test(command)).map(([name]) => name);
  assert.ok(commands.length >= 8, commands.join(' '));
  for (const name of commands) assert.equal(scripts[`pre${name}`], 'node scripts/setup.mjs', name);
});

test('an installation that is shared by a link is left as it is, however old', () => {
  const clone = join(directory, 'clone');
  const shared = join(directory, 'shared');
  for (const folder of [shared, join(clone, 'scripts')]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(clone, 'package-lock.json'), '{}');
  writeFileSync(join(shared, '.package-lock.json'), '{}');
  utimesSync(join(shared, '.package-lock.json'), 1, 1);
  symlinkSync(shared, join(clone, 'node_modules'));
  copyFileSync(join(ROOT, 'scripts/setup.mjs'), join(clone, 'scripts/setup.mjs'));
  const { status, stderr } = spawnSync(process.execPath, [join(clone, 'scripts/setup.mjs')], { encoding: 'utf8', timeout: 30_000 });
  assert.deepEqual([status, stderr], [0, '']);
  assert.ok(existsSync(join(shared, '.package-lock.json')));
});
