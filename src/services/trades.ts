/** A user's own fills, from history. */
import type { Collection } from '../models/collection.ts';
import { NEWEST_TRADES, ownTrade, type Trade, type TradeDoc } from '../models/trades.ts';
import type { Principal } from '../types/principal.ts';
import type { Catalog } from './catalog.ts';
import type { Consistency } from './consistency.ts';
import { given, span, type ListQuery, type Listing } from './paging.ts';

export interface TradeQuery extends ListQuery {
  readonly symbol?: string;
  readonly from?: number;
  readonly to?: number;
}

export interface TradeServiceParts {
  readonly consistency: Consistency;
  readonly catalog: Catalog;
  readonly trades: Collection<TradeDoc>;
}

export class TradeService {
  readonly #parts: TradeServiceParts;

  constructor(parts: TradeServiceParts) {
    this.#parts = parts;
  }

  /** Newest first. */
  async list(principal: Principal, query: TradeQuery): Promise<Listing<Trade>> {
    const { catalog, consistency, trades } = this.#parts;
    const symbol = catalog.narrowed(query.symbol)?.symbol;
    const { limit, cursor, offset } = query;
    const where = given({ userId: principal.userId, symbol, timestamp: span(query) });
    const page = await consistency.find(trades, { where, sort: NEWEST_TRADES, limit, cursor, offset });
    return { ...page, items: page.items.map(ownTrade) };
  }
}
