/** What events make of a position, from its opening to its closing. */
import type { Event, PositionState } from '../engine/events.ts';
import { type AccountId, type Amount, assertNever, type Lots, type MarketId, type Seq } from '../engine/units.ts';
import type { PositionDoc } from '../models/positions.ts';
import { storedAmount } from './amounts.ts';
import { type FoldContext, type ListedMarket, ownerOf } from './context.ts';

/** One event's effect on one position. */
export interface PositionChange {
  readonly account: AccountId;
  readonly market: MarketId;
  readonly seq: Seq;
  readonly after: PositionState;
  readonly pnl: Amount;
  readonly fee: Amount;
  readonly funding: Amount;
}

/** The positions that the event changes, in order; of a trade the maker's first, as in the engine. */
export function positionChanges(event: Event): PositionChange[] {
  switch (event.type) {
    case 'trade':
      return [event.maker, event.taker].flatMap((side) => side.position === undefined ? [] : [{
        account: side.account, market: event.market, seq: event.seq, after: side.position, pnl: side.pnl, fee: side.fee, funding: 0,
      }]);
    case 'leverage_set':
      return event.position === undefined ? [] : [change(event, event.position, 0)];
    case 'margin_adjusted':
      return [change(event, event.position, 0)];
    case 'funding_paid':
      // What is paid on a position that has changed sides since is no result of the new one.
      return [change(event, event.position, Math.sign(event.size) === Math.sign(event.position.size) ? event.amount : 0)];
    case 'noted':
    case 'asset_created':
    case 'market_created':
    case 'market_updated':
    case 'account_opened':
    case 'deposited':
    case 'transferred':
    case 'insurance_funded':
    case 'order_accepted':
    case 'order_rested':
    case 'order_closed':
    case 'order_reduced':
    case 'order_amended':
    case 'cancel_after_set':
    case 'prices_updated':
    case 'margin_called':
    case 'margin_call_cleared':
    case 'position_liquidated':
    case 'funding_started':
    case 'funding_deferred':
    case 'funding_advanced':
    case 'funding_settled':
      return [];
    default:
      return assertNever(event);
  }
}

function change(event: { readonly account: AccountId; readonly market: MarketId; readonly seq: Seq }, after: PositionState, funding: Amount): PositionChange {
  return { account: event.account, market: event.market, seq: event.seq, after, pnl: 0, fee: 0, funding };
}

/**
 * The documents that the change leads to: the open position changed or closed, and when it flips a new one after it. `open`: the account's
 * open position in this market. Nothing when nothing is open before and after.
 */
export function evolvePosition(open: PositionDoc | undefined, change: PositionChange, context: FoldContext): PositionDoc[] {
  const listed = context.catalog.byId(change.market);
  const side = sideOf(change.after.size);
  if (open === undefined) return side === undefined ? [] : [opened(change, side, change.fee, context, listed)];
  if (side === open.side) return [continued(open, change, context, listed)];
  const closed = closedBy(open, change, context, listed);
  // A fill that flips a position pays one fee: it is counted where it closed.
  return side === undefined ? [closed] : [closed, opened(change, side, 0, context, listed)];
}

function sideOf(size: Lots): 'long' | 'short' | undefined {
  if (size === 0) return undefined;
  return size > 0 ? 'long' : 'short';
}

function opened({ account, seq, after }: PositionChange, side: 'long' | 'short', fee: Amount, context: FoldContext, { market, units }: ListedMarket): PositionDoc {
  const lots = Math.abs(after.size);
  return {
    id: `${account}:${market.symbol}:${seq}`,
    userId: ownerOf(account, context),
    accountId: account,
    symbol: market.symbol,
    side,
    status: 'open',
    quantity: units.formatQuantity(lots),
    maxQuantity: units.formatQuantity(lots),
    entryPrice: units.formatAverage(after.cost, lots, market.quotePerTickLot),
    leverage: after.leverage,
    marginMode: 'isolated',
    margin: units.formatQuote(after.margin),
    realizedPnl: '0',
    fees: units.formatQuote(fee),
    funding: '0',
    openedAt: context.time,
    closedAt: null,
    updatedAt: context.time,
    seq,
  };
}

function continued(open: PositionDoc, change: PositionChange, context: FoldContext, listed: ListedMarket): PositionDoc {
  const { market, units } = listed;
  const lots = Math.abs(change.after.size);
  const largest = Math.max(lots, units.quantity(open.maxQuantity) ?? 0);
  return {
    ...withTotals(open, change, context, listed),
    quantity: units.formatQuantity(lots),
    maxQuantity: units.formatQuantity(largest),
    entryPrice: units.formatAverage(change.after.cost, lots, market.quotePerTickLot),
    leverage: change.after.leverage,
    margin: units.formatQuote(change.after.margin),
  };
}

function closedBy(open: PositionDoc, change: PositionChange, context: FoldContext, listed: ListedMarket): PositionDoc {
  return { ...withTotals(open, change, context, listed), status: 'closed', quantity: '0', margin: '0', closedAt: context.time };
}

function withTotals(open: PositionDoc, { pnl, fee, funding, seq }: PositionChange, context: FoldContext, { quote, units }: ListedMarket): PositionDoc {
  const plus = (text: string, amount: Amount): string => (amount === 0 ? text : units.formatQuote(storedAmount(text, quote.scale) + amount));
  return {
    ...open,
    realizedPnl: plus(open.realizedPnl, pnl),
    fees: plus(open.fees, fee),
    funding: plus(open.funding, funding),
    updatedAt: context.time,
    seq,
  };
}
