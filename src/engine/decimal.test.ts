import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDecimal, parseDecimal, parseStep } from './decimal.ts';

const parsed: readonly (readonly [text: string, scale: number, value: number | undefined])[] = [
  ['1', 0, 1], ['1.25', 2, 125], ['1.250', 2, 125], ['0', 8, 0], ['0.00000001', 8, 1], ['90071992.54740991', 8, Number.MAX_SAFE_INTEGER],
  ['90071992.54740992', 8, undefined], ['1.255', 2, undefined], ['', 2, undefined], ['.5', 2, undefined], ['5.', 2, undefined], ['01', 2, undefined],
  ['+1', 2, undefined], ['-1', 2, undefined], ['1e3', 2, undefined], [' 1', 2, undefined], ['1 ', 2, undefined], ['1,5', 2, undefined], ['٣', 2, undefined],
  ['0x10', 2, undefined], ['NaN', 2, undefined], ['Infinity', 2, undefined], ['1_000', 2, undefined], ['1\n', 2, undefined],
];

for (const [text, scale, value] of parsed) {
  test(`${JSON.stringify(text)} at scale ${scale} is ${value ?? 'refused'}`, () => assert.equal(parseDecimal(text, scale), value));
}

test('what is formatted parses back to the same integer', () => {
  fc.assert(fc.property(fc.maxSafeNat(), fc.integer({ min: 0, max: 15 }), (value, scale) => parseDecimal(formatDecimal(value, scale), scale) === value));
});

test('the shortest form is written', () => {
  assert.deepEqual([formatDecimal(100, 2), formatDecimal(150, 2), formatDecimal(5, 2), formatDecimal(-5, 2), formatDecimal(-0, 2), formatDecimal(7, 0)], ['1', '1.5', '0.05', '-0.05', '0', '7']);
});

test('a fraction or an unsafe integer cannot be formatted', () => {
  assert.throws(() => formatDecimal(0.5, 2), RangeError);
  assert.throws(() => formatDecimal(2 ** 53, 2), RangeError);
});

test('a step is integer units at its own scale', () => {
  assert.deepEqual(parseStep('0.05'), { units: 5, scale: 2 });
  assert.deepEqual(parseStep('0.10'), { units: 1, scale: 1 });
  assert.deepEqual(parseStep('25'), { units: 25, scale: 0 });
  assert.equal(parseStep('0'), undefined);
  assert.equal(parseStep('0.000'), undefined);
  assert.equal(parseStep('-1'), undefined);
});
