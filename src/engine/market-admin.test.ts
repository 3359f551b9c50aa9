import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kit, newOrder, ofType, PERP, perpSpec, SPOT, spotSpec, USDT } from '../../tests/support/engine-kit.ts';
import { Engine } from './engine.ts';

test('an asset needs a code and a scale, once', () => {
  const kit = Kit.create();
  const table: readonly (readonly [string, number, string])[] = [
    ['USDT', 6, 'CONFLICT'], ['usdt', 6, 'VALIDATION_FAILED'], ['X', 6, 'VALIDATION_FAILED'], ['ETH', -1, 'VALIDATION_FAILED'], ['ETH', 13, 'VALIDATION_FAILED'], ['ETH', 1.5, 'VALIDATION_FAILED'],
  ];
  for (const [code, scale, expected] of table) assert.equal(kit.refused({ type: 'create_asset', code, scale }), expected, `${code} ${scale}`);
});

test('a market\'s steps make notional a whole number of minor units', () => {
  const kit = Kit.create();
  kit.do({ type: 'create_asset', code: 'ETH', scale: 8 });
  const eth = { symbol: 'ETH-USDT', base: 'ETH' };
  assert.equal(kit.refused({ type: 'create_market', spec: spotSpec({ ...eth, tickSize: '0.0001', lotSize: '0.001' }) }), 'VALIDATION_FAILED', 'tick × lot below a minor unit of quote');
  assert.equal(kit.refused({ type: 'create_market', spec: spotSpec({ ...eth, tickSize: '1', lotSize: '0.000000001' }) }), 'VALIDATION_FAILED', 'lot below a minor unit of base');
  kit.do({ type: 'create_market', spec: spotSpec({ ...eth, tickSize: '0.05', lotSize: '0.0005' }) });
  const market = kit.engine.market('ETH-USDT')!;
  assert.deepEqual([market.quotePerTickLot, market.basePerLot], [25, 50_000]);
});

test('a market is refused when', () => {
  const kit = Kit.create();
  kit.do({ type: 'create_asset', code: 'ETH', scale: 8 });
  const eth = { symbol: 'ETH-USDT-PERP', base: 'ETH' };
  const tier = { notionalFloor: 0, initialMarginRate: 20_000, maintenanceMarginRate: 10_000 };
  const table: readonly (readonly [string, Parameters<typeof perpSpec>[0]])[] = [
    ['its symbol is not base and quote', { ...eth, symbol: 'ETHUSDT' }],
    ['an asset does not exist', { symbol: 'DOGE-USDT-PERP', base: 'DOGE' }],
    ['base is quote', { symbol: 'USDT-USDT-PERP', base: 'USDT' }],
    ['a fee is above 5 %', { ...eth, takerFee: 50_001 }],
    ['rebates exceed fees', { ...eth, makerFee: -600 }],
    ['the status is unknown', { ...eth, status: 'asleep' as 'open' }],
    ['the least quantity is zero', { ...eth, minQuantity: 0 }],
    ['the largest quantity is below the least', { ...eth, minQuantity: 5, maxQuantity: 4 }],
    ['the largest quantity is none', { ...eth, maxQuantity: 0.5 }],
    ['the largest quantity of a market order is below the least', { ...eth, minQuantity: 5, maxMarketQuantity: 4 }],
    ['the largest quantity of a market order is none', { ...eth, maxMarketQuantity: -1 }],
    ['the band is whole', { ...eth, priceBand: 1_000_000 }],
    ['it has no tiers', { ...eth, riskTiers: [] }],
    ['the first tier has a floor', { ...eth, riskTiers: [{ ...tier, notionalFloor: 1 }] }],
    ['tiers do not ascend', { ...eth, riskTiers: [tier, { ...tier, notionalFloor: 5 }, { ...tier, notionalFloor: 5 }] }],
    ['maintenance is not below initial margin', { ...eth, riskTiers: [{ ...tier, maintenanceMarginRate: 20_000 }] }],
    ['the initial margin falls', { ...eth, riskTiers: [tier, { notionalFloor: 5, initialMarginRate: 15_000, maintenanceMarginRate: 10_000 }] }],
    ['the maintenance margin falls', { ...eth, riskTiers: [tier, { notionalFloor: 5, initialMarginRate: 20_000, maintenanceMarginRate: 9_999 }] }],
    ['leverage is beyond the first tier', { ...eth, maxLeverage: 51 }],
    ['funding is too frequent', { ...eth, fundingIntervalMs: 1 }],
  ];
  for (const [name, changes] of table) assert.equal(kit.refused({ type: 'create_market', spec: perpSpec(changes) }), 'VALIDATION_FAILED', name);
  assert.equal(kit.refused({ type: 'create_market', spec: perpSpec() }), 'CONFLICT');
});

test('a market is accepted where', () => {
  const eth = { symbol: 'ETH-USDT-PERP', base: 'ETH' };
  const tier = { notionalFloor: 0, initialMarginRate: 20_000, maintenanceMarginRate: 10_000 };
  const table: readonly (readonly [string, Parameters<typeof perpSpec>[0]])[] = [
    ['a fee is 5 %', { ...eth, takerFee: 50_000 }],
    ['a rebate is the whole fee', { ...eth, makerFee: -500, takerFee: 500 }],
    ['the largest quantities are the least', { ...eth, minQuantity: 5, maxQuantity: 5, maxMarketQuantity: 5 }],
    ['only the maintenance margin rises', { ...eth, riskTiers: [tier, { ...tier, notionalFloor: 5, maintenanceMarginRate: 15_000 }] }],
    ['only the initial margin rises', { ...eth, riskTiers: [tier, { ...tier, notionalFloor: 5, initialMarginRate: 30_000 }] }],
    ['leverage is what the first tier allows', { ...eth, maxLeverage: 50, riskTiers: [tier] }],
    ['funding comes every second', { ...eth, fundingIntervalMs: 1_000 }],
  ];
  for (const [name, changes] of table) {
    const kit = Kit.create();
    kit.do({ type: 'create_asset', code: 'ETH', scale: 8 });
    const outcome = kit.engine.execute({ type: 'create_market', spec: perpSpec(changes) }, kit.time);
    assert.equal(outcome.ok, true, `${name}: ${JSON.stringify(outcome)}`);
  }
});

test('changes are merged, validated, and may not ruin open positions', () => {
  const kit = Kit.create();
  kit.prices(300_000, 300_000);
  const [a, b] = [kit.user('a', 10_000), kit.user('b', 10_000)];
  kit.place(a, newOrder({ market: PERP, side: 'sell', price: 300_000, quantity: 100 }));
  kit.place(b, newOrder({ market: PERP, side: 'buy', price: 300_000, quantity: 100 }));
  kit.do({ type: 'update_market', market: PERP, changes: { takerFee: 700, status: undefined } });
  assert.deepEqual([kit.engine.markets[PERP].takerFee, kit.engine.markets[PERP].status], [700, 'open']);
  assert.equal(kit.refused({ type: 'update_market', market: PERP, changes: { takerFee: 90_000 } }), 'VALIDATION_FAILED');
  assert.equal(kit.refused({ type: 'update_market', market: 9, changes: {} }), 'UNKNOWN_SYMBOL');
  const tiers = (maintenanceMarginRate: number) => ({ maxLeverage: 2, riskTiers: [{ notionalFloor: 0, initialMarginRate: 500_000, maintenanceMarginRate }] });
  assert.equal(kit.refused({ type: 'update_market', market: PERP, changes: tiers(100_000) }), 'CONFLICT', 'margin 10 %, maintenance 10 %');
  kit.do({ type: 'update_market', market: PERP, changes: tiers(99_000) });
  assert.equal(kit.engine.position(a, PERP)?.marginRatio, 990_000, 'positions are watched by the new tiers');
  assert.equal(kit.engine.balance(a, 0).margin, 300 * USDT);
  kit.do({ type: 'set_safety', market: SPOT, safety: 'reduce_only', reason: 'quorum lost' });
  assert.equal(kit.engine.markets[SPOT].safety, 'reduce_only');
  assert.deepEqual(kit.do({ type: 'set_safety', market: SPOT, safety: 'reduce_only', reason: 'still' }), [], 'the same again is no event');
});

test('a spot market pays no rebates, of either fee', () => {
  const kit = Kit.create();
  kit.do({ type: 'create_asset', code: 'ETH', scale: 8 });
  const eth = { symbol: 'ETH-USDT', base: 'ETH' };
  for (const fees of [{ makerFee: -1, takerFee: 500 }, { makerFee: 500, takerFee: -1 }]) {
    assert.equal(kit.refused({ type: 'create_market', spec: spotSpec({ ...eth, ...fees }) }), 'VALIDATION_FAILED');
    assert.equal(kit.refused({ type: 'update_market', market: SPOT, changes: fees }), 'VALIDATION_FAILED');
    kit.do({ type: 'update_market', market: PERP, changes: fees });
  }
  kit.do({ type: 'create_market', spec: spotSpec({ ...eth, makerFee: 0, takerFee: 0 }) });
});

test('a spot market that has a rebate from before is read, goes on, and can be steered', () => {
  const kit = new Kit();
  kit.do({ type: 'create_asset', code: 'USDT', scale: 6 });
  kit.do({ type: 'create_asset', code: 'BTC', scale: 8 });
  const market = { ...Kit.create().engine.markets[SPOT], makerFee: -100 };
  const event = { seq: kit.engine.seq + 1, type: 'market_created', market } as const;
  kit.engine.apply(event, kit.time);
  kit.log.push({ event, time: kit.time });
  const [buyer, seller] = [kit.user('buyer', 1_000), kit.user('seller', 0, 1)];
  kit.place(buyer, { quantity: 10 });
  kit.place(seller, { side: 'sell', quantity: 10 });
  // The maker gets 0.01 % of 0.01 BTC on top; nobody has paid a fee in BTC.
  assert.deepEqual([kit.engine.balance(buyer, 1).spotAvailable, kit.engine.audit()[1].fees], [1_000_100, -100]);
  kit.do({ type: 'update_market', market: SPOT, changes: { status: 'halted', takerFee: 600 } });
  assert.equal(kit.refused({ type: 'update_market', market: SPOT, changes: { makerFee: -50 } }), 'VALIDATION_FAILED', 'but gets no other');
  kit.engine.check();
  for (const engine of [kit.replay(), Engine.restore(kit.engine.snapshot())]) {
    assert.equal(engine.stateHash(), kit.engine.stateHash());
    engine.check();
    kit.engine = engine;
    assert.equal(kit.engine.markets[SPOT].makerFee, -100);
  }
  kit.do({ type: 'update_market', market: SPOT, changes: { makerFee: 0 } });
  assert.equal(kit.refused({ type: 'update_market', market: SPOT, changes: { makerFee: -100 } }), 'VALIDATION_FAILED', 'once it is gone it is gone');
});

test('another limit of leverage changes nothing about what is open, only what opens next', () => {
  const kit = Kit.create();
  kit.prices(100_000, 100_000);
  const [holder, bidder, other] = ['holder', 'bidder', 'other'].map((name) => kit.user(name, 100_000));
  const sell = (price: number, quantity: number) => kit.place(other, newOrder({ market: PERP, side: 'sell', price, quantity }));
  const buy = (price: number, quantity: number) => newOrder({ market: PERP, side: 'buy', price, quantity });
  kit.do({ type: 'set_leverage', account: other, market: PERP, leverage: 5 });
  sell(100_000, 1_000);
  kit.place(holder, buy(100_000, 1_000));
  // 148,500 USDT of notional; with leverage 10 it locks 14,850 of margin and 74.25 of fee.
  const bid = kit.order(bidder, buy(99_000, 15_000));
  const idle = kit.user('idle', 100_000);
  assert.deepEqual([holder, bidder, other, idle].map((account) => kit.engine.leverage(account, PERP)), [10, 10, 5, 10]);
  const lock = kit.engine.order(bid)?.lock;
  assert.equal(lock, 14_924.25 * USDT);

  kit.do({ type: 'update_market', market: PERP, changes: { maxLeverage: 5 } });
  assert.deepEqual([holder, bidder, other, idle].map((account) => kit.engine.leverage(account, PERP)), [10, 10, 5, 5], 'who has nothing open takes the new default');
  const position = kit.engine.position(holder, PERP);
  assert.deepEqual([position?.leverage, position?.margin], [10, 1_000 * USDT]);
  assert.equal(kit.refused({ type: 'place_order', account: holder, order: buy(99_000, 1) }), 'LEVERAGE_TOO_HIGH');
  const events = sell(99_000, 15_000);
  assert.deepEqual(ofType(events, 'trade').map(({ quantity, maker }) => [quantity, maker.position?.leverage, maker.position?.margin]), [[15_000, 10, 14_850 * USDT]]);

  kit.do({ type: 'update_market', market: PERP, changes: { maxLeverage: 50 } });
  assert.deepEqual([holder, bidder, other, idle].map((account) => kit.engine.leverage(account, PERP)), [10, 10, 5, 10]);
  kit.engine.check();
  assert.equal(kit.replay().stateHash(), kit.engine.stateHash());
});

test('a raised limit of leverage leaves a position at what was the default when it was opened', () => {
  const kit = Kit.create({ perp: { maxLeverage: 3 } });
  kit.prices(1_000, 1_000);
  const [long, short] = [kit.user('long', 1_000), kit.user('short', 1_000)];
  kit.place(short, newOrder({ market: PERP, side: 'sell', quantity: 100 }));
  kit.place(long, newOrder({ market: PERP, side: 'buy', quantity: 100 }));
  kit.do({ type: 'update_market', market: PERP, changes: { maxLeverage: 50 } });
  // 10 USDT at leverage 3.
  assert.deepEqual([kit.engine.position(long, PERP)?.leverage, kit.engine.position(long, PERP)?.margin], [3, 3_333_333]);
  kit.do({ type: 'update_market', market: PERP, changes: { maxLeverage: 20 } });
  assert.equal(kit.engine.leverage(long, PERP), 3);
  assert.equal(kit.engine.leverage(kit.user('new'), PERP), 10);
});
