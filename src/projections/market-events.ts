/** Which events concern a market as a whole (its settings, its prices, what trades in it), for those who follow markets and nobody in particular. */
import type { Event, EventOf } from '../engine/events.ts';
import { assertNever, type MarketId } from '../engine/units.ts';

export type MarketEvent = EventOf<'market_created' | 'market_updated' | 'trade' | 'prices_updated' | 'funding_started' | 'funding_settled'>;

export function isMarketEvent(event: Event): event is MarketEvent {
  switch (event.type) {
    case 'market_created':
    case 'market_updated':
    case 'trade':
    case 'prices_updated':
    case 'funding_started':
    case 'funding_settled':
      return true;
    case 'noted':
    case 'asset_created':
    case 'account_opened':
    case 'deposited':
    case 'transferred':
    case 'insurance_funded':
    case 'order_accepted':
    case 'order_rested':
    case 'order_closed':
    case 'order_reduced':
    case 'order_amended':
    case 'leverage_set':
    case 'margin_adjusted':
    case 'cancel_after_set':
    case 'margin_called':
    case 'margin_call_cleared':
    case 'position_liquidated':
    case 'funding_paid':
    case 'funding_deferred':
    case 'funding_advanced':
      return false;
    default:
      return assertNever(event);
  }
}

export function marketOf({ market }: MarketEvent): MarketId {
  return typeof market === 'number' ? market : market.id;
}
