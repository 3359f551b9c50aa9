/** Bitstamp v2: `diff_order_book_<pair>` over a REST snapshot, `order_book_<pair>`, `live_trades_<pair>`. Updates are ordered by `microtimestamp`, without a way to see gaps. */
import { concatenated } from '../symbols.ts';
import type { TopOfBook } from '../top-of-book.ts';
import { Board, setLevels, type Level, type NormaliserFactory, type WireMessage } from './normaliser.ts';
import { SyncedBooks } from './synced-book.ts';

interface Body {
  readonly microtimestamp: string;
  readonly bids?: readonly Level[];
  readonly asks?: readonly Level[];
  readonly price?: number;
}

interface Message {
  readonly event?: string;
  readonly channel?: string;
  readonly data?: Body;
}

export const bitstamp: NormaliserFactory = ({ source }) => {
  const board = new Board(source, (symbol) => concatenated(symbol, 'spot'));
  const books = new SyncedBooks(board);

  function levels(pair: string, message: WireMessage, body: Body, isSnapshot: boolean) {
    const book = books.of(pair);
    if (book === undefined) return [];
    const last = Number(body.microtimestamp);
    const apply = (top: TopOfBook) => {
      setLevels(top.bids, body.bids);
      setLevels(top.asks, body.asks);
    };
    if (isSnapshot) book.snapshot(last, apply);
    else book.change({ first: 0, last, apply });
    return book.position === undefined ? [] : board.fromBook(pair, message, { eventTimeMs: book.position / 1000 });
  }

  return {
    read(message) {
      if (message.direction === 'open') board.clear();
      if (message.direction === 'http') {
        const pair = /\/order_book\/([a-z0-9]+)/.exec(message.url ?? '')?.[1];
        return pair === undefined ? [] : levels(pair, message, JSON.parse(message.text) as Body, true);
      }
      if (message.direction !== 'in') return [];
      const { event, channel = '', data } = JSON.parse(message.text) as Message;
      const pair = channel.slice(channel.lastIndexOf('_') + 1);
      if (data === undefined) return [];
      if (event === 'trade') return board.stated(pair, message, { last: data.price, eventTimeMs: Number(data.microtimestamp) / 1000 });
      if (event !== 'data') return [];
      if (channel.startsWith('diff_order_book_')) return levels(pair, message, data, false);
      return channel.startsWith('order_book_') ? levels(pair, message, data, true) : [];
    },
  };
};
