/** The process on a machine whose wall clock is set back. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Client } from '../support/client.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import { eventually } from '../support/wait.ts';

const entry = 'tests/e2e/jumping-clock-child.ts';
const directory = mkdtempSync(join(tmpdir(), 'bourse-clock-'));
after(() => rmSync(directory, { recursive: true, force: true }));

interface Order { readonly id: string; readonly status: string }

/** An order far below the market rests until the switch fires. */
async function fires(client: Client): Promise<void> {
  const { id } = await client.post<Order>('/orders', { symbol: 'BTC-USDT', side: 'buy', type: 'limit', price: '1000', quantity: '0.01' });
  await client.put('/orders/cancel-after', { timeoutMs: 300 });
  await eventually('the switch fires', async () => ((await client.get<Order>(`/orders/${id}`)).status === 'canceled' ? true : undefined));
}

async function pricesMove(client: Client): Promise<void> {
  const index = async () => (await client.get<{ readonly index: string }>('/markets/BTC-USDT/prices')).index;
  const before = await index();
  await eventually('the index moves', async () => ((await index()) !== before ? true : undefined));
}

test('a wall clock that is set back, while it runs or while it is down, stops no dead-man switch, no price and nobody’s token', { timeout: 120_000 }, async () => {
  const env = { FEEDS: 'simulated:1' };
  let server: ServerProcess = await startServer({ directory, entry, env });
  try {
    let ann = await Client.register(server.url, 'ann');
    await ann.post('/wallets/deposits', { asset: 'USDT', amount: '100000' });
    await pricesMove(ann);
    process.kill(server.pid, 'SIGUSR2');
    await eventually('the log says so', () => server.output().includes('the wall clock has been set back') || undefined);
    await fires(ann);
    await pricesMove(ann);
    await server.stop();

    // Two hours: what was journaled is ahead by as much as the clock was set back before, and an hour more.
    server = await startServer({ directory, entry, env: { ...env, CLOCK_OFFSET_MS: '-7200000' } });
    assert.match(server.output(), /the journal ends at a time ahead of the clock/);
    ann = new Client(server.url, ann.token);
    await fires(ann);
    await pricesMove(ann);
  } finally {
    await server.dispose();
  }
});
