import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PublicTrade } from '../models/trades.ts';
import { RecentTrades } from './recent-trades.ts';

function traded(recent: RecentTrades, ...seqs: readonly number[]): void {
  for (const seq of seqs) recent.add({ seq, text: () => ({ id: String(seq) }) as PublicTrade });
}

test('gives the newest first, and forgets all but the last thousand', () => {
  const recent = new RecentTrades();
  const ids = (limit: number): number[] => recent.latest(limit).map((trade) => Number(trade.id));
  assert.deepEqual(ids(10), []);
  traded(recent, 3, 5, 9);
  assert.deepEqual(ids(10), [9, 5, 3]);
  assert.deepEqual(ids(2), [9, 5]);
  traded(recent, ...Array.from({ length: 1_500 }, (_, i) => i + 10));
  assert.deepEqual(ids(3), [1_509, 1_508, 1_507]);
  assert.equal(ids(5_000).length, 1_000);
  assert.equal(ids(1_000).at(-1), 510);
});

test('a trade that is already there is left out', () => {
  const recent = new RecentTrades();
  traded(recent, 1, 2, 2, 1, 3);
  assert.deepEqual(recent.latest(10).map((trade) => trade.id), ['3', '2', '1']);
});
