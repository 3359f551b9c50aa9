import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listMarkets, openVenue } from '../../tests/support/venue.ts';
import { createMetrics } from '../observability/metrics.ts';
import type { Sequencer } from '../sequencer/sequencer.ts';
import { commit } from './commit.ts';
import { measureState } from './state-gauges.ts';

const PERP = 'BTC-USDT-PERP';

test('whoever looks at the metrics sees the state of that moment, in units that people read', async () => {
  const venue = await openVenue();
  await listMarkets(venue);
  measureState({ sequencer: venue.leader, metrics: venue.metrics, clock: () => 0 });
  const shown = async (): Promise<string[]> => (await venue.metrics.registry.metrics()).split('\n').filter((line) => /^bourse_(open_orders|accounts|open_interest_quote|insurance_fund)\b/.test(line));
  // The administrator, and the accounts 0 and 1 of the venue and the fund.
  assert.deepEqual(await shown(), [
    'bourse_open_orders 0', 'bourse_accounts 3', `bourse_open_interest_quote{symbol="${PERP}",asset="USDT"} 0`,
    'bourse_insurance_fund{asset="USDT"} 0', 'bourse_insurance_fund{asset="BTC"} 0',
  ]);

  const [ann, bob] = [await venue.user('ann'), await venue.user('bob')];
  for (const user of [ann, bob]) await venue.wallets.deposit(user, { asset: 'USDT', amount: '10000', account: 'futures' });
  await venue.feeds.setManual([{ symbol: PERP, index: '30000', mark: '31000' }]);
  await venue.orders.place(bob, { symbol: PERP, side: 'sell', type: 'limit', price: '31000', quantity: '0.5' });
  await venue.orders.place(ann, { symbol: PERP, side: 'buy', type: 'market', quantity: '0.2' });
  await commit(venue.leader, { type: 'fund_insurance', asset: 'USDT', amount: 2_500_000 });
  assert.deepEqual(await shown(), [
    // 0.2 × 31,000 of open interest.
    'bourse_open_orders 1', 'bourse_accounts 5', `bourse_open_interest_quote{symbol="${PERP}",asset="USDT"} 6200`,
    'bourse_insurance_fund{asset="USDT"} 2.5', 'bourse_insurance_fund{asset="BTC"} 0',
  ]);
  await venue.close();
});

/** Figures of a state with two spot markets, of which the second has no index. */
function figures() {
  const prices = [{ index: 300_000, updatedAt: 10_000 }, { index: 0, updatedAt: 0 }];
  const markets = [{ id: 0, symbol: 'BTC-USDT', type: 'spot' }, { id: 1, symbol: 'ETH-USDT', type: 'spot' }];
  return { markets, prices: (id: number) => prices[id], assets: [], openOrderCount: 4, accountCount: 9 };
}

test('the age of an index is that of the moment at which somebody looks; a market without one has none', async () => {
  const metrics = createMetrics();
  let now = 10_250;
  measureState({ sequencer: { state: figures() as unknown as Sequencer['state'], status: { state: 'leading' } }, metrics, clock: () => now });
  const ages = async (): Promise<string[]> => (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith('bourse_index_age_seconds{'));
  assert.deepEqual(await ages(), ['bourse_index_age_seconds{symbol="BTC-USDT"} 0.25']);
  now = 70_000;
  assert.deepEqual(await ages(), ['bourse_index_age_seconds{symbol="BTC-USDT"} 60']);
  // A clock that was set back makes nothing younger than new.
  now = 0;
  assert.deepEqual(await ages(), ['bourse_index_age_seconds{symbol="BTC-USDT"} 0']);
});

test('while the state is being rebuilt its figures stay as they were', async () => {
  const metrics = createMetrics();
  const state = figures();
  const sequencer = { state: state as unknown as Sequencer['state'], status: { state: 'leading' as Sequencer['status']['state'] } };
  measureState({ sequencer, metrics, clock: () => 10_000 });
  const orders = async (): Promise<unknown> => (await metrics.openOrders.get()).values[0]?.value;
  assert.equal(await orders(), 4);
  sequencer.status.state = 'recovering';
  state.openOrderCount = 7;
  assert.equal(await orders(), 4);
  sequencer.status.state = 'leading';
  assert.equal(await orders(), 7);
});
