import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listMarkets, openVenue } from '../../tests/support/venue.ts';
import { silentLogger } from '../observability/logger.ts';
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
  assert.equal(watch.audit(), true);
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
