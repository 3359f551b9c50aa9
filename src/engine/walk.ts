/** Looks ahead: what a taker would meet in the book, without touching it. */
import type { Book } from './book.ts';
import { certainFill } from './certainty.ts';
import type { SelfTradePrevention } from './commands.ts';
import type { Core } from './core.ts';
import { openingLoss } from './locks.ts';
import type { MarketState } from './market-state.ts';
import { SELL } from './pool.ts';
import type { AccountId, Amount, Lots, Side, Ticks } from './units.ts';

/** Price levels, or orders where they are looked at one by one, that a fill-or-kill order may ask to look at: nobody pays for a look that ends in a refusal. */
export const MAX_LOOKS = 1_000;

export interface Walk {
  /** Lots that would trade. */
  lots: Lots;
  /** Of the lots beyond the first `closing`. */
  openedNotional: Amount;
  openedLoss: Amount;
  /** Worst price reached; 0 = nothing would trade. */
  worst: Ticks;
  /** Levels and orders looked at. */
  looks: number;
}

/** One object for each way of walking: read it before the next one. */
const nearest: Walk = { lots: 0, openedNotional: 0, openedLoss: 0, worst: 0, looks: 0 };
const certain: Walk = { ...nearest };

export interface WalkRequest {
  readonly account: AccountId;
  readonly side: Side;
  readonly quantity: Lots;
  readonly limit: Ticks;
  readonly prevention: SelfTradePrevention;
  /** The first lots close a position and need no margin. */
  readonly closing: Lots;
  /** Opened notional that cannot be paid: there the walk ends. */
  readonly unpayable: Amount;
  /** Looks after which it ends; MAX_LOOKS or Infinity. */
  readonly looks: number;
}

/** As if every maker carried its side. Goes by the sums of price levels: it costs a look a level, and not one an order. */
export function walkBook(core: Core, market: MarketState, request: WalkRequest): Walk {
  const { book } = market;
  const side = opposite(request);
  const own = ownLots(core, market, request);
  begin(nearest);
  for (let price = bestOf(book, side); goesOn(nearest, request) && isWithin(price, request); price = book.nextLevel(side, price)) {
    nearest.looks++;
    const mine = own?.get(price) ?? 0;
    if (mine > 0 && request.prevention !== 'expire_maker') {
      stepToOwn(core, market, request, book.firstOf(side, price));
      break;
    }
    step(market, request, nearest, price, book.levelQuantity(side, price) - mine);
  }
  return nearest;
}

/** Counts a perpetual's maker only where it is certain that its account can carry the fill, which takes a look at each. */
export function walkCertain(core: Core, market: MarketState, request: WalkRequest): Walk {
  const { book } = market;
  const { pool } = core;
  const side = opposite(request);
  begin(certain);
  for (let price = bestOf(book, side); goesOn(certain, request) && isWithin(price, request); price = book.nextLevel(side, price)) {
    for (let slot = book.firstOf(side, price); slot >= 0 && goesOn(certain, request); slot = book.next(slot)) {
      certain.looks++;
      if (pool.account[slot] === request.account && request.prevention !== 'none') {
        if (request.prevention === 'expire_maker') continue;
        return certain;
      }
      const lots = Math.min(pool.remaining[slot], request.quantity - certain.lots);
      if (certainFill(core, market, slot, lots)) step(market, request, certain, price, lots);
    }
  }
  return certain;
}

/** The orders of a level in front of the account's own, where the order would end. */
function stepToOwn(core: Core, market: MarketState, request: WalkRequest, first: number): void {
  const { pool } = core;
  for (let slot = first; pool.account[slot] !== request.account && goesOn(nearest, request); slot = market.book.next(slot)) {
    nearest.looks++;
    step(market, request, nearest, pool.price[slot], pool.remaining[slot]);
  }
}

/** What the account has resting on the other side, by price; undefined where it has nothing there, or trades with itself. */
function ownLots(core: Core, market: MarketState, { account, side, prevention }: WalkRequest): ReadonlyMap<Ticks, Lots> | undefined {
  const { pool, standings } = core;
  const standing = prevention === 'none' ? -1 : standings.find(account, market.market.id);
  if (standing < 0 || (side === 'buy' ? standings.restingSell : standings.restingBuy)[standing] === 0) return undefined;
  const flag = side === 'buy' ? SELL : 0;
  const lots = new Map<Ticks, Lots>();
  for (let slot = core.newestOrder[account]; slot >= 0; slot = pool.nextOfAccount[slot]) {
    if (pool.standing[slot] !== standing || (pool.flags[slot] & SELL) !== flag) continue;
    lots.set(pool.price[slot], (lots.get(pool.price[slot]) ?? 0) + pool.remaining[slot]);
  }
  return lots;
}

function opposite({ side }: WalkRequest): Side {
  return side === 'buy' ? 'sell' : 'buy';
}

function bestOf(book: Book, side: Side): Ticks {
  return side === 'sell' ? book.bestAsk() : book.bestBid();
}

function isWithin(price: Ticks, { side, limit }: WalkRequest): boolean {
  return price !== 0 && (side === 'buy' ? price <= limit : price >= limit);
}

function goesOn(walk: Walk, { quantity, unpayable, looks }: WalkRequest): boolean {
  return walk.lots < quantity && walk.openedNotional < unpayable && walk.looks < looks;
}

function begin(walk: Walk): void {
  walk.lots = walk.openedNotional = walk.openedLoss = walk.worst = walk.looks = 0;
}

/** Takes what is wanted of `offered` lots at a price. */
function step(market: MarketState, request: WalkRequest, walk: Walk, price: Ticks, offered: Lots): void {
  const lots = Math.min(offered, request.quantity - walk.lots);
  if (lots === 0) return;
  const opened = Math.min(lots, Math.max(0, walk.lots + lots - request.closing));
  walk.lots += lots;
  walk.openedNotional += price * opened * market.market.quotePerTickLot;
  walk.openedLoss += openingLoss(market.market, request.side === 'sell', price, opened, market.valuation);
  walk.worst = price;
}
