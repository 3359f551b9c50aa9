import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter, HashSink } from './codec.ts';

const integer = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.constantFrom(0, -1, 63, 64, -64, 2 ** 27 - 1, 2 ** 27, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER));

test('what is written is read again', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(integer, fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', minLength: 1_000, maxLength: 3_000 }))), (values) => {
      const writer = new ByteWriter();
      for (const value of values) if (typeof value === 'number') writer.int(value);
      else writer.text(value);
      const reader = new ByteReader(writer.finish());
      for (const value of values) assert.equal(typeof value === 'number' ? reader.int() : reader.text(), value);
      assert.ok(reader.done);
    }),
  );
});

test('bytes that end too early are refused', () => {
  const writer = new ByteWriter();
  writer.int(1_000_000);
  assert.throws(() => new ByteReader(writer.finish().slice(0, 1)).int(), RangeError);
  assert.throws(() => new ByteReader(new Uint8Array()).int(), RangeError);
});

test('hashes tell streams apart that differ in one place or in order', () => {
  const hash = (...values: number[]) => {
    const sink = new HashSink();
    for (const value of values) sink.int(value);
    return sink.finish();
  };
  assert.match(hash(1), /^[0-9a-f]{16}$/);
  assert.equal(hash(1, 2, 3), hash(1, 2, 3));
  const seen = new Set<string>();
  for (let n = 0; n < 2_000; n++) for (const values of [[n], [n, 0], [0, n + 1], [n * 2 ** 33, 1], [-n - 1]]) seen.add(hash(...values));
  // Only [0, 1] comes twice.
  assert.equal(seen.size, 9_999);
});
