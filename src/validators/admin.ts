/** What administrators may send: assets, markets, prices. Unknown fields are refused, so that a typing error never silently becomes a default. */
import { z } from 'zod';
import { MARKET_STATUSES } from '../types/market-status.ts';
import { user } from './auth.ts';
import { assetCode, decimal, listQuery, positiveDecimal, rate, signedRate, symbol, timeSpan, wholeNumber } from './common.ts';
import { asset, auditEntry } from './replies.ts';

export const createAsset = z
  .strictObject({ asset: assetCode, scale: wholeNumber(0, 12).meta({ description: 'decimals of its smallest unit' }) })
  .meta({ examples: [{ asset: 'DOGE', scale: 8 }] });


const riskTier = z.strictObject({ notionalFloor: decimal, initialMarginRate: rate, maintenanceMarginRate: rate });

/** What can be given at creation and changed afterwards; `decimal` zero = no limit. */
const settings = {
  makerFee: signedRate.optional(),
  takerFee: signedRate.optional(),
  minQuantity: positiveDecimal.meta({ description: 'smallest order, in base; a multiple of the lot' }).optional(),
  maxQuantity: decimal.meta({ description: 'largest order, in base; "0": no limit' }).optional(),
  maxMarketQuantity: decimal.meta({ description: 'largest market order, in base; "0": no limit' }).optional(),
  minNotional: decimal.meta({ description: 'smallest value of an order, in quote' }).optional(),
  priceBand: rate.meta({ description: 'how far from the mark (spot: from the index, else from the last trade) an order may be, as a fraction; "0": no limit' }).optional(),
  maxOpenOrders: wholeNumber(1, 10_000).meta({ description: 'of one user in this market' }).optional(),
  maxPosition: decimal.meta({ description: 'largest value of a position, in quote; "0": no limit' }).optional(),
  maxLeverage: wholeNumber(1, 1000).optional(),
  riskTiers: z.array(riskTier).min(1).max(50).optional(),
  fundingIntervalMs: wholeNumber(60_000, 604_800_000).optional(),
  interestRate: signedRate.meta({ description: 'of one funding interval, as a fraction' }).optional(),
  fundingCap: rate.meta({ description: 'largest funding rate of one interval, either way, as a fraction' }).optional(),
  impactNotional: decimal.meta({ description: 'value, in quote, at which the book is read for the premium' }).optional(),
  liquidationFeeRate: rate.meta({ description: 'of the value that is liquidated, as a fraction' }).optional(),
  liquidationSurplus: z.enum(['fund', 'user']).meta({ description: 'whose is what is left of the margin' }).optional(),
  house: z.boolean().meta({ description: 'whether a house market maker quotes here' }).optional(),
  status: z.enum(MARKET_STATUSES).optional(),
};

const tickSize = positiveDecimal.meta({ description: 'step of prices, in quote; tick × lot must be a whole number of smallest units of the quote' });
const lotSize = positiveDecimal.meta({ description: 'step of quantities, in base' });

export const createMarket = z
  .strictObject({ ...settings, symbol, type: z.enum(['spot', 'perpetual']), base: assetCode, quote: assetCode, tickSize, lotSize, makerFee: signedRate, takerFee: signedRate })
  .refine(({ symbol: name, type, base, quote }) => name === `${base}-${quote}${type === 'perpetual' ? '-PERP' : ''}`, {
    error: 'must be BASE-QUOTE, with -PERP for a perpetual',
    path: ['symbol'],
  })
  .meta({
    description:
      'Left out: open, smallest order one lot, no other limits ("0"), no price band, 200 open orders per user, house off. Perpetual: leverage up to 20 in one tier (initial margin ' +
      '1/leverage, maintenance half of it; with riskTiers, the leverage that the first allows), funding every 8 hours with interest 0.0001, cap 0.0075 and impact notional 10000, ' +
      'liquidation surplus to the fund, liquidation fee 0.005.',
    examples: [{ symbol: 'DOGE-USDT', type: 'spot', base: 'DOGE', quote: 'USDT', tickSize: '0.00001', lotSize: '1', makerFee: '0.0005', takerFee: '0.001' }],
  });

/** The example says what the built-in markets have already: sent as it is, it changes nothing. */
export const updateMarket = z
  .strictObject(settings)
  .refine((changes) => Object.keys(changes).length > 0, 'give at least one setting to change')
  .meta({ examples: [{ maxOpenOrders: 200 }] });

const price = positiveDecimal.meta({ description: 'in quote, brought to the nearest tick' });

export const setPrices = z
  .strictObject({
    prices: z.array(z.strictObject({ symbol, index: price, mark: price.meta({ description: 'stays until it is set again; without one the mark follows its formula' }).optional() })).min(1).max(100),
  })
  .meta({ examples: [{ prices: [{ symbol: 'BTC-USDT', index: '65000' }, { symbol: 'BTC-USDT-PERP', index: '65000' }] }] });

export const assetsQuery = listQuery(asset, {});

export const auditQuery = listQuery(auditEntry, {
  actor: z.string().max(64).meta({ description: 'id of the user who did it, or system' }).optional(),
  action: z.string().max(64).meta({ description: 'such as auth.login or market.update' }).optional(),
  target: z.string().max(64).meta({ description: 'what it was done to: a user’s id, a symbol' }).optional(),
  ...timeSpan,
});

export const usersQuery = listQuery(user, {
  email: z.string().max(254).toLowerCase().meta({ description: 'the whole address' }).optional(),
  status: z.enum(['active', 'frozen'], { error: 'must be active or frozen' }).meta({ description: 'only users who may sign in, or who may not' }).optional(),
});
