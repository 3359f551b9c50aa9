import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../observability/metrics.ts';
import { MemoryCache } from './cache.ts';
import { cacheKeys } from './keys.ts';

test('what is cached comes back until it is deleted, and look-ups are counted by kind', async () => {
  const metrics = createMetrics();
  const cache = new MemoryCache(metrics);
  const key = cacheKeys.market('BTC-USDT');
  assert.equal(key, 'cache:market:BTC-USDT');
  assert.equal(await cache.get(key), undefined);
  await cache.set(key, 'value', 60_000);
  assert.equal(await cache.get(key), 'value');
  await cache.delete(key);
  assert.equal(await cache.get(key), undefined);
  const text = await metrics.registry.metrics();
  assert.match(text, /bourse_cache_hits_total\{cache="cache:market"\} 1/);
  assert.match(text, /bourse_cache_misses_total\{cache="cache:market"\} 2/);
});

test('a full cache drops what was used longest ago', async () => {
  const cache = new MemoryCache(createMetrics(), { maxEntries: 2 });
  await cache.set('a', '1', 60_000);
  await cache.set('b', '2', 60_000);
  await cache.get('a');
  await cache.set('c', '3', 60_000);
  assert.deepEqual([await cache.get('a'), await cache.get('b'), await cache.get('c')], ['1', undefined, '3']);
});
