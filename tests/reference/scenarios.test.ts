/**
 * Orders, positions, funding and market rules on hard days, worked out by hand. A tick is 0.1 USDT, a lot 0.001 BTC, one of each 100 minor units (u) of USDT: a lot at 1,000 ticks is worth
 * 100,000 u = 0.1 USDT. Leverage is 10, initial margin 2 %, maintenance 1 %, and there are no fees, where nothing else is said.
 */
import assert from 'node:assert/strict';
import { newOrder, ofType, PERP, SPOT, START, USDT } from '../support/engine-kit.ts';
import type { MarketSpec } from '../../src/engine/market.ts';
import { futures, open, perp, refusals, scenario, size } from './scenario-kit.ts';

scenario('a sale larger than the long closes it, then opens a short', {}, (kit) => {
  const [trader, other] = [kit.user('trader', 10), kit.user('other', 10)];
  open(kit, trader, other, 1_000, 5);
  kit.order(other, { ...perp, side: 'buy', price: 1_010, quantity: 8 });
  kit.order(trader, { ...perp, side: 'sell', price: 1_010, quantity: 8 });
  // 5 lots × 10 ticks = 5,000 u realised; 3 lots at 1,010 cost 303,000 u, margin 30,300 u.
  const { size: lots, cost, margin, realized } = kit.engine.position(trader, PERP)!;
  assert.deepEqual([lots, cost, margin, realized], [-3, 303_000, 30_300, 0]);
  assert.deepEqual(futures(kit, trader), [10 * USDT + 5_000 - 30_300, 0, 30_300]);
  assert.deepEqual([kit.engine.position(other, PERP)?.size, kit.engine.position(other, PERP)?.cost], [3, 303_000]);
});

// No samples of the book: the rate is the interest, 0.01 %. At 1,003 a lot is worth 100,300 u and owes 10.03 u.
scenario('funding: payers round up, receivers down, the rest is a fee; who has nothing available pays from margin', {}, (kit) => {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => kit.user(name, 10));
  open(kit, a, c, 1_000, 3);
  open(kit, b, c, 1_000, 2);
  open(kit, b, d, 1_000, 2);
  kit.do({ type: 'transfer', account: a, asset: 'USDT', amount: futures(kit, a)[0], from: 'futures', to: 'spot' });
  kit.do({ type: 'transfer', account: b, asset: 'USDT', amount: futures(kit, b)[0] - 11, from: 'futures', to: 'spot' });
  kit.prices(1_003, 1_003);
  kit.time += 28_800_000;
  const events = kit.do({ type: 'advance_time' });
  // a: 3 lots 30.09 → 31; b: 4 lots 40.12 → 41, of which 11 are available; c: 5 lots 50.15 → 50; d: 2 lots 20.06 → 20. 72 − 70 = 2.
  assert.deepEqual(ofType(events, 'funding_paid').map(({ account, amount, fromMargin }) => [account, amount, fromMargin]), [[a, -31, 31], [b, -41, 30], [c, 50, 0], [d, 20, 0]]);
  assert.equal(ofType(events, 'funding_settled')[0].residue, 2);
  assert.deepEqual([futures(kit, a), futures(kit, b)], [[0, 0, 29_969], [0, 0, 39_970]]);
  assert.equal(kit.engine.audit()[0].fees, 2);
  assert.equal(ofType(kit.do({ type: 'advance_time' }), 'funding_settled').length, 0, 'once');
});

// 100,000 + N − 1,000,000 ≤ 1.25 % N ⟺ N ≤ 911,392: called at 911.
scenario('one margin call for each crossing', {}, (kit) => {
  const [long, short] = [kit.user('long', 10), kit.user('short', 10)];
  open(kit, long, short, 1_000, 10);
  const calls = [912, 911, 910, 911, 912, 911, 910].map((mark) => kit.prices(mark, mark).map(({ type }) => type).filter((type) => type.startsWith('margin')).join());
  assert.deepEqual(calls, ['', 'margin_called', '', '', 'margin_call_cleared', 'margin_called', '']);
  kit.do({ type: 'adjust_margin', account: long, market: PERP, amount: 5_000 });
  assert.equal(kit.log.at(-1)?.event.type, 'margin_call_cleared', 'more margin ends a call as well');
});

scenario('reduce-only orders shrink with the position, the newest first', {}, (kit) => {
  const [long, short, buyer] = [kit.user('long', 10), kit.user('short', 10), kit.user('buyer', 10)];
  open(kit, long, short, 1_000, 10);
  const older = kit.order(long, { ...perp, side: 'sell', price: 1_100, quantity: 6, reduceOnly: true });
  const newer = kit.order(long, { ...perp, side: 'sell', price: 1_200, quantity: 9, reduceOnly: true });
  assert.deepEqual([kit.engine.order(newer)?.quantity, futures(kit, long)[1]], [4, 0], 'cut to what the other leaves; closing locks nothing');
  assert.equal(kit.refused({ type: 'place_order', account: long, order: newOrder({ ...perp, side: 'sell', price: 1_300, reduceOnly: true }) }), 'REDUCE_ONLY_WOULD_INCREASE');
  kit.order(buyer, { ...perp, side: 'buy', price: 1_000, quantity: 7 });
  const events = kit.place(long, { ...perp, side: 'sell', type: 'market', quantity: 7 });
  assert.deepEqual(ofType(events, 'order_closed').map(({ order, reason }) => [order, reason]), [[newer, 'reduce_only']]);
  assert.deepEqual(ofType(events, 'order_reduced').map(({ order, by, remaining }) => [order, by, remaining]), [[older, 3, 3]]);
  kit.order(buyer, { ...perp, side: 'buy', price: 1_000, quantity: 5 });
  assert.deepEqual(ofType(kit.place(long, { ...perp, side: 'sell', price: 1_000, quantity: 5, timeInForce: 'IOC' }), 'order_closed').map(({ order }) => order), [older]);
  assert.equal(size(kit, long), -2);
});

scenario('a maker that cannot carry its fill any more leaves the book, and the taker goes on', {}, (kit) => {
  const [maker, other, taker] = [kit.user('maker', 1), kit.user('other', 10), kit.user('taker', 10)];
  open(kit, maker, other, 1_000, 5);
  const closing = kit.order(maker, { ...perp, side: 'sell', price: 1_010, quantity: 5 });
  kit.order(other, { ...perp, side: 'buy', price: 1_000, quantity: 5 });
  kit.order(maker, { ...perp, side: 'sell', price: 1_000, quantity: 5, timeInForce: 'IOC' });
  kit.do({ type: 'transfer', account: maker, asset: 'USDT', amount: USDT, from: 'futures', to: 'spot' });
  kit.order(other, { ...perp, side: 'sell', price: 1_020, quantity: 5 });
  const events = kit.place(taker, { ...perp, side: 'buy', price: 1_020, quantity: 5 });
  assert.deepEqual(ofType(events, 'order_closed').map(({ order, reason }) => [order, reason]), [[closing, 'insufficient_margin']]);
  assert.deepEqual(ofType(events, 'trade').map(({ price, quantity }) => [price, quantity]), [[1_020, 5]]);
});

scenario('leverage moves the margin, within what losses leave', {}, (kit) => {
  const [long, short] = [kit.user('long', 1), kit.user('short', 10)];
  open(kit, long, short, 1_000, 10);
  const setLeverage = (leverage: number) => ({ type: 'set_leverage', account: long, market: PERP, leverage }) as const;
  const order = kit.order(long, { ...perp, side: 'buy', price: 900, quantity: 1 });
  assert.equal(kit.refused(setLeverage(5)), 'CONFLICT');
  kit.do({ type: 'cancel_order', account: long, order });
  kit.do(setLeverage(5));
  assert.deepEqual(futures(kit, long), [800_000, 0, 200_000]);
  kit.do(setLeverage(1));
  assert.deepEqual(futures(kit, long), [0, 0, 1_000_000]);
  assert.equal(kit.refused(setLeverage(51)), 'LEVERAGE_TOO_HIGH');
  kit.prices(990, 990);
  // 990,000 ÷ 20 + 10,000 lost = 59,500, which is more than 1,000,000 ÷ 20.
  kit.do(setLeverage(20));
  assert.deepEqual(futures(kit, long), [940_500, 0, 59_500]);
  assert.equal(kit.refused({ type: 'adjust_margin', account: long, market: PERP, amount: -1 }), 'INSUFFICIENT_MARGIN');
  assert.equal(kit.refused({ type: 'adjust_margin', account: long, market: PERP, amount: 940_501 }), 'INSUFFICIENT_BALANCE');
  kit.do({ type: 'adjust_margin', account: long, market: PERP, amount: 940_500 });
  kit.do({ type: 'adjust_margin', account: long, market: PERP, amount: -940_500 });
  assert.equal(kit.refused({ type: 'adjust_margin', account: long, market: SPOT, amount: 1 }), 'VALIDATION_FAILED');
  assert.equal(kit.refused({ type: 'adjust_margin', account: kit.user('idle', 1), market: PERP, amount: 1 }), 'NOT_FOUND');
});

scenario('the price band holds limit prices and ends the walk of market orders', { perp: { priceBand: 50_000 } }, (kit) => {
  const [seller, buyer] = [kit.user('seller', 10), kit.user('buyer', 10)];
  kit.order(seller, { ...perp, side: 'sell', price: 1_040, quantity: 2 });
  const far = kit.order(seller, { ...perp, side: 'sell', price: 1_050, quantity: 2 });
  assert.deepEqual(refusals(kit, seller, [949, 950, 1_050, 1_051].map((price) => ({ ...perp, side: price < 1_000 ? 'buy' : 'sell', price }))), ['PRICE_OUT_OF_BAND', 'ok', 'ok', 'PRICE_OUT_OF_BAND']);
  // 950 + 5 % = 997.5: nothing up to there. 995 + 5 % = 1,044.75: the first maker only.
  kit.prices(950, 950);
  assert.equal(kit.refused({ type: 'place_order', account: buyer, order: newOrder({ ...perp, type: 'market', quantity: 4 }) }), 'NO_LIQUIDITY');
  kit.prices(995, 995);
  const events = kit.place(buyer, { ...perp, type: 'market', quantity: 4 });
  assert.deepEqual([size(kit, buyer), ofType(events, 'order_closed')[0].status, kit.engine.order(far)?.remaining], [2, 'expired', 2]);
  // 995 − 5 % = 945.25.
  assert.deepEqual(refusals(kit, seller, [945, 946].map((price) => ({ ...perp, price }))), ['PRICE_OUT_OF_BAND', 'ok']);
});

scenario('the dead-man switch fires by time alone, where it was armed', {}, (kit) => {
  const trader = kit.user('trader', 10);
  const spot = kit.order(trader, { market: SPOT });
  kit.order(trader, { ...perp, price: 900 });
  kit.do({ type: 'cancel_after', account: trader, timeoutMs: 5_000, market: PERP });
  kit.do({ type: 'cancel_after', account: trader, timeoutMs: 9_000 });
  assert.equal(kit.engine.nextTimer(), START + 5_000);
  kit.time = START + 4_999;
  assert.equal(kit.do({ type: 'advance_time' }).length, 0);
  kit.time = START + 5_000;
  assert.deepEqual(ofType(kit.do({ type: 'advance_time' }), 'order_closed').map(({ market, reason }) => [market, reason]), [[PERP, 'dead_man_switch']]);
  kit.do({ type: 'cancel_after', account: trader, timeoutMs: 0 });
  kit.time = START + 10_000;
  kit.do({ type: 'advance_time' });
  assert.ok(kit.engine.order(spot) !== undefined, 'disarmed in time');
});

scenario('an amendment keeps its place only when it asks for less at the same price', {}, (kit) => {
  const [a, b, seller] = [kit.user('a', 10), kit.user('b', 10), kit.user('seller', 10, 1)];
  const first = kit.order(a, { quantity: 5 });
  const second = kit.order(b, { quantity: 5 });
  const next = () => ofType(kit.place(seller, { side: 'sell', quantity: 1 }), 'trade')[0].maker.order;
  kit.do({ type: 'amend_order', account: a, order: first, quantity: 4 });
  assert.equal(next(), first, 'less');
  kit.do({ type: 'amend_order', account: a, order: first, price: 1_000, quantity: 4 });
  assert.equal(next(), first, 'the same');
  kit.do({ type: 'amend_order', account: a, order: first, quantity: 6 });
  assert.equal(next(), second, 'more');
  kit.do({ type: 'amend_order', account: b, order: second, price: 999 });
  kit.do({ type: 'amend_order', account: b, order: second, price: 1_000 });
  assert.equal(next(), first, 'there and back');
  assert.equal(kit.refused({ type: 'amend_order', account: a, order: first, quantity: 3 }), 'QUANTITY_BELOW_FILLED');
  assert.equal(kit.refused({ type: 'amend_order', account: b, order: first, quantity: 5 }), 'ORDER_NOT_OPEN');
  // 3 of 6 lots are left to a at 1,000, 4 to b: 400,000 u.
  assert.deepEqual([kit.engine.balance(a, 0).spotLocked, kit.engine.balance(b, 0).spotLocked], [300_000, 400_000]);
});

scenario('one refused item of a batch refuses no other', {}, (kit) => {
  const trader = kit.user('trader', 1);
  // One USDT carries 10 lots at 1,000: 4, then 7 too many, then 6.
  assert.deepEqual(refusals(kit, trader, [{ quantity: 4, clientOrderId: 'x' }, { quantity: 7 }, { quantity: 1, clientOrderId: 'x' }, { quantity: 0 }, { market: 9 }, { price: 0 }, { quantity: 6 }, {}]), [
    'ok', 'INSUFFICIENT_BALANCE', 'DUPLICATE_CLIENT_ORDER_ID', 'INVALID_LOT', 'UNKNOWN_SYMBOL', 'INVALID_TICK', 'ok', 'INSUFFICIENT_BALANCE',
  ]);
  const [newest, oldest] = kit.engine.openOrders(trader);
  const results = kit.batch({ type: 'replace_orders', account: trader, cancel: [oldest.id, 77_777], place: [newOrder({ quantity: 4 }), newOrder({})] });
  assert.deepEqual(results.map((result) => (result.ok ? 'ok' : result.code)), ['ok', 'ORDER_NOT_OPEN', 'ok', 'INSUFFICIENT_BALANCE']);
  assert.equal(kit.engine.openOrders(trader).at(-1)?.id, newest.id);
});

scenario('money is counted exactly up to 2^52 minor units an asset', {}, (kit) => {
  const [rich, other] = [kit.user('rich'), kit.user('other')];
  const deposit = (account: number, amount: number) => ({ type: 'deposit', account, asset: 'USDT', amount, wallet: 'spot' }) as const;
  for (const amount of [2 ** 53, 2 ** 53 - 1, 2 ** 52 + 1, 0, -1, 0.5, Number.NaN, Infinity]) assert.equal(kit.refused(deposit(rich, amount)), 'VALIDATION_FAILED', String(amount));
  kit.do(deposit(rich, 2 ** 52 - 1));
  kit.do(deposit(other, 1));
  assert.equal(kit.refused(deposit(other, 1)), 'VALIDATION_FAILED');
  assert.equal(kit.refused({ type: 'fund_insurance', asset: 'USDT', amount: 1 }), 'VALIDATION_FAILED');
  kit.do({ type: 'transfer', account: rich, asset: 'USDT', amount: 2 ** 52 - 1, from: 'spot', to: 'futures' });
  assert.deepEqual(futures(kit, rich), [2 ** 52 - 1, 0, 0]);
  // The largest notional is 2^51 u.
  const limit = 2 ** 31 - 1;
  assert.deepEqual(refusals(kit, rich, [{ ...perp, price: limit, quantity: 10_486 }, { ...perp, price: 1_000, quantity: 22_517_998_137 }, { ...perp, price: 1_000, quantity: 2 ** 53 - 1 }, { ...perp, price: 2 ** 31, quantity: 1 }]), [
    'INVALID_LOT', 'INVALID_LOT', 'INVALID_LOT', 'INVALID_TICK',
  ]);
  assert.deepEqual(refusals(kit, rich, [{ ...perp, price: 990, quantity: 9_000_000 }]), ['ok']);
});

scenario('self-trade prevention stops a market order where it is told to', {}, (kit) => {
  for (const [mode, left, sold, status] of [['expire_taker', 2, 1, 'canceled'], ['expire_maker', 0, 3, ''], ['expire_both', 0, 1, 'canceled'], ['none', 0, 3, '']] as const) {
    const [trader, before, behind] = [`t-${mode}`, `f-${mode}`, `b-${mode}`].map((name) => kit.user(name, 10, 1));
    kit.order(before, { price: 1_002, quantity: 1 });
    const own = kit.order(trader, { price: 1_001, quantity: 2 });
    kit.order(behind, { price: 1_000, quantity: 2 });
    const events = kit.place(trader, { side: 'sell', type: 'market', quantity: 3, selfTradePrevention: mode });
    assert.deepEqual([kit.engine.order(own)?.remaining ?? 0, ofType(events, 'trade').reduce((sum, { quantity }) => sum + quantity, 0)], [left, sold], mode);
    assert.equal(ofType(events, 'order_closed').find(({ side }) => side === 'sell')?.status ?? '', status, mode);
    for (const account of [trader, before, behind]) kit.do({ type: 'cancel_orders', account });
  }
});

// 3 lots at 1,003 are 300,900 u. A taker pays 0.05 % = 150.45 → 151, a maker gets 0.01 % = 30.09 → 30.
scenario('a rebate is paid out of the fees, rounded towards zero', { perp: { makerFee: -100, takerFee: 500 }, spot: { makerFee: 100, takerFee: 500 } }, (kit) => {
  const [maker, taker] = [kit.user('maker', 10, 1), kit.user('taker', 10, 1)];
  kit.order(maker, { ...perp, side: 'sell', price: 1_003, quantity: 3 });
  kit.order(taker, { ...perp, side: 'buy', price: 1_003, quantity: 3 });
  assert.deepEqual([futures(kit, maker), futures(kit, taker)], [[10 * USDT - 30_090 + 30, 0, 30_090], [10 * USDT - 30_090 - 151, 0, 30_090]]);
  assert.equal(kit.engine.audit()[0].fees, 121);
  // Spot, where there are no rebates: the buyer's 3 lots are 300,000 units of base: 150 to the venue; the seller pays 30.09 → 31 in quote.
  kit.order(maker, { side: 'sell', price: 1_003, quantity: 3 });
  kit.order(taker, { side: 'buy', price: 1_003, quantity: 3 });
  assert.deepEqual([kit.engine.balance(taker, 1).spotAvailable, kit.engine.balance(maker, 0).spotAvailable], [100_000_000 + 300_000 - 150, 10 * USDT + 300_900 - 31]);
  assert.deepEqual(kit.engine.audit().map(({ fees }) => fees), [152, 150]);
});

scenario('each status lets through what it says', {}, (kit) => {
  const [long, short] = [kit.user('long', 10, 1), kit.user('short', 10)];
  open(kit, long, short, 1_000, 10);
  const ask = kit.order(short, { ...perp, side: 'sell', price: 1_100, quantity: 1 });
  const tries = (): string => refusals(kit, long, [{ ...perp, price: 900 }, { ...perp, side: 'sell', price: 1_200, reduceOnly: true }]).join();
  const status = (value: MarketSpec['status']) => kit.do({ type: 'update_market', market: PERP, changes: { status: value } });
  const safety = (value: 'normal' | 'reduce_only' | 'halted') => kit.do({ type: 'set_safety', market: PERP, safety: value, reason: 'test' });
  const clear = () => kit.do({ type: 'cancel_orders', account: long });
  const seen: Record<string, string> = {};
  for (const value of ['pre_open', 'cancel_only', 'reduce_only', 'halted', 'settling', 'open'] as const) {
    status(value);
    seen[value] = tries();
    clear();
  }
  for (const value of ['reduce_only', 'halted', 'normal'] as const) {
    safety(value);
    seen[`safety ${value}`] = tries();
    clear();
  }
  const none = 'MARKET_HALTED,MARKET_HALTED';
  assert.deepEqual(seen, {
    pre_open: none, cancel_only: none, reduce_only: 'MARKET_HALTED,ok', halted: none, settling: none, open: 'ok,ok', 'safety reduce_only': 'MARKET_HALTED,ok', 'safety halted': none, 'safety normal': 'ok,ok',
  });
  // Halted: nobody is liquidated, orders can be canceled. Open again: at once.
  safety('halted');
  assert.equal(ofType(kit.prices(905, 905), 'trade').length, 0);
  kit.do({ type: 'cancel_order', account: short, order: ask });
  kit.time += 28_800_000;
  assert.equal(ofType(kit.do({ type: 'advance_time' }), 'funding_paid').length, 0);
  const events = safety('normal');
  assert.deepEqual(ofType(events, 'position_liquidated').map(({ receipt }) => receipt.account), [long]);
});

scenario('both sides of a perpetual trade by one account leave its position as it was, less the fees', { perp: { makerFee: 200, takerFee: 500 } }, (kit) => {
  const [trader, other] = [kit.user('trader', 10), kit.user('other', 10)];
  for (const [lots, sign] of [[0, 1], [5, 1], [8, -1]] as const) {
    if (lots > 0) open(kit, sign > 0 ? trader : other, sign > 0 ? other : trader, 1_000, lots);
    const before = futures(kit, trader).reduce((sum, amount) => sum + amount, 0);
    const held = size(kit, trader);
    const realized = kit.engine.position(trader, PERP)?.realized ?? 0;
    kit.order(trader, { ...perp, side: 'sell', price: 1_000, quantity: 3, selfTradePrevention: 'none' });
    kit.order(trader, { ...perp, side: 'buy', price: 1_000, quantity: 3, selfTradePrevention: 'none' });
    // 300,000 u: 60 as maker, 150 as taker.
    assert.equal(futures(kit, trader).reduce((sum, amount) => sum + amount, 0), before - 210);
    assert.deepEqual([size(kit, trader), kit.engine.position(trader, PERP)?.realized ?? 0], [held, realized]);
  }
});
