/** What a market and an asset are. Decides nothing; `market-admin.ts` validates these. */
import type { Amount, AssetId, Lots, MarketId, Millis, Ppm } from './units.ts';

/** What an administrator lets a market take. */
export const MARKET_STATUSES = ['pre_open', 'open', 'cancel_only', 'reduce_only', 'halted', 'settling'] as const;
export type MarketStatus = (typeof MARKET_STATUSES)[number];

/** What the prices allow, the mildest first: the safe states that a silent feed moves a market to. */
export const SAFETIES = ['normal', 'reduce_only', 'halted'] as const;
export type Safety = (typeof SAFETIES)[number];

export function isStricter(safety: Safety, than: Safety): boolean {
  return SAFETIES.indexOf(safety) > SAFETIES.indexOf(than);
}

export interface Asset {
  readonly id: AssetId;
  readonly code: string;
  /** Decimals: one unit is 10^scale minor units. */
  readonly scale: number;
}

export interface RiskTier {
  readonly notionalFloor: Amount;
  readonly initialMarginRate: Ppm;
  readonly maintenanceMarginRate: Ppm;
}

/** Everything about a market that an administrator sets. Amounts in quote minor units, quantities in lots, rates in ppm; 0 = no limit where it says so. */
export interface MarketSpec {
  readonly symbol: string;
  readonly type: 'spot' | 'perpetual';
  readonly base: string;
  readonly quote: string;
  /** Decimal strings; tick × lot must be a whole number of quote minor units, lot a whole number of base minor units. */
  readonly tickSize: string;
  readonly lotSize: string;
  readonly status: MarketStatus;
  readonly makerFee: Ppm;
  readonly takerFee: Ppm;
  /** At least 1. */
  readonly minQuantity: Lots;
  /** Of a limit order; 0 = no limit. */
  readonly maxQuantity: Lots;
  /** Of a market order; 0 = no limit. */
  readonly maxMarketQuantity: Lots;
  readonly minNotional: Amount;
  /** ± of the mark (of a spot market: its index), without one of the last price; 0 = no band. */
  readonly priceBand: Ppm;
  /** Per account in this market. */
  readonly maxOpenOrders: number;
  /** Largest position notional per account; 0 = no limit but what can be counted. */
  readonly maxPosition: Amount;
  readonly maxLeverage: number;
  /** Ascending by notionalFloor, the first at 0. Empty on spot. */
  readonly riskTiers: readonly RiskTier[];
  readonly fundingIntervalMs: Millis;
  readonly interestRate: Ppm;
  readonly fundingCap: Ppm;
  readonly impactNotional: Amount;
  readonly liquidationFeeRate: Ppm;
  readonly liquidationSurplus: 'fund' | 'user';
  /** Whether the house market makers quote here. */
  readonly house: boolean;
}

/** A market as the engine holds it: the spec and what follows from it. */
export interface Market extends MarketSpec {
  readonly id: MarketId;
  readonly baseAsset: AssetId;
  readonly quoteAsset: AssetId;
  /** Quote minor units of one lot at one tick: notional = ticks × lots × quotePerTickLot, exactly. */
  readonly quotePerTickLot: Amount;
  /** Base minor units of one lot. */
  readonly basePerLot: Amount;
  /** The effective status is the stricter of `status` and this. */
  readonly safety: Safety;
}
