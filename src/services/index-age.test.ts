import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../observability/metrics.ts';
import type { EngineReader } from '../engine/reader.ts';
import { measureIndexAge } from './index-age.ts';

test('the age of an index is that of the moment at which somebody looks; a market without one has none', async () => {
  const metrics = createMetrics();
  const prices = [{ index: 300_000, updatedAt: 10_000 }, { index: 0, updatedAt: 0 }];
  const state = { markets: [{ id: 0, symbol: 'BTC-USDT' }, { id: 1, symbol: 'ETH-USDT' }], prices: (id: number) => prices[id] } as unknown as EngineReader;
  let now = 10_250;
  measureIndexAge(metrics, state, () => now);
  const ages = async (): Promise<string[]> => (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith('bourse_index_age_seconds{'));
  assert.deepEqual(await ages(), ['bourse_index_age_seconds{symbol="BTC-USDT"} 0.25']);
  now = 70_000;
  assert.deepEqual(await ages(), ['bourse_index_age_seconds{symbol="BTC-USDT"} 60']);
  // A clock that was set back makes nothing younger than new.
  now = 0;
  assert.deepEqual(await ages(), ['bourse_index_age_seconds{symbol="BTC-USDT"} 0']);
});
