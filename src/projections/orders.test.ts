import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event, EventOf } from '../engine/events.ts';
import type { OrderDoc } from '../models/orders.ts';
import { ALICE, BOB, PERP, SPOT, START, contextAt, fillSide } from '../../tests/support/projection.ts';
import { simulateVenue } from '../../tests/support/simulated-venue.ts';
import { CommittedCatalog } from './committed-catalog.ts';
import { evolveOrder, foldOrder, foldOrders, forEachOrder } from './orders.ts';

const NEW_ORDER = {
  market: SPOT.id, side: 'buy', type: 'limit', price: 40_000_00, quantity: 100, timeInForce: 'GTC', postOnly: false, reduceOnly: false,
  selfTradePrevention: 'expire_taker', clientOrderId: 'mine',
} as const;
const accepted: EventOf<'order_accepted'> = { type: 'order_accepted', seq: 7, account: ALICE, order: NEW_ORDER, lock: 400_000_000, resting: false };
const common = { order: 7, account: ALICE, market: SPOT.id, side: 'buy' as const, price: 40_000_00 };

function trade(seq: number, quantity: number, price: number, taker: Parameters<typeof fillSide>[0], maker: Parameters<typeof fillSide>[0], market = SPOT.id): EventOf<'trade'> {
  return { type: 'trade', seq, market, price, quantity, notional: price * quantity, takerSide: 'buy', taker: fillSide(taker), maker: fillSide(maker), cause: 'order' };
}

/** 0.004 BTC at 39,000, then 0.006 at 40,000: 396 USDT for 0.01 BTC. Fees of 0.04 % in BTC. */
const fills = [
  trade(8, 40, 39_000_00, { order: 7, account: ALICE, filled: 40, remaining: 60, filledQuote: 156_000_000, filledFee: 160, fee: 160 }, { order: 3, account: BOB, filled: 40, remaining: 0, filledQuote: 156_000_000, filledFee: 31_200, fee: 31_200 }),
  trade(9, 60, 40_000_00, { order: 7, account: ALICE, filled: 100, remaining: 0, filledQuote: 396_000_000, filledFee: 400, fee: 240 }, { order: 4, account: BOB, filled: 60, remaining: 5, filledQuote: 240_000_000, filledFee: 48_000, fee: 48_000 }),
];

test('an order that fills at once comes back with its fills', () => {
  const order = foldOrder(undefined, [accepted, ...fills], 7, contextAt(START + 5));
  assert.deepEqual(order, {
    id: '7', clientOrderId: 'mine', symbol: 'BTC-USDT', side: 'buy', type: 'limit', status: 'filled', price: '40000', stopPrice: null, quantity: '0.01', filledQuantity: '0.01',
    remainingQuantity: '0', averagePrice: '39600', timeInForce: 'GTC', postOnly: false, reduceOnly: false, selfTradePrevention: 'expire_taker', fee: '0.000004', feeAsset: 'BTC',
    createdAt: START + 5, updatedAt: START + 5, seq: 9,
    fills: [
      { id: '8', orderId: '7', symbol: 'BTC-USDT', side: 'buy', role: 'taker', price: '39000', quantity: '0.004', quoteQuantity: '156', fee: '0.0000016', feeAsset: 'BTC', timestamp: START + 5, seq: 8 },
      { id: '9', orderId: '7', symbol: 'BTC-USDT', side: 'buy', role: 'taker', price: '40000', quantity: '0.006', quoteQuantity: '240', fee: '0.0000024', feeAsset: 'BTC', timestamp: START + 5, seq: 9 },
    ],
  });
});

test('each event does to an order what it says', () => {
  const standing = evolveOrder(undefined, accepted, 7, contextAt(START))!;
  const partly = evolveOrder(standing, fills[0]!, 7, contextAt(START))!;
  const cases: Record<string, [OrderDoc, Event, Partial<OrderDoc>]> = {
    'rests': [standing, { type: 'order_rested', seq: 20, ...common, remaining: 100 }, { status: 'new', averagePrice: null, remainingQuantity: '0.01' }],
    'fills in part': [standing, fills[0]!, { status: 'partially_filled', filledQuantity: '0.004', remainingQuantity: '0.006', averagePrice: '39000', fee: '0.0000016', seq: 8 }],
    'is canceled': [standing, { type: 'order_closed', seq: 20, ...common, remaining: 100, resting: true, unlocked: 1, status: 'canceled', reason: 'user' }, { status: 'canceled', closeReason: 'user', remainingQuantity: '0.01' }],
    'expires with fills': [partly, { type: 'order_closed', seq: 20, ...common, remaining: 60, resting: false, unlocked: 1, status: 'expired', reason: 'immediate_or_cancel' }, { status: 'expired', closeReason: 'immediate_or_cancel', filledQuantity: '0.004', remainingQuantity: '0.006' }],
    'is cut down': [partly, { type: 'order_reduced', seq: 20, ...common, by: 10, remaining: 50, unlocked: 1, reason: 'reduce_only' }, { status: 'partially_filled', quantity: '0.009', remainingQuantity: '0.005' }],
    'is amended': [partly, { type: 'order_amended', seq: 20, ...common, oldPrice: 40_000_00, oldRemaining: 60, price: 38_000_50, quantity: 200, remaining: 160, lockDelta: 0, keepsPriority: false, resting: true }, { status: 'partially_filled', price: '38000.5', quantity: '0.02', remainingQuantity: '0.016' }],
  };
  for (const [name, [before, event, changed]] of Object.entries(cases)) {
    assert.deepEqual(evolveOrder(before, event, 7, contextAt(START + 9)), { ...before, updatedAt: START + 9, seq: event.seq, ...changed }, name);
  }
});

test('events of other orders change nothing, an unknown order is a broken invariant', () => {
  const order = evolveOrder(undefined, accepted, 7, contextAt(START));
  assert.equal(evolveOrder(order, { type: 'order_rested', seq: 20, ...common, order: 8, remaining: 1 }, 7, contextAt(START)), order);
  assert.equal(evolveOrder(order, { ...accepted, seq: 21 }, 7, contextAt(START)), order);
  assert.throws(() => evolveOrder(undefined, fills[0]!, 7, contextAt(START)), /not known/);
  assert.throws(() => foldOrder(undefined, [], 7, contextAt(START)), /not in these events/);
});

test('fees are in quote for a spot seller and on perpetuals, and may be negative', () => {
  const sell = { ...accepted, seq: 3, order: { ...NEW_ORDER, side: 'sell', clientOrderId: '' } } as const;
  const seller = foldOrder(undefined, [sell, fills[0]!], 3, contextAt(START));
  assert.deepEqual([seller.fee, seller.feeAsset, seller.clientOrderId, seller.fills?.[0]?.role, seller.fills?.[0]?.side], ['0.0312', 'USDT', null, 'maker', 'sell']);
  const future = { ...accepted, order: { ...NEW_ORDER, market: PERP.id, type: 'market', price: 0, timeInForce: 'IOC' } } as const;
  const filled = trade(8, 100, 40_000_00, { order: 7, account: ALICE, filled: 100, remaining: 0, filledQuote: 400_000_000, filledFee: -80_000, fee: -80_000, pnl: -1_500_000 }, { order: 3, account: BOB }, PERP.id);
  const bought = foldOrder(undefined, [future, filled], 7, contextAt(START));
  assert.deepEqual([bought.fee, bought.feeAsset, bought.price, bought.fills?.[0]?.realizedPnl, bought.fills?.[0]?.fee], ['-0.08', 'USDT', null, '-1.5', '-0.08']);
});

test('an event tells which orders it touches; behind a takeover stands no order', () => {
  const touched = (event: Event): [number, number][] => {
    const list: [number, number][] = [];
    forEachOrder(event, (order, account) => void list.push([order, account]));
    return list;
  };
  assert.deepEqual(touched(accepted), [[7, ALICE]]);
  assert.deepEqual(touched(fills[1]!), [[7, ALICE], [4, BOB]]);
  assert.deepEqual(touched({ ...fills[1]!, taker: fillSide({ account: ALICE }), maker: fillSide({ account: 1 }), cause: 'takeover' }), []);
  assert.deepEqual(touched({ type: 'insurance_funded', seq: 1, asset: 0, amount: 1 }), []);
});

test('many orders folded in one pass are what each comes to by itself', () => {
  const { engine, events } = simulateVenue(11, 1_500);
  const context = { catalog: new CommittedCatalog(engine), owners: engine, time: START };
  const ids = events.flatMap((event) => (event.type === 'order_accepted' ? [event.seq] : []));
  assert.ok(ids.length > 300);
  const folded = foldOrders(events, ids, context);
  assert.deepEqual([...folded.keys()], ids);
  for (const id of ids) assert.deepEqual(folded.get(id), foldOrder(undefined, events, id, context));
  assert.ok([...folded.values()].some(({ fills }) => fills!.length > 1));
});
