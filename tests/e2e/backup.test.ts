/** A backup that was made beside a trading server, and one of a directory whose server was killed: both start, with every user and all the money. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { Client } from '../support/client.ts';
import { startServer } from '../support/server-process.ts';
import { eventually } from '../support/wait.ts';

const SCRIPT = resolve(import.meta.dirname, '../../scripts/backup.ts');
const directory = mkdtempSync(join(tmpdir(), 'bourse-backup-'));
after(() => rmSync(directory, { recursive: true, force: true }));

interface Order { readonly id: string; readonly clientOrderId: string }

async function backup(from: string, to: string): Promise<{ status: number | null; text: string }> {
  const child = spawn(process.execPath, [SCRIPT, '--data', from, '--to', to]);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, text };
}

test('a copy made under load starts, with every order that was acknowledged before it, and the ledger balances', { timeout: 120_000 }, async () => {
  const live = await startServer({ directory: join(directory, 'live'), env: { SNAPSHOT_EVERY: '40' } });
  const copy = join(directory, 'copy');
  try {
    const client = await Client.register(live.url, 'ann');
    await client.post('/wallets/deposits', { asset: 'USDT', amount: '100000' });
    const acknowledged: Order[] = [];
    let stop = false;
    const trading = (async () => {
      for (let i = 0; !stop; i++) {
        if (i % 20 === 0) await Client.register(live.url, `user${i}`);
        acknowledged.push(await client.post<Order>('/orders', { symbol: 'ETH-USDT', side: 'buy', type: 'limit', price: '2000', quantity: '0.01', clientOrderId: `o${i}` }));
        await client.delete(`/orders/client:o${i}`);
      }
    })();
    const snapshots = join(live.directory, 'snapshots');
    await eventually('orders and snapshots', () => (acknowledged.length > 40 && existsSync(snapshots) && readdirSync(snapshots).length > 0) || undefined, 30_000);
    const before = acknowledged.length;
    const { status, text } = await backup(live.directory, copy);
    stop = true;
    await trading;
    assert.equal(status, 0, text);
    assert.match(text, /^copied .*live to .*copy, up to event \d+\n$/);
    assert.ok(acknowledged.length > before, 'it went on meanwhile');
    assert.deepEqual(readdirSync(copy).sort(), ['journal.db', 'keys.json', 'snapshots', 'store.db']);
    for (const name of ['.', 'journal.db', 'keys.json', 'store.db']) assert.equal(statSync(join(copy, name)).mode & 0o077, 0, name);
    assert.match((await backup(live.directory, copy)).text, /is there already/);

    const restored = await startServer({ directory: copy });
    try {
      // The copied keys still know the token.
      const same = new Client(restored.url, client.token);
      for (const { id, clientOrderId } of acknowledged.slice(0, before)) assert.equal((await same.get<Order>(`/orders/client:${clientOrderId}`)).id, id);
      await same.post('/orders', { symbol: 'ETH-USDT', side: 'buy', type: 'limit', price: '2000', quantity: '0.01' });
      const audit = await (await Client.admin(restored.url)).get<{ balanced: boolean }>('/admin/ledger/audit');
      assert.equal(audit.balanced, true);
      // Nobody's account is given to somebody else.
      const fresh = await Client.register(restored.url, 'new');
      assert.deepEqual(await fresh.get<unknown[]>('/wallets'), []);
    } finally {
      await restored.kill();
    }
    await live.kill();
    assert.equal((await backup(live.directory, join(directory, 'of-a-killed-one'))).status, 0);
    const again = await startServer({ directory: join(directory, 'of-a-killed-one') });
    const last = acknowledged.at(-1)!;
    assert.equal((await new Client(again.url, client.token).get<Order>(`/orders/client:${last.clientOrderId}`)).id, last.id);
    await again.kill();
  } finally {
    await live.kill();
  }
});

test('what cannot be copied is said, and leaves nothing under the name of the copy', () => {
  const to = join(directory, 'none');
  const run = (...args: string[]) => spawnSync(process.execPath, [SCRIPT, ...args], { encoding: 'utf8' });
  assert.match(run('--data', join(directory, 'nix'), '--to', to).stderr, /^there is no journal\.db in .*nix: /);
  const broken = mkdtempSync(join(directory, 'broken-'));
  for (const name of ['journal.db', 'store.db']) writeFileSync(join(broken, name), 'not a database, and longer than its header would be'.repeat(10));
  const { status, stderr } = run('--data', broken, '--to', to);
  assert.equal(status, 1);
  assert.match(stderr, /store\.db/);
  assert.ok(!existsSync(to));
});
