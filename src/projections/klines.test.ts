import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KlineDoc, klines } from '../models/klines.ts';
import { SqliteStore } from '../models/sqlite.ts';
import { START, contextAt } from '../../tests/support/projection.ts';
import { LargeSum } from './amounts.ts';
import { type Bar, barDocument } from './bars.ts';
import { LiveBars, currentKline, liveKline, readKlines } from './klines.ts';

const MINUTE = 60_000;
const listed = contextAt(START).catalog.byId(0);

/** A minute in which one lot traded at `price` ticks. */
function bar(minute: number, price: number): Bar {
  return { openTime: START + minute * MINUTE, open: price, high: price, low: price, close: price, volume: new LargeSum(1n), quoteVolume: new LargeSum(BigInt(price)), count: 1, seq: minute + 1 };
}

async function stored(...bars: readonly Bar[]) {
  const collection = new SqliteStore(':memory:').collection<KlineDoc>(klines);
  await collection.put(bars.map((one) => barDocument(one, '1m', listed)));
  return collection;
}

/** [minute, close, volume] of each candle. */
function brief(rows: readonly (readonly (string | number)[])[]): (string | number)[][] {
  return rows.map((row) => [(Number(row[0]) - START) / MINUTE, row[4]!, row[5]!]);
}

test('minutes without trades repeat the close before them', async () => {
  const collection = await stored(bar(1, 500), bar(4, 700));
  const all = await readKlines(collection, new LiveBars(), listed, { interval: '1m', limit: 500 }, START + 6.5 * MINUTE);
  assert.deepEqual(brief(all), [[1, '5', '0.0001'], [2, '5', '0'], [3, '5', '0'], [4, '7', '0.0001'], [5, '7', '0'], [6, '7', '0']], 'from the first trade to now');
  assert.deepEqual(all[1], [START + 2 * MINUTE, '5', '5', '5', '5', '0', START + 3 * MINUTE - 1, '0', 0]);
});

test('a span that begins in a quiet time looks for the close before it', async () => {
  const collection = await stored(bar(1, 500), bar(9, 700));
  const rows = await readKlines(collection, new LiveBars(), listed, { interval: '1m', from: START + 3 * MINUTE, to: START + 4 * MINUTE, limit: 10 }, START + 60 * MINUTE);
  assert.deepEqual(brief(rows), [[3, '5', '0'], [4, '5', '0']]);
});

test('from, to and limit bound the span', async () => {
  const collection = await stored(...Array.from({ length: 20 }, (_, minute) => bar(minute, 100 + minute)));
  const read = async (query: { from?: number; to?: number; limit: number }) => {
    const at = (minute: number | undefined) => (minute === undefined ? undefined : START + minute * MINUTE);
    const rows = await readKlines(collection, new LiveBars(), listed, { interval: '1m', from: at(query.from), to: at(query.to), limit: query.limit }, START + 19.5 * MINUTE);
    return rows.map((row) => (row[0] - START) / MINUTE);
  };
  assert.deepEqual(await read({ limit: 3 }), [17, 18, 19], 'the newest');
  assert.deepEqual(await read({ to: 10, limit: 3 }), [8, 9, 10]);
  assert.deepEqual(await read({ from: 4, limit: 3 }), [4, 5, 6], 'the first from there');
  assert.deepEqual(await read({ from: 3.5, to: 5.5, limit: 10 }), [4, 5], 'bars that begin within');
  assert.deepEqual(await read({ from: 18, to: 400, limit: 10 }), [18, 19], 'never beyond now');
  assert.deepEqual(await read({ from: 30, limit: 10 }), []);
  assert.deepEqual(await read({ from: 5, to: 4, limit: 10 }), []);
});

test('bars that are being built override what is stored of them', async () => {
  const collection = await stored(bar(1, 500), bar(2, 600));
  const live = new LiveBars();
  live.restore('1m', [bar(1, 500), bar(2, 600)]);
  live.add({ seq: 8, price: 650, quantity: 2, notional: 1_300 }, START + 2.9 * MINUTE);
  live.add({ seq: 9, price: 800, quantity: 1, notional: 800 }, START + 4 * MINUTE);
  live.add({ seq: 9, price: 800, quantity: 1, notional: 800 }, START + 4 * MINUTE);
  const rows = await readKlines(collection, live, listed, { interval: '1m', limit: 4 }, START + 4.5 * MINUTE);
  assert.deepEqual(brief(rows), [[1, '5', '0.0001'], [2, '6.5', '0.0003'], [3, '6.5', '0'], [4, '8', '0.0001']]);
  assert.deepEqual(brief([currentKline(live, '1m', listed, START + 4.5 * MINUTE)!]), [[4, '8', '0.0001']]);
  assert.deepEqual(brief([currentKline(live, '1m', listed, START + 7 * MINUTE)!]), [[7, '8', '0']]);
  assert.equal(currentKline(new LiveBars(), '1m', listed, START), undefined);
  assert.deepEqual(brief([liveKline(live, '1m', listed, START + 4 * MINUTE)!]), [[4, '8', '0.0001']]);
  assert.deepEqual([3.5, 7, 100].map((minute) => liveKline(live, '1m', listed, START + minute * MINUTE)), [undefined, undefined, undefined]);
});

test('a market without trades has no candles', async () => {
  assert.deepEqual(await readKlines(await stored(), new LiveBars(), listed, { interval: '1h', limit: 10 }, START), []);
});
