/** The administrator's password is lost: the operator gives another one to the stopped server's directory, and whoever was signed in is out. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { Client } from '../support/client.ts';
import { ADMIN, startServer } from '../support/server-process.ts';

const SCRIPT = resolve(import.meta.dirname, '../../scripts/admin-password.ts');
const GIVEN = 'another long enough password 43';
const IGNORED = /ADMIN_PASSWORD is not the password of the administrator/;
const directory = mkdtempSync(join(tmpdir(), 'bourse-admin-'));
after(() => rmSync(directory, { recursive: true, force: true }));

function run(args: readonly string[], password = ''): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [SCRIPT, ...args], { encoding: 'utf8', timeout: 30_000, env: { ...process.env, ADMIN_PASSWORD: password } });
}

interface Entry { readonly actor: string; readonly action: string; readonly target: string }

test('a lost password is replaced while the server is stopped, which ends all sessions; a running server refuses it', { timeout: 120_000 }, async () => {
  const data = join(directory, 'data');
  let server = await startServer({ directory: data });
  try {
    const signIn = async (password: string) => (await new Client(server.url).send('POST', '/auth/login', { email: ADMIN.email, password })).status;
    const before = await Client.admin(server.url);
    const refused = run(['--data', data], GIVEN);
    assert.deepEqual([refused.status, refused.stdout], [1, '']);
    assert.match(refused.stderr, /^the data directory .* is in use by another process \(pid \d+\); stop it first/);
    assert.equal((await before.send('GET', '/auth/me')).status, 200);
    assert.equal(await server.stop(), 0);

    const made = run(['--data', data]);
    assert.equal(made.status, 0, made.stderr);
    const [, password] = /^The administrator admin@bourse\.test has a new password\. Sessions ended: 1\.\nPassword \(shown this once\): (\S{24})\n$/.exec(made.stdout) ?? assert.fail(made.stdout);
    server = await startServer({ directory: data });
    assert.match(server.output(), IGNORED, 'ADMIN_PASSWORD is the old one');
    assert.equal((await new Client(server.url, before.token).send('GET', '/auth/me')).status, 401, 'who was signed in is out');
    assert.deepEqual([await signIn(ADMIN.password), await signIn(password as string)], [401, 200]);
    assert.equal(await server.stop(), 0);

    const given = run(['--data', data, '--email', 'Admin@Bourse.test'], GIVEN);
    assert.deepEqual([given.status, given.stdout], [0, 'The administrator admin@bourse.test has a new password, the one of ADMIN_PASSWORD. Sessions ended: 1.\n']);
    server = await startServer({ directory: data, env: { ADMIN_PASSWORD: GIVEN } });
    assert.doesNotMatch(server.output(), IGNORED);
    const { data: { tokens } } = await new Client(server.url).send<{ tokens: { accessToken: string } }>('POST', '/auth/login', { email: ADMIN.email, password: GIVEN });
    const entries = await new Client(server.url, tokens.accessToken).get<Entry[]>('/admin/audit-logs?action=auth.password-reset');
    assert.deepEqual(entries.map(({ actor, target }) => [actor, target]), [['system', 'admin'], ['system', 'admin']]);
    await Client.register(server.url, 'ann');
    assert.equal(await server.stop(), 0);
    assert.match(run(['--data', data, '--email', 'ann@bourse.test'], GIVEN).stderr, /^ann@bourse\.test is no administrator: --email names one\n$/);
  } finally {
    await server.kill();
  }
});

test('a folder that is no data directory, and a password that will not do, change nothing', async () => {
  const none = join(directory, 'none');
  assert.match(run(['--data', none]).stderr, /^there is no store\.db in .*none: --data names/);
  assert.ok(!existsSync(none));
  const data = join(directory, 'weak');
  const server = await startServer({ directory: data });
  await server.stop();
  const { status, stderr } = run(['--data', data], 'password123');
  assert.deepEqual([status, stderr], [1, 'ADMIN_PASSWORD is one of the most common passwords; choose another\n']);
  const again = await startServer({ directory: data });
  await Client.admin(again.url);
  await again.kill();
});
