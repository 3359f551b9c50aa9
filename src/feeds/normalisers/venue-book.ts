/**
 * A venue's book and whether it can be trusted: it is whole from a snapshot on, as long as every change was applied in full. Its levels are reached in no other way
 * than by `fill` and `change`, so that no format can go on with a book that was changed by half. Which change comes when is the formats' business.
 */
import { TopOfBook } from '../top-of-book.ts';
import { positive } from './figures.ts';

/** A book that is updated shows its best prices this often though they stand still, so that they are known to be of now. */
const CONFIRM_MS = 1_000;

export interface Best {
  readonly bid: number;
  readonly ask: number;
  readonly bidSize: number | undefined;
  readonly askSize: number | undefined;
}

export class VenueBook {
  readonly #levels = new TopOfBook();
  #whole = false;
  #shown: Best | undefined;
  #shownMs = -Infinity;

  get whole(): boolean {
    return this.#whole;
  }

  /** Fills it anew. Throws what `write` throws; the book is then lost. */
  fill(write: (levels: TopOfBook) => void): void {
    this.#levels.clear();
    this.#whole = true;
    this.change(write);
  }

  /** Whether it is whole, and was changed. Throws what `write` throws; the book is then lost. */
  change(write: (levels: TopOfBook) => void): boolean {
    if (!this.#whole) return false;
    try {
      write(this.#levels);
    } catch (error) {
      this.lose();
      throw error;
    }
    return true;
  }

  /** It is of no use until it is filled again. */
  lose(): void {
    this.#levels.clear();
    this.#whole = false;
    this.#shown = undefined;
  }

  /** The best prices of a whole book that was updated: when they changed, else once a second. One that is crossed in the middle of an update shows nothing yet. */
  show(nowMs: number): Best | undefined {
    if (!this.#whole) return undefined;
    const { bids, asks } = this.#levels;
    const [bid, bidSize, ask, askSize] = [bids.price, bids.size, asks.price, asks.size].map(positive);
    if (bid === undefined || ask === undefined || bid >= ask) return undefined;
    const shown = this.#shown;
    const stands = bid === shown?.bid && ask === shown.ask && bidSize === shown.bidSize && askSize === shown.askSize;
    if (stands && nowMs - this.#shownMs < CONFIRM_MS) return undefined;
    this.#shown = { bid, ask, bidSize, askSize };
    this.#shownMs = nowMs;
    return this.#shown;
  }
}
