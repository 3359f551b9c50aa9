import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../engine/events.ts';
import { ALICE, BOB, HOUSE, PERP, SPOT, START, contextAt, fillSide } from '../../tests/support/projection.ts';
import { transactionsOf } from './transactions.ts';

/** [id, user, type, wallet, amount, fee, realised P&L] */
function lines(event: Event): (string | undefined)[][] {
  return transactionsOf(event, contextAt(START)).map((line) => [line.id, line.userId, line.type, `${line.account} ${line.asset}`, line.amount, line.fee, line.realizedPnl]);
}

const spotTrade = {
  type: 'trade', seq: 9, market: SPOT.id, price: 40_000_00, quantity: 100, notional: 400_000_000, takerSide: 'buy', cause: 'order',
  taker: fillSide({ order: 5, account: ALICE, fee: 400, unlocked: 400_000_000 }), maker: fillSide({ order: 4, account: BOB, fee: -20_000, unlocked: 1_000_000 }),
} as const;

test('a spot trade moves base and quote of both sides, fees included', () => {
  assert.deepEqual(lines(spotTrade).sort(), [
    ['9:maker:BTC', 'bob', 'trade', 'spot BTC', '-0.01', '0', undefined],
    ['9:maker:USDT', 'bob', 'trade', 'spot USDT', '400.02', '-0.02', undefined],
    ['9:taker:BTC', 'alice', 'trade', 'spot BTC', '0.009996', '0.000004', undefined],
    ['9:taker:USDT', 'alice', 'trade', 'spot USDT', '-400', '0', undefined],
  ]);
});

test('the house has no statement, and a trade with oneself leaves the fees', () => {
  assert.deepEqual(lines({ ...spotTrade, maker: fillSide({ account: HOUSE }) }).map((line) => line[1]), ['alice', 'alice']);
  assert.deepEqual(lines({ ...spotTrade, maker: { ...spotTrade.maker, account: ALICE } }).sort(), [
    ['9:taker:BTC', 'alice', 'trade', 'spot BTC', '-0.000004', '0.000004', undefined],
    ['9:taker:USDT', 'alice', 'trade', 'spot USDT', '0.02', '-0.02', undefined],
  ]);
});

test('a perpetual trade changes the futures wallet by P&L and fee; margin stays in it', () => {
  const event: Event = {
    ...spotTrade, market: PERP.id, taker: fillSide({ order: 5, account: ALICE, fee: 160_000, pnl: 5_000_000, marginDelta: -8_000_000 }),
    maker: fillSide({ order: 4, account: BOB, fee: 80_000, marginDelta: 40_000_000, unlocked: 41_000_000 }),
  };
  assert.deepEqual(lines(event).sort(), [
    ['9:maker:USDT', 'bob', 'trade', 'futures USDT', '-0.08', '0.08', '0'],
    ['9:taker:USDT', 'alice', 'trade', 'futures USDT', '4.84', '0.16', '5'],
  ]);
});

test('deposits, transfers, funding and liquidations have a line each per wallet', () => {
  assert.deepEqual(lines({ type: 'deposited', seq: 3, account: ALICE, asset: 1, amount: 5, wallet: 'spot' }), [['3:spot:BTC', 'alice', 'deposit', 'spot BTC', '0.00000005', '0', undefined]]);
  assert.deepEqual(lines({ type: 'transferred', seq: 4, account: ALICE, asset: 0, amount: 2_500_000, from: 'spot', to: 'futures' }), [
    ['4:spot:USDT', 'alice', 'transfer', 'spot USDT', '-2.5', '0', undefined],
    ['4:futures:USDT', 'alice', 'transfer', 'futures USDT', '2.5', '0', undefined],
  ]);
  const position = { size: 1, cost: 1, margin: 1, realized: 0, leverage: 10 };
  assert.deepEqual(lines({ type: 'funding_paid', seq: 5, account: BOB, market: PERP.id, rate: 100, mark: 1, size: 1, amount: -900_000, fromMargin: 200_000, position }), [
    ['5:futures:USDT', 'bob', 'funding', 'futures USDT', '-0.9', '0', undefined],
  ]);
});

test('locks and margin are no lines, for no total changes', () => {
  assert.deepEqual(lines({ type: 'order_closed', seq: 6, order: 5, account: ALICE, market: SPOT.id, side: 'buy', price: 1, remaining: 1, resting: true, unlocked: 7, status: 'canceled', reason: 'user' }), []);
  assert.deepEqual(lines({ type: 'margin_adjusted', seq: 7, account: ALICE, market: PERP.id, marginDelta: 5, position: { size: 1, cost: 1, margin: 1, realized: 0, leverage: 10 } }), []);
});
