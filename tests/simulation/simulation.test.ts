import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from './simulation.ts';

const COMMANDS = 20_000;
/** What has to have happened in these runs, or they prove too little. */
const EXERCISED = [
  'append lost', 'append stored', 'crashes', 'restarts', 'answered from before', 'refused: CONFLICT', 'refused: DUPLICATE_CLIENT_ORDER_ID',
  'trade by order', 'trade by liquidation', 'position_liquidated', 'margin_called', 'funding_paid', 'funding_started', 'funding paid ahead', 'funding_deferred', 'order_amended', 'order_reduced',
  'closed: dead_man_switch', 'closed: self_trade', 'closed: liquidation',
];
const counts = new Map<string, number>();

for (const seed of [1, 2, 3]) {
  test(`every law holds through crashes and failing appends, seed ${seed}`, async () => {
    const report = await simulate({ seed, commands: COMMANDS });
    assert.ok(report.commands >= COMMANDS);
    for (const [what, count] of Object.entries(report.counts)) counts.set(what, (counts.get(what) ?? 0) + count);
  });
}

test('the same seed is the same run', async () => {
  const [first, second] = [await simulate({ seed: 7, commands: 2_000 }), await simulate({ seed: 7, commands: 2_000 })];
  assert.deepEqual(second, first);
});

test('the runs have met what they are for', () => {
  for (const what of EXERCISED) assert.ok((counts.get(what) ?? 0) > 0, `no "${what}" happened`);
});
