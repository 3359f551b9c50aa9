/** Orders as clients write them, and as the engine takes them. */
import type { NewOrder, SelfTradePrevention, TimeInForce } from '../engine/commands.ts';
import { reject, type Reject } from '../engine/reject.ts';
import type { Lots, Side, Ticks } from '../engine/units.ts';
import type { ListedMarket } from '../projections/context.ts';
import { unknownSymbol, type Catalog } from './catalog.ts';

/** Decimal strings; what is left out gets the default of the contract. */
export interface NewOrderInput {
  readonly symbol: string;
  readonly side: Side;
  readonly type: 'limit' | 'market';
  readonly quantity: string;
  /** Absent for a market order. */
  readonly price?: string;
  /** Default GTC; IOC for a market order. */
  readonly timeInForce?: TimeInForce;
  readonly postOnly?: boolean;
  readonly reduceOnly?: boolean;
  readonly selfTradePrevention?: SelfTradePrevention;
  readonly clientOrderId?: string;
}

/** Stands for an order of a symbol that is not listed, so that it has its result among the engine's, whatever is listed when a batch is repeated. */
export const NOWHERE: NewOrder = {
  market: -1, side: 'buy', type: 'limit', price: 1, quantity: 1, timeInForce: 'GTC', postOnly: false, reduceOnly: false, selfTradePrevention: 'expire_taker', clientOrderId: '',
};

/** In engine units. UNKNOWN_SYMBOL, INVALID_TICK or INVALID_LOT when it cannot be written in them. */
export function newOrderOf(input: NewOrderInput, catalog: Pick<Catalog, 'find'>): NewOrder | Reject {
  const listed = catalog.find(input.symbol);
  if (listed === undefined) return reject('UNKNOWN_SYMBOL', unknownSymbol(input.symbol));
  const price = input.price === undefined ? 0 : ticksOf(input.price, listed);
  if (typeof price !== 'number') return price;
  const quantity = lotsOf(input.quantity, listed);
  if (typeof quantity !== 'number') return quantity;
  return {
    market: listed.market.id,
    side: input.side,
    type: input.type,
    price,
    quantity,
    timeInForce: input.timeInForce ?? (input.type === 'limit' ? 'GTC' : 'IOC'),
    postOnly: input.postOnly ?? false,
    reduceOnly: input.reduceOnly ?? false,
    selfTradePrevention: input.selfTradePrevention ?? 'expire_taker',
    clientOrderId: input.clientOrderId ?? '',
  };
}

export function ticksOf(price: string, { units, market }: ListedMarket): Ticks | Reject {
  return units.price(price) ?? reject('INVALID_TICK', `price ${price} is not a multiple of ${market.symbol}'s tick size ${market.tickSize}, or too high`);
}

export function lotsOf(quantity: string, { units, market }: ListedMarket): Lots | Reject {
  return units.quantity(quantity) ?? reject('INVALID_LOT', `quantity ${quantity} is not a multiple of ${market.symbol}'s lot size ${market.lotSize}, or too large`);
}
