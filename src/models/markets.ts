/** Collection `markets`: market configurations. Folded from `market_created` and `market_updated`. */
import type { MarketStatus } from '../types/market-status.ts';
import type { CollectionSpec } from './collection.ts';

export interface RiskTierInfo {
  readonly notionalFloor: string;
  readonly initialMarginRate: string;
  readonly maintenanceMarginRate: string;
}

/** As the API shows it. Limits of "0" do not limit. */
export interface MarketInfo {
  readonly symbol: string;
  readonly type: 'spot' | 'perpetual';
  readonly base: string;
  readonly quote: string;
  /** The effective one: the stricter of what was set and what the price feed allows. */
  readonly status: MarketStatus;
  readonly tickSize: string;
  readonly lotSize: string;
  readonly makerFee: string;
  readonly takerFee: string;
  readonly minQuantity: string;
  readonly maxQuantity: string;
  readonly maxMarketQuantity: string;
  readonly minNotional: string;
  readonly priceBand: string;
  readonly maxOpenOrders: number;
  readonly maxPosition: string;
  readonly maxLeverage: number;
  readonly riskTiers: readonly RiskTierInfo[];
  readonly fundingIntervalMs: number;
  readonly interestRate: string;
  readonly fundingCap: string;
  readonly impactNotional: string;
  readonly liquidationFeeRate: string;
  readonly liquidationSurplus: 'fund' | 'user';
  readonly house: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly seq: number;
}

export interface MarketDoc extends MarketInfo {
  /** The symbol. */
  readonly id: string;
  /** The engine's index of the market. */
  readonly marketId: number;
  /** The market in engine units, as JSON: from this the projector knows its markets again after a restart. */
  readonly engine: string;
}

export const markets: CollectionSpec<MarketDoc> = {
  name: 'markets',
  indexes: [{ fields: { marketId: 1 } }],
  projected: true,
  decimals: [
    'tickSize', 'lotSize', 'makerFee', 'takerFee', 'minQuantity', 'maxQuantity', 'maxMarketQuantity', 'minNotional', 'priceBand', 'maxPosition',
    'interestRate', 'fundingCap', 'impactNotional', 'liquidationFeeRate',
  ],
  dates: ['createdAt', 'updatedAt'],
};
