import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shapeOf, walkKeys } from './json-shape.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const depthOf = (value: unknown): number => (typeof value !== 'object' || value === null ? 0 : 1 + Math.max(0, ...Object.values(value).map(depthOf)));
const seed = Date.now();

test(`of any JSON, the text and the parsed value have the same depth and number of keys (seed ${seed})`, () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (text) => {
      const value: unknown = JSON.parse(text);
      // Generated objects may hold __proto__ twice-written keys only by escape, which fast-check does not do.
      assert.deepEqual(shapeOf(bytes(text)), { depth: depthOf(value), keys: walkKeys(value, () => undefined) });
    }),
    { seed, numRuns: 300 },
  );
});

test('strings hide what is in them, escapes hide the quote', () => {
  assert.deepEqual(shapeOf(bytes('{"a:{[":"\\":{[\\\\","b":[{}]}')), { depth: 3, keys: 2 });
});

test('text that is cut off is measured to its end', () => {
  assert.deepEqual(shapeOf(bytes('{"a":"\\')), { depth: 1, keys: 1 });
  assert.deepEqual(shapeOf(bytes(']]]{')), { depth: 0, keys: 0 });
});
