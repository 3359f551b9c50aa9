/**
 * Liquidation, takeover and auto-deleveraging, worked out by hand. A tick is 0.1 USDT, a lot 0.001 BTC, one of each 100 minor units (u) of USDT: a lot at 1,000 ticks is worth
 * 100,000 u = 0.1 USDT. Leverage is 10, initial margin 2 %, maintenance 1 %, and there are no fees, where nothing else is said.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kit, ofType, PERP, perpSpec, SPOT, spotSpec, USDT } from '../support/engine-kit.ts';
import { FREE, FUND, futures, open, perp, scenario, size } from './scenario-kit.ts';

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
