/** Whether a command is of a known form at all: its lists, objects and names of markets. What they hold is checked by whoever decides. Nothing that comes in may make the engine throw. */
import type { Command } from './commands.ts';
import { reject } from './reject.ts';
import type { Reject } from './reject.ts';

export function checkShape(command: Command): Reject | undefined {
  return isObject(command) && isFormed(command) ? undefined : reject('VALIDATION_FAILED', 'That is no command, or parts of it are missing.');
}

function isFormed(command: Command): boolean {
  switch (command.type) {
    case 'place_order':
      return isOrder(command.order);
    case 'place_orders':
      return isList(command.orders, isOrder);
    case 'replace_orders':
      return Array.isArray(command.cancel) && isList(command.place, isOrder);
    case 'cancel_orders':
      return (command.orders === undefined || Array.isArray(command.orders)) && isMarketOrAll(command.market);
    case 'cancel_after':
      return isMarketOrAll(command.market);
    case 'set_leverage':
    case 'adjust_margin':
    case 'set_safety':
      return typeof command.market === 'number';
    case 'set_prices':
      return isList(command.prices, (price) => isObject(price) && typeof price.market === 'number');
    case 'create_market':
      return isObject(command.spec) && typeof command.spec.tickSize === 'string' && typeof command.spec.lotSize === 'string' && isTiers(command.spec.riskTiers);
    case 'update_market':
      return typeof command.market === 'number' && isObject(command.changes) && (command.changes.riskTiers === undefined || isTiers(command.changes.riskTiers));
    case 'amend_order':
    case 'cancel_order':
    case 'create_asset':
    case 'open_account':
    case 'deposit':
    case 'transfer':
    case 'fund_insurance':
    case 'note':
    case 'advance_time':
      return true;
    default:
      command satisfies never;
      return false;
  }
}

function isObject<T>(value: T): value is T & object {
  return typeof value === 'object' && value !== null;
}

function isList<T>(value: readonly T[], isItem: (item: T) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isOrder(order: { readonly market: number; readonly clientOrderId: string }): boolean {
  return isObject(order) && typeof order.market === 'number' && typeof order.clientOrderId === 'string';
}

function isTiers(tiers: readonly object[]): boolean {
  return isList(tiers, isObject);
}

function isMarketOrAll(market: number | undefined): boolean {
  return market === undefined || typeof market === 'number';
}
