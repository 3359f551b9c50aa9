import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MarketUnits, formatRate } from './market-units.ts';

const usdt = { id: 0, code: 'USDT', scale: 6 };
const btc = { id: 1, code: 'BTC', scale: 8 };
const units = new MarketUnits({ symbol: 'BTC-USDT', tickSize: '0.5', lotSize: '0.001' }, btc, usdt);

test('a price must be a multiple of the tick', () => {
  assert.equal(units.price('100.5'), 201);
  assert.equal(units.price('100.50'), 201);
  assert.equal(units.price('100.25'), undefined);
  assert.equal(units.price('100.3'), undefined);
  assert.equal(units.price('-1'), undefined);
});

test('a quantity must be a multiple of the lot', () => {
  assert.equal(units.quantity('0.001'), 1);
  assert.equal(units.quantity('0.0015'), undefined);
});

test('an outside price goes to the nearest tick, never to zero', () => {
  assert.equal(units.nearestTick(100.26), 201);
  assert.equal(units.nearestTick(100.24), 200);
  assert.equal(units.nearestTick(0.0001), 1);
  assert.equal(units.nearestTick(Number.NaN), undefined);
  assert.equal(units.nearestTick(-5), undefined);
});

test('every price and quantity survives the way out and back', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (n) => units.price(units.formatPrice(n)) === n && units.quantity(units.formatQuantity(n)) === n));
});

test('an average price keeps two decimals below the tick, rounded half up', () => {
  // quotePerTickLot = 0.5 × 0.001 USDT = 500 minor units. Two lots at 200 ticks and one at 201: (100 + 100 + 100.5) / 3 = 100.1666…
  assert.equal(units.formatAverage((200 + 200 + 201) * 500, 3, 500), '100.167');
  assert.equal(units.formatAverage(0, 0, 500), '0');
});

test('an average is exact, however large its numbers are', () => {
  const exact = (cost: bigint, lots: bigint, quotePerTickLot: bigint): string => {
    // In hundredths of a tick of 0.5, which is 5 units of a tenth: (cost × 5 × 100) ÷ (lots × quotePerTickLot), half up, three decimals.
    const [numerator, denominator] = [cost * 500n, lots * quotePerTickLot];
    const rounded = (2n * numerator + denominator) / (2n * denominator);
    return `${rounded / 1000n}.${String(rounded % 1000n).padStart(3, '0')}`.replace(/\.?0+$/, '');
  };
  const amount = fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 2 ** 43 }));
  fc.assert(fc.property(amount, fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 1, max: 1_000_000 }), (cost, lots, perTickLot) => {
    assert.equal(units.formatAverage(cost, lots, perTickLot), exact(BigInt(cost), BigInt(lots), BigInt(perTickLot)));
  }));
  // 2^53 − 1 over 3 lots, beyond what doubles multiply exactly.
  assert.equal(units.formatAverage(Number.MAX_SAFE_INTEGER, 3, 500), exact(BigInt(Number.MAX_SAFE_INTEGER), 3n, 500n));
});

test('amounts and rates are written in their asset and as fractions', () => {
  assert.equal(units.formatQuote(1_500_000), '1.5');
  assert.equal(units.formatBase(150_000_000), '1.5');
  assert.equal(formatRate(400), '0.0004');
});
