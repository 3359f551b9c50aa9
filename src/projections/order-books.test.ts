import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { BookClient } from '../../tests/support/book-client.ts';
import { ASSETS, EventMaker, MARKET } from '../../tests/support/events.ts';
import type { Event } from '../engine/events.ts';
import type { Side } from '../engine/units.ts';
import { deltaOf, snapshotOf, type BookSnapshot } from './book-messages.ts';
import { OrderBooks } from './order-books.ts';

const state = (bids: [number, number][] = [], asks: [number, number][] = [], seq = 0) => ({ assets: ASSETS, markets: [MARKET], seq, depth: () => ({ bids, asks }) });

const sides = (books: OrderBooks, depth = 10) => {
  const { bids, asks } = books.snapshot('BTC-USDT', depth) as BookSnapshot;
  return { bids, asks };
};

test('each kind of event moves the level it names', () => {
  const make = new EventMaker();
  const books = new OrderBooks(state());
  books.apply(make.record(make.accepted('buy', 100, 5), make.accepted('buy', 101, 2), make.accepted('sell', 103, 4)));
  assert.deepEqual(sides(books), { bids: [['50.5', '0.002'], ['50', '0.005']], asks: [['51.5', '0.004']] });
  books.apply(make.record(make.accepted('sell', 101, 9, false), make.trade('sell', 101, 2), make.rested('sell', 101, 7)));
  assert.deepEqual(sides(books), { bids: [['50', '0.005']], asks: [['50.5', '0.007'], ['51.5', '0.004']] });
  books.apply(make.record(make.reduced('sell', 103, 3, 1), make.amended('buy', 100, 5, 99, 6)));
  assert.deepEqual(sides(books), { bids: [['49.5', '0.006']], asks: [['50.5', '0.007'], ['51.5', '0.001']] });
  books.apply(make.record(make.amended('buy', 99, 6, 101, 6, false), make.trade('buy', 101, 6), make.closed('sell', 103, 1)));
  assert.deepEqual(sides(books), { bids: [], asks: [['50.5', '0.001']] });
});

test('what never stood in the book leaves it alone', () => {
  const make = new EventMaker();
  const books = new OrderBooks(state([[100, 5]]));
  books.apply(make.record(make.accepted('sell', 90, 5, false), make.closed('sell', 90, 5, false), make.trade('sell', 95, 3, 0)));
  assert.deepEqual(sides(books), { bids: [['50', '0.005']], asks: [] });
  assert.equal(books.seq('BTC-USDT'), 0);
});

test('a record counts once, however many levels it changes, and a record already contained in the seed does not count', () => {
  const make = new EventMaker();
  const books = new OrderBooks(state([[100, 5]], [], 2));
  books.apply(make.record(make.accepted('buy', 100, 2), make.accepted('buy', 100, 3)));
  assert.equal(books.seq('BTC-USDT'), 0);
  books.apply(make.record(make.accepted('buy', 99, 2), make.accepted('buy', 98, 3)));
  assert.equal(books.seq('BTC-USDT'), 1);
  assert.deepEqual(sides(books, 2).bids, [['50', '0.005'], ['49.5', '0.002']]);
});

test('a market that is created later has a book', () => {
  const make = new EventMaker();
  const books = new OrderBooks({ ...state(), assets: [], markets: [] });
  assert.equal(books.snapshot('BTC-USDT', 5), undefined);
  books.apply(make.record(...ASSETS.map((asset): Event => ({ seq: ++make.seq, type: 'asset_created', asset })), { seq: ++make.seq, type: 'market_created', market: MARKET }));
  books.apply(make.record(make.accepted('buy', 100, 5)));
  assert.deepEqual(sides(books).bids, [['50', '0.005']]);
});

test('a level can never hold less than nothing', () => {
  const make = new EventMaker();
  assert.throws(() => new OrderBooks(state([[100, 5]])).apply(make.record(make.closed('buy', 100, 6))), /level 100 would hold -1 lots/);
});

// The string is written out by hand from the definition in the public contract.
test('the checksum is the CRC-32 of bids and asks in turn, missing levels skipped', () => {
  const books = new OrderBooks(state([[100, 5], [99, 1]], [[101, 2]]));
  assert.equal(books.snapshot('BTC-USDT', 10)?.checksum, crc32('50:0.005:50.5:0.002:49.5:0.001'));
  assert.equal(books.snapshot('BTC-USDT', 1)?.checksum, crc32('50:0.005:50.5:0.002'));
});

test('the checksum stops after 25 levels of each side', () => {
  const bids = Array.from({ length: 30 }, (_, i): [number, number] => [100 - i, 1]);
  const first = new OrderBooks(state(bids)).snapshot('BTC-USDT', 500);
  assert.equal(first?.bids.length, 30);
  assert.equal(first?.checksum, new OrderBooks(state(bids.slice(0, 25))).snapshot('BTC-USDT', 500)?.checksum);
});

test('a client that applies every delta holds the top of the book and its checksum, at every depth', () => {
  const step = fc.record({ side: fc.constantFrom<Side>('buy', 'sell'), away: fc.nat(40), lots: fc.integer({ min: 1, max: 9 }), remove: fc.boolean(), publish: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.constantFrom(1, 5, 25, 30, 1000), (steps, depth) => {
      const make = new EventMaker();
      const books = new OrderBooks(state([[100, 3], [98, 2]], [[102, 3]]));
      const open: Record<Side, Map<number, number>> = { buy: new Map([[100, 3], [98, 2]]), sell: new Map([[102, 3]]) };
      let before = books.top('BTC-USDT', depth)!;
      const client = new BookClient(snapshotOf(before));
      for (const { side, away, lots, remove, publish } of steps) {
        const price = side === 'buy' ? 100 - away : 101 + away;
        const there = open[side].get(price) ?? 0;
        if (remove && there > 0) {
          const part = Math.min(lots, there);
          books.apply(make.record(make.trade(side === 'buy' ? 'sell' : 'buy', price, part)));
          if (part === there) open[side].delete(price);
          else open[side].set(price, there - part);
        } else {
          books.apply(make.record(make.accepted(side, price, lots)));
          open[side].set(price, there + lots);
        }
        if (!publish) continue;
        const after = books.top('BTC-USDT', depth)!;
        const delta = deltaOf(before, after);
        if (delta === undefined) continue;
        before = after;
        client.apply(delta);
        const expected = [...open[side]].sort(([a], [b]) => (side === 'buy' ? b - a : a - b)).slice(0, depth);
        assert.deepEqual(client[side === 'buy' ? 'bids' : 'asks'].map(([p, q]) => [Number(p) * 2, Math.round(Number(q) * 1000)]), expected);
      }
    }),
    { numRuns: 60, verbose: 1 },
  );
});
