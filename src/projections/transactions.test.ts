import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../engine/events.ts';
import { ALICE, BOB, HOUSE, PERP, SPOT, START, contextAt, fillSide } from '../../tests/support/projection.ts';
import { storedFills } from './trades.ts';
import { linesOfFill, transactionsOf } from './transactions.ts';

/** [id, user, type, wallet, amount, fee, realised P&L] */
function lines(event: Event): (string | undefined)[][] {
  const context = contextAt(START);
  const ofUsers = event.type === 'trade' ? storedFills(event, context).filter(({ accountId }) => context.owners.kindOf(accountId) === 'user') : [];
  const all = [
    ...transactionsOf(event, context),
    ...ofUsers.flatMap((fill) => linesOfFill(fill, context.catalog.byId(SPOT.symbol === fill.symbol ? SPOT.id : PERP.id)).map((line) => ({ ...line, userId: fill.userId }))),
  ];
  return all.map((line) => [line.id, line.userId, line.type, `${line.account} ${line.asset}`, line.amount, line.fee, line.realizedPnl]);
}

const spotTrade = {
  type: 'trade', seq: 9, market: SPOT.id, price: 40_000_00, quantity: 100, notional: 400_000_000, takerSide: 'buy', cause: 'order',
  taker: fillSide({ order: 5, account: ALICE, fee: 400, unlocked: 400_000_000 }), maker: fillSide({ order: 4, account: BOB, fee: -20_000, unlocked: 1_000_000 }),
} as const;

test('a spot trade moves base and quote of both sides, fees included', () => {
  assert.deepEqual(lines(spotTrade).sort(), [
    ['900', 'alice', 'trade', 'spot USDT', '-400', '0', undefined],
    ['901', 'alice', 'trade', 'spot BTC', '0.009996', '0.000004', undefined],
    ['910', 'bob', 'trade', 'spot USDT', '400.02', '-0.02', undefined],
    ['911', 'bob', 'trade', 'spot BTC', '-0.01', '0', undefined],
  ]);
});

test('the house has no statement, and a trade with oneself is both sides of it', () => {
  assert.deepEqual(lines({ ...spotTrade, maker: fillSide({ account: HOUSE }) }).map((line) => line[1]), ['alice', 'alice']);
  assert.deepEqual(lines({ ...spotTrade, maker: { ...spotTrade.maker, account: ALICE } }).sort(), [
    ['900', 'alice', 'trade', 'spot USDT', '-400', '0', undefined],
    ['901', 'alice', 'trade', 'spot BTC', '0.009996', '0.000004', undefined],
    ['910', 'alice', 'trade', 'spot USDT', '400.02', '-0.02', undefined],
    ['911', 'alice', 'trade', 'spot BTC', '-0.01', '0', undefined],
  ]);
});

test('a perpetual trade changes the futures wallet by P&L and fee; margin stays in it', () => {
  const event: Event = {
    ...spotTrade, market: PERP.id, taker: fillSide({ order: 5, account: ALICE, fee: 160_000, pnl: 5_000_000, marginDelta: -8_000_000 }),
    maker: fillSide({ order: 4, account: BOB, fee: 80_000, marginDelta: 40_000_000, unlocked: 41_000_000 }),
  };
  assert.deepEqual(lines(event).sort(), [
    ['900', 'alice', 'trade', 'futures USDT', '4.84', '0.16', '5'],
    ['910', 'bob', 'trade', 'futures USDT', '-0.08', '0.08', '0'],
  ]);
});

test('deposits, transfers, funding and liquidations have a line each per wallet', () => {
  assert.deepEqual(lines({ type: 'deposited', seq: 3, account: ALICE, asset: 1, amount: 5, wallet: 'spot' }), [['300', 'alice', 'deposit', 'spot BTC', '0.00000005', '0', undefined]]);
  assert.deepEqual(lines({ type: 'transferred', seq: 4, account: ALICE, asset: 0, amount: 2_500_000, from: 'spot', to: 'futures' }), [
    ['400', 'alice', 'transfer', 'spot USDT', '-2.5', '0', undefined],
    ['401', 'alice', 'transfer', 'futures USDT', '2.5', '0', undefined],
  ]);
  const position = { size: 1, cost: 1, margin: 1, realized: 0, leverage: 10 };
  assert.deepEqual(lines({ type: 'funding_paid', seq: 5, account: BOB, market: PERP.id, rate: 100, mark: 1, size: 1, amount: -900_000, fromMargin: 200_000, position }), [
    ['500', 'bob', 'funding', 'futures USDT', '-0.9', '0', undefined],
  ]);
});

test('locks and margin are no lines, for no total changes', () => {
  assert.deepEqual(lines({ type: 'order_closed', seq: 6, order: 5, account: ALICE, market: SPOT.id, side: 'buy', price: 1, remaining: 1, resting: true, unlocked: 7, status: 'canceled', reason: 'user' }), []);
  assert.deepEqual(lines({ type: 'margin_adjusted', seq: 7, account: ALICE, market: PERP.id, marginDelta: 5, position: { size: 1, cost: 1, margin: 1, realized: 0, leverage: 10 } }), []);
});
