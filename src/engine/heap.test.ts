import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HeapIndex, IndexedHeap } from './heap.ts';

const step = fc.record({ slot: fc.nat(30), key: fc.integer({ min: -5, max: 5 }), remove: fc.boolean() });

for (const order of ['least first', 'greatest first'] as const) {
  test(`a heap gives its slots ${order}, equal keys by tie`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const index = new HeapIndex();
        index.reserve(31);
        const heap = new IndexedHeap(index, order);
        const model = new Map<number, number>();
        for (const { slot, key, remove } of steps) {
          if (remove) {
            heap.remove(slot);
            model.delete(slot);
          } else {
            heap.set(slot, key, 100 - slot);
            model.set(slot, key);
          }
          heap.check();
          assert.equal(heap.size, model.size);
        }
        const sign = order === 'least first' ? 1 : -1;
        const expected = [...model].sort(([a, x], [b, y]) => (x - y) * sign || b - a).map(([slot]) => slot);
        for (const slot of expected) {
          assert.equal(heap.top(), slot);
          assert.ok(heap.has(slot));
          heap.remove(slot);
          assert.ok(!heap.has(slot));
        }
        assert.equal(heap.top(), -1);
      }),
    );
  });
}
