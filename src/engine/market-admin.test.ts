import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kit, newOrder, PERP, perpSpec, SPOT, spotSpec, USDT } from '../../tests/support/engine-kit.ts';

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
    ['the band is whole', { ...eth, priceBand: 1_000_000 }],
    ['it has no tiers', { ...eth, riskTiers: [] }],
    ['the first tier has a floor', { ...eth, riskTiers: [{ ...tier, notionalFloor: 1 }] }],
    ['tiers do not ascend', { ...eth, riskTiers: [tier, { ...tier, notionalFloor: 5 }, { ...tier, notionalFloor: 5 }] }],
    ['maintenance is not below initial margin', { ...eth, riskTiers: [{ ...tier, maintenanceMarginRate: 20_000 }] }],
    ['rates fall', { ...eth, riskTiers: [tier, { notionalFloor: 5, initialMarginRate: 15_000, maintenanceMarginRate: 10_000 }] }],
    ['leverage is beyond the first tier', { ...eth, maxLeverage: 51 }],
    ['funding is too frequent', { ...eth, fundingIntervalMs: 1 }],
  ];
  for (const [name, changes] of table) assert.equal(kit.refused({ type: 'create_market', spec: perpSpec(changes) }), 'VALIDATION_FAILED', name);
  assert.equal(kit.refused({ type: 'create_market', spec: perpSpec() }), 'CONFLICT');
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
