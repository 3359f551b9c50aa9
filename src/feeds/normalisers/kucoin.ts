/** KuCoin spot: `/market/ticker`, `/market/level2` (numbered changes over a REST snapshot), `/market/match`. */
import type { TopOfBook } from '../top-of-book.ts';
import { separated } from '../symbols.ts';
import { Board, inQuery, setLevel, type Level, type NormaliserFactory, type WireMessage } from './normaliser.ts';
import { SyncedBooks } from './synced-book.ts';

interface Data {
  readonly sequence?: string;
  readonly time?: number | string;
  readonly price?: string;
  readonly bestBid?: string;
  readonly bestAsk?: string;
  readonly bestBidSize?: string;
  readonly bestAskSize?: string;
  readonly sequenceStart?: number;
  readonly sequenceEnd?: number;
  readonly changes?: { readonly bids: readonly Change[]; readonly asks: readonly Change[] };
  readonly bids?: readonly Level[];
  readonly asks?: readonly Level[];
}

/** price, size, number; price 0 = a change that touched no level. */
type Change = readonly [string, string, string];

interface Message {
  readonly topic?: string;
  readonly data?: Data;
}

export const kucoin: NormaliserFactory = ({ source }) => {
  const board = new Board(source, (symbol) => separated(symbol, '-', 'spot'));
  const books = new SyncedBooks(board);

  function snapshot(message: WireMessage) {
    const { data } = JSON.parse(message.text) as Message;
    if (data === undefined) return [];
    return books.snapshot(inQuery(message.url, 'symbol'), message, { last: Number(data.sequence), bids: data.bids, asks: data.asks }, Number(data.time));
  }

  function update(symbol: string, message: WireMessage, data: Data) {
    const apply = (book: TopOfBook): void => {
      change(book.bids, data.changes?.bids);
      change(book.asks, data.changes?.asks);
    };
    return books.change(symbol, message, { first: Number(data.sequenceStart), last: Number(data.sequenceEnd), apply });
  }

  return {
    read(message) {
      if (message.direction === 'open') board.clear();
      if (message.direction === 'http') return snapshot(message);
      if (message.direction !== 'in') return [];
      const { topic = '', data } = JSON.parse(message.text) as Message;
      const [channel, symbol] = topic.split(':');
      if (symbol === undefined || data === undefined) return [];
      switch (channel) {
        case '/market/ticker': return board.stated(symbol, message, {
          bid: data.bestBid, ask: data.bestAsk, bidSize: data.bestBidSize, askSize: data.bestAskSize, last: data.price,
          sequence: Number(data.sequence), eventTimeMs: Number(data.time),
        });
        case '/market/level2': return update(symbol, message, data);
        // Nanoseconds.
        case '/market/match': return board.stated(symbol, message, { last: data.price, eventTimeMs: Number(data.time) / 1e6 });
        default: return [];
      }
    },
  };
};

function change(side: TopOfBook['bids'], changes: readonly Change[] | undefined): void {
  for (const [price, size] of changes ?? []) if (Number(price) > 0) setLevel(side, price, size);
}
