import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Book } from './book.ts';
import { OrderPool, RESTING, SELL } from './pool.ts';
import { MAX_PRICE } from './price-tree.ts';
import type { Side } from './units.ts';

/** The plainest book there is: an array, sorted whenever it is looked at. */
class NaiveBook {
  readonly orders: { slot: number; side: Side; price: number; remaining: number; age: number }[] = [];
  #age = 0;

  add(slot: number, side: Side, price: number, remaining: number): void {
    this.orders.push({ slot, side, price, remaining, age: this.#age++ });
  }

  remove(slot: number): void {
    this.orders.splice(this.orders.findIndex((order) => order.slot === slot), 1);
  }

  side(side: Side) {
    const sign = side === 'sell' ? 1 : -1;
    return this.orders.filter((order) => order.side === side).sort((a, b) => sign * (a.price - b.price) || a.age - b.age);
  }

  depth(side: Side): [number, number][] {
    const levels = new Map<number, number>();
    for (const { price, remaining } of this.side(side)) levels.set(price, (levels.get(price) ?? 0) + remaining);
    return [...levels];
  }
}

interface Pair {
  readonly pool: OrderPool;
  readonly book: Book;
  readonly naive: NaiveBook;
}

function place({ pool, book, naive }: Pair, side: Side, price: number, quantity: number): number {
  const slot = pool.allocate();
  pool.flags[slot] = side === 'sell' ? SELL : 0;
  pool.price[slot] = price;
  pool.remaining[slot] = quantity;
  book.add(slot);
  naive.add(slot, side, price, quantity);
  return slot;
}

function take({ pool, book, naive }: Pair, slot: number): void {
  book.remove(slot);
  assert.equal(pool.flags[slot] & RESTING, 0);
  pool.free(slot);
  naive.remove(slot);
}

/** The slots of one side in the order in which they would trade. */
function walk(book: Book, side: Side): number[] {
  const slots: number[] = [];
  for (let price = side === 'buy' ? book.bestBid() : book.bestAsk(); price !== 0; price = book.nextLevel(side, price)) {
    for (let slot = book.firstOf(side, price); slot >= 0; slot = book.next(slot)) slots.push(slot);
  }
  return slots;
}

function assertSame({ book, naive }: Pair): void {
  for (const side of ['buy', 'sell'] as const) {
    const orders = naive.side(side);
    assert.equal(side === 'buy' ? book.bestBid() : book.bestAsk(), orders[0]?.price ?? 0);
    assert.equal(book.best(side), orders[0]?.slot ?? -1);
    assert.deepEqual(book.depth(side, 3), naive.depth(side).slice(0, 3));
    assert.deepEqual(book.depth(side, Number.POSITIVE_INFINITY), naive.depth(side));
    assert.deepEqual(walk(book, side), orders.map((order) => order.slot));
  }
}

const prices = fc.oneof(
  fc.integer({ min: 1000, max: 1040 }),
  fc.integer({ min: 1, max: 5000 }),
  fc.integer({ min: 1, max: MAX_PRICE }),
  fc.constantFrom(1, 31, 32, 1023, 1024, 2 ** 30 - 1, 2 ** 30, MAX_PRICE),
);
const operations = fc.array(fc.record({
  kind: fc.constantFrom('add', 'add', 'remove', 'reduce', 'look'),
  side: fc.constantFrom<Side>('buy', 'sell'),
  price: prices,
  quantity: fc.integer({ min: 1, max: 1000 }),
  pick: fc.nat(),
}), { maxLength: 120, size: 'max' });

test('after any operations it stands exactly as a sorted array would, and an emptied book gives all its nodes back', () => {
  fc.assert(fc.property(operations, (list) => {
    const pool = new OrderPool();
    const pair: Pair = { pool, book: new Book(pool), naive: new NaiveBook() };
    for (const { kind, side, price, quantity, pick } of list) {
      const chosen = pair.naive.orders[pick % Math.max(pair.naive.orders.length, 1)];
      if (kind === 'add') {
        place(pair, side, price, quantity);
      } else if (kind === 'look') {
        const expected = pair.naive.side(side).find((order) => (side === 'sell' ? order.price > price : order.price < price));
        assert.equal(pair.book.nextLevel(side, price), expected?.price ?? 0);
        assert.equal(pair.book.levelQuantity(side, price), pair.naive.depth(side).find((level) => level[0] === price)?.[1] ?? 0);
        assert.equal(pair.book.firstOf(side, price), pair.naive.side(side).find((order) => order.price === price)?.slot ?? -1);
      } else if (chosen !== undefined && kind === 'remove') {
        take(pair, chosen.slot);
      } else if (chosen !== undefined && chosen.remaining > 1) {
        const by = 1 + (pick % (chosen.remaining - 1));
        pair.book.reduce(chosen.slot, by);
        chosen.remaining -= by;
        assert.equal(pool.remaining[chosen.slot], chosen.remaining);
      }
      assertSame(pair);
    }
    while (pair.naive.orders.length > 0) take(pair, pair.naive.orders[0].slot);
    assertSame(pair);
    assert.equal(pool.live, 0);
    assert.equal(pair.book.nodes, 2);
  }), { numRuns: 100 });
});

test('two books share a pool without meeting', () => {
  const pool = new OrderPool();
  const first: Pair = { pool, book: new Book(pool), naive: new NaiveBook() };
  const second: Pair = { pool, book: new Book(pool), naive: new NaiveBook() };
  for (let i = 0; i < 200; i++) place(i % 2 === 0 ? first : second, i % 3 === 0 ? 'buy' : 'sell', 100 + (i % 17), 1 + i);
  assertSame(first);
  assertSame(second);
});

test('an order keeps its place when it is reduced, even to nothing', () => {
  const pool = new OrderPool();
  const pair: Pair = { pool, book: new Book(pool), naive: new NaiveBook() };
  const first = place(pair, 'sell', 10, 5);
  place(pair, 'sell', 10, 7);
  pair.book.reduce(first, 5);
  assert.equal(pair.book.best('sell'), first);
  assert.deepEqual(pair.book.depth('sell', 1), [[10, 7]]);
  pair.book.remove(first);
  assert.deepEqual(pair.book.depth('sell', 1), [[10, 7]]);
});

test('a price outside 1 … 2^31 - 1 is refused and leaves the book as it was', () => {
  const pool = new OrderPool();
  const book = new Book(pool);
  for (const price of [0, -1, 2 ** 31]) {
    const slot = pool.allocate();
    pool.flags[slot] = 0;
    pool.price[slot] = price;
    pool.remaining[slot] = 1;
    assert.throws(() => book.add(slot), RangeError);
    assert.deepEqual([book.bestBid(), book.best('buy'), book.nodes], [0, -1, 2]);
  }
});
