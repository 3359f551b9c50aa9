import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { TallyCounter } from './counter.ts';

test('what is tallied stands in the exposition when it is read, series by series, once, and 0 before that', async () => {
  const registry = new Registry();
  const counter = new TallyCounter({ name: 'orders_total', help: 'Orders', labelNames: ['side'], registers: [registry] });
  const buys = counter.tally({ side: 'buy' });
  buys.inc();
  buys.inc(2);
  counter.tally({ side: 'sell' });
  counter.inc({ side: 'buy' }, 10);

  const lines = async () => (await registry.metrics()).split('\n').filter((line) => line.startsWith('orders_total'));
  assert.deepEqual(await lines(), ['orders_total{side="buy"} 13', 'orders_total{side="sell"} 0']);
  assert.deepEqual(await lines(), ['orders_total{side="buy"} 13', 'orders_total{side="sell"} 0']);
  buys.inc();
  assert.deepEqual(await lines(), ['orders_total{side="buy"} 14', 'orders_total{side="sell"} 0']);
  assert.deepEqual((await counter.get()).values.map(({ value }) => value), [14, 0]);
});

test('a counter without labels tallies too', async () => {
  const counter = new TallyCounter({ name: 'events_total', help: 'Events', registers: [new Registry()] });
  counter.tally().inc(5);
  assert.equal((await counter.get()).values[0]?.value, 5);
});
