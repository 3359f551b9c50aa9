import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kline } from '../models/klines.ts';
import { candleTopic } from './candle-topic.ts';

const MINUTE = 60_000;

/** Candles that the test builds: by opening minute how many trades they have. */
function candles() {
  const counts = new Map<number, number>();
  let minute = 0;
  const of = (at: number): Kline => [at * MINUTE, '1', '1', '1', '1', '0', at * MINUTE + MINUTE - 1, '0', counts.get(at) ?? 0];
  const topic = candleTopic({
    symbol: 'BTC-USDT', interval: '1m', everyMs: 500, seq: () => 9,
    candle: (openTime) => {
      const at = openTime === undefined ? minute : openTime / MINUTE;
      return (openTime === undefined ? counts.size > 0 : counts.has(at)) ? of(at) : undefined;
    },
  });
  /** The minute and the number of trades that a message is of. */
  const brief = (message: unknown): number[] | undefined => {
    const { kline } = (message ?? {}) as { kline?: Kline };
    return kline && [kline[0] / MINUTE, kline[8]];
  };
  return {
    topic,
    trade: (at: number) => void counts.set(at, (counts.get(at) ?? 0) + 1),
    begin: (at: number) => (minute = at),
    told: (count: number) => Array.from({ length: count }, () => brief(topic.flush())),
    brief,
  };
}

test('how a candle ended is told before the next one, also the trades that come late', () => {
  const { topic, trade, begin, told } = candles();
  assert.deepEqual(topic.snapshot(), { symbol: 'BTC-USDT', interval: '1m', kline: null, seq: 9 });
  assert.deepEqual(told(1), [undefined]);
  trade(0);
  assert.deepEqual(told(2), [[0, 1], undefined]);
  trade(0);
  trade(0);
  begin(1);
  trade(1);
  assert.deepEqual(told(3), [[0, 3], [1, 1], undefined]);
  trade(0);
  trade(1);
  assert.deepEqual(told(3), [[0, 4], [1, 2], undefined]);
  begin(2);
  assert.deepEqual(told(2), [[2, 0], undefined], 'all of the last one was told');
  begin(3);
  assert.deepEqual(told(2), [[3, 0], undefined], 'one without trades has no end to tell');
});

test('who was left out while a candle ended is told how it did', () => {
  const { topic, trade, begin, told, brief } = candles();
  trade(0);
  assert.deepEqual(told(1), [[0, 1]]);
  const mark = topic.mark();
  assert.deepEqual(brief(topic.catchUp(mark)), [0, 1]);
  assert.deepEqual(told(1), [undefined]);
  trade(0);
  begin(1);
  assert.deepEqual(told(2), [[0, 2], [1, 0]]);
  assert.deepEqual(brief(topic.catchUp(mark)), [1, 0]);
  assert.deepEqual(told(2), [[0, 2], undefined]);
});
