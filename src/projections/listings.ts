/** What events say of assets, markets and accounts, as documents. */
import type { EventOf } from '../engine/events.ts';
import { effectiveStatus } from '../engine/market-rules.ts';
import type { Asset, Market } from '../engine/market.ts';
import type { Amount, Millis, Seq } from '../engine/units.ts';
import type { AccountDoc } from '../models/accounts.ts';
import type { AssetDoc } from '../models/assets.ts';
import type { MarketDoc, MarketInfo } from '../models/markets.ts';
import { formatRate } from '../types/market-units.ts';
import type { ListedMarket } from './context.ts';

/** A market as the API shows it. */
export function marketInfo({ market, units }: ListedMarket, times: Pick<MarketInfo, 'createdAt' | 'updatedAt' | 'seq'>): MarketInfo {
  const quote = (amount: Amount): string => units.formatQuote(amount);
  return {
    symbol: market.symbol,
    type: market.type,
    base: market.base,
    quote: market.quote,
    status: effectiveStatus(market),
    tickSize: market.tickSize,
    lotSize: market.lotSize,
    makerFee: formatRate(market.makerFee),
    takerFee: formatRate(market.takerFee),
    minQuantity: units.formatQuantity(market.minQuantity),
    maxQuantity: units.formatQuantity(market.maxQuantity),
    maxMarketQuantity: units.formatQuantity(market.maxMarketQuantity),
    minNotional: quote(market.minNotional),
    priceBand: formatRate(market.priceBand),
    maxOpenOrders: market.maxOpenOrders,
    maxPosition: quote(market.maxPosition),
    maxLeverage: market.maxLeverage,
    riskTiers: market.riskTiers.map((tier) => ({
      notionalFloor: quote(tier.notionalFloor),
      initialMarginRate: formatRate(tier.initialMarginRate),
      maintenanceMarginRate: formatRate(tier.maintenanceMarginRate),
    })),
    fundingIntervalMs: market.fundingIntervalMs,
    interestRate: formatRate(market.interestRate),
    fundingCap: formatRate(market.fundingCap),
    impactNotional: quote(market.impactNotional),
    liquidationFeeRate: formatRate(market.liquidationFeeRate),
    liquidationSurplus: market.liquidationSurplus,
    house: market.house,
    ...times,
  };
}

/** `createdAt`: of the event that created it. */
export function marketDocument(listed: ListedMarket, createdAt: Millis, updatedAt: Millis, seq: Seq): MarketDoc {
  const { market } = listed;
  return { id: market.symbol, marketId: market.id, engine: JSON.stringify(market), ...marketInfo(listed, { createdAt, updatedAt, seq }) };
}

/** The market that a document was made of. */
export function storedMarket(doc: MarketDoc): Market {
  return JSON.parse(doc.engine) as Market;
}

export function assetDocument(asset: Asset, createdAt: Millis, seq: Seq): AssetDoc {
  return { id: asset.code, asset: asset.code, scale: asset.scale, assetId: asset.id, createdAt, seq };
}

export function storedAsset(doc: AssetDoc): Asset {
  return { id: doc.assetId, code: doc.id, scale: doc.scale };
}

export function accountDocument(event: EventOf<'account_opened'>, createdAt: Millis): AccountDoc {
  return { id: String(event.account), accountId: event.account, userId: event.userId, kind: event.kind, createdAt, seq: event.seq };
}
