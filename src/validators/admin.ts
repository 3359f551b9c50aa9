/** What administrators may send: assets, markets, prices. Unknown fields are refused, so that a typing error never silently becomes a default. */
import { z } from 'zod';
import { MARKET_STATUSES } from '../types/market-status.ts';
import { user } from './auth.ts';
import { assetCode, decimal, listQuery, positiveDecimal, queryTime, rate, signedRate, symbol, wholeNumber } from './common.ts';
import { asset, auditEntry } from './replies.ts';

export const createAsset = z.strictObject({ asset: assetCode, scale: wholeNumber(0, 12) });

const riskTier = z.strictObject({ notionalFloor: decimal, initialMarginRate: rate, maintenanceMarginRate: rate });

/** What can be given at creation and changed afterwards; `decimal` zero = no limit. */
const settings = {
  makerFee: signedRate.optional(),
  takerFee: signedRate.optional(),
  minQuantity: positiveDecimal.optional(),
  maxQuantity: decimal.optional(),
  maxMarketQuantity: decimal.optional(),
  minNotional: decimal.optional(),
  priceBand: rate.optional(),
  maxOpenOrders: wholeNumber(1, 10_000).optional(),
  maxPosition: decimal.optional(),
  maxLeverage: wholeNumber(1, 1000).optional(),
  riskTiers: z.array(riskTier).min(1).max(50).optional(),
  fundingIntervalMs: wholeNumber(60_000, 604_800_000).optional(),
  interestRate: signedRate.optional(),
  fundingCap: rate.optional(),
  impactNotional: decimal.optional(),
  liquidationFeeRate: rate.optional(),
  liquidationSurplus: z.enum(['fund', 'user']).optional(),
  house: z.boolean().optional(),
  status: z.enum(MARKET_STATUSES).optional(),
};

const step = positiveDecimal;

export const createMarket = z
  .strictObject({ ...settings, symbol, type: z.enum(['spot', 'perpetual']), base: assetCode, quote: assetCode, tickSize: step, lotSize: step, makerFee: signedRate, takerFee: signedRate })
  .refine(({ symbol: name, type, base, quote }) => name === `${base}-${quote}${type === 'perpetual' ? '-PERP' : ''}`, {
    error: 'must be BASE-QUOTE, with -PERP for a perpetual',
    path: ['symbol'],
  })
  .meta({
    description:
      'Left out: open, smallest order one lot, no other limits ("0"), no price band, 200 open orders per user, house off. Perpetual: leverage up to 20 in one tier (initial margin ' +
      '1/leverage, maintenance half of it; with riskTiers, the leverage that the first allows), funding every 8 hours with interest 0.0001, cap 0.0075 and impact notional 10000, ' +
      'liquidation surplus to the fund, liquidation fee 0.005.',
  });

export const updateMarket = z.strictObject(settings).refine((changes) => Object.keys(changes).length > 0, 'give at least one setting to change');

export const setPrices = z.strictObject({
  prices: z.array(z.strictObject({ symbol, index: positiveDecimal, mark: positiveDecimal.optional() })).min(1).max(100),
});

export const assetsQuery = listQuery(asset, {});

/** `actor`, `target`: a user's id or what else the entry names. */
export const auditQuery = listQuery(auditEntry, {
  actor: z.string().max(64).optional(),
  action: z.string().max(64).optional(),
  target: z.string().max(64).optional(),
  from: queryTime.optional(),
  to: queryTime.optional(),
});

export const usersQuery = listQuery(user, {
  email: z.string().max(254).toLowerCase().optional(),
  status: z.enum(['active', 'frozen'], { error: 'must be active or frozen' }).optional(),
});
