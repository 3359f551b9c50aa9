import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ALICE, BOB, SPOT, START, contextAt, fillSide } from '../../tests/support/projection.ts';
import { RecentTrades } from './recent-trades.ts';
import { type PublicFigures, type TradeEvent, fillOf, publicTradeOf, storedTrade } from './trades.ts';

const KEPT = 4_096;
const context = contextAt(START);
const listed = context.catalog.byId(SPOT.id);

function figures(seq: number): PublicFigures {
  return { seq, price: 100 + (seq % 7), quantity: 1 + (seq % 3), notional: (100 + (seq % 7)) * (1 + (seq % 3)), takerSide: seq % 2 === 0 ? 'buy' : 'sell' };
}

function traded(recent: RecentTrades, ...seqs: readonly number[]): void {
  for (const seq of seqs) recent.add(figures(seq), START + seq);
}

function span(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

test('gives the newest first, and at most the last thousand', () => {
  const recent = new RecentTrades(listed);
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
  const recent = new RecentTrades(listed);
  traded(recent, 1, 2, 2, 1, 3);
  assert.deepEqual(recent.latest(10).map((trade) => trade.id), ['3', '2', '1']);
  assert.equal(recent.count, 3);
});

test('a trade is written in the units of its market', () => {
  const recent = new RecentTrades(listed);
  recent.add({ seq: 7, price: 4_000_050, quantity: 25, notional: 100_001_250, takerSide: 'sell' }, START);
  assert.deepEqual(recent.latest(1), [
    { id: '7', symbol: 'BTC-USDT', side: 'sell', price: '40000.5', quantity: '0.0025', quoteQuantity: '100.00125', timestamp: START, seq: 7 },
  ]);
});

test('those that are kept can be told from any number on, oldest first; those that have made room cannot', () => {
  const recent = new RecentTrades(listed);
  traded(recent, ...span(1, KEPT + 10));
  const seqs = (from: number, to?: number): number[] => recent.slice(from, to).map((trade) => trade.seq);
  assert.equal(recent.count, KEPT + 10);
  assert.deepEqual(seqs(KEPT - 2, KEPT + 2), [KEPT - 1, KEPT, KEPT + 1, KEPT + 2], 'across the seam');
  assert.deepEqual(seqs(0), span(11, KEPT + 10));
  assert.deepEqual(seqs(-50, 12), [11, 12], 'from before the first that is kept');
  assert.deepEqual(seqs(0, 10), []);
  assert.deepEqual(seqs(recent.count), []);
});

test('it shows what a plain list of everything would, however much has gone through it', () => {
  const step = fc.record({ trades: fc.integer({ min: 0, max: 2_500 }), gap: fc.integer({ min: -3, max: 2 ** 33 }), from: fc.integer({ min: -10, max: 8_000 }), length: fc.nat(60), limit: fc.nat(1_200) });
  fc.assert(fc.property(fc.array(step, { maxLength: 5 }), (steps) => {
    const recent = new RecentTrades(listed);
    const all: { readonly trade: PublicFigures; readonly time: number }[] = [];
    let seq = 0;
    for (const { trades, gap, from, length, limit } of steps) {
      seq = Math.max(0, seq + gap);
      for (let i = 0; i < trades; i++) {
        const trade = figures(++seq);
        recent.add(trade, START + i);
        if (seq > (all.at(-1)?.trade.seq ?? 0)) all.push({ trade, time: START + i });
      }
      const shown = (first: number, end: number) => all.slice(Math.max(0, first, all.length - KEPT), Math.max(0, end)).map(({ trade, time }) => publicTradeOf(trade, time, listed));
      assert.equal(recent.count, all.length);
      assert.deepEqual(recent.slice(from, Math.min(from + length, all.length)), shown(from, from + length));
      assert.deepEqual(recent.latest(limit), shown(all.length - Math.min(limit, 1_000), all.length).reverse());
    }
  }), { numRuns: 50 });
});

test('a trade that comes back from the store is shown as it was before', () => {
  const numbers = fc.record({
    seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), price: fc.integer({ min: 1, max: 2 ** 40 }), quantity: fc.integer({ min: 1, max: 2 ** 40 }),
    notional: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), takerSide: fc.constantFrom('buy', 'sell'),
  });
  fc.assert(fc.property(numbers, (figuresOfTrade) => {
    const event: TradeEvent = { type: 'trade', market: SPOT.id, cause: 'order', taker: fillSide({ account: ALICE }), maker: fillSide({ account: BOB }), ...figuresOfTrade };
    const [live, restored] = [new RecentTrades(listed), new RecentTrades(listed)];
    live.add(event, START);
    restored.add(storedTrade(fillOf(event, 'taker', context), listed), START);
    assert.deepEqual(live.latest(1), [publicTradeOf(event, START, listed)]);
    assert.deepEqual(restored.latest(1), live.latest(1));
  }));
});

test('a stored fill that is not in the units of its market is an error, not another trade', () => {
  const event: TradeEvent = { type: 'trade', market: SPOT.id, cause: 'order', taker: fillSide({ account: ALICE }), maker: fillSide({ account: BOB }), ...figures(1) };
  const doc = fillOf(event, 'taker', context);
  assert.throws(() => storedTrade({ ...doc, price: '1.005' }, listed), /not in the market's units/);
  assert.throws(() => storedTrade({ ...doc, quantity: '0.00001' }, listed), /not in the market's units/);
});
