/** Which events make, change or end orders: the one list for those who follow orders and the books that they stand in. */
import type { Event, EventOf } from '../engine/events.ts';
import { assertNever } from '../engine/units.ts';

export type OrderEvent = EventOf<'order_accepted' | 'order_rested' | 'order_closed' | 'order_reduced' | 'order_amended' | 'trade'>;

export function isOrderEvent(event: Event): event is OrderEvent {
  switch (event.type) {
    case 'order_accepted':
    case 'order_rested':
    case 'order_closed':
    case 'order_reduced':
    case 'order_amended':
    case 'trade':
      return true;
    case 'noted':
    case 'asset_created':
    case 'market_created':
    case 'market_updated':
    case 'account_opened':
    case 'deposited':
    case 'transferred':
    case 'insurance_funded':
    case 'leverage_set':
    case 'margin_adjusted':
    case 'cancel_after_set':
    case 'prices_updated':
    case 'margin_called':
    case 'margin_call_cleared':
    case 'position_liquidated':
    case 'funding_paid':
    case 'funding_started':
    case 'funding_deferred':
    case 'funding_advanced':
    case 'funding_settled':
      return false;
    default:
      return assertNever(event);
  }
}
