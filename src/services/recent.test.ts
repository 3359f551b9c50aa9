import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RecentTrades } from '../projections/recent-trades.ts';
import { publicTradeOf } from '../projections/trades.ts';
import type { PublicTrade } from '../models/trades.ts';
import { SPOT, START, contextAt } from '../../tests/support/projection.ts';
import { logTopic, Recent } from './recent.ts';

const KEPT = 4_096;
const listed = contextAt(START).catalog.byId(SPOT.id);
const seqs = (trades: readonly PublicTrade[]): number[] => trades.map(({ seq }) => seq);

/** The same trades as a log of objects and as columns, with `before` of them already there. */
function logs(before: number) {
  const objects = new Recent<PublicTrade>(KEPT);
  const columns = new RecentTrades(listed);
  let seq = 0;
  const trade = (times: number): void => {
    for (let i = 0; i < times; i++) {
      const figures = { seq: ++seq, price: 100, quantity: 1, notional: 100, takerSide: 'buy' } as const;
      objects.push(publicTradeOf(figures, START, listed));
      columns.add(figures, START);
    }
  };
  trade(before);
  return { objects, columns, trade };
}

test('whoever follows is shown the last fifty, then told each once; who was away is told what they missed', () => {
  const { columns, trade } = logs(60);
  const topic = logTopic('id', 'trades', 50, columns, seqs);
  assert.deepEqual(topic.snapshot(), Array.from({ length: 50 }, (_, i) => 11 + i));
  assert.equal(topic.flush(), undefined);
  const mark = topic.mark();
  assert.equal(topic.catchUp(mark), undefined);
  trade(2);
  assert.equal(topic.catchUp(mark), undefined, 'the others do not know of it yet');
  assert.deepEqual(topic.flush(), [61, 62]);
  trade(1);
  assert.deepEqual(topic.flush(), [63]);
  assert.deepEqual(topic.catchUp(mark), [61, 62, 63]);
});

test('a topic tells the same of trades in columns as of a log of objects', () => {
  const steps = fc.array(fc.record({ trades: fc.oneof(fc.nat(80), fc.nat(5_000)), mark: fc.boolean() }), { maxLength: 6 });
  fc.assert(fc.property(fc.nat(1_000), steps, (before, list) => {
    const { objects, columns, trade } = logs(before);
    const [expected, topic] = [logTopic('id', 'trades', 50, objects, seqs), logTopic('id', 'trades', 50, columns, seqs)];
    let mark = topic.mark();
    for (const step of list) {
      trade(step.trades);
      assert.deepEqual(topic.snapshot(), expected.snapshot());
      assert.deepEqual(topic.flush(), expected.flush());
      assert.deepEqual(topic.catchUp(mark), expected.catchUp(mark));
      assert.deepEqual(topic.snapshot(), expected.snapshot());
      if (step.mark) mark = topic.mark();
      assert.equal(topic.mark(), expected.mark());
    }
  }), { numRuns: 50 });
});
