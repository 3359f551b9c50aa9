import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { IdWindow, WINDOW_MS, hashId } from './id-window.ts';

test('an id is found for 24 hours and not longer', () => {
  const window = new IdWindow(10);
  const hash = hashId(7, 'order-1');
  window.add(hash, 42, 1_000);
  assert.deepEqual(window.find(hash), [42]);
  window.expire(1_000 + WINDOW_MS - 1);
  assert.equal(window.has(hash), true);
  window.expire(1_000 + WINDOW_MS);
  assert.equal(window.has(hash), false);
  assert.equal(window.size, 0);
});

test('equal texts of different accounts are different ids', () => {
  assert.notDeepEqual(hashId(2, 'a'), hashId(3, 'a'));
  assert.notDeepEqual(hashId(2, 'ab'), hashId(2, 'ba'));
  assert.deepEqual(hashId(2, 'ab'), hashId(2, 'ab'));
});

test('ids whose hashes collide are all found', () => {
  const window = new IdWindow(10);
  const hash = hashId(1, 'x');
  window.add(hash, 1, 0);
  window.add(hash, 2, 0);
  assert.deepEqual(window.find(hash), [1, 2]);
});

test('a full window lets the oldest go early and counts them', () => {
  const window = new IdWindow(1_024);
  for (let seq = 1; seq <= 1_030; seq++) window.add(hashId(0, `id${seq}`), seq, seq);
  assert.equal(window.size, 1_024);
  assert.equal(window.droppedEarly, 6);
  assert.equal(window.has(hashId(0, 'id6')), false);
  assert.deepEqual(window.find(hashId(0, 'id7')), [7]);
});

test('among 300,000 similar ids no two hashes are the same', () => {
  const seen = new Set<string>();
  for (let account = 0; account < 30; account++) {
    for (let n = 0; n < 10_000; n++) {
      const { low, high } = hashId(account, `order-${n}`);
      seen.add(`${low}:${high}`);
    }
  }
  assert.equal(seen.size, 300_000);
});

/** Few low halves, so that probes run into each other and around the end of a table, and few tables. */
function spread(id: number) {
  return { low: (id % 20) + 4_294_967_276, high: ((id % 3) * 0x55555555 + id) >>> 0 };
}

test('what is over is not found, although it goes a thousand at a time', () => {
  const window = new IdWindow(10_000);
  for (let seq = 1; seq <= 5_000; seq++) window.add(hashId(0, `id${seq}`), seq, 1_000);
  window.expire(1_000 + WINDOW_MS);
  assert.equal(window.size, 4_000);
  assert.equal(window.has(hashId(0, 'id5000')), false);
  assert.deepEqual(window.find(hashId(0, 'id5000')), []);
  for (let n = 0; n < 4; n++) window.expire(1_000 + WINDOW_MS);
  assert.equal(window.size, 0);
});

test('it agrees with a plain map through growth, expiry and being stored', () => {
  const step = fc.record({ id: fc.integer({ min: 0, max: 400 }), passed: fc.oneof({ weight: 30, arbitrary: fc.integer({ min: 0, max: WINDOW_MS / 500 }) }, fc.constant(WINDOW_MS / 3)) });
  fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 6_000, size: 'max' }), fc.constantFrom(1_024, 2_048, 131_072), (steps, limit) => {
    let window = new IdWindow(limit);
    let entries: { id: number; seq: number; time: number }[] = [];
    let time = 0;
    steps.forEach(({ id, passed }, index) => {
      time += passed;
      window.add(spread(id), index + 1, time);
      entries.push({ id, seq: index + 1, time });
      if (index % 700 === 699) window = IdWindow.decode(window.encode(), limit);
    });
    entries = entries.slice(-limit).filter((entry) => entry.time > time - WINDOW_MS);
    for (let size = -1; size !== window.size; window.expire(time)) size = window.size;
    assert.equal(window.size, entries.length);
    for (let id = 0; id <= 400; id++) {
      const expected = entries.filter((entry) => entry.id === id).map((entry) => entry.seq);
      assert.deepEqual(window.find(spread(id)).sort((a, b) => a - b), expected);
    }
  }), { numRuns: 30 });
});
