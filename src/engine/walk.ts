/** Looks ahead: what a taker would meet in the book, without touching it. */
import type { Core } from './core.ts';
import type { MarketState } from './market-state.ts';
import { certainFill } from './certainty.ts';
import { openingLoss } from './locks.ts';
import type { SelfTradePrevention } from './commands.ts';
import type { AccountId, Amount, Lots, Side, Ticks } from './units.ts';

/** One object for all walks: read it before the next one. */
export interface Walk {
  /** Lots that would trade. */
  lots: Lots;
  notional: Amount;
  /** Of the lots beyond the first `closing`. */
  openedNotional: Amount;
  openedLoss: Amount;
  /** Worst price reached; 0 = nothing would trade. */
  worst: Ticks;
}

const walk: Walk = { lots: 0, notional: 0, openedNotional: 0, openedLoss: 0, worst: 0 };

export interface WalkRequest {
  readonly account: AccountId;
  readonly side: Side;
  readonly quantity: Lots;
  readonly limit: Ticks;
  readonly prevention: SelfTradePrevention;
  /** The first lots close a position and need no margin. */
  readonly closing: Lots;
  /** Count a perpetual maker only where it is certain that its account can carry the fill. */
  readonly certain: boolean;
}

export function walkBook(core: Core, market: MarketState, request: WalkRequest): Walk {
  const { book } = market;
  const { pool } = core;
  const opposite = request.side === 'buy' ? 'sell' : 'buy';
  walk.lots = walk.notional = walk.openedNotional = walk.openedLoss = walk.worst = 0;
  let price = opposite === 'sell' ? book.bestAsk() : book.bestBid();
  while (price !== 0 && walk.lots < request.quantity && (request.side === 'buy' ? price <= request.limit : price >= request.limit)) {
    for (let slot = book.firstOf(opposite, price); slot >= 0 && walk.lots < request.quantity; slot = book.next(slot)) {
      if (pool.account[slot] === request.account && request.prevention !== 'none') {
        if (request.prevention === 'expire_maker') continue;
        return walk;
      }
      const lots = Math.min(pool.remaining[slot], request.quantity - walk.lots);
      if (request.certain && market.perpetual && !certainFill(core, market, slot, lots)) continue;
      step(market, request, price, lots);
    }
    price = book.nextLevel(opposite, price);
  }
  return walk;
}

function step(market: MarketState, request: WalkRequest, price: Ticks, lots: Lots): void {
  const opened = Math.min(lots, Math.max(0, walk.lots + lots - request.closing));
  walk.lots += lots;
  walk.notional += price * lots * market.market.quotePerTickLot;
  walk.openedNotional += price * opened * market.market.quotePerTickLot;
  walk.openedLoss += openingLoss(market.market, request.side === 'sell', price, opened, market.valuation);
  walk.worst = price;
}
