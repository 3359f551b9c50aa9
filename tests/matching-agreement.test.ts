/** Independent order books, published by others, must trade exactly what ours trades: command by command on the same random stream. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { feed } from '../bench/engine/matcher.ts';
import type { Matcher } from '../bench/engine/matcher.ts';
import { MatchingBook } from '../bench/engine/matching-book.ts';
import { NodejsOrderBook, OrderbookMatchEngine } from '../bench/engine/peers.ts';
import { makeStream } from '../bench/engine/stream.ts';
import { Venue } from '../bench/engine/venue.ts';

const SEEDS = [1, 2, 3];
const stream = (seed: number) => makeStream({ seed, commands: 3000, resting: 300 });

function tradedBy(matcher: Matcher, seed: number): Int32Array {
  const commands = stream(seed);
  const traded = new Int32Array(commands.length);
  feed(matcher, commands, 0, commands.length, traded);
  return traded;
}

const others: Record<string, () => Matcher> = {
  'nodejs-order-book': () => new NodejsOrderBook(),
  'orderbook-match-engine': () => new OrderbookMatchEngine(),
  'the whole engine, spot': () => new Venue('spot', 20, 3300),
  'the whole engine, perpetual': () => new Venue('perpetual', 20, 3300),
};

for (const [name, make] of Object.entries(others)) {
  test(`${name} trades what the book trades`, () => {
    for (const seed of SEEDS) assert.deepEqual(tradedBy(make(), seed), tradedBy(new MatchingBook(), seed), `seed ${seed}`);
  });
}

test('the stream trades, cancels and rests in earnest', () => {
  const { counts } = stream(1);
  const traded = tradedBy(new MatchingBook(), 1).filter((lots) => lots > 0).length;
  assert.ok(counts.cancel > 900 && counts.market > 50 && traded > 150, JSON.stringify({ ...counts, traded }));
});
