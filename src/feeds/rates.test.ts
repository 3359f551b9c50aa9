import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DollarRates } from './rates.ts';

const rates = () => {
  const known = new DollarRates({ outlierLimit: 0.02, maxDepeg: 0.1 });
  return (...quotes: readonly number[]) => known.of('USDT', 'USD', quotes);
};

test('nobody quotes it: par', () => {
  assert.deepEqual(rates()(), { rate: 1, quoted: false });
});

test('one quoter is believed near par, and never away from it, however slowly it goes there', () => {
  const rate = rates();
  for (let quote = 1; quote > 0.98; quote -= 0.001) assert.deepEqual(rate(quote), { rate: quote, quoted: true });
  for (let quote = 0.979; quote > 0.9; quote -= 0.001) assert.equal(rate(quote), undefined);
});

test('two that agree are believed where one would not be, and one of them afterwards', () => {
  const rate = rates();
  assert.equal(rate(0.95), undefined);
  assert.deepEqual(rate(0.95, 0.952), { rate: 0.951, quoted: true });
  assert.deepEqual(rate(0.945), { rate: 0.945, quoted: true });
  assert.equal(rate(1), undefined, 'back at par is for two to say');
  assert.deepEqual(rate(1, 1), { rate: 1, quoted: true });
});

test('of two that disagree the one near the last rate is believed', () => {
  assert.deepEqual(rates()(0.92, 0.999), { rate: 0.999, quoted: true });
});

test('one of three that is wrong does not move it', () => {
  assert.deepEqual(rates()(0.999, 0.5, 1.001), { rate: 1, quoted: true });
});

test('beyond the limit nobody is believed, and silence afterwards is not par', () => {
  const rate = rates();
  assert.equal(rate(0.85, 0.85, 0.85), undefined);
  assert.equal(rate(), undefined);
  assert.deepEqual(rate(1, 1), { rate: 1, quoted: true });
  assert.deepEqual(rate(), { rate: 1, quoted: false });
});

test('a rate that was away from par when its quoters fell silent is not known', () => {
  const rate = rates();
  assert.deepEqual(rate(0.95, 0.95), { rate: 0.95, quoted: true });
  assert.equal(rate(), undefined);
});
