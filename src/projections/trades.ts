/** What a trade is to each of its two sides and to the public. */
import type { EventOf } from '../engine/events.ts';
import type { Millis, Seq } from '../engine/units.ts';
import type { PublicTrade, TradeDoc } from '../models/trades.ts';
import { storedAmount } from './amounts.ts';
import { type FoldContext, type ListedMarket, ownerOf } from './context.ts';

export type TradeEvent = EventOf<'trade'> & { readonly seq: Seq };
/** What everybody may know of a trade beside its market and time. */
export type PublicFigures = Pick<TradeEvent, 'seq' | 'price' | 'quantity' | 'notional' | 'takerSide'>;

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
export function publicTradeOf(trade: PublicFigures, time: Millis, { market, units }: Pick<ListedMarket, 'market' | 'units'>): PublicTrade {
  return {
    id: String(trade.seq),
    symbol: market.symbol,
    side: trade.takerSide,
    price: units.formatPrice(trade.price),
    quantity: units.formatQuantity(trade.quantity),
    quoteQuantity: units.formatQuote(trade.notional),
    timestamp: time,
    seq: trade.seq,
  };
}

/** What the taker's stored fill says of its trade. */
export function storedTrade(doc: TradeDoc, { quote, units }: Pick<ListedMarket, 'quote' | 'units'>): PublicFigures {
  const price = units.price(doc.price);
  const quantity = units.quantity(doc.quantity);
  if (price === undefined || quantity === undefined) throw new Error(`the stored fill ${doc.id} is not in the market's units`);
  return { seq: doc.seq, price, quantity, notional: storedAmount(doc.quoteQuantity, quote.scale), takerSide: doc.side };
}

/** The fills that are stored: a user's own, and the taker's of every public trade. */
export function storedFills(event: TradeEvent, context: FoldContext): TradeDoc[] {
  const fills: TradeDoc[] = [];
  if (isPublic(event) || context.owners.kindOf(event.taker.account) === 'user') fills.push(fillOf(event, 'taker', context));
  if (context.owners.kindOf(event.maker.account) === 'user') fills.push(fillOf(event, 'maker', context));
  return fills;
}
