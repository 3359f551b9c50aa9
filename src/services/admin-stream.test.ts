import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Market } from '../engine/market.ts';
import { contextAt, SPOT, START } from '../../tests/support/projection.ts';
import { AdminStream, type Alert } from './admin-stream.ts';
import type { Catalog } from './catalog.ts';

test('a market raises an alert when its status or its safety changes, and for nothing else', () => {
  const { catalog, owners } = contextAt(START);
  const sources = { metrics: () => ({}), health: () => ({}), feeds: () => ({}) };
  const stream = new AdminStream({ state: { ...owners, markets: [SPOT] } as never, catalog: catalog as unknown as Catalog, sources, clock: () => START });
  const alerts = stream.topic('alerts');
  let seq = 0;
  const told = (change: Partial<Market>): string[] => {
    stream.apply({ seq: ++seq, time: START, events: [{ type: 'market_updated', seq, market: { ...SPOT, ...change }, reason: 'because' }] });
    return ((alerts.flush() ?? []) as Alert[]).map(({ level, message }) => `${level} ${message}`);
  };
  assert.deepEqual(told({ makerFee: 7 }), []);
  assert.deepEqual(told({ safety: 'halted' }), ['critical BTC-USDT is open, halted: because']);
  assert.deepEqual(told({ safety: 'halted', takerFee: 7 }), []);
  assert.deepEqual(told({}), ['info BTC-USDT is open, normal: because']);
});
