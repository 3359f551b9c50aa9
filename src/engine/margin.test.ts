import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bankruptcyPrice, isCrossed, leverageFor, LIQUIDATION_QUARTERS, maintenanceMargin, MARGIN_CALL_QUARTERS, marginRatio, riskTable, thresholdTick, tierOf } from './margin.ts';
import { MAX_PRICE } from './price-tree.ts';

/** Binance USDⓈ-M BTCUSDT brackets as its leverage page showed them: floor in USDT, maintenance rate in ppm, maintenance amount in USDT. */
const BINANCE = [
  [0, 4_000, 0], [50_000, 5_000, 50], [250_000, 10_000, 1_300], [1_000_000, 25_000, 16_300], [5_000_000, 50_000, 141_300], [20_000_000, 100_000, 1_141_300], [50_000_000, 125_000, 2_391_300],
] as const;
const brackets = riskTable(BINANCE.map(([floor, rate]) => ({ notionalFloor: floor, initialMarginRate: rate * 2, maintenanceMarginRate: rate })));

test('cumulative maintenance amounts are those of the published brackets', () => {
  assert.deepEqual(brackets.cumulative, BINANCE.map(([, , amount]) => amount));
});

test('maintenance margin is continuous where tiers meet', () => {
  const table: readonly (readonly [number, number, number])[] = [
    [0, 0, 0], [49_999, 0, 200], [50_000, 1, 200], [250_000, 2, 1_200], [249_999, 1, 1_200], [1_000_000, 3, 8_700], [60_000_000, 6, 5_108_700],
  ];
  for (const [notional, tier, margin] of table) {
    assert.equal(tierOf(brackets, notional), tier, `tier of ${notional}`);
    assert.equal(maintenanceMargin(brackets, notional), margin, `maintenance margin of ${notional}`);
  }
});

test('a leverage is allowed when its margin rate is at least the tier\'s', () => {
  for (const [rate, leverage] of [[1_000_000, 1], [500_000, 2], [333_334, 3], [333_333, 3], [50_000, 20], [8_000, 125], [6_667, 150]]) assert.equal(leverageFor(rate), leverage, `${rate} ppm`);
});

/** A tick is 0.01, a lot 0.001: one of each is 10 minor units of 10^-6. The top tier has a maintenance rate of 10 % and cum = 2,707,300 × 5 % = 135,365. */
const BINANCE_FAQ = riskTable([
  { notionalFloor: 0, initialMarginRate: 100_000, maintenanceMarginRate: 50_000 },
  { notionalFloor: 2_707_300_000_000, initialMarginRate: 200_000, maintenanceMarginRate: 100_000 },
]);

test('the isolated liquidation price is that of the exchange\'s worked example', () => {
  // Binance FAQ, "How to calculate liquidation price of USDⓈ-M futures contracts": long 3683.979 ETH at 1456.84, wallet 1,535,443.01, mmr 10 %, cum 135,365 → 1114.78.
  const position = { size: 3_683_979, cost: 145_684 * 3_683_979 * 10, margin: 1_535_443_010_000 };
  assert.equal(thresholdTick(BINANCE_FAQ, position, 10, LIQUIDATION_QUARTERS), 111_478);
});

test('liquidation and call prices follow LP = (WB + cum − s·q·entry) ÷ (q·mmr − s·q)', () => {
  const flat = riskTable([{ notionalFloor: 0, initialMarginRate: 20_000, maintenanceMarginRate: 10_000 }]);
  // 1 BTC at 30,000 with 3,000 of margin: long (3,000 − 30,000) ÷ (0.01 − 1), short (3,000 + 30,000) ÷ (0.01 + 1); calls with 1.25 × mmr.
  const table: readonly (readonly [number, number, number, number])[] = [
    [1_000, 3_000, 272_727, 273_417], [-1_000, 3_000, 326_733, 325_926], [1_000, 30_000, 0, 0], [1_000, 40_000, 0, 0], [-1_000, 0, 297_030, 296_297],
  ];
  for (const [size, margin, liquidation, call] of table) {
    const position = { size, cost: 30_000_000_000, margin: margin * 1_000_000 };
    assert.equal(thresholdTick(flat, position, 100, LIQUIDATION_QUARTERS), liquidation, `liquidation of ${size} with ${margin}`);
    assert.equal(thresholdTick(flat, position, 100, MARGIN_CALL_QUARTERS), call, `call of ${size} with ${margin}`);
  }
});

test('a threshold is the very tick at which the position is crossed', () => {
  const position = fc.record({
    size: fc.oneof(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: -100_000, max: -1 })),
    entry: fc.integer({ min: 1, max: 1_000_000 }),
    marginRate: fc.integer({ min: 0, max: 1_200 }),
    unit: fc.constantFrom(1, 7, 100),
    quarters: fc.constantFrom(LIQUIDATION_QUARTERS, MARGIN_CALL_QUARTERS),
  });
  fc.assert(
    fc.property(position, ({ size, entry, marginRate, unit, quarters }) => {
      const cost = entry * Math.abs(size) * unit;
      const exposure = { size, cost, margin: Math.floor((cost * marginRate) / 1_000) };
      const tick = thresholdTick(brackets, exposure, unit, quarters);
      const worse = size > 0 ? -1 : 1;
      if (tick === 0) return assert.equal(isCrossed(brackets, exposure, unit, size > 0 ? 1 : MAX_PRICE, quarters), false);
      assert.equal(isCrossed(brackets, exposure, unit, tick, quarters), true, 'at the tick');
      const better = tick - worse;
      if (better >= 1 && better <= MAX_PRICE) assert.equal(isCrossed(brackets, exposure, unit, better, quarters), false, 'one tick better');
      return undefined;
    }),
    { numRuns: 2_000 },
  );
});

test('at the bankruptcy price the margin pays the loss, one tick further it does not', () => {
  fc.assert(
    fc.property(fc.oneof(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: -100_000, max: -1 })), fc.integer({ min: 100, max: 1_000_000 }), fc.integer({ min: 0, max: 900 }), (size, entry, rate) => {
      const cost = entry * Math.abs(size) * 100;
      const margin = Math.floor((cost * rate) / 1_000);
      const price = bankruptcyPrice({ size, cost, margin }, 100);
      const equityAt = (tick: number) => margin + Math.sign(size) * (tick * Math.abs(size) * 100 - cost);
      assert.ok(equityAt(price) >= 0);
      assert.ok(equityAt(price - Math.sign(size)) < 0 || price === 1);
    }),
  );
});

test('the margin ratio is maintenance margin over equity, rounded up', () => {
  for (const [maintenance, equity, ratio] of [[1_000, 4_000, 250_000], [1, 3, 333_334], [0, 0, 0], [5, 0, Number.MAX_SAFE_INTEGER], [5, -3, Number.MAX_SAFE_INTEGER]]) {
    assert.equal(marginRatio(maintenance, equity), ratio);
  }
});
