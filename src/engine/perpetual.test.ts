import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kit, newOrder, ofType, PERP, SPOT, USDT } from '../../tests/support/engine-kit.ts';

const USD = 0;

/** Index and mark at 30,000.0; leverage 10 by default. */
function venue(perp = {}) {
  const kit = Kit.create({ perp });
  kit.prices(300_000, 300_000);
  return { kit, a: kit.user('a', 100_000), b: kit.user('b', 100_000) };
}

const perp = (order: Parameters<typeof newOrder>[0]) => newOrder({ market: PERP, price: 300_000, quantity: 1_000, ...order });

/** `long` buys from `short` at that price. */
function trade(kit: Kit, long: number, short: number, quantity = 1_000, price = 300_000) {
  kit.place(short, perp({ side: 'sell', price, quantity }));
  return ofType(kit.place(long, perp({ side: 'buy', price, quantity })), 'trade')[0];
}

test('no order is taken before the first price, which would let trades set the price at which others profit', () => {
  const kit = Kit.create();
  const a = kit.user('a', 100_000);
  const place = (order: Parameters<typeof newOrder>[0]) => kit.refused({ type: 'place_order', account: a, order: perp(order) });
  for (const order of [{ side: 'buy' }, { side: 'sell', reduceOnly: true }, { side: 'buy', type: 'market', price: 0, timeInForce: 'IOC' }] as const) {
    assert.equal(place(order), 'MARKET_HALTED');
  }
  kit.prices(300_000, 300_000);
  assert.equal(ofType(kit.place(a, perp({ side: 'buy' })), 'order_accepted').length, 1);
});

test('an order that only closed when it was placed opens nothing beyond the limits when its position has gone', () => {
  const tiers = [{ notionalFloor: 0, initialMarginRate: 20_000, maintenanceMarginRate: 10_000 }, { notionalFloor: 1_000_000 * USDT, initialMarginRate: 100_000, maintenanceMarginRate: 12_000 }];
  for (const [limits, filled] of [[{ riskTiers: tiers }, false], [{ riskTiers: tiers.slice(0, 1), maxPosition: 700_000 * USDT }, false], [{ riskTiers: tiers.slice(0, 1) }, true]] as const) {
    const kit = Kit.create({ perp: { maxLeverage: 50, ...limits } });
    kit.prices(300_000, 300_000);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => kit.user(name, 10_000_000));
    // 12 BTC at 30,000 are 360,000 USDT; at 100,000 they are 1,200,000.
    trade(kit, a, b, 12_000);
    kit.do({ type: 'set_leverage', account: a, market: PERP, leverage: 50 });
    kit.do({ type: 'adjust_margin', account: a, market: PERP, amount: 300_000 * USDT });
    const closing = kit.order(a, perp({ side: 'sell', price: 1_000_000, quantity: 12_000 }));
    kit.place(b, perp({ side: 'buy', quantity: 12_000 }));
    kit.place(a, perp({ side: 'sell', quantity: 12_000, reduceOnly: true }));
    assert.deepEqual([kit.engine.position(a, PERP)?.size ?? 0, kit.engine.order(closing)?.lock], [0, 0]);
    kit.prices(995_000, 995_000);
    const [first, second] = [b, c].map((account) => kit.place(account, perp({ side: 'buy', price: 1_000_000, quantity: 6_000 })));
    assert.equal(ofType(first, 'trade').length, 1);
    assert.equal(ofType(second, 'trade').length, filled ? 1 : 0);
    assert.deepEqual(ofType(second, 'order_closed').map(({ order, reason }) => [order, reason]), filled ? [] : [[closing, 'position_limit']], JSON.stringify(limits));
    kit.engine.check();
  }
});

const TIERS = [{ notionalFloor: 0, initialMarginRate: 20_000, maintenanceMarginRate: 10_000 }, { notionalFloor: 60_000 * USDT + 1, initialMarginRate: 100_000, maintenanceMarginRate: 12_000 }];

/** `a` is short 1 BTC with leverage 20 and bids for 3, of which 2 open: 60,000 USDT. Then the short is closed another way. */
function orphaned(limits: object) {
  const { kit, a, b } = venue({ riskTiers: TIERS.slice(0, 1), ...limits });
  kit.do({ type: 'set_leverage', account: a, market: PERP, leverage: 20 });
  trade(kit, b, a, 1_000);
  const bid = kit.order(a, perp({ side: 'buy', price: 299_900, quantity: 3_000 }));
  // Two of the three: 59,980 ÷ 20, and 0.05 % of it.
  assert.equal(kit.engine.order(bid)?.lock, (2_999 + 29.99) * USDT);
  kit.place(b, perp({ side: 'sell', quantity: 1_000 }));
  kit.place(a, perp({ side: 'buy', quantity: 1_000, reduceOnly: true, timeInForce: 'IOC' }));
  assert.equal(kit.engine.position(a, PERP), undefined);
  const sell = (quantity: number) => kit.place(kit.user(`taker-of-${quantity}`, 100_000), perp({ side: 'sell', price: 299_900, quantity, timeInForce: 'IOC' }));
  return { kit, a, bid, sell };
}

test('an order that would have closed a position first opens no more than the limits allow when the position has gone', () => {
  for (const [limits, filled] of [[{ maxPosition: 60_000 * USDT }, 2_000], [{ riskTiers: TIERS }, 2_000], [{ riskTiers: TIERS, maxLeverage: 20, maxPosition: 90_000 * USDT }, 2_000], [{ maxPosition: 90_000 * USDT }, 3_000]] as const) {
    const { kit, a, bid, sell } = orphaned(limits);
    assert.equal(ofType(sell(2_000), 'trade').length, 1, JSON.stringify(limits));
    const events = sell(1_000);
    assert.deepEqual(ofType(events, 'order_closed').filter(({ order }) => order === bid).map(({ reason }) => reason), filled === 3_000 ? [] : ['position_limit']);
    assert.equal(kit.engine.position(a, PERP)?.size, filled, JSON.stringify(limits));
    kit.engine.check();
  }
});

test('a market order within the limits at the best price is filled at worse ones too: what a position is worth is told by the mark', () => {
  const { kit, a, b } = venue({ maxPosition: 60_000 * USDT });
  kit.order(b, perp({ side: 'sell', price: 300_000, quantity: 1_000 }));
  kit.order(kit.user('c', 100_000), perp({ side: 'sell', price: 301_000, quantity: 1_001 }));
  const market = (quantity: number) => perp({ side: 'buy', type: 'market', price: 0, timeInForce: 'IOC', quantity });
  // 2.001 × 30,000 is above 60,000, 2 × 30,000 is not.
  assert.equal(kit.refused({ type: 'place_order', account: a, order: market(2_001) }), 'MAX_POSITION');
  const events = kit.place(a, market(2_000));
  assert.deepEqual([ofType(events, 'trade').map(({ price }) => price), ofType(events, 'order_closed')], [[300_000, 301_000], []]);
  assert.equal(kit.engine.position(a, PERP)?.cost, 60_100 * USDT);
  assert.equal(kit.refused({ type: 'place_order', account: a, order: market(1) }), 'MAX_POSITION');
  kit.engine.check();
});

test('such an order is amended within the limits, and stays within them', () => {
  const { kit, a, bid, sell } = orphaned({ maxPosition: 60_000 * USDT });
  const amend = (changes: { readonly price?: number; readonly quantity?: number }) => ({ type: 'amend_order', account: a, order: bid, ...changes }) as const;
  assert.equal(kit.refused(amend({ price: 299_800 })), 'MAX_POSITION');
  assert.equal(kit.refused(amend({ quantity: 3_001 })), 'MAX_POSITION');
  kit.do(amend({ quantity: 2_100 }));
  assert.equal(ofType(sell(2_000), 'trade').length, 1);
  assert.equal(ofType(sell(100), 'trade').length, 0);
  const again = orphaned({ maxPosition: 60_000 * USDT });
  again.kit.do({ ...amend({ price: 299_900, quantity: 2_000 }), account: again.a, order: again.bid });
  assert.equal(ofType(again.sell(2_000), 'trade').length, 1, 'the part that fits is filled');
  again.kit.engine.check();
});

test('what has become too large by new limits is no longer filled, and no fill-or-kill order counts on it', () => {
  for (const limits of [{ maxPosition: 30_000 * USDT }, { riskTiers: [{ notionalFloor: 0, initialMarginRate: 200_000, maintenanceMarginRate: 10_000 }], maxLeverage: 5 }]) {
    const { kit, a, b } = venue();
    trade(kit, b, kit.user('c', 100_000), 2_000);
    kit.do({ type: 'set_leverage', account: a, market: PERP, leverage: 10 });
    const bid = kit.order(a, perp({ side: 'buy', price: 299_900, quantity: 2_000 }));
    kit.do({ type: 'update_market', market: PERP, changes: limits });
    assert.equal(kit.refused({ type: 'place_order', account: b, order: perp({ side: 'sell', price: 299_900, quantity: 2_000, timeInForce: 'FOK' }) }), 'FOK_NOT_FILLABLE');
    const events = kit.place(b, perp({ side: 'sell', price: 299_900, quantity: 2_000 }));
    assert.deepEqual([ofType(events, 'trade').length, ofType(events, 'order_closed').map(({ order }) => order)], [0, [bid]], JSON.stringify(limits));
    kit.engine.check();
  }
});

test('a position can be closed at once although reduce-only orders for all of it rest, and although no more orders may', () => {
  for (const order of [{ type: 'market', price: 0, timeInForce: 'IOC' }, { timeInForce: 'IOC' }, { timeInForce: 'FOK' }] as const) {
    const { kit, a, b } = venue({ maxOpenOrders: 2 });
    trade(kit, a, b, 1_000);
    for (const [price, quantity] of [[310_000, 600], [320_000, 400]]) kit.place(a, perp({ side: 'sell', price, quantity, reduceOnly: true }));
    assert.equal(kit.refused({ type: 'place_order', account: a, order: perp({ side: 'sell', price: 330_000, reduceOnly: true, quantity: 1 }) }), 'REDUCE_ONLY_WOULD_INCREASE');
    kit.place(b, perp({ side: 'buy', quantity: 700 }));
    const events = kit.place(a, perp({ side: 'sell', quantity: 700, reduceOnly: true, ...order }));
    assert.deepEqual(ofType(events, 'trade').map(({ quantity }) => quantity), [700]);
    assert.equal(kit.engine.position(a, PERP)?.size, 300);
    // The newest give way first: 300 of the older one are left.
    assert.deepEqual(kit.engine.openOrders(a).map(({ price, remaining }) => [price, remaining]), [[310_000, 300]]);
    kit.engine.check();
  }
});

test('an order locks initial margin, opening loss and fee', () => {
  // 1 BTC with leverage 10: 3,000 of margin and 15 of fee at 30,000; 3,010 + 100 + 15.05 at 30,100 (buying 100 above the mark).
  const table: readonly (readonly [Parameters<typeof newOrder>[0], number])[] = [
    [{ side: 'buy' }, 3_015], [{ side: 'sell' }, 3_015], [{ side: 'buy', price: 301_000 }, 3_125.05], [{ side: 'sell', price: 299_000 }, 2_990 + 100 + 14.95], [{ side: 'buy', price: 290_000 }, 2_914.5],
  ];
  for (const [order, locked] of table) {
    const { kit, a } = venue();
    kit.place(a, perp(order));
    assert.equal(kit.engine.balance(a, USD).futuresLocked, Math.round(locked * USDT), JSON.stringify(order));
    kit.engine.check();
  }
});

test('a position carries entry, margin, P&L and prices', () => {
  const { kit, a, b } = venue();
  trade(kit, a, b);
  kit.prices(303_000, 303_000);
  const long = kit.engine.position(a, PERP)!;
  assert.deepEqual(
    [long.size, long.cost, long.margin, long.notional, long.unrealizedPnl, long.maintenanceMargin, long.leverage],
    [1_000, 30_000 * USDT, 3_000 * USDT, 30_300 * USDT, 300 * USDT, 303 * USDT, 10],
  );
  // 303 of maintenance over 3,300 of equity; liquidated at 27,000 ÷ 0.99, bankrupt at 27,000.
  assert.deepEqual([long.marginRatio, long.liquidationPrice, long.bankruptcyPrice], [91_819, 272_727, 270_000]);
  const short = kit.engine.position(b, PERP)!;
  assert.deepEqual([short.size, short.unrealizedPnl, short.liquidationPrice, short.bankruptcyPrice], [-1_000, -300 * USDT, 326_733, 330_000]);
  assert.equal(kit.engine.prices(PERP).openInterest, 1_000);
  // Taker 0.05 %, maker 0.02 % of 30,000.
  assert.equal(kit.engine.balance(a, USD).futuresAvailable, (100_000 - 3_000 - 15) * USDT);
  assert.equal(kit.engine.balance(b, USD).futuresAvailable, (100_000 - 3_000 - 6) * USDT);
});

test('realised P&L goes through clearing until the other side realises too', () => {
  const { kit, a, b } = venue();
  const c = kit.user('c', 100_000);
  trade(kit, a, b);
  kit.prices(310_000, 310_000);
  const closing = trade(kit, c, a, 1_000, 310_000);
  assert.deepEqual([closing.maker.pnl, closing.maker.marginDelta, closing.maker.position?.size], [1_000 * USDT, -3_000 * USDT, 0]);
  const [audit] = kit.engine.audit();
  assert.equal(audit.clearing, -1_000 * USDT);
  assert.equal(audit.sum, 0);
  trade(kit, b, c, 1_000, 310_000);
  assert.equal(kit.engine.audit()[0].clearing, 0);
  assert.equal(kit.engine.prices(PERP).openInterest, 0);
  assert.equal(kit.engine.position(b, PERP), undefined);
  kit.engine.check();
});

test('an order that closes needs no margin; its surplus over the position does', () => {
  const { kit, a, b } = venue();
  trade(kit, a, b);
  kit.do({ type: 'transfer', account: a, asset: 'USDT', amount: kit.engine.balance(a, USD).futuresAvailable, from: 'futures', to: 'spot' });
  kit.place(a, perp({ side: 'sell', price: 310_000, quantity: 600 }));
  assert.equal(kit.engine.balance(a, USD).futuresLocked, 0);
  assert.equal(kit.refused({ type: 'place_order', account: a, order: perp({ side: 'sell', price: 310_000, quantity: 401 }) }), 'INSUFFICIENT_MARGIN', 'resting orders count as closing first');
  kit.place(a, perp({ side: 'sell', price: 310_000, quantity: 400 }));
  kit.engine.check();
});

test('a maker whose account cannot carry its fill any more is closed instead', () => {
  const { kit, a, b } = venue();
  trade(kit, a, b);
  const closing = kit.order(a, perp({ side: 'sell', price: 310_000 }));
  // The position goes by another way; now the resting order would open a short that nothing is locked for.
  trade(kit, b, a);
  kit.do({ type: 'transfer', account: a, asset: 'USDT', amount: kit.engine.balance(a, USD).futuresAvailable, from: 'futures', to: 'spot' });
  const events = kit.place(b, perp({ side: 'buy', price: 310_000 }));
  const [closed] = ofType(events, 'order_closed');
  assert.deepEqual([closed.order, closed.reason], [closing, 'insufficient_margin']);
  assert.equal(ofType(events, 'trade').length, 0);
  kit.engine.check();
});

test('nobody closes into debt', () => {
  const { kit, a, b } = venue();
  trade(kit, a, b);
  kit.do({ type: 'transfer', account: a, asset: 'USDT', amount: kit.engine.balance(a, USD).futuresAvailable, from: 'futures', to: 'spot' });
  kit.order(b, perp({ side: 'buy', price: 269_000, quantity: 1_000 }));
  const events = kit.place(a, perp({ side: 'sell', type: 'market', price: 0 }));
  assert.equal(ofType(events, 'order_closed')[0].reason, 'insufficient_margin');
  assert.equal(kit.engine.position(a, PERP)?.size, 1_000);
  kit.engine.check();
});

test('reduce-only orders never exceed the position', () => {
  const { kit, a, b } = venue();
  const reduce = (quantity: number, more = {}) => perp({ side: 'sell', price: 310_000, quantity, reduceOnly: true, ...more });
  assert.equal(kit.refused({ type: 'place_order', account: a, order: reduce(1) }), 'REDUCE_ONLY_WOULD_INCREASE', 'without a position');
  trade(kit, a, b);
  assert.equal(kit.refused({ type: 'place_order', account: a, order: reduce(1, { side: 'buy' }) }), 'REDUCE_ONLY_WOULD_INCREASE', 'on the same side');
  const first = kit.order(a, reduce(700));
  const second = kit.order(a, reduce(700));
  assert.equal(kit.engine.order(second)?.quantity, 300, 'the second is cut to what is left');
  assert.equal(kit.refused({ type: 'place_order', account: a, order: reduce(1) }), 'REDUCE_ONLY_WOULD_INCREASE', 'nothing is left');
  kit.order(b, perp({ side: 'buy', quantity: 500 }));
  const events = kit.place(a, perp({ side: 'sell', quantity: 500 }));
  assert.deepEqual(ofType(events, 'order_closed').map(({ order, reason }) => [order, reason]), [[second, 'reduce_only']], 'the newest goes first');
  assert.deepEqual(ofType(events, 'order_reduced').map(({ order, by, remaining }) => [order, by, remaining]), [[first, 200, 500]]);
  const view = kit.engine.order(first)!;
  assert.deepEqual([view.quantity, view.filled, view.remaining], [700, 0, 500], '200 are canceled');
  kit.engine.check();
});

test('size, leverage and count are limited', () => {
  const { kit, a } = venue({ maxPosition: 60_000 * USDT });
  kit.order(a, perp({ side: 'buy' }));
  kit.order(a, perp({ side: 'buy' }));
  assert.equal(kit.refused({ type: 'place_order', account: a, order: perp({ side: 'buy', quantity: 1 }) }), 'MAX_POSITION', 'resting orders count');
  kit.order(a, perp({ side: 'sell', quantity: 1 }));
  const tiered = venue();
  tiered.kit.do({ type: 'deposit', account: tiered.a, asset: 'USDT', amount: 1_000_000 * USDT, wallet: 'futures' });
  tiered.kit.do({ type: 'set_leverage', account: tiered.a, market: PERP, leverage: 50 });
  tiered.kit.order(tiered.a, perp({ side: 'buy', quantity: 33_000 }));
  assert.equal(tiered.kit.refused({ type: 'place_order', account: tiered.a, order: perp({ side: 'buy', quantity: 1_000 }) }), 'LEVERAGE_TOO_HIGH', 'the tier from 1,000,000 allows 20');
});

test('leverage', () => {
  const { kit, a, b } = venue();
  const set = (leverage: number) => ({ type: 'set_leverage', account: a, market: PERP, leverage }) as const;
  assert.equal(kit.refused(set(51)), 'LEVERAGE_TOO_HIGH');
  assert.equal(kit.refused(set(1.5)), 'VALIDATION_FAILED');
  assert.equal(kit.refused({ ...set(5), market: SPOT }), 'VALIDATION_FAILED');
  const order = kit.order(a, perp({ side: 'buy', price: 290_000 }));
  assert.equal(kit.refused(set(5)), 'CONFLICT', 'is not changed under orders that hold margin');
  kit.do({ type: 'cancel_order', account: a, order });
  trade(kit, a, b);
  kit.do(set(5));
  assert.equal(kit.engine.position(a, PERP)?.margin, 6_000 * USDT, 'lower takes margin from the wallet');
  kit.do(set(20));
  assert.equal(kit.engine.position(a, PERP)?.margin, 1_500 * USDT, 'higher gives it back');
  kit.do(set(5));
  kit.prices(290_000, 290_000);
  kit.do(set(20));
  // 29,000 ÷ 20 and the 1,000 lost so far stay.
  assert.equal(kit.engine.position(a, PERP)?.margin, 2_450 * USDT, 'but not what covers a loss');
  kit.do({ type: 'transfer', account: a, asset: 'USDT', amount: kit.engine.balance(a, USD).futuresAvailable, from: 'futures', to: 'spot' });
  assert.equal(kit.refused(set(1)), 'INSUFFICIENT_MARGIN');
  kit.engine.check();
});

test('margin is added from the wallet and taken back down to what the position needs', () => {
  const { kit, a, b } = venue();
  trade(kit, a, b);
  const adjust = (usdt: number) => ({ type: 'adjust_margin', account: a, market: PERP, amount: usdt * USDT }) as const;
  kit.do(adjust(1_000));
  // (4,000 − 30,000) ÷ 0.99.
  assert.equal(kit.engine.position(a, PERP)?.liquidationPrice, 262_626);
  kit.prices(295_000, 295_000);
  assert.equal(kit.refused(adjust(-551)), 'INSUFFICIENT_MARGIN', '2,950 at the mark and 500 of loss stay');
  kit.do(adjust(-550));
  assert.equal(kit.refused(adjust(200_000)), 'INSUFFICIENT_BALANCE');
  assert.equal(kit.refused({ ...adjust(1), amount: 0 }), 'VALIDATION_FAILED');
  const c = kit.user('c', 1);
  assert.equal(kit.refused({ ...adjust(1), account: c }), 'NOT_FOUND');
  kit.engine.check();
});

test('margin leaves no position while its mark stands still, and may be put in', () => {
  const table = [
    ['status', 'pre_open', false], ['status', 'halted', false], ['status', 'settling', false], ['status', 'cancel_only', true], ['status', 'reduce_only', true],
    ['safety', 'reduce_only', false], ['safety', 'halted', false],
  ] as const;
  for (const [what, value, released] of table) {
    const { kit, a, b } = venue();
    trade(kit, a, b);
    const adjust = (usdt: number) => ({ type: 'adjust_margin', account: a, market: PERP, amount: usdt * USDT }) as const;
    const set = (leverage: number) => ({ type: 'set_leverage', account: a, market: PERP, leverage }) as const;
    const margin = () => kit.engine.position(a, PERP)!.margin / USDT;
    kit.do(adjust(100));
    kit.do(what === 'status' ? { type: 'update_market', market: PERP, changes: { status: value } } : { type: 'set_safety', market: PERP, safety: value, reason: 'feed silent' });
    if (released) {
      kit.do(adjust(-50));
      kit.do(set(20));
      assert.equal(margin(), 1_500, value);
    } else {
      assert.equal(kit.refused(adjust(-50)), 'MARKET_HALTED', value);
      assert.equal(kit.refused(set(20)), 'MARKET_HALTED', value);
      kit.do(adjust(50));
      kit.do(set(5));
      assert.equal(margin(), 6_000, value);
      kit.do({ ...set(50), account: kit.user('idle') });
    }
    kit.engine.check();
  }
});

test('trading with oneself changes nothing but fees', () => {
  const { kit, a } = venue();
  kit.place(a, perp({ side: 'sell' }));
  kit.place(a, perp({ side: 'buy', selfTradePrevention: 'none' }));
  assert.equal(kit.engine.position(a, PERP), undefined);
  assert.equal(kit.engine.balance(a, USD).futuresAvailable, (100_000 - 21) * USDT);
  kit.engine.check();
});

test('an index alone lets the mark follow its formula, a mark stands as given', () => {
  const { kit, a, b } = venue();
  assert.deepEqual(kit.engine.prices(PERP), { ...kit.engine.prices(PERP), index: 300_000, mark: 300_000 });
  kit.prices(300_000, 305_000);
  assert.equal(kit.engine.prices(PERP).mark, 305_000);
  trade(kit, a, b, 1, 300_200);
  kit.order(a, perp({ side: 'buy', price: 299_900, quantity: 1 }));
  kit.order(b, perp({ side: 'sell', price: 300_340, quantity: 1 }));
  const [updated] = ofType(kit.prices(300_000), 'prices_updated');
  // Both sides of the book average 300,120; last 300,200; P1 is between. The median is P2.
  assert.deepEqual([updated.sampled, updated.basis, updated.mark, updated.manualMark], [true, 240, 300_120, false]);
  assert.equal(kit.refused({ type: 'set_prices', prices: [{ market: PERP, index: 0 }] }), 'VALIDATION_FAILED');
  assert.equal(kit.refused({ type: 'set_prices', prices: [{ market: PERP, index: 300_000 }, { market: 9, index: 1 }] }), 'UNKNOWN_SYMBOL', 'one bad price refuses all');
});
