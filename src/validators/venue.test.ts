import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ZodType } from 'zod';
import { createAsset, createMarket, setPrices, updateMarket } from './admin.ts';
import { depthQuery, klinesQuery, liquidationsQuery } from './market.ts';
import { cancelAfter } from './order.ts';
import { adjustMargin, closePosition, positionsQuery, setLeverage, setMarginMode } from './position.ts';
import { marketSubscription } from './sockets.ts';
import { deposit, transactionsQuery, transfer } from './wallet.ts';

const MARKET = { symbol: 'BTC-USDT', type: 'spot', base: 'BTC', quote: 'USDT', tickSize: '0.01', lotSize: '0.0001', makerFee: '-0.0001', takerFee: '0.0005' };
const TIER = { notionalFloor: '0', initialMarginRate: '0.01', maintenanceMarginRate: '0.005' };

/** schema, what it takes, what it does not */
const CASES: Readonly<Record<string, readonly [ZodType, readonly unknown[], readonly unknown[]]>> = {
  deposit: [deposit, [{ asset: 'USDT', amount: '1' }, { asset: 'USDT', amount: '0.000001', account: 'futures' }], [
    { asset: 'USDT', amount: '0' }, { asset: 'USDT', amount: '-1' }, { asset: 'USDT', amount: '1e3' }, { asset: 'USDT', amount: 1 }, { asset: 'usdt', amount: '1' },
    { asset: 'USDT', amount: '1', account: 'margin' }, { asset: 'USDT', amount: '1', userId: 'x' }, {},
  ]],
  transfer: [transfer, [{ asset: 'USDT', amount: '1', from: 'spot', to: 'futures' }], [
    { asset: 'USDT', amount: '1', from: 'spot', to: 'spot' }, { asset: 'USDT', amount: '1', from: 'spot' }, { asset: 'USDT', amount: '0.0', from: 'spot', to: 'futures' },
  ]],
  'list of transactions': [transactionsQuery, [{}, { type: 'trade', asset: 'BTC', limit: '1' }], [{ type: 'gift' }, { limit: '0' }]],
  'closing of a position': [closePosition, [{}, { quantity: '1' }], [{ quantity: '0' }, { quantity: 1 }, { symbol: 'X' }]],
  leverage: [setLeverage, [{ leverage: 1 }, { leverage: 125 }], [{ leverage: 0 }, { leverage: 1.5 }, { leverage: '10' }, { leverage: -1 }, { leverage: 1001 }, {}]],
  'margin mode': [setMarginMode, [{ mode: 'isolated' }], [{ mode: 'cross' }, {}]],
  margin: [adjustMargin, [{ amount: '1' }, { amount: '-1' }], [{ amount: '0' }, { amount: '+1' }, { amount: 1 }]],
  'list of positions': [positionsQuery, [{}, { status: 'closed' }], [{ status: 'new' }, { symbol: 'x' }]],
  depth: [depthQuery, [{}, { depth: '1' }, { depth: '500' }], [{ depth: '0' }, { depth: '501' }, { depth: 'all' }]],
  candles: [klinesQuery, [{ interval: '1m' }, { interval: '1w', from: '1', to: '1' }], [{}, { interval: '2m' }, { interval: '1m', from: '2', to: '1' }, { interval: '1m', from: '1.5' }]],
  'list of liquidations': [liquidationsQuery, [{ mine: 'true' }, { mine: 'false' }], [{ mine: '1' }, { userId: 'x' }]],
  asset: [createAsset, [{ asset: 'DOGE', scale: 0 }, { asset: 'A1', scale: 12 }], [{ asset: 'DOGE', scale: 13 }, { asset: 'DOGE', scale: '8' }, { asset: 'doge', scale: 8 }, { asset: 'DOGE' }]],
  market: [createMarket, [MARKET, { ...MARKET, symbol: 'BTC-USDT-PERP', type: 'perpetual', maxLeverage: 100, riskTiers: [TIER], house: true }], [
    { ...MARKET, symbol: 'ETH-USDT' }, { ...MARKET, type: 'perpetual' }, { ...MARKET, symbol: 'BTC-USDT-PERP' }, { ...MARKET, tickSize: '0' }, { ...MARKET, takerFee: undefined },
    { ...MARKET, makerFee: '1e-4' }, { ...MARKET, riskTiers: [] }, { ...MARKET, riskTiers: [{ ...TIER, extra: 1 }] }, { ...MARKET, id: 1 },
  ]],
  'change of a market': [updateMarket, [{ status: 'halted' }, { takerFee: '0' }], [{}, { status: 'closed' }, { tickSize: '1' }, { symbol: 'X-Y' }, { __proto__: null, constructor: 1 }]],
  prices: [setPrices, [{ prices: [{ symbol: 'BTC-USDT', index: '1' }] }, { prices: [{ symbol: 'BTC-USDT', index: '1', mark: '2' }] }], [
    { prices: [] }, { prices: [{ symbol: 'BTC-USDT', index: '0' }] }, { prices: [{ symbol: 'BTC-USDT', mark: '1' }] }, { prices: [{ symbol: 'BTC-USDT', index: 1 }] }, {},
  ]],
};

test('a number beyond its range is told the range, as one that is not whole is', () => {
  const told = (schema: ZodType, input: unknown) => schema.safeParse(input).error?.issues.map(({ message }) => message);
  for (const leverage of [0, 1001, 1.5, '10', Number.MAX_SAFE_INTEGER + 1]) assert.deepEqual(told(setLeverage, { leverage }), ['must be a whole number from 1 to 1000'], String(leverage));
  assert.deepEqual(told(createAsset, { asset: 'DOGE', scale: 13 }), ['must be a whole number from 0 to 12']);
  assert.deepEqual(told(updateMarket, { maxOpenOrders: 0 }), ['must be a whole number from 1 to 10000']);
  assert.deepEqual(told(cancelAfter, { timeoutMs: -1 }), ['must be a whole number from 0 to 86400000']);
  assert.deepEqual(told(marketSubscription, { channel: 'orderbook', symbol: 'BTC-USDT', depth: 0 }), ['must be a whole number from 1 to 1000']);
});

for (const [name, [schema, taken, refused]] of Object.entries(CASES)) {
  test(`a ${name} is taken or refused by its form`, () => {
    for (const input of taken) assert.ok(schema.safeParse(input).success, JSON.stringify(input));
    for (const input of refused) assert.ok(!schema.safeParse(input).success, JSON.stringify(input));
  });
}
