/** Gate.io v4 spot: `spot.order_book_update` (numbered as Binance's) over a REST snapshot, `spot.trades`, `spot.tickers`, `spot.book_ticker`. */
import { separated } from '../symbols.ts';
import type { TopOfBook } from '../top-of-book.ts';
import { Board, inQuery, setLevels, type Level, type NormaliserFactory, type WireMessage } from './normaliser.ts';
import { SyncedBooks } from './synced-book.ts';

interface Result {
  readonly t?: number;
  readonly s: string;
  readonly U: number;
  readonly u: number;
  readonly b?: readonly Level[] | string;
  readonly a?: readonly Level[] | string;
  readonly B?: string;
  readonly A?: string;
  readonly currency_pair: string;
  readonly price?: string;
  readonly create_time_ms?: string | number;
  readonly last?: string;
  readonly lowest_ask?: string;
  readonly highest_bid?: string;
}

interface Message {
  readonly channel?: string;
  readonly event?: string;
  readonly result?: Result;
}

interface Snapshot {
  readonly id: number;
  readonly current?: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/** Leveraged tokens (QTUM3S) are their own assets and keep their names. */
export const gateio: NormaliserFactory = ({ source }) => {
  const board = new Board(source, (symbol) => separated(symbol, '_', 'spot'));
  const books = new SyncedBooks(board);

  function snapshot(message: WireMessage) {
    const { id, bids, asks } = JSON.parse(message.text) as Snapshot;
    return books.snapshot(inQuery(message.url, 'currency_pair'), message, { last: id, bids, asks });
  }

  function update(message: WireMessage, result: Result) {
    const apply = (levels: TopOfBook): void => {
      setLevels(levels.bids, result.b as readonly Level[]);
      setLevels(levels.asks, result.a as readonly Level[]);
    };
    return books.change(result.s, message, { first: result.U, last: result.u, apply }, result.t);
  }

  return {
    read(message) {
      if (message.direction === 'open') board.clear();
      if (message.direction === 'http') return snapshot(message);
      if (message.direction !== 'in') return [];
      const { channel, event, result } = JSON.parse(message.text) as Message;
      if (event !== 'update' || result === undefined) return [];
      switch (channel) {
        case 'spot.order_book_update': return update(message, result);
        case 'spot.trades': return board.stated(result.currency_pair, message, { last: result.price, eventTimeMs: Number(result.create_time_ms) });
        case 'spot.tickers': return board.stated(result.currency_pair, message, { last: result.last });
        case 'spot.book_ticker':
          return board.stated(result.s, message, { bid: result.b as string, ask: result.a as string, bidSize: result.B, askSize: result.A, sequence: result.u, eventTimeMs: result.t });
        default: return [];
      }
    },
  };
};
