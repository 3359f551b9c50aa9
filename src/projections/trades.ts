/** What a trade is to each of its two sides and to the public. */
import type { EventOf } from '../engine/events.ts';
import type { Millis, Seq } from '../engine/units.ts';
import type { PublicTrade, TradeDoc } from '../models/trades.ts';
import { type FoldContext, type ListedMarket, ownerOf } from './context.ts';

export type TradeEvent = EventOf<'trade'> & { readonly seq: Seq };

/** One side's fill. */
export function fillOf(event: TradeEvent, role: 'taker' | 'maker', context: FoldContext): TradeDoc {
  const { market, base, quote, units } = context.catalog.byId(event.market);
  const fill = event[role];
  const side = (role === 'taker') === (event.takerSide === 'buy') ? 'buy' : 'sell';
  const inBase = market.type === 'spot' && side === 'buy';
  const id = String(event.seq);
  const doc: TradeDoc = {
    id: id + (role === 'taker' ? '0' : '1'),
    tradeId: id,
    orderId: fill.order === 0 ? null : String(fill.order),
    symbol: market.symbol,
    side,
    role,
    price: units.formatPrice(event.price),
    quantity: units.formatQuantity(event.quantity),
    quoteQuantity: units.formatQuote(event.notional),
    fee: inBase ? units.formatBase(fill.fee) : units.formatQuote(fill.fee),
    feeAsset: inBase ? base.code : quote.code,
    timestamp: context.time,
    seq: event.seq,
    userId: ownerOf(fill.account, context),
    accountId: fill.account,
    cause: event.cause,
  };
  return market.type === 'perpetual' ? { ...doc, realizedPnl: units.formatQuote(fill.pnl) } : doc;
}

/** Whether a trade happened in the book. Takeovers by the insurance fund and deleveraging are no market prints: they make no candle and no last price. */
export function isPublic(event: Pick<TradeEvent, 'cause'>): boolean {
  return event.cause === 'order' || event.cause === 'liquidation';
}

/** As everybody sees it. */
export function publicTradeOf(event: TradeEvent, time: Millis, { market, units }: ListedMarket): PublicTrade {
  return {
    id: String(event.seq),
    symbol: market.symbol,
    side: event.takerSide,
    price: units.formatPrice(event.price),
    quantity: units.formatQuantity(event.quantity),
    quoteQuantity: units.formatQuote(event.notional),
    timestamp: time,
    seq: event.seq,
  };
}

/** The fills that are stored: a user's own, and the taker's of every public trade. */
export function storedFills(event: TradeEvent, context: FoldContext): TradeDoc[] {
  const fills: TradeDoc[] = [];
  if (isPublic(event) || context.owners.kindOf(event.taker.account) === 'user') fills.push(fillOf(event, 'taker', context));
  if (context.owners.kindOf(event.maker.account) === 'user') fills.push(fillOf(event, 'maker', context));
  return fills;
}
