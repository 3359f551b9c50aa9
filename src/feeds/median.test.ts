import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { median, weightedMedian, withoutDictator } from './median.ts';

test('median: the middle one, or the mean of the two in the middle', () => {
  assert.equal(median([5]), 5);
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([9, 1, 5, 7]), 6);
});

test('weighted median by the textbook (Cormen et al., problem 9-2: 0.1, 0.35, 0.05, 0.1, 0.15, 0.05, 0.2 have 0.2)', () => {
  const values = [0.1, 0.35, 0.05, 0.1, 0.15, 0.05, 0.2];
  assert.equal(weightedMedian(values.map((value) => ({ value, weight: value }))), 0.2);
});

test('with equal weights the weighted median is the median', () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 9 }), (values, weight) => {
    assert.equal(weightedMedian(values.map((value) => ({ value, weight }))), median(values));
  }));
});

test('no single weight of three or more is as much as all others', () => {
  fc.assert(fc.property(fc.array(fc.double({ min: 0.001, max: 100, noNaN: true }), { minLength: 3, maxLength: 9 }), (weights) => {
    const capped = withoutDictator(weights);
    const sum = capped.reduce((total, weight) => total + weight, 0);
    for (const weight of capped) assert.ok(weight < sum - weight, JSON.stringify(capped));
  }));
});
