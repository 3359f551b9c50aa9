import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adlScore } from './adl.ts';
import { Kit, newOrder, ofType, PERP, USDT } from '../../tests/support/engine-kit.ts';
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

test('a fund that can afford part takes that part', () => {
  const { kit } = venue();
  kit.do({ type: 'fund_insurance', asset: 'USDT', amount: 1_000 * USDT });
  const receipt = receiptOf(kit.prices(272_000, 272_000));
  assert.deepEqual(receipt.fills.map(({ cause }) => cause), ['takeover', 'adl']);
  // 2.7 USDT of margin a lot.
  assert.equal(receipt.fills[0].quantity, 370);
  kit.engine.check();
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
  const receipt = receiptOf(kit.prices(272_000, 272_000));
  assert.deepEqual(receipt.fills.map(({ quantity, cause, counterparty }) => [quantity, cause, counterparty]), [[300, 'adl', keen], [700, 'adl', short]]);
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

test('what nobody can take stays open, with nobody below zero, until somebody can', () => {
  const { kit, long, short } = venue();
  // The first short leaves with its profit: it buys far below the mark from a late one, who then takes out all margin but the least while the market is halted.
  const late = kit.user('late', 20_000);
  kit.place(late, perp({ side: 'sell', price: 240_000 }));
  kit.place(short, perp({ side: 'buy', price: 240_000 }));
  kit.do({ type: 'update_market', market: PERP, changes: { status: 'halted' } });
  kit.prices(237_000, 237_000);
  kit.do({ type: 'adjust_margin', account: late, market: PERP, amount: 2_400 * USDT - kit.engine.position(late, PERP)!.margin });
  assert.equal(kit.engine.position(late, PERP)?.bankruptcyPrice, 264_000, 'below the 27,000.0 of the long');
  kit.do({ type: 'update_market', market: PERP, changes: { status: 'open' } });
  assert.equal(kit.engine.position(long, PERP)?.size, 1_000);
  assert.deepEqual(kit.do({ type: 'advance_time' }), []);
  assert.notEqual(kit.engine.nextTimer(), kit.time, 'trying again waits for a reason');
  kit.engine.check();
  // 2,700 of margin and 3,300 that the mark is below the bankruptcy price.
  kit.do({ type: 'fund_insurance', asset: 'USDT', amount: 6_000 * USDT });
  assert.deepEqual(receiptOf(kit.do({ type: 'advance_time' })).fills.map(({ cause }) => cause), ['takeover']);
  assert.equal(kit.engine.position(long, PERP), undefined);
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
