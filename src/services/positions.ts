/** Positions of a user: what they are worth now, closing them, their leverage and margin. Open ones come from the live state, closed ones from history. */
import { parseDecimal } from '../engine/decimal.ts';
import type { EventOf, PositionState } from '../engine/events.ts';
import { riskTable, valuation } from '../engine/margin.ts';
import type { PositionView } from '../engine/reader.ts';
import type { Millis } from '../engine/units.ts';
import type { Collection } from '../models/collection.ts';
import type { Order } from '../models/orders.ts';
import { NEWEST_POSITIONS, type PositionDoc } from '../models/positions.ts';
import type { ListedMarket } from '../projections/context.ts';
import type { CommandMeta, Sequencer } from '../sequencer/sequencer.ts';
import { formatRate } from '../types/market-units.ts';
import type { Principal } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';
import type { Catalog } from './catalog.ts';
import { commit, eventOf } from './commit.ts';
import type { Consistency } from './consistency.ts';
import type { OrderService } from './orders.ts';
import { given, pageOf, type ListQuery, type Listing } from './paging.ts';

/** As the API shows it; null = has none. */
export interface Position {
  readonly symbol: string;
  readonly side: 'long' | 'short';
  readonly quantity: string;
  readonly entryPrice: string;
  readonly markPrice: string | null;
  readonly notional: string;
  readonly leverage: number;
  readonly marginMode: 'isolated';
  readonly margin: string;
  readonly maintenanceMargin: string;
  /** Maintenance margin ÷ (margin + unrealised P&L); 1 and above liquidates. */
  readonly marginRatio: string;
  readonly unrealizedPnl: string;
  /** Return on equity: unrealised P&L ÷ (cost at entry ÷ leverage). */
  readonly roe: string;
  /** Since it was opened; fees and funding apart. */
  readonly realizedPnl: string;
  readonly liquidationPrice: string | null;
  readonly bankruptcyPrice: string | null;
  /** 1…5, 5 = first in line; 0 once closed. */
  readonly adlRank: number;
  readonly status: 'open' | 'closed';
  readonly updatedAt: number;
  readonly seq: number;
}

type Ended = Pick<Position, 'symbol' | 'side' | 'entryPrice' | 'leverage' | 'marginMode' | 'realizedPnl' | 'updatedAt' | 'seq'>;

export interface PositionQuery extends ListQuery {
  /** Default: open. */
  readonly status?: 'open' | 'closed';
  readonly symbol?: string;
}

export interface PositionSettings {
  readonly symbol: string;
  readonly leverage: number;
  readonly marginMode: 'isolated';
  /** The position they apply to, where one is open. */
  readonly position: Position | null;
}

export interface PositionServiceParts {
  readonly sequencer: Sequencer;
  readonly consistency: Consistency;
  readonly catalog: Catalog;
  readonly orders: Pick<OrderService, 'placeOrder'>;
  readonly history: Collection<PositionDoc>;
}

export class PositionService {
  readonly #parts: PositionServiceParts;

  constructor(parts: PositionServiceParts) {
    this.#parts = parts;
  }

  /** Last touched first. */
  async list(principal: Principal, query: PositionQuery): Promise<Listing<Position>> {
    const { catalog, consistency } = this.#parts;
    const symbol = catalog.narrowed(query.symbol)?.symbol;
    if (query.status === 'closed') return this.#closed(principal, symbol, query);
    const open = await consistency.live((state) => state.positions(principal.account).map((view) => positionInfo(view, catalog.byId(view.market))));
    const wanted = symbol === undefined ? open : open.filter((position) => position.symbol === symbol);
    return pageOf(wanted.toSorted((a, b) => b.updatedAt - a.updatedAt || b.seq - a.seq), query);
  }

  /** The open position, else the one closed last. NOT_FOUND when there never was one. */
  async get(principal: Principal, symbol: string): Promise<Position> {
    const listed = this.#parts.catalog.perpetualAt(symbol);
    const open = await this.#open(principal, listed);
    if (open !== null) return open;
    const { items } = await this.#closed(principal, symbol, { limit: 1 });
    const last = items[0];
    if (last === undefined) throw new Refusal('NOT_FOUND', `no position in ${symbol}`);
    return last;
  }

  /** Closes `quantity` (default: all, or as much of it as one market order may have) at the market; the reply is the order that did it, with its fills. NOT_FOUND when nothing is open. */
  async close(principal: Principal, symbol: string, input: { readonly quantity?: string }, meta?: CommandMeta): Promise<Order> {
    const { catalog, orders, sequencer } = this.#parts;
    const { market, units } = catalog.perpetualAt(symbol);
    const quantity = input.quantity === undefined ? undefined : units.quantity(input.quantity);
    if (input.quantity !== undefined && quantity === undefined) throw new Refusal('INVALID_LOT', `quantity must be a multiple of the lot size ${market.lotSize}`);
    const size = sequencer.state.position(principal.account, market.id)?.size ?? 0;
    const most = market.maxMarketQuantity === 0 ? Infinity : market.maxMarketQuantity;
    const order = {
      market: market.id,
      side: size > 0 ? ('sell' as const) : ('buy' as const),
      type: 'market' as const,
      price: 0,
      quantity: quantity ?? Math.max(1, Math.min(Math.abs(size), most)),
      timeInForce: 'IOC' as const,
      postOnly: false,
      reduceOnly: true,
      selfTradePrevention: 'expire_taker' as const,
      clientOrderId: '',
    };
    try {
      return await orders.placeOrder(principal, order, meta);
    } catch (error) {
      // A repeated Idempotency-Key is answered by the sequencer even when nothing is open any more, so this is only known afterwards.
      if (size === 0 && error instanceof Refusal && error.code !== 'CONFLICT') throw new Refusal('NOT_FOUND', `no open position in ${symbol}`);
      throw error;
    }
  }

  async setLeverage(principal: Principal, symbol: string, leverage: number, meta?: CommandMeta): Promise<PositionSettings> {
    const listed = this.#parts.catalog.perpetualAt(symbol);
    return commit(this.#parts.sequencer, { type: 'set_leverage', account: principal.account, market: listed.market.id, leverage }, meta, ({ events, time }) => {
      const set = eventOf(events, 'leverage_set');
      const position = set.position === undefined ? null : this.#after(set, set.position, time, listed);
      return { symbol, leverage: set.leverage, marginMode: 'isolated' as const, position };
    });
  }

  /** Leverage and margin mode that the next order in this market will have. */
  async settings(principal: Principal, symbol: string): Promise<PositionSettings> {
    const listed = this.#parts.catalog.perpetualAt(symbol);
    return this.#parts.consistency.live((state) => {
      const view = state.position(principal.account, listed.market.id);
      return {
        symbol,
        leverage: state.leverage(principal.account, listed.market.id),
        marginMode: 'isolated' as const,
        position: view === undefined ? null : positionInfo(view, listed),
      };
    });
  }

  /** Moves margin into the position (positive) or back to the futures wallet (negative). NOT_FOUND when nothing is open. */
  async adjustMargin(principal: Principal, symbol: string, amountText: string, meta?: CommandMeta): Promise<Position> {
    const listed = this.#parts.catalog.perpetualAt(symbol);
    const negative = amountText.startsWith('-');
    const amount = parseDecimal(negative ? amountText.slice(1) : amountText, listed.quote.scale);
    if (amount === undefined) throw Refusal.field('amount', `must be an amount of ${listed.quote.code} with at most ${listed.quote.scale} decimals`);
    const command = { type: 'adjust_margin' as const, account: principal.account, market: listed.market.id, amount: negative ? -amount : amount };
    return commit(this.#parts.sequencer, command, meta, ({ events, time }) => {
      const adjusted = eventOf(events, 'margin_adjusted');
      return this.#after(adjusted, adjusted.position, time, listed);
    });
  }

  /** A position as the event of a record left it. Mark and rank are in no record: those of a repeat are of now, and what follows from them. */
  #after({ account, seq }: EventOf<'leverage_set' | 'margin_adjusted'>, position: PositionState, time: Millis, listed: ListedMarket): Position {
    const { state } = this.#parts.sequencer;
    const { id, riskTiers, quotePerTickLot } = listed.market;
    const { mark, last } = state.prices(id);
    const value = valuation(riskTable(riskTiers), position, quotePerTickLot, mark === 0 ? last : mark);
    const adlRank = state.position(account, id)?.adlRank ?? 0;
    return positionInfo({ ...position, ...value, account, market: id, adlRank, updatedAt: time, seq }, listed);
  }

  async #open(principal: Principal, listed: ListedMarket): Promise<Position | null> {
    return this.#parts.consistency.live((state) => {
      const view = state.position(principal.account, listed.market.id);
      return view === undefined || view.size === 0 ? null : positionInfo(view, listed);
    });
  }

  async #closed(principal: Principal, symbol: string | undefined, query: ListQuery): Promise<Listing<Position>> {
    const { limit, cursor, offset } = query;
    const where = given({ userId: principal.userId, status: 'closed' as const, symbol });
    const page = await this.#parts.consistency.find(this.#parts.history, { where, sort: NEWEST_POSITIONS, limit, cursor, offset });
    return { ...page, items: page.items.map(closedPosition) };
  }
}

/** An open position with everything that moves with the mark. */
export function positionInfo(view: PositionView, { market, units }: ListedMarket): Position {
  const lots = Math.abs(view.size);
  return {
    symbol: market.symbol,
    side: view.size < 0 ? 'short' : 'long',
    quantity: units.formatQuantity(lots),
    entryPrice: units.formatAverage(view.cost, lots, market.quotePerTickLot),
    markPrice: units.formatPrice(view.mark),
    notional: units.formatQuote(view.notional),
    leverage: view.leverage,
    marginMode: 'isolated',
    margin: units.formatQuote(view.margin),
    maintenanceMargin: units.formatQuote(view.maintenanceMargin),
    marginRatio: formatRate(view.marginRatio),
    unrealizedPnl: units.formatQuote(view.unrealizedPnl),
    roe: formatRate(returnOnEquity(view)),
    realizedPnl: units.formatQuote(view.realized),
    liquidationPrice: view.liquidationPrice === 0 ? null : units.formatPrice(view.liquidationPrice),
    bankruptcyPrice: view.bankruptcyPrice === 0 ? null : units.formatPrice(view.bankruptcyPrice),
    adlRank: view.adlRank,
    status: 'open',
    updatedAt: view.updatedAt,
    seq: view.seq,
  };
}

/** In ppm, towards zero. */
function returnOnEquity({ unrealizedPnl, leverage, cost }: PositionView): number {
  return cost === 0 ? 0 : Number((BigInt(unrealizedPnl) * BigInt(leverage) * 1_000_000n) / BigInt(cost));
}

/** What is left to tell of a position that has ended. */
export function closedPosition({ symbol, side, entryPrice, leverage, marginMode, realizedPnl, updatedAt, seq }: Ended): Position {
  return {
    symbol,
    side,
    quantity: '0',
    entryPrice,
    markPrice: null,
    notional: '0',
    leverage,
    marginMode,
    margin: '0',
    maintenanceMargin: '0',
    marginRatio: '0',
    unrealizedPnl: '0',
    roe: '0',
    realizedPnl,
    liquidationPrice: null,
    bankruptcyPrice: null,
    adlRank: 0,
    status: 'closed',
    updatedAt,
    seq,
  };
}
