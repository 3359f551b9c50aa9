/**
 * The public order books: open quantity per price, folded from committed events, so that nobody sees what is not durable.
 * Knows levels and their changes; not who gets to see them when (services/market-stream.ts).
 */
import { crc32 } from 'node:zlib';
import type { Event } from '../engine/events.ts';
import type { Asset, Market } from '../engine/market.ts';
import type { EngineReader } from '../engine/reader.ts';
import { assertNever, type Lots, type Seq, type Side, type Ticks } from '../engine/units.ts';
import type { CommittedRecord } from '../sequencer/sequencer.ts';
import { MarketUnits } from '../types/market-units.ts';

/** The checksum covers this many levels of each side. */
export const CHECKSUM_LEVELS = 25;

export type LevelText = readonly [price: string, quantity: string];

/** `seq` counts the changes of this book, one for each committed record that touched it. Best level first. */
export interface BookSnapshot {
  readonly symbol: string;
  readonly seq: number;
  readonly bids: readonly LevelText[];
  readonly asks: readonly LevelText[];
  /** CRC-32 over the best 25 levels of those sent. */
  readonly checksum: number;
}

/** What leads from one state of a book to a later one; quantity "0" removes the level. */
export interface BookDelta extends BookSnapshot {
  readonly prevSeq: number;
}

/** The best levels of a book at one moment. Levels are never changed, only replaced: the same object means the same quantity. */
export interface BookTop {
  readonly symbol: string;
  readonly seq: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/** One price and its open quantity; the strings are made when first sent. */
export class Level {
  readonly price: Ticks;
  readonly lots: Lots;
  readonly #units: MarketUnits;
  #text: LevelText | undefined;

  constructor(price: Ticks, lots: Lots, units: MarketUnits) {
    this.price = price;
    this.lots = lots;
    this.#units = units;
  }

  get text(): LevelText {
    return (this.#text ??= [this.#units.formatPrice(this.price), this.#units.formatQuantity(this.lots)]);
  }
}

/** One side, sorted so that the best price is last: what happens near the touch moves few entries. */
class Ladder {
  /** Bids by price, asks by negative price, ascending; the same order as `#levels`. */
  readonly #keys: number[] = [];
  readonly #levels: Level[] = [];
  readonly #sign: 1 | -1;
  readonly #units: MarketUnits;

  constructor(side: Side, units: MarketUnits) {
    this.#sign = side === 'buy' ? 1 : -1;
    this.#units = units;
  }

  /** Adds `lots` (may be negative) to the level at `price`. */
  change(price: Ticks, lots: Lots): void {
    const key = price * this.#sign;
    const at = this.#find(key);
    const found = this.#keys[at] === key;
    const left = (found ? this.#levels[at].lots : 0) + lots;
    if (left < 0) throw new Error(`order book level ${price} would hold ${left} lots`);
    if (left > 0) {
      const level = new Level(price, left, this.#units);
      if (found) this.#levels[at] = level;
      else {
        this.#keys.splice(at, 0, key);
        this.#levels.splice(at, 0, level);
      }
    } else if (found) {
      this.#keys.splice(at, 1);
      this.#levels.splice(at, 1);
    }
  }

  /** Best first, at most `depth`. */
  top(depth: number): Level[] {
    const count = Math.min(depth, this.#levels.length);
    const best: Level[] = [];
    for (let i = 0, from = this.#levels.length - 1; i < count; i++) best.push(this.#levels[from - i] as Level);
    return best;
  }

  /** First position whose key is not below `key`. */
  #find(key: number): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys[middle] < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

class Book {
  seq = 0;
  /** The record that changed it last, as OrderBooks counts them. */
  changedBy = 0;
  readonly symbol: string;
  readonly bids: Ladder;
  readonly asks: Ladder;

  constructor(symbol: string, units: MarketUnits) {
    this.symbol = symbol;
    this.bids = new Ladder('buy', units);
    this.asks = new Ladder('sell', units);
  }

  change(side: Side, price: Ticks, lots: Lots): void {
    (side === 'buy' ? this.bids : this.asks).change(price, lots);
  }
}

export class OrderBooks {
  readonly #assets: Asset[] = [];
  readonly #books: Book[] = [];
  readonly #bySymbol = new Map<string, Book>();
  /** Counts the records taken. */
  #record = 0;
  /** Events up to here are already in. */
  readonly #from: Seq;

  /** Starts from the books as they stand in `state`; of the records that follow, what that contains is skipped. */
  constructor(state: Pick<EngineReader, 'assets' | 'markets' | 'depth' | 'seq'>) {
    this.#from = state.seq;
    this.#assets.push(...state.assets);
    for (const market of state.markets) {
      const book = this.#open(market);
      const { bids, asks } = state.depth(market.id, Number.MAX_SAFE_INTEGER);
      for (const [price, lots] of bids) book.change('buy', price, lots);
      for (const [price, lots] of asks) book.change('sell', price, lots);
    }
  }

  /** Takes the next committed record. Throws when the books could not have led there. */
  apply(record: CommittedRecord): void {
    this.#record++;
    for (const event of record.events) if (event.seq > this.#from) this.#apply(event);
  }

  /** undefined: no such market. */
  top(symbol: string, depth: number): BookTop | undefined {
    const book = this.#bySymbol.get(symbol);
    return book === undefined ? undefined : { symbol, seq: book.seq, bids: book.bids.top(depth), asks: book.asks.top(depth) };
  }

  /** At most `depth` levels of each side; undefined: no such market. */
  snapshot(symbol: string, depth: number): BookSnapshot | undefined {
    const top = this.top(symbol, depth);
    return top === undefined ? undefined : snapshotOf(top);
  }

  /** undefined: no such market. A book whose `seq` did not move did not change. */
  seq(symbol: string): number | undefined {
    return this.#bySymbol.get(symbol)?.seq;
  }

  #open(market: Market): Book {
    const book = new Book(market.symbol, new MarketUnits(market, this.#assets[market.baseAsset], this.#assets[market.quoteAsset]));
    this.#books[market.id] = book;
    this.#bySymbol.set(market.symbol, book);
    return book;
  }

  #change(market: number, side: Side, price: Ticks, lots: Lots): void {
    const book = this.#books[market];
    book.change(side, price, lots);
    if (book.changedBy === this.#record) return;
    book.changedBy = this.#record;
    book.seq++;
  }

  #apply(event: Event): void {
    switch (event.type) {
      case 'asset_created':
        this.#assets[event.asset.id] = event.asset;
        break;
      case 'market_created':
        this.#open(event.market);
        break;
      case 'order_accepted':
        if (event.resting) this.#change(event.order.market, event.order.side, event.order.price, event.order.quantity);
        break;
      case 'order_rested':
        this.#change(event.market, event.side, event.price, event.remaining);
        break;
      case 'trade':
        // Takeovers and deleveraging happen outside the book: no maker order stood behind them.
        if (event.maker.order !== 0) this.#change(event.market, event.takerSide === 'buy' ? 'sell' : 'buy', event.price, -event.quantity);
        break;
      case 'order_closed':
        if (event.resting) this.#change(event.market, event.side, event.price, -event.remaining);
        break;
      case 'order_reduced':
        this.#change(event.market, event.side, event.price, -event.by);
        break;
      case 'order_amended':
        this.#change(event.market, event.side, event.oldPrice, -event.oldRemaining);
        if (event.resting) this.#change(event.market, event.side, event.price, event.remaining);
        break;
      case 'noted':
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
      case 'funding_settled':
        break;
      default:
        assertNever(event);
    }
  }
}

/** The book as sent. */
export function snapshotOf({ symbol, seq, bids, asks }: BookTop): BookSnapshot {
  return { symbol, seq, bids: bids.map((level) => level.text), asks: asks.map((level) => level.text), checksum: checksumOf(bids, asks) };
}

/** From `before` to `after` of the same depth; undefined when no level of either differs. */
export function deltaOf(before: BookTop, after: BookTop): BookDelta | undefined {
  const bids = changes(before.bids, after.bids, -1);
  const asks = changes(before.asks, after.asks, 1);
  if (bids.length === 0 && asks.length === 0) return undefined;
  return { symbol: after.symbol, prevSeq: before.seq, seq: after.seq, bids, asks, checksum: checksumOf(after.bids, after.asks) };
}

/** Walks both lists, best first; `order` 1: prices ascend. */
function changes(before: readonly Level[], after: readonly Level[], order: 1 | -1): LevelText[] {
  const changed: LevelText[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    const old = before[i];
    const now = after[j];
    if (old === now) {
      i++;
      j++;
    } else if (now === undefined || (old !== undefined && (old.price - now.price) * order < 0)) {
      changed.push([old.text[0], '0']);
      i++;
    } else {
      if (old?.price === now.price) i++;
      changed.push(now.text);
      j++;
    }
  }
  return changed;
}

/** CRC-32 (IEEE, unsigned) of `b0p:b0q:a0p:a0q:b1p:…` over the best 25 levels, a missing level skipped. */
function checksumOf(bids: readonly Level[], asks: readonly Level[]): number {
  const parts: string[] = [];
  for (let i = 0; i < CHECKSUM_LEVELS; i++) {
    if (i < bids.length) parts.push(bids[i].text[0], bids[i].text[1]);
    if (i < asks.length) parts.push(asks[i].text[0], asks[i].text[1]);
  }
  return crc32(parts.join(':'));
}
