/**
 * Hard days of a small exchange, worked out by hand. A tick is 0.1 USDT, a lot 0.001 BTC, one of each 100 minor units (u) of USDT: a lot at 1,000 ticks is worth 100,000 u = 0.1 USDT.
 * Leverage is 10, initial margin 2 %, maintenance 1 %, and there are no fees, where nothing else is said. The laws are checked after every scenario.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kit, newOrder, ofType, PERP, perpSpec, SPOT, spotSpec, START, USDT } from '../../src/engine/engine-kit.ts';
import type { MarketSpec } from '../../src/engine/market.ts';
import type { NewOrder } from '../../src/engine/commands.ts';
import { Engine } from '../../src/engine/engine.ts';

const FUND = 1;
const FREE = { makerFee: 0, takerFee: 0 };
const perp = { market: PERP } as const;

function scenario(name: string, rules: { readonly perp?: Partial<MarketSpec>; readonly spot?: Partial<MarketSpec> }, play: (kit: Kit) => void): void {
  test(name, () => {
    const kit = Kit.create({ perp: { ...FREE, ...rules.perp }, spot: { ...FREE, ...rules.spot } });
    kit.prices(1_000, 1_000);
    play(kit);
    kit.engine.check();
    for (const { asset, sum } of kit.engine.audit()) assert.equal(sum, 0, `asset ${asset}`);
    assert.equal(kit.replay().stateHash(), kit.engine.stateHash(), 'the log leads to the same state');
    assert.equal(Engine.restore(kit.engine.snapshot()).stateHash(), kit.engine.stateHash(), 'and so does the snapshot');
  });
}

/** The buyer takes what the seller offers. */
function open(kit: Kit, buyer: number, seller: number, price: number, quantity: number): void {
  kit.order(seller, { ...perp, side: 'sell', price, quantity });
  kit.order(buyer, { ...perp, side: 'buy', price, quantity });
}

/** Available, locked, margin in the futures wallet. */
function futures(kit: Kit, account: number): readonly number[] {
  const { futuresAvailable, futuresLocked, margin } = kit.engine.balance(account, 0);
  return [futuresAvailable, futuresLocked, margin];
}

function size(kit: Kit, account: number): number {
  return kit.engine.position(account, PERP)?.size ?? 0;
}

function refusals(kit: Kit, account: number, orders: readonly Partial<NewOrder>[]): string[] {
  return kit.batch({ type: 'place_orders', account, orders: orders.map(newOrder) }).map((result) => (result.ok ? 'ok' : result.code));
}

// Binance, "How to calculate liquidation price of USDⓈ-M futures contracts": long 3,683.979 ETH at 1,456.84, wallet 1,535,443.01, rate 10 %, cum 135,365 → 1,114.78.
test('the liquidation price is the one that Binance publishes for its example', () => {
  const kit = new Kit();
  kit.do({ type: 'create_asset', code: 'USDT', scale: 6 });
  kit.do({ type: 'create_asset', code: 'ETH', scale: 8 });
  const riskTiers = [
    { notionalFloor: 0, initialMarginRate: 100_000, maintenanceMarginRate: 50_000 },
    { notionalFloor: 2_707_300 * USDT, initialMarginRate: 200_000, maintenanceMarginRate: 100_000 },
  ];
  const symbols = { base: 'ETH', tickSize: '0.01', lotSize: '0.001', ...FREE };
  kit.do({ type: 'create_market', spec: { ...spotSpec(symbols), symbol: 'ETH-USDT' } });
  kit.do({ type: 'create_market', spec: { ...perpSpec({ ...symbols, maxLeverage: 10, riskTiers }), symbol: 'ETH-USDT-PERP' } });
  const [long, short] = [kit.user('long', 2_000_000), kit.user('short', 2_000_000)];
  for (const account of [long, short]) kit.do({ type: 'set_leverage', account, market: PERP, leverage: 5 });
  kit.prices(145_684, 145_684);
  open(kit, long, short, 145_684, 3_683_979);
  kit.do({ type: 'adjust_margin', account: long, market: PERP, amount: 1_535_443_010_000 - kit.engine.position(long, PERP)!.margin });
  assert.equal(kit.engine.position(long, PERP)?.liquidationPrice, 111_478);
  assert.equal(ofType(kit.prices(111_479, 111_479), 'position_liquidated').length, 0);
  assert.notEqual(ofType(kit.prices(111_478, 111_478), 'position_liquidated').length, 0);
  kit.engine.check();
});

const STEPS = [
  { notionalFloor: 0, initialMarginRate: 20_000, maintenanceMarginRate: 10_000 },
  { notionalFloor: 1_000 * USDT, initialMarginRate: 50_000, maintenanceMarginRate: 25_000 },
  { notionalFloor: 2_000 * USDT, initialMarginRate: 100_000, maintenanceMarginRate: 50_000 },
];
// 25,000 lots at 1,000: notional 2,500 USDT, margin 250, bankrupt at 900. cum = 0, 15, 65. 250 + N − 2,500 = 5 % N − 65 → N = 2,300, which is 920.
scenario('a position goes down the tiers step by step', { perp: { riskTiers: STEPS } }, (kit) => {
  const [long, short, bidder] = [kit.user('long', 1_000), kit.user('short', 1_000), kit.user('bidder', 10_000)];
  open(kit, long, short, 1_000, 25_000);
  assert.equal(kit.engine.position(long, PERP)?.liquidationPrice, 920);
  kit.order(bidder, { ...perp, side: 'buy', price: 915, quantity: 5_000 });
  kit.order(bidder, { ...perp, side: 'buy', price: 905, quantity: 20_000 });
  assert.equal(ofType(kit.prices(921, 921), 'position_liquidated').length, 0);
  // Just under 2,000 USDT at 920 are ⌊1,999,999,999 ÷ 92,000⌋ = 21,739 lots: 3,261 go at 915, 15 ticks above bankruptcy: 4,891,500 u to the fund.
  const first = ofType(kit.prices(920, 920), 'position_liquidated')[0];
  assert.deepEqual([first.receipt.tier, first.receipt.quantity, first.receipt.bankruptcyPrice, first.toFund, first.receipt.maintenanceMargin], [2, 3_261, 900, 4_891_500, 50 * USDT]);
  assert.equal(size(kit, long), 21_739);
  // At 910: equity 10 ticks × 21,739 lots = 21.739 USDT against 2.5 % of 1,978.249 − 15 = 34.456. ⌊999,999,999 ÷ 91,000⌋ = 10,989 lots stay: 1,739 go at 915 and 9,011 at 905.
  const second = ofType(kit.prices(910, 910), 'position_liquidated');
  assert.deepEqual(second.map(({ receipt, toFund }) => [receipt.tier, receipt.quantity, toFund]), [[1, 10_750, (1_739 * 15 + 9_011 * 5) * 100]]);
  // 10,989 lots × 9 ticks = 9.8901 USDT against 1 % of 998.9001: all of the rest at 905.
  const third = ofType(kit.prices(909, 909), 'position_liquidated');
  assert.deepEqual(third.map(({ receipt, toFund }) => [receipt.tier, receipt.quantity, toFund]), [[0, 10_989, 10_989 * 5 * 100]]);
  assert.deepEqual(futures(kit, long), [750 * USDT, 0, 0], 'the margin is lost, nothing else');
  assert.deepEqual(futures(kit, FUND), [4_891_500 + 7_114_000 + 5_494_500, 0, 0]);
});

// 12,500 lots at 800 are 1,000 USDT exactly, the floor of tier 1, so 12,499 stay. Short from 720 at leverage 10: bankrupt at 792, and nobody sells below that: the fund takes one lot of the first step.
scenario('a step ends below the floor, not on it', { perp: { riskTiers: STEPS } }, (kit) => {
  const [long, short] = [kit.user('long', 1_000), kit.user('short', 1_000)];
  kit.prices(720, 720);
  kit.do({ type: 'fund_insurance', asset: 'USDT', amount: 5_000 * USDT });
  kit.do({ type: 'set_leverage', account: long, market: PERP, leverage: 1 });
  open(kit, long, short, 720, 12_500);
  assert.deepEqual(ofType(kit.prices(800, 800), 'position_liquidated').map(({ receipt }) => [receipt.tier, receipt.quantity, receipt.bankruptcyPrice]), [[1, 1, 792], [0, 12_499, 792]]);
  assert.equal(size(kit, FUND), -12_500);
});

// 10 lots at 1,000: cost 1,000,000 u, margin 100,000 u, bankrupt at 900. 100,000 + N − 1,000,000 = 1 % N → N = 909,090.9: liquidated at 909.
scenario('with an empty book the insurance fund takes over, and works the position off later', {}, (kit) => {
  const [long, short, buyer] = [kit.user('long', 10), kit.user('short', 10), kit.user('buyer', 10)];
  kit.do({ type: 'fund_insurance', asset: 'USDT', amount: USDT });
  open(kit, long, short, 1_000, 10);
  const { receipt, toFund } = ofType(kit.prices(909, 909), 'position_liquidated')[0];
  assert.deepEqual([receipt.quantity, toFund, receipt.fundDelta, receipt.fundAfter, receipt.marginBefore, receipt.unrealizedPnl], [10, 0, 0, USDT, 100_000, -91_000]);
  assert.deepEqual(receipt.fills.map(({ price, quantity, cause, counterparty }) => [price, quantity, cause, counterparty]), [[900, 10, 'takeover', FUND]]);
  assert.deepEqual(futures(kit, long), [9_900_000, 0, 0]);
  assert.deepEqual(futures(kit, FUND), [910_000, 0, 90_000], '10 lots at 900 at leverage 10');
  // Four lots at 906, within 0.5 % of 909 (905): the fund earns 6 ticks on each.
  kit.order(buyer, { ...perp, side: 'buy', price: 906, quantity: 4 });
  kit.prices(909, 909);
  assert.deepEqual([size(kit, FUND), ...futures(kit, FUND)], [6, 910_000 + 36_000 + 2_400, 0, 54_000]);
  // Nobody near enough: 904 is beyond 0.5 %.
  kit.order(buyer, { ...perp, side: 'buy', price: 904, quantity: 6 });
  kit.prices(909, 909);
  assert.equal(size(kit, FUND), 6);
});

// Score = gain × notional ÷ (margin + profit). At 905 both shorts gain 9.5 %; 7 lots at leverage 5: 633,500 ÷ (140,000 + 66,500) = 3.07; 8 lots at 10: 724,000 ÷ (80,000 + 76,000) = 4.64.
scenario('without a fund the most leveraged winners are deleveraged first, at the bankruptcy price', {}, (kit) => {
  const [long, calm, modest, bold] = [kit.user('long', 10), kit.user('calm', 10), kit.user('modest', 10), kit.user('bold', 10)];
  kit.do({ type: 'set_leverage', account: calm, market: PERP, leverage: 1 });
  kit.do({ type: 'set_leverage', account: modest, market: PERP, leverage: 5 });
  open(kit, long, modest, 1_000, 7);
  open(kit, long, bold, 1_000, 3);
  open(kit, calm, bold, 1_000, 5);
  kit.prices(920, 920);
  assert.deepEqual([bold, modest].map((account) => kit.engine.position(account, PERP)?.adlRank), [5, 3], 'two shorts: all lights, and one half less');
  const { receipt } = ofType(kit.prices(905, 905), 'position_liquidated')[0];
  assert.deepEqual(receipt.fills.map(({ price, quantity, cause, counterparty }) => [price, quantity, cause, counterparty]), [[900, 8, 'adl', bold], [900, 2, 'adl', modest]]);
  assert.deepEqual([receipt.fundDelta, receipt.fundAfter, size(kit, long), size(kit, calm), size(kit, modest), size(kit, bold)], [0, 0, 0, 5, -5, 0]);
  assert.deepEqual(futures(kit, bold), [10_080_000, 0, 0], '8 lots × 100 ticks');
  assert.deepEqual(futures(kit, modest), [10 * USDT - 100_000 + 20_000, 0, 100_000], '2 lots × 100 ticks, and 2 ÷ 7 of the margin back');
  assert.equal(kit.engine.prices(PERP).last, 1_000, 'deleveraging is no price');
});

// At 500 the position at 900 has lost 400 ticks a lot: one lot takes 9,000 u of margin and 40,000 u of loss.
scenario('a mark far beyond bankruptcy costs the trader the margin, the fund what it has, and the winners the rest', {}, (kit) => {
  const [long, short, bidder] = [kit.user('long', 10), kit.user('short', 10), kit.user('bidder', 10)];
  kit.do({ type: 'fund_insurance', asset: 'USDT', amount: 200_000 });
  open(kit, long, short, 1_000, 10);
  kit.order(bidder, { ...perp, side: 'buy', price: 400, quantity: 10 });
  const { receipt } = ofType(kit.prices(500, 500), 'position_liquidated')[0];
  // ⌊10 × 200,000 ÷ 490,001⌋ = 4 lots.
  assert.deepEqual(receipt.fills.map(({ price, quantity, cause }) => [price, quantity, cause]), [[900, 4, 'takeover'], [900, 6, 'adl']]);
  assert.deepEqual(futures(kit, long), [9_900_000, 0, 0]);
  assert.deepEqual(futures(kit, FUND), [4_000, 0, 196_000]);
  assert.deepEqual([size(kit, short), ...futures(kit, short)], [-4, 9_900_000 + 60_000 + 60_000, 0, 40_000], '6 lots × 100 ticks');
  assert.equal(size(kit, bidder), 0, 'a bid at 400 is beyond bankruptcy');
});

scenario('a short is liquidated upwards just the same', { perp: { liquidationSurplus: 'user', liquidationFeeRate: 5_000, takerFee: 500 } }, (kit) => {
  const [long, short, asker] = [kit.user('long', 10), kit.user('short', 10), kit.user('asker', 10)];
  open(kit, long, short, 1_000, 10);
  // 100,000 + 1,000,000 − N = 1 % N → N = 1,089,108.9: liquidated at 1,090; bankrupt at 1,100.
  assert.equal(kit.engine.position(short, PERP)?.liquidationPrice, 1_090);
  kit.order(asker, { ...perp, side: 'sell', price: 1_085, quantity: 10 });
  const { receipt, toFund } = ofType(kit.prices(1_090, 1_090), 'position_liquidated')[0];
  // Bought at 1,085: notional 1,085,000 u; surplus 15,000; taker fee 0.05 % = 543 (rounded up); liquidation fee 0.5 % = 5,425; the rest goes back.
  assert.deepEqual([receipt.bankruptcyPrice, receipt.fee, toFund], [1_100, 543, 5_425]);
  assert.deepEqual(futures(kit, short), [10 * USDT - 100_000 + 15_000 - 543 - 5_425, 0, 0]);
});

// Isolated: what the orders give back goes to the wallet, not to the position, so it cures nothing.
scenario('a liquidation cancels the open orders of that market first, and no others', {}, (kit) => {
  const [long, short, bidder] = [kit.user('long', 10), kit.user('short', 10), kit.user('bidder', 10)];
  open(kit, long, short, 1_000, 10);
  kit.order(bidder, { ...perp, side: 'buy', price: 900, quantity: 10 });
  const spot = kit.order(long, { market: SPOT, price: 900 });
  const resting = kit.order(long, { ...perp, side: 'buy', price: 850, quantity: 4 });
  // 4 lots at 850 at leverage 10; the mark is above.
  assert.deepEqual(futures(kit, long), [10 * USDT - 100_000 - 34_000, 34_000, 100_000]);
  const events = kit.prices(905, 905);
  assert.deepEqual(events.map(({ type }) => type).slice(1), ['margin_called', 'order_closed', 'trade', 'position_liquidated']);
  assert.deepEqual(ofType(events, 'order_closed').map(({ order, reason, unlocked }) => [order, reason, unlocked]), [[resting, 'liquidation', 34_000]]);
  assert.deepEqual(futures(kit, long), [9_900_000, 0, 0]);
  assert.ok(kit.engine.order(spot) !== undefined);
});

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
scenario('a rebate is paid out of the fees, rounded towards zero', { perp: { makerFee: -100, takerFee: 500 }, spot: { makerFee: -100, takerFee: 500 } }, (kit) => {
  const [maker, taker] = [kit.user('maker', 10, 1), kit.user('taker', 10, 1)];
  kit.order(maker, { ...perp, side: 'sell', price: 1_003, quantity: 3 });
  kit.order(taker, { ...perp, side: 'buy', price: 1_003, quantity: 3 });
  assert.deepEqual([futures(kit, maker), futures(kit, taker)], [[10 * USDT - 30_090 + 30, 0, 30_090], [10 * USDT - 30_090 - 151, 0, 30_090]]);
  assert.equal(kit.engine.audit()[0].fees, 121);
  // Spot: the buyer's 3 lots are 300,000 units of base: 150 to the venue; the seller's rebate is in quote.
  kit.order(maker, { side: 'sell', price: 1_003, quantity: 3 });
  kit.order(taker, { side: 'buy', price: 1_003, quantity: 3 });
  assert.deepEqual([kit.engine.balance(taker, 1).spotAvailable, kit.engine.balance(maker, 0).spotAvailable], [100_000_000 + 300_000 - 150, 10 * USDT + 300_900 + 30]);
  assert.deepEqual(kit.engine.audit().map(({ fees }) => fees), [91, 150]);
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
