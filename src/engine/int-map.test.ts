import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { IntMap } from './int-map.ts';

const keys = fc.oneof(
  fc.nat(40),
  fc.nat(40).map((n) => n * 4096),
  fc.nat(40).map((n) => Number.MAX_SAFE_INTEGER - n),
  fc.nat(40).map((n) => n * 2 ** 32),
);
const operations = fc.array(fc.record({ kind: fc.constantFrom('set', 'set', 'delete', 'get', 'make room'), key: keys, value: fc.integer({ min: 0, max: 2 ** 31 - 1 }) }), { maxLength: 400, size: 'max' });

test('it behaves as a Map does, whatever was set and deleted before', () => {
  fc.assert(fc.property(operations, (list) => {
    const map = new IntMap();
    const model = new Map<number, number>();
    for (const { kind, key, value } of list) {
      if (kind === 'set') {
        map.set(key, value);
        model.set(key, value);
      } else if (kind === 'delete') {
        assert.equal(map.delete(key), model.delete(key));
      } else if (kind === 'make room') {
        map.makeRoom();
      }
      assert.equal(map.get(key), model.get(key) ?? -1);
      assert.equal(map.size, model.size);
    }
    for (const [key, value] of model) assert.equal(map.get(key), value);
    const seen = new Map<number, number>();
    map.forEach((key, value) => seen.set(key, value));
    assert.deepEqual(new Map([...seen].sort(byKey)), new Map([...model].sort(byKey)));
  }));
});

test('it keeps every entry while it grows', () => {
  for (const stride of [1, 2, 7, 1024, 2 ** 33]) {
    const map = new IntMap(4);
    for (let i = 0; i < 20_000; i++) map.set(i * stride, i);
    for (let i = 0; i < 20_000; i++) assert.equal(map.get(i * stride), i);
    assert.equal(map.get(20_000 * stride), -1);
  }
});

test('a key that is not a non-negative safe integer is refused', () => {
  const map = new IntMap();
  for (const key of [-1, 0.5, Number.NaN, 2 ** 53]) assert.throws(() => map.set(key, 1), RangeError);
  assert.equal(map.size, 0);
});

function byKey(a: readonly [number, number], b: readonly [number, number]): number {
  return a[0] - b[0];
}
