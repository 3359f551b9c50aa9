/** The commands as somebody meets them who types `--help`, or an option that there is not; and that each of them makes a fresh clone ready first. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { auditlogs, type AuditLogDoc } from '../../src/models/auditlogs.ts';
import { SqliteStore } from '../../src/models/sqlite.ts';
import { AuditLog } from '../../src/services/audit.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const COMMANDS = ['scripts/admin-password.ts', 'scripts/audit-log.ts', 'scripts/backup.ts', 'scripts/demo.ts', 'scripts/replay.ts', 'scripts/restore.ts', 'scripts/sim.ts', 'scripts/test.ts', 'bench/api.ts', 'bench/engine.ts'];

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
  for (const [script, option] of [['scripts/sim.ts', '--seed'], ['scripts/replay.ts', '--to'], ['scripts/audit-log.ts', '--to'], ['scripts/restore.ts', '--until-event'], ['scripts/test.ts', '--sim'], ['bench/engine.ts', '--seed']] as const) {
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

test('the audit log is followed beside whoever writes it; where its chain breaks is named', async (t) => {
  const data = join(directory, 'audited');
  mkdirSync(data);
  const check = (...args: string[]) => run('scripts/audit-log.ts', '--data', './audited', ...args);
  assert.match(check().stderr, /^there is no store\.db in \/.*\/audited: /);
  const store = new SqliteStore(data);
  t.after(() => store.close());
  const entries = store.collection(auditlogs);
  assert.match(check().stdout, /^whole {7}0 entries/);
  const audit = new AuditLog(store, () => Date.UTC(2026, 0, 1));
  for (const target of ['a', 'b', 'c']) await audit.record({ actor: 'admin', action: 'user.freeze', target, before: { status: 'active' }, after: { status: 'frozen' }, ip: '127.0.0.1', requestId: target });
  const { items } = await entries.find({ sort: { seq: 1 }, limit: 3 });
  const [first, second, third] = items as [AuditLogDoc, AuditLogDoc, AuditLogDoc];

  const whole = check();
  assert.deepEqual([whole.status, whole.stderr, whole.stdout], [0, '', `whole       3 entries, each as it was written and none missing before the last\nlast        entry 3, 2026-01-01T00:00:00.000Z, hash ${third.hash}\n`]);
  assert.match(check('--to', '2').stdout, new RegExp(`^last {8}entry 2, .* hash ${second.hash}$`, 'm'));
  const short = check('--to', '4');
  assert.deepEqual([short.status, short.stdout, short.stderr], [1, '', `the audit log in ${data} ends at entry 3\n`]);

  for (const [change, seq, reason] of [
    [() => entries.put([{ ...second, actor: 'somebody else' }]), 2, 'its content is not what was written'],
    [() => entries.remove({ seq: 2 }), 2, 'the entry is missing'],
    [() => entries.remove({ seq: 1 }), 1, 'the entry is missing'],
    [() => entries.put([first, { ...second, previousHash: third.hash }]), 2, 'it does not follow the entry before it'],
  ] as const) {
    await change();
    const broken = check();
    assert.deepEqual([broken.status, broken.stdout, broken.stderr], [1, '', `the audit log in ${data} is not as it was written: entry ${seq}: ${reason}\n`]);
  }
  await entries.put([first, second]);
  assert.equal(check().status, 0);
  const db = new DatabaseSync(join(data, 'store.db'));
  db.exec(`UPDATE auditlogs SET doc = '{' WHERE seq = 2`);
  db.close();
  const unreadable = check();
  assert.deepEqual([unreadable.status, unreadable.stdout], [1, '']);
  assert.match(unreadable.stderr, /^entry 2 cannot be read: .*store\.db, collection auditlogs, is damaged \(a document is not JSON\): stop the process and restore it/);
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
