import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Market } from '../engine/market.ts';
import { contextAt, SPOT, START } from '../../tests/support/projection.ts';
import { AdminStream, type Alert } from './admin-stream.ts';
import type { Catalog } from './catalog.ts';

test('figures are there from the start, then told as they change, and a source that fails is asked again', async () => {
  const { catalog, owners } = contextAt(START);
  let asked = 0;
  const metrics = (): object => {
    if (++asked === 1) throw new TypeError('not yet');
    return { asked };
  };
  const sources = { metrics, health: () => ({}), feeds: () => ({}) };
  const stream = new AdminStream({ state: { ...owners, markets: [SPOT] } as never, catalog: catalog as unknown as Catalog, sources, clock: () => START });
  const topic = stream.topic('metrics');
  assert.equal(topic.snapshot(), null);
  await topic.ready?.();
  assert.deepEqual(topic.snapshot(), { error: 'TypeError' });
  const told: unknown[] = [];
  for (let i = 0; i < 3; i++) {
    told.push(topic.flush());
    await new Promise(setImmediate);
  }
  assert.deepEqual(told, [undefined, { asked: 2 }, { asked: 3 }]);
});

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
