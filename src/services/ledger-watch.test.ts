import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRow } from '../engine/reader.ts';
import { silentLogger } from '../observability/logger.ts';
import { createMetrics } from '../observability/metrics.ts';
import type { Sequencer } from '../sequencer/sequencer.ts';
import { LedgerWatch } from './ledger-watch.ts';

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
  const engine = { assets: [{ id: 0, code: 'USDT', scale: 6 }, { id: 1, code: 'BTC', scale: 8 }], beginAudit } as unknown as Sequencer['state'];
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
