import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySequencer } from '../../tests/support/memory-sequencer.ts';
import { ASSETS, ensureListings, MARKETS } from './listings.ts';

test('the first start creates the built-in assets and markets, the second nothing', async () => {
  const sequencer = new MemorySequencer();
  assert.deepEqual(await ensureListings(sequencer), [...ASSETS.map(({ code }) => code), ...MARKETS.map(({ symbol }) => symbol)]);
  assert.deepEqual(await ensureListings(sequencer), []);
  // The names and scales are those of the public contract.
  assert.deepEqual(sequencer.state.assets.map(({ code, scale }) => [code, scale]), [['USDT', 6], ['BTC', 8], ['ETH', 8], ['SOL', 8]]);
  assert.deepEqual(sequencer.state.markets.map(({ symbol }) => symbol), ['BTC-USDT', 'ETH-USDT', 'SOL-USDT', 'BTC-USDT-PERP', 'ETH-USDT-PERP', 'SOL-USDT-PERP']);
});

test('what an administrator changed stays', async () => {
  const sequencer = new MemorySequencer();
  await ensureListings(sequencer);
  const { id } = sequencer.state.market('BTC-USDT') ?? { id: -1 };
  await sequencer.submit({ type: 'update_market', market: id, changes: { makerFee: 0 } });
  await ensureListings(sequencer);
  assert.equal(sequencer.state.market('BTC-USDT')?.makerFee, 0);
});

test('the tiers give the maintenance amounts that Binance publishes for BTCUSDT (50, 1,300, 16,300 at the second to fourth)', () => {
  const tiers = MARKETS.find(({ symbol }) => symbol === 'BTC-USDT-PERP')?.riskTiers ?? [];
  let cum = 0;
  const amounts = tiers.slice(1, 4).map((tier, at) => {
    cum += (tier.notionalFloor * (tier.maintenanceMarginRate - tiers[at].maintenanceMarginRate)) / 1_000_000;
    return cum / 1_000_000;
  });
  assert.deepEqual(amounts, [50, 1_300, 16_300]);
});
