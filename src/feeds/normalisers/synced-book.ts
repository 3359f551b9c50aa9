/**
 * A book that arrives as a REST snapshot and a stream of numbered changes, in either order: changes before the snapshot wait, those it already
 * contains are dropped, and after a gap the book says nothing until the next snapshot (Binance, "How to manage a local order book correctly").
 */
import type { TopOfBook } from '../top-of-book.ts';

export interface Change {
  /** First update number it contains; 0 where the venue numbers only the end. */
  readonly first: number;
  readonly last: number;
  readonly apply: (book: TopOfBook) => void;
}

/** Changes that may wait for a snapshot; older ones are dropped, which shows as a gap. */
const MAX_WAITING = 2_000;

export class SyncedBook {
  readonly #book: TopOfBook;
  #waiting: Change[] = [];
  /** Last update number in the book; undefined = no snapshot, or a gap since. */
  #position: number | undefined;

  constructor(book: TopOfBook) {
    this.#book = book;
  }

  /** Number of the update that the book shows; undefined while it cannot be trusted. */
  get position(): number | undefined {
    return this.#position;
  }

  /** Replaces the book and applies what waited. A snapshot older than the book is ignored. Throws what `fill` throws; the book then says nothing until the next one. */
  snapshot(last: number, fill: (book: TopOfBook) => void): void {
    if (this.#position !== undefined && last <= this.#position) return;
    this.#book.clear();
    this.#apply(fill);
    this.#position = last;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const change of waiting) this.change(change);
  }

  /** Whether the book now shows it. Throws what its `apply` throws; half of a change makes the book useless until the next snapshot. */
  change(change: Change): boolean {
    if (this.#position === undefined) {
      this.#waiting.push(change);
      if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
      return false;
    }
    if (change.last <= this.#position) return false;
    if (change.first > this.#position + 1) {
      this.#lose();
      this.#waiting = [change];
      return false;
    }
    this.#apply(change.apply);
    this.#position = change.last;
    return true;
  }

  #apply(apply: (book: TopOfBook) => void): void {
    try {
      apply(this.#book);
    } catch (error) {
      this.#lose();
      throw error;
    }
  }

  #lose(): void {
    this.#position = undefined;
    this.#book.clear();
  }
}

/** The synced books of one connection by symbol. Bounded by the instruments that `bookOf` admits. */
export class SyncedBooks {
  readonly #bookOf: (symbol: string) => TopOfBook | undefined;
  readonly #books = new Map<string, SyncedBook>();

  constructor(bookOf: (symbol: string) => TopOfBook | undefined) {
    this.#bookOf = bookOf;
  }

  of(symbol: string): SyncedBook | undefined {
    const known = this.#books.get(symbol);
    if (known !== undefined) return known;
    const book = this.#bookOf(symbol);
    if (book === undefined) return undefined;
    const made = new SyncedBook(book);
    this.#books.set(symbol, made);
    return made;
  }

  clear(): void {
    this.#books.clear();
  }
}
