/** The objects of the public contract, field by field as the contract words them: what clients may rely on, independent of the schemas in `src`. */
import assert from 'node:assert/strict';
import { DECIMAL } from './json-schema.ts';

/** `?` = the field may be absent, `|null` = it may be null. Words apart by `|` = one of them. */
type Word = string;
type Shape = Readonly<Record<string, Word>>;

const YEAR_2020 = 1_577_836_800_000;
const YEAR_2100 = 4_102_444_800_000;

const IS: Readonly<Record<string, (value: unknown) => boolean>> = {
  decimal: (value) => typeof value === 'string' && DECIMAL.test(value),
  ms: (value) => Number.isInteger(value) && (value as number) > YEAR_2020 && (value as number) < YEAR_2100,
  id: (value) => typeof value === 'string' && value !== '',
  int: (value) => Number.isSafeInteger(value),
  bool: (value) => typeof value === 'boolean',
  list: (value) => Array.isArray(value),
  null: (value) => value === null,
};

/** Every field is there and of its kind. */
export function assertShape(name: string, value: unknown, shape: Shape): void {
  assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value), `${name} is an object`);
  const object = value as Readonly<Record<string, unknown>>;
  for (const [key, words] of Object.entries(shape)) {
    const field = key.replace(/\?$/, '');
    if (!Object.hasOwn(object, field)) {
      assert.ok(key.endsWith('?'), `${name}.${field} is missing`);
      continue;
    }
    const fits = words.split('|').some((word) => IS[word]?.(object[field]) ?? object[field] === word);
    assert.ok(fits, `${name}.${field} must be ${words}, not ${JSON.stringify(object[field])}`);
  }
}

export const USER: Shape = { id: 'id', email: 'id' };
export const TOKENS: Shape = { accessToken: 'id', expiresIn: 'int', refreshToken: 'id' };
export const ORDER: Shape = {
  id: 'id', clientOrderId: 'id|null', symbol: 'id', side: 'buy|sell', type: 'limit|market', status: 'new|partially_filled|filled|canceled|expired',
  price: 'decimal|null', stopPrice: 'decimal|null', quantity: 'decimal', filledQuantity: 'decimal', remainingQuantity: 'decimal', averagePrice: 'decimal|null',
  timeInForce: 'GTC|IOC|FOK', postOnly: 'bool', reduceOnly: 'bool', fee: 'decimal', feeAsset: 'id', createdAt: 'ms', updatedAt: 'ms', seq: 'int',
};
export const TRADE: Shape = {
  id: 'id', orderId: 'id', symbol: 'id', side: 'buy|sell', role: 'maker|taker', price: 'decimal', quantity: 'decimal', fee: 'decimal', feeAsset: 'id',
  'realizedPnl?': 'decimal', timestamp: 'ms', seq: 'int',
};
export const POSITION: Shape = {
  symbol: 'id', side: 'long|short', quantity: 'decimal', entryPrice: 'decimal', markPrice: 'decimal|null', notional: 'decimal', leverage: 'int', marginMode: 'isolated|cross',
  margin: 'decimal', maintenanceMargin: 'decimal', marginRatio: 'decimal', unrealizedPnl: 'decimal', realizedPnl: 'decimal', liquidationPrice: 'decimal|null',
  bankruptcyPrice: 'decimal|null', adlRank: 'int', status: 'open|closed', updatedAt: 'ms', seq: 'int',
};
export const WALLET: Shape = { account: 'spot|futures', asset: 'id', total: 'decimal', available: 'decimal', locked: 'decimal', 'margin?': 'decimal', seq: 'int' };
export const BOOK: Shape = { symbol: 'id', seq: 'int', bids: 'list', asks: 'list', checksum: 'int' };
export const TICKER: Shape = {
  symbol: 'id', last: 'decimal|null', bid: 'decimal|null', ask: 'decimal|null', open: 'decimal|null', high: 'decimal|null', low: 'decimal|null', volume: 'decimal',
  quoteVolume: 'decimal', change: 'decimal', changePercent: 'decimal', count: 'int', openTime: 'ms', closeTime: 'ms', 'index?': 'decimal', 'mark?': 'decimal',
  'fundingRate?': 'decimal', 'nextFundingTime?': 'ms', 'openInterest?': 'decimal',
};
export const PRICES: Shape = { symbol: 'id', index: 'decimal|null', mark: 'decimal|null', last: 'decimal|null', status: 'open|halted|reduce_only|cancel_only', sources: 'list' };
export const INSURANCE: Shape = { asset: 'id', balance: 'decimal', updatedAt: 'ms' };
export const LIQUIDATION: Shape = {
  id: 'id', symbol: 'id', side: 'long|short', quantity: 'decimal', entryPrice: 'decimal', markPrice: 'decimal', tier: 'int', marginBefore: 'decimal',
  bankruptcyPrice: 'decimal', fills: 'list', fee: 'decimal', fundDelta: 'decimal', fundAfter: 'decimal', adl: 'list', timestamp: 'ms', seq: 'int', 'userId?': 'id',
};
export const MARKET: Shape = {
  symbol: 'id', type: 'spot|perpetual', base: 'id', quote: 'id', status: 'open|halted|reduce_only|cancel_only|pre_open|settling', tickSize: 'decimal', lotSize: 'decimal',
  makerFee: 'decimal', takerFee: 'decimal', minQuantity: 'decimal', maxQuantity: 'decimal', minNotional: 'decimal', priceBand: 'decimal', maxLeverage: 'int',
  riskTiers: 'list', fundingIntervalMs: 'int', liquidationFeeRate: 'decimal', house: 'bool',
};
export const AUDIT_ROW: Shape = { asset: 'id', sum: 'decimal', external: 'decimal', users: 'decimal', locked: 'decimal', margin: 'decimal', fees: 'decimal', insurance: 'decimal' };
export const SESSION: Shape = { id: 'id', createdAt: 'ms', expiresAt: 'ms', current: 'bool' };
