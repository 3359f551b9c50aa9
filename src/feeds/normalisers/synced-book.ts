/**
 * A book that arrives as a REST snapshot and a stream of numbered changes, in either order: changes before the snapshot wait, those it already
 * contains are dropped, and after a gap the book says nothing until the next snapshot (Binance, "How to manage a local order book correctly").
 */
import type { Tick } from '../source.ts';
import type { TopOfBook } from '../top-of-book.ts';
import { setLevels, type Board, type Level, type WireMessage } from './normaliser.ts';
import type { VenueBook } from './venue-book.ts';

export interface Snapshot {
  /** Number of the last update that it contains. */
  readonly last: number;
  readonly bids: readonly Level[] | undefined;
  readonly asks: readonly Level[] | undefined;
}

export interface Change {
  /** First update number it contains; 0 where the venue numbers only the end. */
  readonly first: number;
  readonly last: number;
  readonly apply: (book: TopOfBook) => void;
}

/** Changes that may wait for a snapshot; older ones are dropped, which shows as a gap. */
const MAX_WAITING = 2_000;

export class SyncedBook {
  readonly #book: VenueBook;
  #waiting: Change[] = [];
  /** Last update number in the book, as long as that is whole. */
  #position = -Infinity;

  constructor(book: VenueBook) {
    this.#book = book;
  }

  /** Number of the update that the book shows; undefined while it cannot be trusted. */
  get position(): number | undefined {
    return this.#book.whole ? this.#position : undefined;
  }

  /** Replaces the book and applies what waited. A snapshot older than the book is ignored. Throws what `fill` throws; the book then says nothing until the next one. */
  snapshot(last: number, fill: (book: TopOfBook) => void): void {
    if (this.#book.whole && last <= this.#position) return;
    this.#book.fill(fill);
    this.#position = last;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const change of waiting) this.change(change);
  }

  /** Whether the book now shows it. Throws what its `apply` throws; the book then says nothing until the next snapshot. */
  change(change: Change): boolean {
    if (!this.#book.whole) {
      this.#waiting.push(change);
      if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
      return false;
    }
    if (change.last <= this.#position) return false;
    if (change.first > this.#position + 1) {
      this.#book.lose();
      this.#waiting = [change];
      return false;
    }
    this.#book.change(change.apply);
    this.#position = change.last;
    return true;
  }
}

/** The synced books of one connection. A board that is cleared has other books, and nothing of the former ones is left here. */
export class SyncedBooks {
  readonly #board: Board;
  readonly #synced = new WeakMap<VenueBook, SyncedBook>();

  constructor(board: Board) {
    this.#board = board;
  }

  of(symbol: string): SyncedBook | undefined {
    const book = this.#board.book(symbol);
    if (book === undefined) return undefined;
    const known = this.#synced.get(book);
    if (known !== undefined) return known;
    const made = new SyncedBook(book);
    this.#synced.set(book, made);
    return made;
  }

  /** What a snapshot makes of the book of `symbol`; undefined: it does not say whose it is. */
  snapshot(symbol: string | undefined, message: WireMessage, { last, bids, asks }: Snapshot, eventTimeMs?: number): readonly Tick[] {
    const book = symbol === undefined ? undefined : this.of(symbol);
    if (symbol === undefined || book === undefined) return [];
    book.snapshot(last, (levels) => {
      setLevels(levels.bids, bids);
      setLevels(levels.asks, asks);
    });
    return this.#board.fromBook(symbol, message, { sequence: book.position, eventTimeMs });
  }

  /** What a change makes of it; nothing while the book cannot be trusted. */
  change(symbol: string, message: WireMessage, change: Change, eventTimeMs?: number): readonly Tick[] {
    if (this.of(symbol)?.change(change) !== true) return [];
    return this.#board.fromBook(symbol, message, { sequence: change.last, eventTimeMs });
  }
}
