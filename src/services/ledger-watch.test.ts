import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listMarkets, openVenue } from '../../tests/support/venue.ts';
import type { AuditRow } from '../engine/reader.ts';
import { silentLogger } from '../observability/logger.ts';
import { createMetrics } from '../observability/metrics.ts';
import type { Sequencer } from '../sequencer/sequencer.ts';
import { commit } from './commit.ts';
import { LedgerWatch } from './ledger-watch.ts';

const PERP = 'BTC-USDT-PERP';

test('an audit sets what the metrics know of the state, in units that people read', async () => {
  const venue = await openVenue();
  await listMarkets(venue);
  const [ann, bob] = [await venue.user('ann'), await venue.user('bob')];
  for (const user of [ann, bob]) await venue.wallets.deposit(user, { asset: 'USDT', amount: '10000', account: 'futures' });
  await venue.feeds.setManual([{ symbol: PERP, index: '30000', mark: '31000' }]);
  await venue.orders.place(bob, { symbol: PERP, side: 'sell', type: 'limit', price: '31000', quantity: '0.5' });
  await venue.orders.place(ann, { symbol: PERP, side: 'buy', type: 'market', quantity: '0.2' });
  await commit(venue.leader, { type: 'fund_insurance', asset: 'USDT', amount: 2_500_000 });

  const imbalances: string[] = [];
  const watch = new LedgerWatch({ sequencer: venue.leader, metrics: venue.metrics, logger: silentLogger, onImbalance: (message) => imbalances.push(message) });
  assert.equal(await watch.audit(), true);
  watch.close();

  const lines = (await venue.metrics.registry.metrics()).split('\n');
  for (const line of [
    'bourse_open_orders 1',
    // ann, bob, the administrator, and the accounts 0 and 1 of the venue and the fund
    'bourse_accounts 5',
    // 0.2 × 31,000
    `bourse_open_interest_quote{symbol="${PERP}",asset="USDT"} 6200`,
    'bourse_insurance_fund{asset="USDT"} 2.5',
    'bourse_ledger_imbalance{asset="USDT"} 0',
    'bourse_ledger_imbalance{asset="BTC"} 0',
  ]) assert.ok(lines.includes(line), `${line}\n${lines.filter((other) => other.startsWith(line.split(/[ {]/)[0] as string)).join('\n')}`);
  assert.deepEqual(imbalances, []);
  await venue.close();
});

const row = (asset: number, sum: number): AuditRow => ({ asset, sum, external: sum, users: 0, locked: 0, margin: 0, positionMargin: 0, clearing: 0, fees: 0, insurance: 0 });

/** A ledger that takes three turns to add up. */
function watch(rows: readonly AuditRow[], state: Sequencer['status']['state'] = 'leading') {
  const alarms: string[] = [];
  let begun = 0;
  const beginAudit = () => {
    begun++;
    let left = 3;
    return { seq: 17, step: () => --left === 0, rows: () => [...rows] };
  };
  const engine = { openOrderCount: 4, accountCount: 9, markets: [], assets: [{ id: 0, code: 'USDT', scale: 6 }, { id: 1, code: 'BTC', scale: 8 }], beginAudit } as unknown as Sequencer['state'];
  const metrics = createMetrics();
  const watch = new LedgerWatch({ sequencer: { state: engine, status: { state } }, metrics, logger: silentLogger, onImbalance: (message) => alarms.push(message), everyMs: 3_600_000 });
  return { watch, alarms, metrics, begun: () => begun };
}

test('an asset that does not add up is an alarm and a metric', async () => {
  const { watch: ledger, alarms, metrics } = watch([row(0, 0), row(1, -3)]);
  assert.equal(await ledger.audit(), false);
  assert.deepEqual(alarms, ['the ledger of BTC sums to -3 minor units instead of 0 at seq 17']);
  const { values } = await metrics.ledgerImbalance.get();
  assert.deepEqual(values.map(({ value, labels }) => [labels.asset, value]), [['USDT', 0], ['BTC', -3]]);
  ledger.close();
});

test('who asks while it is being added up gets the same answer', async () => {
  const { watch: ledger, alarms, begun } = watch([row(0, 0)]);
  assert.deepEqual(await Promise.all([ledger.audit(), ledger.audit()]), [true, true]);
  assert.equal(begun(), 1);
  assert.equal(await ledger.audit(), true);
  assert.equal(begun(), 2);
  assert.deepEqual(alarms, []);
  ledger.close();
});

test('a state that is being rebuilt is not audited', async () => {
  const { watch: ledger, begun } = watch([row(0, 5)], 'recovering');
  assert.equal(await ledger.audit(), true);
  assert.equal(begun(), 0);
  ledger.close();
});
