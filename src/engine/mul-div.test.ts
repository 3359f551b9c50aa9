import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_SAFE, mulDiv } from './mul-div.ts';
import type { Rounding } from './mul-div.ts';

test('mulDiv rounds in the direction that is named', () => {
  const table: readonly (readonly [number, number, number, Rounding, number])[] = [
    [7, 1, 2, 'down', 3], [7, 1, 2, 'up', 4], [7, 1, 2, 'half', 4], [5, 1, 4, 'half', 1],
    [-7, 1, 2, 'down', -4], [-7, 1, 2, 'up', -3], [-7, 1, 2, 'half', -3],
    [0, -5, 3, 'down', 0], [-1, 1, 3, 'up', 0], [6, 4, 3, 'up', 8],
    [MAX_SAFE, MAX_SAFE, MAX_SAFE, 'half', MAX_SAFE],
  ];
  for (const [a, b, c, rounding, expected] of table) assert.ok(Object.is(mulDiv(a, b, c, rounding), expected), `${a} × ${b} ÷ ${c} ${rounding}`);
});

test('mulDiv is exact for all safe integers', () => {
  const integer = fc.oneof(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.integer({ min: -MAX_SAFE, max: MAX_SAFE }));
  fc.assert(
    fc.property(integer, integer, fc.oneof(fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 1, max: MAX_SAFE })), (a, b, c) => {
      const dividend = BigInt(a) * BigInt(b);
      const floor = dividend >= 0n || dividend % BigInt(c) === 0n ? dividend / BigInt(c) : dividend / BigInt(c) - 1n;
      const rest = dividend - floor * BigInt(c);
      fc.pre(floor < BigInt(MAX_SAFE) && floor > -BigInt(MAX_SAFE));
      assert.equal(BigInt(mulDiv(a, b, c, 'down')), floor);
      assert.equal(BigInt(mulDiv(a, b, c, 'up')), rest === 0n ? floor : floor + 1n);
      assert.equal(BigInt(mulDiv(a, b, c, 'half')), rest * 2n >= BigInt(c) ? floor + 1n : floor);
    }),
  );
});

test('mulDiv refuses a result that is no safe integer', () => {
  assert.throws(() => mulDiv(MAX_SAFE, 2, 1, 'down'), RangeError);
});
