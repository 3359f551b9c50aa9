/**
 * The public order books: open quantity per price, folded from committed events, so that nobody sees what is not durable.
 * Knows levels and their changes; not who gets to see them when (services/market-stream.ts).
 */
import type { Event } from '../engine/events.ts';
import type { Asset, Market } from '../engine/market.ts';
import type { EngineReader } from '../engine/reader.ts';
import { assertNever, type Lots, type Seq, type Side, type Ticks } from '../engine/units.ts';
import type { CommittedRecord } from '../sequencer/sequencer.ts';
import { MarketUnits } from '../types/market-units.ts';
import { snapshotOf, type BookSnapshot, type BookTop } from './book-messages.ts';
import { Ladder } from './ladder.ts';

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
      case 'funding_started':
      case 'funding_deferred':
      case 'funding_advanced':
      case 'funding_settled':
        break;
      default:
        assertNever(event);
    }
  }
}
