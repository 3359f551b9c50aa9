import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adlScore } from './adl.ts';
import { Kit, newOrder, ofType, PERP, USDT } from '../../tests/support/engine-kit.ts';
import { Engine } from './engine.ts';
import type { LiquidationReceipt } from './events.ts';

const USD = 0;
const perp = (order: Parameters<typeof newOrder>[0]) => newOrder({ market: PERP, price: 300_000, quantity: 1_000, ...order });

/** `long` holds 1 BTC bought at 30,000 with leverage 10: liquidated at 27,272.7, bankrupt at 27,000. */
function venue(perpSpec = {}) {
  const kit = Kit.create({ perp: perpSpec });
  kit.prices(300_000, 300_000);
  const long = kit.user('long', 10_000);
  const short = kit.user('short', 100_000);
  const maker = kit.user('maker', 100_000);
  kit.place(short, perp({ side: 'sell' }));
  kit.place(long, perp({ side: 'buy' }));
  return { kit, long, short, maker, fund: () => kit.engine.balance(1, USD) };
}

function receiptOf(events: Parameters<typeof ofType>[0]): LiquidationReceipt {
  return ofType(events, 'position_liquidated')[0].receipt;
}

test('one tick above the liquidation price nothing happens, on it the position goes', () => {
  const { kit, long } = venue();
  assert.equal(ofType(kit.prices(272_728, 272_728), 'position_liquidated').length, 0);
  assert.equal(kit.engine.position(long, PERP)?.size, 1_000);
  assert.equal(ofType(kit.prices(272_727, 272_727), 'position_liquidated').length, 1);
  assert.equal(kit.engine.position(long, PERP), undefined);
  kit.engine.check();
});

test('a margin call comes once per crossing', () => {
  const { kit, long } = venue();
  // Called at 27,000 ÷ (1 − 1.25 %).
  const calls = (price: number) => kit.prices(price, price).flatMap((event) => (event.type === 'margin_called' || event.type === 'margin_call_cleared' ? [`${event.type} ${event.account === long}`] : []));
  assert.deepEqual(calls(273_418), []);
  assert.deepEqual(calls(273_417), ['margin_called true']);
  assert.deepEqual(calls(273_000), []);
  assert.deepEqual(calls(273_418), ['margin_call_cleared true']);
  assert.deepEqual(calls(273_400), ['margin_called true']);
  kit.do({ type: 'adjust_margin', account: long, market: PERP, amount: 1_000 * USDT });
  assert.equal(kit.log.at(-1)?.event.type, 'margin_call_cleared', 'more margin clears it as well');
});

test('what the book takes above bankruptcy pays the fee, the rest goes to the fund', () => {
  const { kit, long, maker, fund } = venue();
  kit.place(maker, perp({ side: 'buy', price: 271_000, quantity: 600 }));
  kit.place(maker, perp({ side: 'buy', price: 270_500, quantity: 400 }));
  kit.place(maker, perp({ side: 'buy', price: 269_900, quantity: 400 }));
  const before = kit.engine.balance(long, USD).futuresAvailable;
  const events = kit.prices(272_000, 272_000);
  const receipt = receiptOf(events);
  assert.deepEqual(receipt.fills.map(({ price, quantity, cause }) => [price, quantity, cause]), [[271_000, 600, 'liquidation'], [270_500, 400, 'liquidation']]);
  // Surplus 600 × 100 + 400 × 50 over bankruptcy = 80 USDT; fee 0.05 % of 16,260 + 10,820 = 13.54.
  assert.equal(receipt.fee, 13.54 * USDT);
  assert.equal(receipt.fundDelta, 66_460_000);
  assert.equal(fund().futuresAvailable, 66_460_000);
  assert.equal(kit.engine.balance(long, USD).futuresAvailable, before, 'the liquidated account gets nothing and owes nothing');
  assert.deepEqual(
    [receipt.side, receipt.quantity, receipt.tier, receipt.marginBefore, receipt.maintenanceMargin, receipt.unrealizedPnl, receipt.bankruptcyPrice, receipt.mark],
    ['long', 1_000, 0, 3_000 * USDT, 272 * USDT, -2_800 * USDT, 270_000, 272_000],
  );
  kit.engine.check();
});

test('a rebate is paid out of the fee of the liquidated, and is no more than that', () => {
  // Bankrupt at 27,000; the taker fee is 0.05 %, the rebate 0.04 %.
  const table = [
    [270_000, 0, 0, 'no surplus, no fee, no rebate'],
    [270_050, 5 * USDT, 5 * USDT, 'a surplus of 5 is less than the 13.5025 of the fee and the 10.802 of the rebate'],
    [270_120, 12 * USDT, 10.8048 * USDT, 'one of 12 pays the rebate'],
    [271_000, 13.55 * USDT, 10.84 * USDT, 'one of 100 pays the fee'],
  ] as const;
  for (const [price, fee, rebate, name] of table) {
    const { kit, maker } = venue({ makerFee: -400, takerFee: 500 });
    const bid = kit.order(maker, perp({ side: 'buy', price, quantity: 2_000 }));
    const before = kit.engine.audit()[USD].fees;
    const [fill] = ofType(kit.prices(272_000, 272_000), 'trade');
    assert.deepEqual([fill.taker.fee, fill.maker.fee, fill.maker.filledFee], [fee, 0 - rebate, 0 - rebate], name);
    assert.equal(kit.engine.order(bid)?.filledFee, 0 - rebate, name);
    assert.equal(kit.engine.audit()[USD].fees - before, fee - rebate, name);
    kit.engine.check();
  }
});

test('with surplus to the user the fund gets the liquidation fee alone', () => {
  const { kit, long, maker, fund } = venue({ liquidationSurplus: 'user' });
  kit.place(maker, perp({ side: 'buy', price: 272_000 }));
  const before = kit.engine.balance(long, USD).futuresAvailable;
  kit.prices(272_000, 272_000);
  // Surplus 200; taker fee 13.6; fund 0.5 % of 27,200 = 136; the user keeps 50.4.
  assert.equal(fund().futuresAvailable, 136 * USDT);
  assert.equal(kit.engine.balance(long, USD).futuresAvailable - before, 50.4 * USDT);
  kit.engine.check();
});

test('open orders of the account go first', () => {
  const { kit, long } = venue();
  const order = kit.order(long, perp({ side: 'buy', price: 200_000, quantity: 10 }));
  const spot = kit.order(long, { side: 'buy', price: 1_000 });
  const events = kit.prices(272_000, 272_000);
  assert.deepEqual(ofType(events, 'order_closed').map((closed) => [closed.order, closed.reason]), [[order, 'liquidation']]);
  assert.notEqual(kit.engine.order(spot), undefined, 'other markets are left alone');
});

test('what only closes the position stays while there is one, and shrinks with it where it is reduce-only', () => {
  const kit = Kit.create();
  kit.prices(300_000, 300_000);
  const [long, short] = [kit.user('long', 2_000_000), kit.user('short', 3_000_000)];
  kit.do({ type: 'set_leverage', account: long, market: PERP, leverage: 20 });
  kit.place(short, perp({ side: 'sell', quantity: 40_000 }));
  kit.place(long, perp({ side: 'buy', quantity: 40_000 }));
  const older = kit.order(long, perp({ side: 'sell', price: 310_000, quantity: 20_000, reduceOnly: true }));
  const plain = kit.order(long, perp({ side: 'sell', price: 320_000, quantity: 10_000 }));
  const newer = kit.order(long, perp({ side: 'sell', price: 330_000, quantity: 20_000, reduceOnly: true }));
  const adding = kit.order(long, perp({ side: 'buy', price: 250_000, quantity: 10 }));
  assert.deepEqual([older, plain, newer].map((order) => kit.engine.order(order)?.lock), [0, 0, 0]);
  // 60,000 + N − 1,200,000 = 2.5 % N − 15,000 → N = 1,153,846.2, which is 28,846.1; just under 1,000,000 are 34,666 lots there, so 5,334 go.
  kit.place(short, perp({ side: 'buy', price: 285_100, quantity: 40_000 }));
  const events = kit.prices(288_461, 288_461);
  assert.deepEqual(receiptOf(events).fills.map(({ quantity, cause }) => [quantity, cause]), [[5_334, 'liquidation']], 'the orders that rest for the whole position are not in its way');
  assert.deepEqual(ofType(events, 'order_closed').map(({ order, reason }) => [order, reason]), [[adding, 'liquidation']]);
  assert.deepEqual(ofType(events, 'order_reduced').map(({ order, by, remaining }) => [order, by, remaining]), [[newer, 5_334, 14_666]]);
  assert.deepEqual([older, plain, newer].map((order) => kit.engine.order(order)?.remaining), [20_000, 10_000, 14_666]);
  kit.engine.check();
  const all = kit.prices(285_050, 285_050);
  assert.equal(kit.engine.position(long, PERP), undefined);
  assert.deepEqual(ofType(all, 'order_closed').map(({ order, reason }) => [order, reason]), [[newer, 'reduce_only'], [older, 'reduce_only'], [plain, 'liquidation']]);
  assert.deepEqual(kit.engine.openOrders(long), []);
  kit.engine.check();
});

test('a liquidation does not trade with what its account bid for when it was short', () => {
  const kit = Kit.create();
  kit.prices(300_000, 300_000);
  const [trader, other] = [kit.user('trader', 20_000), kit.user('other', 100_000)];
  kit.place(other, perp({ side: 'buy' }));
  kit.place(trader, perp({ side: 'sell' }));
  const bid = kit.order(trader, perp({ side: 'buy', price: 271_000 }));
  kit.place(other, perp({ side: 'sell', quantity: 2_000 }));
  kit.place(trader, perp({ side: 'buy', quantity: 2_000 }));
  assert.deepEqual([kit.engine.position(trader, PERP)?.size, kit.engine.order(bid)?.lock], [1_000, 0]);
  const events = kit.prices(272_000, 272_000);
  assert.deepEqual(ofType(events, 'order_closed').map(({ order, reason }) => [order, reason]), [[bid, 'liquidation']]);
  assert.equal(kit.engine.position(trader, PERP), undefined);
  kit.engine.check();
});

test('the fund takes over at the bankruptcy price what the book does not, and works it off', () => {
  const { kit, maker, fund } = venue({ impactNotional: 5_420 * USDT });
  kit.do({ type: 'fund_insurance', asset: 'USDT', amount: 10_000 * USDT });
  const receipt = receiptOf(kit.prices(272_000, 272_000));
  assert.deepEqual(receipt.fills.map(({ price, quantity, cause, counterparty }) => [price, quantity, cause, counterparty]), [[270_000, 1_000, 'takeover', 1]]);
  assert.equal(kit.engine.position(1, PERP)?.size, 1_000);
  assert.equal(fund().margin, 2_700 * USDT);
  kit.place(maker, perp({ side: 'buy', price: 271_000, quantity: 1_000 }));
  kit.prices(271_000, 271_000);
  assert.equal(kit.engine.position(1, PERP)?.size, 800, 'in slices of the impact notional');
  kit.prices(280_000, 280_000);
  assert.equal(kit.engine.position(1, PERP)?.size, 800, 'and only near the mark');
  kit.engine.check();
});

test('the fund works off what it holds at no more than half a per cent from the mark', () => {
  // 271,001 less 0.5 % is 269,645.995; plus 0.5 % 272,356.005.
  const sells = (bid: number, ...quantities: number[]) => {
    const { kit, maker } = venue();
    kit.do({ type: 'fund_insurance', asset: 'USDT', amount: 10_000 * USDT });
    kit.prices(272_000, 272_000);
    for (const quantity of quantities.length > 0 ? quantities : [1_000]) {
      kit.place(maker, perp({ side: 'buy', price: bid, quantity }));
      kit.prices(271_001, 271_001);
    }
    return kit.engine.position(1, PERP)?.size;
  };
  assert.deepEqual([sells(269_645), sells(269_646)], [1_000, undefined]);
  assert.deepEqual([sells(269_646, 999), sells(269_646, 999, 1)], [1, undefined], 'to the last lot');
  const buys = (ask: number) => {
    const kit = Kit.create();
    kit.prices(242_000, 242_000);
    const [short, long, maker] = [kit.user('short', 10_000), kit.user('long', 100_000), kit.user('maker', 100_000)];
    kit.place(long, perp({ side: 'buy', price: 242_000 }));
    kit.place(short, perp({ side: 'sell', price: 242_000 }));
    kit.do({ type: 'fund_insurance', asset: 'USDT', amount: 10_000 * USDT });
    // Bankrupt at 26,620.
    kit.prices(266_000, 266_000);
    assert.equal(kit.engine.position(1, PERP)?.size, -1_000);
    kit.place(maker, perp({ side: 'sell', price: ask }));
    kit.prices(271_001, 271_001);
    return kit.engine.position(1, PERP)?.size;
  };
  assert.deepEqual([buys(272_357), buys(272_356)], [-1_000, undefined]);
});

test('a fund that can afford part takes that part', () => {
  const { kit } = venue();
  kit.do({ type: 'fund_insurance', asset: 'USDT', amount: 1_000 * USDT });
  const receipt = receiptOf(kit.prices(272_000, 272_000));
  assert.deepEqual(receipt.fills.map(({ cause }) => cause), ['takeover', 'adl']);
  // 2.7 USDT of margin a lot.
  assert.equal(receipt.fills[0].quantity, 370);
  kit.engine.check();
});

test('the fund takes over at the leverage that the tier of what it takes allows', () => {
  // 30 BTC at 10,000, leverage 5: margin 60,000, bankrupt at 8,000. 60,000 + N − 300,000 = 10 % N − 9,000 → N = 256,666.7: liquidated at 8,555.5.
  const riskTiers = [{ notionalFloor: 0, initialMarginRate: 20_000, maintenanceMarginRate: 10_000 }, { notionalFloor: 100_000 * USDT, initialMarginRate: 200_000, maintenanceMarginRate: 100_000 }];
  const taken = (funded: number) => {
    const kit = Kit.create({ perp: { riskTiers } });
    kit.prices(100_000, 100_000);
    kit.do({ type: 'fund_insurance', asset: 'USDT', amount: funded * USDT });
    const [long, short] = [kit.user('long', 1_000_000), kit.user('short', 1_000_000)];
    for (const account of [long, short]) kit.do({ type: 'set_leverage', account, market: PERP, leverage: 5 });
    kit.place(short, perp({ side: 'sell', price: 100_000, quantity: 30_000 }));
    kit.place(long, perp({ side: 'buy', price: 100_000, quantity: 30_000 }));
    assert.equal(kit.engine.position(long, PERP)?.liquidationPrice, 85_555);
    const { fills } = receiptOf(kit.prices(85_555, 85_555));
    kit.engine.check();
    return [...fills.map(({ cause, quantity }) => [cause, quantity]), kit.engine.balance(1, USD).margin];
  };
  // Just under 100,000 at the mark are 11,688 lots: 18,312 go, worth 156,668, which allows a leverage of 5: 146,496 ÷ 5.
  assert.deepEqual(taken(1_000_000), [['takeover', 18_312], 29_299.2 * USDT]);
  assert.deepEqual(taken(29_300), [['takeover', 18_312], 29_299.2 * USDT]);
  // 11,688 lots stay below the floor, where the fund's own leverage of 10 holds: 93,504 ÷ 10. One more would need 18,702.4.
  for (const funded of [9_351, 18_702]) assert.deepEqual(taken(funded), [['takeover', 11_688], ['adl', 6_624], 9_350.4 * USDT]);
  assert.deepEqual(taken(18_703), [['takeover', 11_689], ['adl', 6_623], 18_702.4 * USDT]);
  assert.deepEqual(taken(1), [['takeover', 1], ['adl', 18_311], 0.8 * USDT]);
});

test('without a fund the opposite positions are deleveraged by profit and leverage', () => {
  const { kit, long, short } = venue();
  const keen = kit.user('keen', 10_000);
  kit.do({ type: 'set_leverage', account: keen, market: PERP, leverage: 20 });
  const other = kit.user('other', 100_000);
  kit.place(keen, perp({ side: 'sell', quantity: 300 }));
  kit.do({ type: 'set_leverage', account: other, market: PERP, leverage: 2 });
  kit.place(other, perp({ side: 'buy', quantity: 300 }));
  assert.deepEqual([kit.engine.position(keen, PERP)?.adlRank, kit.engine.position(short, PERP)?.adlRank], [5, 5], 'equal without profit or loss');
  kit.prices(280_000, 280_000);
  assert.deepEqual([kit.engine.position(keen, PERP)?.adlRank, kit.engine.position(short, PERP)?.adlRank], [5, 3]);
  const events = kit.prices(272_000, 272_000);
  const receipt = receiptOf(events);
  assert.deepEqual(receipt.fills.map(({ quantity, cause, counterparty }) => [quantity, cause, counterparty]), [[300, 'adl', keen], [700, 'adl', short]]);
  for (const side of ofType(events, 'trade').flatMap(({ taker, maker }) => [taker, maker])) {
    const { order, filled, remaining, filledQuote, filledFee, unlocked } = side;
    assert.deepEqual({ order, filled, remaining, filledQuote, filledFee, unlocked }, { order: 0, filled: 0, remaining: 0, filledQuote: 0, filledFee: 0, unlocked: 0 }, 'no order stood behind it');
  }
  assert.equal(kit.engine.position(long, PERP), undefined);
  assert.equal(kit.engine.position(short, PERP)?.size, -300);
  kit.engine.check();
});

test('the score is profit times, or loss through, effective leverage', () => {
  // Profit 10 % of cost; notional 90 over equity 20 is a leverage of 4.5.
  assert.equal(adlScore(100, 10, 90, 10), 450_000);
  // Loss 10 %; notional 110 over equity 20 is 5.5.
  assert.equal(adlScore(100, 30, 110, -10), -18_182);
});

test('a large position is reduced tier by tier', () => {
  const kit = Kit.create();
  kit.prices(300_000, 300_000);
  const long = kit.user('long', 2_000_000);
  const short = kit.user('short', 2_000_000);
  kit.do({ type: 'set_leverage', account: long, market: PERP, leverage: 20 });
  kit.place(short, perp({ side: 'sell', quantity: 40_000 }));
  kit.place(long, perp({ side: 'buy', quantity: 40_000 }));
  // 40 BTC, 1.2 million: margin 60,000, MM = 2.5 % − 15,000. A deep bid just above bankruptcy at 28,500.
  const liquidation = kit.engine.position(long, PERP)!.liquidationPrice;
  kit.place(short, perp({ side: 'buy', price: 285_100, quantity: 40_000 }));
  const receipts = ofType(kit.prices(liquidation, liquidation), 'position_liquidated').map(({ receipt }) => receipt);
  assert.equal(receipts[0].tier, 1);
  const left = kit.engine.position(long, PERP)!;
  assert.equal(receipts.length, 1, 'below the floor the rest is safe');
  assert.ok(left.notional < 1_000_000 * USDT && left.notional + liquidation * 100 >= 1_000_000 * USDT, 'just under the floor');
  assert.ok(left.marginRatio < 1_000_000);
  kit.engine.check();
});

/** `long` is due, at a bankruptcy price of 27,000 and a mark of 23,700, and nobody can take it. */
function stuck() {
  const { kit, long, short, fund } = venue();
  // The first short leaves with its profit: it buys far below the mark from a late one, who then takes out all margin but the least while the market is halted. That is refused
  // now; journals in which it was not are still read.
  const late = kit.user('late', 20_000);
  kit.place(late, perp({ side: 'sell', price: 240_000 }));
  kit.place(short, perp({ side: 'buy', price: 240_000 }));
  kit.do({ type: 'update_market', market: PERP, changes: { status: 'halted' } });
  kit.prices(237_000, 237_000);
  const { size, cost, margin, realized, leverage } = kit.engine.position(late, PERP)!;
  const marginDelta = 2_400 * USDT - margin;
  assert.equal(kit.refused({ type: 'adjust_margin', account: late, market: PERP, amount: marginDelta }), 'MARKET_HALTED');
  kit.engine.apply({ seq: kit.engine.seq + 1, type: 'margin_adjusted', account: late, market: PERP, marginDelta, position: { size, cost, margin: margin + marginDelta, realized, leverage } }, kit.time);
  assert.equal(kit.engine.position(late, PERP)?.bankruptcyPrice, 264_000, 'below the 27,000.0 of the long');
  kit.do({ type: 'update_market', market: PERP, changes: { status: 'open' } });
  assert.equal(kit.engine.position(long, PERP)?.size, 1_000);
  return { kit, long, fund };
}

test('what nobody can take stays open, with nobody below zero, until somebody can', () => {
  const { kit, long } = stuck();
  assert.deepEqual(kit.do({ type: 'advance_time' }), []);
  assert.notEqual(kit.engine.nextTimer(), kit.time, 'trying again waits for a reason');
  kit.engine.check();
  // 2,700 of margin and 3,300 that the mark is below the bankruptcy price.
  kit.do({ type: 'fund_insurance', asset: 'USDT', amount: 6_000 * USDT });
  assert.deepEqual(receiptOf(kit.do({ type: 'advance_time' })).fills.map(({ cause }) => cause), ['takeover']);
  assert.equal(kit.engine.position(long, PERP), undefined);
  kit.engine.check();
});

test('a restored engine tries again what nobody could take whenever the one that was saved does', () => {
  const { kit, long, fund } = stuck();
  // 6 USDT a lot: the fund takes 100 of the 1,000 lots.
  kit.do({ type: 'fund_insurance', asset: 'USDT', amount: 600 * USDT });
  kit.do({ type: 'advance_time' });
  assert.deepEqual([kit.engine.position(long, PERP)?.size, fund().futuresAvailable], [900, 0]);
  kit.order(kit.user('bidder', 10_000), perp({ side: 'buy', price: 236_900, quantity: 100 }));
  const restored = Engine.restore(kit.engine.snapshot());
  // At the next price the fund sells them at 23,690, after the look at who is due: of its 600 it has lost 331 and a fee of 1.1845. The price after that finds
  // it has enough for 44, and for one more at 2.7, since the 44 stand above a margin call.
  for (const mark of [237_000, 237_000]) {
    const command = { type: 'set_prices', prices: [{ market: PERP, index: mark, mark }] } as const;
    assert.deepEqual(restored.execute(command, kit.time), { ok: true, events: kit.do(command) });
  }
  assert.equal(kit.engine.position(long, PERP)?.size, 855);
  assert.equal(restored.stateHash(), kit.engine.stateHash());
  kit.engine.check();
});

test('a halted market liquidates nobody until it runs again', () => {
  const { kit, long } = venue();
  kit.do({ type: 'set_safety', market: PERP, safety: 'halted', reason: 'feed silent' });
  assert.equal(ofType(kit.prices(272_000, 272_000), 'position_liquidated').length, 0);
  assert.equal(kit.engine.position(long, PERP)?.size, 1_000);
  const events = kit.do({ type: 'set_safety', market: PERP, safety: 'normal', reason: 'feed back' });
  assert.equal(ofType(events, 'position_liquidated').length, 1);
});

test('a price that liquidates nobody visits nobody, however many positions there are', () => {
  const { kit } = venue();
  for (let n = 0; n < 200; n++) {
    const [a, b] = [kit.user(`a${n}`, 1_000), kit.user(`b${n}`, 1_000)];
    kit.place(a, perp({ side: 'sell', quantity: 1 }));
    kit.place(b, perp({ side: 'buy', quantity: 1 }));
  }
  assert.equal(kit.prices(290_000, 290_000).length, 1);
});
