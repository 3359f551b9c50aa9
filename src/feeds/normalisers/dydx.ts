/**
 * dYdX v3: `v3_orderbook` and `v3_trades`. Updates reach the client out of order across levels, so each level has an offset: an update older than its level is
 * dropped, and where the book crosses, the level with the older offset is gone (dYdX v3 documentation, "Orderbook").
 */
import type { TopOfBook } from '../top-of-book.ts';
import { separated } from '../symbols.ts';
import { Board, isoTime, setLevel, type NormaliserFactory, type WireMessage } from './normaliser.ts';

interface Row {
  readonly price: string;
  readonly size: string;
  readonly offset: string;
}

interface Contents {
  readonly offset?: string;
  readonly bids?: readonly (Row | readonly [string, string])[];
  readonly asks?: readonly (Row | readonly [string, string])[];
  readonly trades?: readonly { readonly price: string; readonly createdAt: string }[];
}

interface Message {
  readonly type?: string;
  readonly channel?: string;
  readonly id?: string;
  readonly contents?: Contents;
}

type Side = 'bids' | 'asks';

/** Levels whose offsets are remembered per market. */
const MAX_OFFSETS = 20_000;

class OffsetBook {
  readonly #book: TopOfBook;
  readonly #offsets = new Map<string, number>();

  constructor(book: TopOfBook) {
    this.#book = book;
  }

  set(side: Side, price: number, size: number, offset: number): void {
    const key = side + price;
    const known = this.#offsets.get(key);
    if (known !== undefined && offset < known) return;
    // The latest last: beyond the bound the one is forgotten that has not changed for longest.
    this.#offsets.delete(key);
    this.#offsets.set(key, offset);
    if (this.#offsets.size > MAX_OFFSETS) this.#offsets.delete(this.#offsets.keys().next().value as string);
    setLevel(this.#book[side], price, size);
  }

  /** Removes the older of two levels that cross, until none do. */
  uncross(): void {
    while (this.#book.crossed) {
      const bid = this.#book.bids.price as number;
      const ask = this.#book.asks.price as number;
      const bidIsOlder = (this.#offsets.get(`bids${bid}`) ?? 0) < (this.#offsets.get(`asks${ask}`) ?? 0);
      if (bidIsOlder) this.#book.bids.set(bid, 0);
      else this.#book.asks.set(ask, 0);
    }
  }
}

export const dydx: NormaliserFactory = ({ source }) => {
  const board = new Board(source, (symbol) => separated(symbol, '-', 'perpetual'));
  const books = new Map<string, OffsetBook>();

  function orderbook(message: WireMessage, id: string, contents: Contents, isSnapshot: boolean) {
    const apply = (levels: TopOfBook) => {
      const book = (isSnapshot ? undefined : books.get(id)) ?? new OffsetBook(levels);
      books.set(id, book);
      for (const side of ['bids', 'asks'] as const) {
        for (const row of contents[side] ?? []) {
          if ('price' in row) book.set(side, Number(row.price), Number(row.size), Number(row.offset));
          else book.set(side, Number(row[0]), Number(row[1]), Number(contents.offset));
        }
      }
      book.uncross();
    };
    return isSnapshot ? board.snapshot(id, message, apply) : board.change(id, message, apply);
  }

  return {
    read(message) {
      if (message.direction === 'open') {
        board.clear();
        books.clear();
      }
      if (message.direction !== 'in') return [];
      const { type, channel, id, contents } = JSON.parse(message.text) as Message;
      if (id === undefined || contents === undefined) return [];
      if (channel === 'v3_orderbook') return orderbook(message, id, contents, type === 'subscribed');
      if (channel !== 'v3_trades') return [];
      // Newest first.
      const newest = contents.trades?.[0];
      return newest === undefined ? [] : board.stated(id, message, { last: newest.price, eventTimeMs: isoTime(newest.createdAt) });
    },
  };
};
