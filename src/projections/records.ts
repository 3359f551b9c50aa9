/** Events that become one document each: receipts of liquidations, price ticks, funding rates. */
import type { EventOf } from '../engine/events.ts';
import type { Millis } from '../engine/units.ts';
import type { FundingDoc } from '../models/funding.ts';
import type { LiquidationDoc, LiquidationFill } from '../models/liquidations.ts';
import type { PriceTickDoc } from '../models/priceticks.ts';
import { formatRate } from '../types/market-units.ts';
import { type FoldContext, ownerOf } from './context.ts';

export function liquidationDocument(event: EventOf<'position_liquidated'>, context: FoldContext): LiquidationDoc {
  const { receipt } = event;
  const { market, units } = context.catalog.byId(receipt.market);
  const fills = receipt.fills.map((fill): LiquidationFill => ({
    tradeId: String(fill.trade), price: units.formatPrice(fill.price), quantity: units.formatQuantity(fill.quantity), cause: fill.cause,
  }));
  return {
    id: String(event.seq),
    userId: ownerOf(receipt.account, context),
    accountId: receipt.account,
    symbol: market.symbol,
    side: receipt.side,
    quantity: units.formatQuantity(receipt.quantity),
    entryPrice: units.formatAverage(receipt.entryCost, receipt.quantity, market.quotePerTickLot),
    markPrice: units.formatPrice(receipt.mark),
    indexPrice: units.formatPrice(receipt.index),
    tier: receipt.tier,
    marginBefore: units.formatQuote(receipt.marginBefore),
    maintenanceMargin: units.formatQuote(receipt.maintenanceMargin),
    unrealizedPnl: units.formatQuote(receipt.unrealizedPnl),
    bankruptcyPrice: units.formatPrice(receipt.bankruptcyPrice),
    fills,
    fee: units.formatQuote(receipt.fee),
    fundDelta: units.formatQuote(receipt.fundDelta),
    fundAfter: units.formatQuote(receipt.fundAfter),
    adl: fills.filter((fill) => fill.cause === 'adl'),
    timestamp: context.time,
    seq: event.seq,
  };
}

/** One a second: the id is the second's. */
export function priceTickId(symbol: string, time: Millis): string {
  return `${symbol}:${Math.floor(time / 1000)}`;
}

export function priceTickDocument(event: EventOf<'prices_updated'>, { catalog, time }: FoldContext): PriceTickDoc {
  const { market, units } = catalog.byId(event.market);
  return {
    id: priceTickId(market.symbol, time),
    symbol: market.symbol,
    index: units.formatPrice(event.index),
    mark: units.formatPrice(event.mark),
    fundingRate: formatRate(event.fundingRate),
    timestamp: time,
    seq: event.seq,
  };
}

export function fundingDocument(event: EventOf<'funding_settled'>, { catalog }: FoldContext): FundingDoc {
  const { market, units } = catalog.byId(event.market);
  return { id: `${market.symbol}:${event.time}`, symbol: market.symbol, rate: formatRate(event.rate), markPrice: units.formatPrice(event.mark), timestamp: event.time, seq: event.seq };
}
