/**
 * A recorded day through the whole system: prices of several venues from files, index, mark, positions opened by HTTP requests, liquidations,
 * insurance fund, and a ledger that sums to zero at the end. The day is 2022-12-13, when US inflation figures moved BTC by 5 % within minutes.
 */
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { Client } from '../support/client.ts';
import { RECORDINGS, skipWithoutRecordings } from '../support/recordings.ts';
import { startServer } from '../support/server-process.ts';
import { eventually } from '../support/wait.ts';
import { writeReport, type Liquidated, type Sample } from './replay-report.ts';

const OUTPUT = resolve(import.meta.dirname, '../../test-output/replay');
const DAY = '2022-12-13';
const PERP = 'BTC-USDT-PERP';
/** A recorded day in about a minute. */
const SPEED = 1_440;
const END_LIMIT_MS = 180_000;

interface Prices { index: string | null; mark: string | null; status: string; sources: { name: string; healthy: boolean }[] }
interface Position { symbol: string; side: string; quantity: string; liquidationPrice: string; margin: string }
interface Liquidation { id: string; symbol: string; side: string; quantity: string; markPrice: string; bankruptcyPrice: string; fundDelta: string; fundAfter: string; adl: unknown[]; seq: number }
interface Audit { assets: ({ asset: string; sum: string; insurance: string } & Record<string, string>)[]; balanced: boolean }

async function trader(url: string, name: string, order: { readonly symbol: string; readonly side: 'buy' | 'sell'; readonly quantity: string }, leverage: number): Promise<Client> {
  const client = await Client.register(url, name);
  await client.post('/wallets/deposits', { asset: 'USDT', amount: '2000', account: 'futures' });
  await client.put(`/positions/${order.symbol}/leverage`, { leverage });
  await eventually(`${name} finds a market to trade in`, async () => {
    const answer = await client.send<{ status: string }>('POST', '/orders', { ...order, type: 'market' });
    return answer.status === 201 && answer.data.status === 'filled' ? true : undefined;
  }, 30_000);
  return client;
}

/** Samples prices and collects liquidations until `done`. */
async function watch(url: string, symbol: string, traders: ReadonlyMap<string, Client>, done: (status: string, samples: number) => boolean): Promise<{ samples: Sample[]; liquidations: Liquidated[] }> {
  const visitor = new Client(url);
  const samples: Sample[] = [];
  const liquidations = new Map<string, Liquidated>();
  await eventually('the recordings end and the market moves to its safe state', async () => {
    const { index, mark, status } = await visitor.get<Prices>(`/markets/${symbol}/prices`);
    if (index !== null && mark !== null) samples.push({ time: Date.now(), index: Number(index), mark: Number(mark), status });
    for (const [user, client] of traders) {
      for (const row of await client.get<Liquidation[]>('/liquidations?mine=true&limit=100')) {
        if (!liquidations.has(row.id)) liquidations.set(row.id, { ...row, user, time: Date.now(), adl: row.adl.length > 0 });
      }
    }
    return done(status, samples.length) ? true : undefined;
  }, END_LIMIT_MS);
  return { samples, liquidations: [...liquidations.values()] };
}

/**
 * The ledger at the end: every asset sums to zero, the insurance fund is not below zero and listed with what the ledger says. Writes the report. A liquidation whose surplus pays no
 * more than the taker fee leaves the fund without a row: when a market moves 20 times as fast as it did, how much surplus there is depends on the moment of the liquidation.
 */
async function settle(url: string, report: string, title: string, seen: { samples: Sample[]; liquidations: Liquidated[] }): Promise<void> {
  const audit = await (await Client.admin(url)).get<Audit>('/admin/ledger/audit');
  writeReport(join(OUTPUT, report), title, seen.samples, seen.liquidations, audit.assets);
  assert.equal(audit.balanced, true);
  assert.ok(audit.assets.every((row) => Number(row.sum) === 0));
  assert.ok(audit.assets.every((row) => Number(row.insurance) >= 0));
  const fund = await new Client(url).get<{ asset: string; balance: string }[]>('/insurance-fund');
  const listed = new Map(fund.map(({ asset, balance }) => [asset, balance]));
  assert.deepEqual(audit.assets.map(({ asset }) => [asset, listed.get(asset) ?? '0']), audit.assets.map(({ asset, insurance }) => [asset, insurance]));
}

async function severalSources(url: string, symbol: string): Promise<void> {
  const visitor = new Client(url);
  await eventually('an index from several sources', async () => {
    const { sources } = await visitor.get<Prices>(`/markets/${symbol}/prices`);
    return sources.filter((source) => source.healthy).length >= 2 ? true : undefined;
  }, 30_000);
}

test('a recorded day liquidates who was too bold, and the books balance', { skip: skipWithoutRecordings, timeout: 280_000 }, async () => {
  const server = await startServer({ env: { FEEDS: `replay:${RECORDINGS}?day=${DAY}&only=klines,quotes@${SPEED}`, HOUSE: 'on' } });
  try {
    await severalSources(server.url, PERP);
    const traders = new Map<string, Client>();
    for (const leverage of [20, 50, 100]) {
      traders.set(`long-${leverage}x`, await trader(server.url, `long-${leverage}x`, { symbol: PERP, side: 'buy', quantity: '0.05' }, leverage));
      traders.set(`short-${leverage}x`, await trader(server.url, `short-${leverage}x`, { symbol: PERP, side: 'sell', quantity: '0.05' }, leverage));
    }
    for (const client of traders.values()) {
      const position = (await client.get<Position[]>('/positions?status=open'))[0];
      assert.equal(position?.symbol, PERP);
      assert.notEqual(position.liquidationPrice, '0');
    }
    const seen = await watch(server.url, PERP, traders, (status, samples) => status !== 'open' && samples > 50);
    const high = Math.max(...seen.samples.map((sample) => sample.index));
    const low = Math.min(...seen.samples.map((sample) => sample.index));
    // The recorded range of that day: 17,079 to 18,000 over both spot venues (README of the recordings).
    assert.ok(low > 17_000 && high < 18_100, `index stayed within the recorded range: ${low} to ${high}`);
    assert.ok(high / low > 1.02, 'the day moved');
    assert.ok(seen.liquidations.some(({ user }) => user === 'short-100x'), 'a short at 100x does not survive a rise of 5 %');
    assert.ok(!seen.liquidations.some(({ user }) => user === 'long-20x'), 'a long at 20x survives a day that rises');
    await settle(server.url, 'day', `${DAY}, replayed at ${SPEED} times its speed`, seen);
    assert.equal(await server.stop(), 0);
  } finally {
    await server.dispose();
  }
});

test('raw captures of three venues go the same way as live messages, up to a liquidation', { skip: skipWithoutRecordings, timeout: 280_000 }, async () => {
  const server = await startServer({ env: { FEEDS: `replay:${RECORDINGS}?day=2024-08-08&only=wire@20`, HOUSE: 'on' } });
  try {
    // Six quiet minutes: BTC stays within 0.4 %. At 500x a tenth of a per cent is too much.
    const tiers = [{ notionalFloor: '0', initialMarginRate: '0.002', maintenanceMarginRate: '0.001' }];
    const admin = await Client.admin(server.url);
    assert.equal((await admin.send('PATCH', `/admin/markets/${PERP}`, { maxLeverage: 500, riskTiers: tiers, maxPosition: '1000000' })).status, 200);
    await severalSources(server.url, PERP);
    const traders = new Map<string, Client>();
    for (const side of ['buy', 'sell'] as const) traders.set(side === 'buy' ? 'long-500x' : 'short-500x', await trader(server.url, `${side}-500x`, { symbol: PERP, side, quantity: '0.01' }, 500));
    const seen = await watch(server.url, PERP, traders, (status, samples) => status !== 'open' && samples > 50);
    // Range of the recorded trades on spot and futures (README of the recordings): 61,583 to 61,861.
    assert.ok(seen.samples.every(({ index }) => index > 61_550 && index < 61_900), 'the index stays within the recorded range');
    assert.ok(seen.liquidations.length > 0, 'somebody at 500x is liquidated');
    await settle(server.url, 'captures', '2024-08-08 23:54 to 24:00, raw captures at 20 times their speed', seen);
    assert.equal(await server.stop(), 0);
  } finally {
    await server.dispose();
  }
});
