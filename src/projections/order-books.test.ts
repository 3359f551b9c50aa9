import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import type { Event, EventOf, FillSide } from '../engine/events.ts';
import type { Asset, Market } from '../engine/market.ts';
import type { Side } from '../engine/units.ts';
import { deltaOf, OrderBooks, snapshotOf, type BookDelta, type BookSnapshot } from './order-books.ts';

const assets: Asset[] = [{ id: 0, code: 'USDT', scale: 6 }, { id: 1, code: 'BTC', scale: 8 }];
const market = { id: 0, symbol: 'BTC-USDT', tickSize: '0.5', lotSize: '0.001', baseAsset: 1, quoteAsset: 0 } as Market;
const state = (bids: [number, number][] = [], asks: [number, number][] = [], seq = 0) => ({ assets, markets: [market], seq, depth: () => ({ bids, asks }) });

let seq = 0;
const record = (...events: Event[]) => ({ seq, time: 0, events });
const accepted = (side: Side, price: number, quantity: number, resting = true): Event => ({
  seq: ++seq, type: 'order_accepted', account: 2, lock: 0, resting,
  order: { market: 0, side, type: 'limit', price, quantity, timeInForce: 'GTC', postOnly: false, reduceOnly: false, selfTradePrevention: 'none', clientOrderId: '' },
});
const fill = (order: number): FillSide => ({ order, account: 2, filled: 0, remaining: 0, filledQuote: 0, filledFee: 0, fee: 0, unlocked: 0, pnl: 0, marginDelta: 0 });
const trade = (takerSide: Side, price: number, quantity: number, maker = 1): EventOf<'trade'> => ({
  seq: ++seq, type: 'trade', market: 0, price, quantity, notional: 0, takerSide, taker: fill(9), maker: fill(maker), cause: 'order',
});
const closed = (side: Side, price: number, remaining: number, resting = true): Event => ({
  seq: ++seq, type: 'order_closed', order: 1, account: 2, market: 0, side, price, remaining, resting, unlocked: 0, status: 'canceled', reason: 'user',
});
const rested = (side: Side, price: number, remaining: number): Event => ({ seq: ++seq, type: 'order_rested', order: 1, account: 2, market: 0, side, price, remaining });
const reduced = (side: Side, price: number, by: number, remaining: number): Event => ({
  seq: ++seq, type: 'order_reduced', order: 1, account: 2, market: 0, side, price, by, remaining, unlocked: 0, reason: 'reduce_only',
});
const amended = (side: Side, oldPrice: number, oldRemaining: number, price: number, remaining: number, resting = true): Event => ({
  seq: ++seq, type: 'order_amended', order: 1, account: 2, market: 0, side, oldPrice, oldRemaining, price, quantity: remaining, remaining, lockDelta: 0, keepsPriority: false, resting,
});

const sides = (books: OrderBooks, depth = 10) => {
  const { bids, asks } = books.snapshot('BTC-USDT', depth) as BookSnapshot;
  return { bids, asks };
};

test('each kind of event moves the level it names', () => {
  const books = new OrderBooks(state());
  books.apply(record(accepted('buy', 100, 5), accepted('buy', 101, 2), accepted('sell', 103, 4)));
  assert.deepEqual(sides(books), { bids: [['50.5', '0.002'], ['50', '0.005']], asks: [['51.5', '0.004']] });
  books.apply(record(accepted('sell', 101, 9, false), trade('sell', 101, 2), rested('sell', 101, 7)));
  assert.deepEqual(sides(books), { bids: [['50', '0.005']], asks: [['50.5', '0.007'], ['51.5', '0.004']] });
  books.apply(record(reduced('sell', 103, 3, 1), amended('buy', 100, 5, 99, 6)));
  assert.deepEqual(sides(books), { bids: [['49.5', '0.006']], asks: [['50.5', '0.007'], ['51.5', '0.001']] });
  books.apply(record(amended('buy', 99, 6, 101, 6, false), trade('buy', 101, 6), closed('sell', 103, 1)));
  assert.deepEqual(sides(books), { bids: [], asks: [['50.5', '0.001']] });
});

test('what never stood in the book leaves it alone', () => {
  const books = new OrderBooks(state([[100, 5]]));
  books.apply(record(accepted('sell', 90, 5, false), closed('sell', 90, 5, false), trade('sell', 95, 3, 0)));
  assert.deepEqual(sides(books), { bids: [['50', '0.005']], asks: [] });
  assert.equal(books.seq('BTC-USDT'), 0);
});

test('a record counts once, however many levels it changes, and a record already contained in the seed does not count', () => {
  const books = new OrderBooks(state([[100, 5]], [], seq + 2));
  books.apply(record(accepted('buy', 100, 2), accepted('buy', 100, 3)));
  assert.equal(books.seq('BTC-USDT'), 0);
  books.apply(record(accepted('buy', 99, 2), accepted('buy', 98, 3)));
  assert.equal(books.seq('BTC-USDT'), 1);
  assert.deepEqual(sides(books, 2).bids, [['50', '0.005'], ['49.5', '0.002']]);
});

test('a market that is created later has a book', () => {
  const books = new OrderBooks({ ...state(), assets: [], markets: [] });
  assert.equal(books.snapshot('BTC-USDT', 5), undefined);
  books.apply(record(...assets.map((asset): Event => ({ seq: ++seq, type: 'asset_created', asset })), { seq: ++seq, type: 'market_created', market }));
  books.apply(record(accepted('buy', 100, 5)));
  assert.deepEqual(sides(books).bids, [['50', '0.005']]);
});

test('a level can never hold less than nothing', () => {
  assert.throws(() => new OrderBooks(state([[100, 5]])).apply(record(closed('buy', 100, 6))), /level 100 would hold -1 lots/);
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

/** A client as the contract describes it: nothing but the snapshot and the deltas. */
class Client {
  readonly #bids: Map<string, string>;
  readonly #asks: Map<string, string>;
  seq: number;
  constructor(snapshot: BookSnapshot) {
    this.#bids = new Map(snapshot.bids);
    this.#asks = new Map(snapshot.asks);
    this.seq = snapshot.seq;
  }
  apply(delta: BookDelta): void {
    assert.equal(delta.prevSeq, this.seq);
    for (const [side, levels] of [[this.#bids, delta.bids], [this.#asks, delta.asks]] as const) {
      for (const [price, quantity] of levels) quantity === '0' ? side.delete(price) : side.set(price, quantity);
    }
    this.seq = delta.seq;
  }
  get book() {
    const by = (side: Map<string, string>, order: number) => [...side].sort(([a], [b]) => (Number(a) - Number(b)) * order);
    return { bids: by(this.#bids, -1), asks: by(this.#asks, 1) };
  }
  get checksum(): number {
    const { bids, asks } = this.book;
    return crc32(Array.from({ length: 25 }, (_, i) => [bids[i], asks[i]]).flat().filter((level) => level !== undefined).flat().join(':'));
  }
}

test('a client that applies every delta holds the top of the book and its checksum, at every depth', () => {
  const step = fc.record({ side: fc.constantFrom<Side>('buy', 'sell'), away: fc.nat(40), lots: fc.integer({ min: 1, max: 9 }), remove: fc.boolean(), publish: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.constantFrom(1, 5, 25, 30, 1000), (steps, depth) => {
      const books = new OrderBooks(state([[100, 3], [98, 2]], [[102, 3]]));
      const open: Record<Side, Map<number, number>> = { buy: new Map([[100, 3], [98, 2]]), sell: new Map([[102, 3]]) };
      let before = books.top('BTC-USDT', depth)!;
      const client = new Client(snapshotOf(before));
      for (const { side, away, lots, remove, publish } of steps) {
        const price = side === 'buy' ? 100 - away : 101 + away;
        const there = open[side].get(price) ?? 0;
        if (remove && there > 0) {
          const part = Math.min(lots, there);
          books.apply(record(trade(side === 'buy' ? 'sell' : 'buy', price, part)));
          if (part === there) open[side].delete(price);
          else open[side].set(price, there - part);
        } else {
          books.apply(record(accepted(side, price, lots)));
          open[side].set(price, there + lots);
        }
        if (!publish) continue;
        const after = books.top('BTC-USDT', depth)!;
        const delta = deltaOf(before, after);
        if (delta === undefined) continue;
        before = after;
        client.apply(delta);
        assert.equal(client.checksum, delta.checksum);
        const expected = [...open[side]].sort(([a], [b]) => (side === 'buy' ? b - a : a - b)).slice(0, depth);
        assert.deepEqual(client.book[side === 'buy' ? 'bids' : 'asks'].map(([p, q]) => [Number(p) * 2, Math.round(Number(q) * 1000)]), expected);
      }
    }),
    { numRuns: 60, verbose: 1 },
  );
});
