import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PositionDoc } from '../models/positions.ts';
import { ALICE, BOB, PERP, START, contextAt, fillSide } from '../../tests/support/projection.ts';
import { type PositionChange, evolvePosition, positionChanges } from './positions.ts';

/** A change of Alice's position to `size` lots bought at `price` ticks on average. */
function change(seq: number, size: number, price: number, more: Partial<PositionChange> = {}): PositionChange {
  const after = { size, cost: Math.abs(size) * price, margin: Math.abs(size) * 1_000, realized: 0, leverage: 10 };
  return { account: ALICE, market: PERP.id, seq, after, pnl: 0, fee: 0, funding: 0, ...more };
}

function fold(...changes: readonly PositionChange[]): PositionDoc[] {
  const docs = new Map<string, PositionDoc>();
  let open: PositionDoc | undefined;
  for (const [i, one] of changes.entries()) {
    for (const doc of evolvePosition(open, one, contextAt(START + i))) {
      docs.set(doc.id, doc);
      open = doc.status === 'open' ? doc : undefined;
    }
  }
  return [...docs.values()];
}

test('a position grows, shrinks and closes as one document', () => {
  const [doc, ...others] = fold(
    change(10, 100, 40_000_00, { fee: 200_000 }),
    change(11, 300, 41_000_50, { fee: 400_000 }),
    change(12, 200, 41_000_50, { fee: 100_000, pnl: -3_500_000 }),
    change(13, 200, 41_000_50, { funding: -250_000 }),
    change(14, 0, 0, { fee: 200_000, pnl: 9_000_000 }),
  );
  assert.deepEqual(others, []);
  assert.deepEqual(doc, {
    id: '2:BTC-USDT-PERP:10', userId: 'alice', accountId: ALICE, symbol: 'BTC-USDT-PERP', side: 'long', status: 'closed', quantity: '0', maxQuantity: '0.03', entryPrice: '41000.5',
    leverage: 10, marginMode: 'isolated', margin: '0', realizedPnl: '5.5', fees: '0.9', funding: '-0.25', openedAt: START, closedAt: START + 4, updatedAt: START + 4, seq: 14,
  });
});

test('a flip closes one document and opens another', () => {
  const docs = fold(change(10, 100, 40_000_00), change(11, -40, 42_000_00, { pnl: 20_000_000, fee: 70_000 }));
  const brief = docs.map(({ id, side, status, quantity, entryPrice, realizedPnl, fees }) => [id, side, status, quantity, entryPrice, realizedPnl, fees]);
  assert.deepEqual(brief, [
    ['2:BTC-USDT-PERP:10', 'long', 'closed', '0', '40000', '20', '0.07'],
    ['2:BTC-USDT-PERP:11', 'short', 'open', '0.004', '42000', '0', '0'],
  ]);
});

test('one that reopens is another document; leverage alone opens nothing', () => {
  const docs = fold(change(10, 5, 1), change(11, 0, 0), change(12, 0, 0), change(13, 7, 1));
  assert.deepEqual(docs.map((doc) => [doc.id, doc.status]), [['2:BTC-USDT-PERP:10', 'closed'], ['2:BTC-USDT-PERP:13', 'open']]);
});

test('funding counts for the position that it is paid on, not for one on the other side that came after it', () => {
  const paid = (held: number, size: number) => positionChanges({
    type: 'funding_paid', seq: 3, account: ALICE, market: PERP.id, rate: 100, mark: 1, size: held, amount: 7, fromMargin: 0, position: { size, cost: 1, margin: 1, realized: 0, leverage: 10 },
  }).map(({ funding }) => funding);
  assert.deepEqual([paid(-5, -5), paid(-5, -2), paid(-5, 3), paid(-5, 0)], [[7], [7], [0], [0]]);
});

test('a trade changes the maker\'s position first', () => {
  const position = { size: 1, cost: 1, margin: 1, realized: 0, leverage: 10 };
  const event = {
    type: 'trade', seq: 3, market: PERP.id, price: 1, quantity: 1, notional: 1, takerSide: 'buy', cause: 'order',
    taker: fillSide({ account: ALICE, position, pnl: 5, fee: 6 }), maker: fillSide({ account: BOB, position }),
  } as const;
  assert.deepEqual(positionChanges(event).map(({ account, pnl, fee }) => [account, pnl, fee]), [[BOB, 0, 0], [ALICE, 5, 6]]);
  assert.deepEqual(positionChanges({ type: 'leverage_set', seq: 4, account: ALICE, market: PERP.id, leverage: 5, marginDelta: 0 }), []);
});
