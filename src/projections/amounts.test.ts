import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LargeSum, formatLarge, storedAmount, storedLarge } from './amounts.ts';

test('a sum stays exact beyond the safe integers, and so does its text', () => {
  const sum = new LargeSum();
  for (let i = 0; i < 10; i++) sum.add(2 ** 52 - 1);
  assert.equal(sum.value, 10n * (2n ** 52n - 1n));
  sum.add(7);
  assert.equal(sum.value, 45_035_996_273_704_957n);
  assert.equal(formatLarge(sum.value, 6), '45035996273.704957');
  assert.equal(storedLarge('45035996273.704957', 6), sum.value);
  sum.add(Number.MAX_SAFE_INTEGER);
  assert.equal(sum.value, 45_035_996_273_704_957n + 2n ** 53n - 1n);
  const later = new LargeSum(45_035_996_273_704_957n);
  later.add(3);
  assert.equal(later.value, 45_035_996_273_704_960n);
});

test('sums are written in the shortest form', () => {
  const cases: [bigint, number, string][] = [[0n, 6, '0'], [5n, 0, '5'], [1_500_000n, 6, '1.5'], [1n, 8, '0.00000001'], [30n, 1, '3']];
  for (const [value, scale, text] of cases) {
    assert.equal(formatLarge(value, scale), text);
    assert.equal(storedLarge(text, scale), value);
  }
});

test('stored amounts may be negative', () => {
  assert.equal(storedAmount('-0.5', 6), -500_000);
  assert.equal(storedAmount('12', 2), 1_200);
  assert.throws(() => storedAmount('1e3', 2), /not an amount/);
});
