import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { newFillInput, newFillPlan, planFill } from './fill.ts';
import type { FillInput } from './fill.ts';
import { openingLoss, perpetualLock } from './locks.ts';
import { perpSpec } from '../../tests/support/engine-kit.ts';
import { riskTable } from './margin.ts';
import type { Market } from './market.ts';

const RISK = riskTable([{ notionalFloor: 0, initialMarginRate: 20_000, maintenanceMarginRate: 10_000 }]);
const market: Market = { ...perpSpec(), id: 0, baseAsset: 1, quoteAsset: 0, quotePerTickLot: 100, basePerLot: 100_000, safety: 'normal' };

/** One lot at one tick is 100 minor units; leverage 10; taker fee 0.05 %. */
function plan(input: Partial<FillInput>) {
  const result = newFillPlan();
  planFill({ ...newFillInput(), risk: RISK, quotePerTickLot: 100, leverage: 10, feeRate: 500, available: 1_000_000_000, remaining: input.quantity ?? 0, ...input }, result);
  return result;
}

test('a fill moves position and money as', () => {
  const long = { size: 10, cost: 1_000_000, margin: 100_000, realized: 0 };
  const short = { size: -10, cost: 1_000_000, margin: 100_000, realized: 7 };
  const table: readonly (readonly [string, Partial<FillInput>, Record<string, number>])[] = [
    ['opening a long', { direction: 1, price: 1_000, quantity: 10 }, { size: 10, cost: 1_000_000, margin: 100_000, marginDelta: 100_000, pnl: 0, fee: 500, realized: 0 }],
    ['adding to it at another price', { ...long, direction: 1, price: 1_100, quantity: 10 }, { size: 20, cost: 2_100_000, margin: 210_000, pnl: 0, fee: 550 }],
    ['closing half in profit', { ...long, direction: -1, price: 1_100, quantity: 5 }, { size: 5, cost: 500_000, margin: 50_000, marginDelta: -50_000, pnl: 50_000, fee: 275, realized: 50_000 }],
    ['closing all at a loss', { ...long, direction: -1, price: 950, quantity: 10 }, { size: 0, cost: 0, margin: 0, marginDelta: -100_000, pnl: -50_000, fee: 475, realized: -50_000 }],
    ['turning a long into a short', { ...long, direction: -1, price: 1_100, quantity: 15 }, { size: -5, cost: 550_000, margin: 55_000, marginDelta: -45_000, pnl: 100_000, fee: 825, realized: 0 }],
    ['closing part of a short', { ...short, direction: 1, price: 900, quantity: 4 }, { size: -6, cost: 600_000, margin: 60_000, pnl: 40_000, realized: 40_007 }],
    ['rounding the cost of a part against a long', { size: 3, cost: 1_000, margin: 100, direction: -1, price: 3, quantity: 1 }, { cost: 666, pnl: -34, margin: 67 }],
    ['rounding the cost of a part against a short', { size: -3, cost: 1_000, margin: 100, direction: 1, price: 3, quantity: 1 }, { cost: 667, pnl: 33, margin: 67 }],
    ['a rebate', { direction: 1, price: 1_000, quantity: 10, feeRate: -100 }, { fee: -100 }],
  ];
  for (const [name, input, expected] of table) {
    const result = plan(input) as unknown as Record<string, number>;
    assert.equal(result.ok, true, name);
    for (const [field, value] of Object.entries(expected)) assert.equal(result[field], value, `${name}: ${field}`);
  }
});

test('a position that would start at a margin call takes its opening loss along', () => {
  // Bought at 1,000 with leverage 50: margin 20,000. At a mark of 990 the loss of 10,000 leaves 10,000, at 9,900 of maintenance: a ratio of 0.99.
  const result = plan({ direction: 1, price: 1_000, quantity: 10, leverage: 50, mark: 990 });
  assert.equal(result.ok, true);
  assert.equal(result.margin, 30_000);
  assert.equal(plan({ direction: 1, price: 1_000, quantity: 10, leverage: 50, mark: 999 }).margin, 20_000, 'with room above the call it does not');
});

test('a fill that the account cannot pay for is not ok', () => {
  assert.equal(plan({ direction: 1, price: 1_000, quantity: 10, available: 100_500 }).ok, true);
  assert.equal(plan({ direction: 1, price: 1_000, quantity: 10, available: 100_499 }).ok, false);
  assert.equal(plan({ direction: 1, price: 1_001, quantity: 1, available: 10_010 + 51 }).fee, 51, 'a fee of 50.05 is rounded up');
  assert.equal(plan({ direction: 1, price: 1_001, quantity: 1, available: 10_010 + 50 }).fee, 50, 'but gives way by its rounding');
  assert.equal(plan({ size: 10, cost: 1_000_000, margin: 100_000, direction: -1, price: 800, quantity: 10, available: 99_999 }).ok, false, 'closing beyond bankruptcy needs the loss in the wallet');
  assert.equal(plan({ size: 10, cost: 1_000_000, margin: 100_000, direction: -1, price: 800, quantity: 10, available: 100_400 }).ok, true);
});

test('what would start due for liquidation is not ok, however much stands behind it', () => {
  // 1,010 ÷ 49 leaves 20 of margin; 1 % of 1,910 at the mark is 20 of maintenance, both rounded against the account.
  const sale = { direction: -1, price: 101, quantity: 1, leverage: 49, quotePerTickLot: 10 } as const;
  assert.equal(plan({ ...sale, mark: 191 }).ok, false);
  assert.equal(plan({ ...sale, mark: 190 }).ok, true);
});

test('an order\'s lock pays for it, however it is split into fills', () => {
  const order = fc.record({
    direction: fc.constantFrom(1 as const, -1 as const), price: fc.integer({ min: 100, max: 100_000 }), quantity: fc.integer({ min: 1, max: 200 }), leverage: fc.integer({ min: 1, max: 50 }),
    cuts: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 30 }), drift: fc.integer({ min: -900, max: 900 }), unit: fc.constantFrom(10, 33, 100),
  });
  fc.assert(
    fc.property(order, ({ direction, price, quantity, leverage, cuts, drift, unit }) => {
      // Up to 90 % away; a sale at less than half the mark would start below its maintenance margin.
      const mark = Math.ceil(price * (1 + drift / 1_000));
      // Close to that, what a lot starts with and its 1 % of maintenance may differ by less than their roundings of one minor unit each.
      fc.pre(direction === 1 || (price / leverage - mark / 100) * unit > 2);
      const rules = { ...market, quotePerTickLot: unit };
      let lock = perpetualLock(rules, price * quantity * unit, openingLoss(rules, direction === -1, price, quantity, mark), leverage);
      let remaining = quantity;
      let position = { size: 0, cost: 0, margin: 0, realized: 0 };
      let available = 0;
      while (remaining > 0) {
        const lots = Math.min(remaining, cuts.pop() ?? remaining);
        const result = plan({ ...position, direction, price, quantity: lots, leverage, mark, lock, remaining, available, quotePerTickLot: unit });
        assert.ok(result.ok, `${lots} of ${remaining} lots with a lock of ${lock}`);
        position = { size: result.size, cost: result.cost, margin: result.margin, realized: 0 };
        available = result.available;
        lock -= result.unlocked;
        remaining -= lots;
      }
      assert.equal(lock, 0);
    }),
    { numRuns: 1_000 },
  );
});
