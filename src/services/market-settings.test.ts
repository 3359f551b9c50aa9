import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MarketUnits } from '../types/market-units.ts';
import { Refusal } from '../types/refusal.ts';
import { marketChanges, marketSpec, type NewMarket } from './market-settings.ts';

const BTC = { id: 0, code: 'BTC', scale: 8 };
const USDT = { id: 1, code: 'USDT', scale: 6 };
const SPOT: NewMarket = { symbol: 'BTC-USDT', type: 'spot', base: 'BTC', quote: 'USDT', tickSize: '0.01', lotSize: '0.0001', makerFee: '0.0002', takerFee: '0.0005' };
const PERPETUAL: NewMarket = { ...SPOT, symbol: 'BTC-USDT-PERP', type: 'perpetual' };

test('a spot market without settings has no limits and no leverage', () => {
  assert.deepEqual(marketSpec(SPOT, BTC, USDT), {
    symbol: 'BTC-USDT', type: 'spot', base: 'BTC', quote: 'USDT', tickSize: '0.01', lotSize: '0.0001', status: 'open', makerFee: 200, takerFee: 500,
    minQuantity: 1, maxQuantity: 0, maxMarketQuantity: 0, minNotional: 0, priceBand: 0, maxOpenOrders: 200, maxPosition: 0, maxLeverage: 1, riskTiers: [],
    fundingIntervalMs: 0, interestRate: 0, fundingCap: 0, impactNotional: 0, liquidationFeeRate: 0, liquidationSurplus: 'fund', house: false,
  });
});

test('a perpetual without settings has leverage 20 in one tier and funding every eight hours', () => {
  const spec = marketSpec(PERPETUAL, BTC, USDT);
  assert.equal(spec.maxLeverage, 20);
  assert.deepEqual(spec.riskTiers, [{ notionalFloor: 0, initialMarginRate: 50_000, maintenanceMarginRate: 25_000 }]);
  assert.equal(spec.fundingIntervalMs, 28_800_000);
  assert.equal(spec.impactNotional, 10_000_000_000);
});

test('leverage and tiers follow from each other when only one is given', () => {
  assert.deepEqual(marketSpec({ ...PERPETUAL, maxLeverage: 3 }, BTC, USDT).riskTiers, [{ notionalFloor: 0, initialMarginRate: 333_334, maintenanceMarginRate: 166_667 }]);
  const riskTiers = [
    { notionalFloor: '0', initialMarginRate: '0.01', maintenanceMarginRate: '0.005' },
    { notionalFloor: '250000', initialMarginRate: '0.02', maintenanceMarginRate: '0.01' },
  ];
  const spec = marketSpec({ ...PERPETUAL, riskTiers }, BTC, USDT);
  assert.equal(spec.maxLeverage, 100);
  assert.deepEqual(spec.riskTiers[1], { notionalFloor: 250_000_000_000, initialMarginRate: 20_000, maintenanceMarginRate: 10_000 });
});

test('settings are read in the units of the market', () => {
  const spec = marketSpec({ ...SPOT, makerFee: '-0.0001', minQuantity: '0.001', maxQuantity: '100', minNotional: '10.5', priceBand: '0.1', house: true, status: 'pre_open' }, BTC, USDT);
  assert.deepEqual(
    [spec.makerFee, spec.minQuantity, spec.maxQuantity, spec.minNotional, spec.priceBand, spec.house, spec.status],
    [-100, 10, 1_000_000, 10_500_000, 100_000, true, 'pre_open'],
  );
});

test('a change names only what it changes', () => {
  const units = new MarketUnits(SPOT, BTC, USDT);
  assert.deepEqual(marketChanges({ status: 'halted' }, units, USDT), { status: 'halted' });
  assert.deepEqual(marketChanges({ takerFee: '0', maxOpenOrders: 5 }, units, USDT), { takerFee: 0, maxOpenOrders: 5 });
});

test('a setting that the units cannot hold is refused at its field', () => {
  for (const [settings, path] of [
    [{ minQuantity: '0.00001' }, 'minQuantity'],
    [{ minNotional: '0.0000001' }, 'minNotional'],
    [{ takerFee: '0.0000001' }, 'takerFee'],
    [{ riskTiers: [{ notionalFloor: '0.0000001', initialMarginRate: '0.1', maintenanceMarginRate: '0.05' }] }, 'riskTiers.0.notionalFloor'],
  ] as const) {
    assert.throws(
      () => marketSpec({ ...PERPETUAL, ...settings }, BTC, USDT),
      (error) => error instanceof Refusal && error.code === 'VALIDATION_FAILED' && error.errors?.[0]?.path === path,
    );
  }
});
