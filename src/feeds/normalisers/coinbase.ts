/** Coinbase Exchange feed (`ticker`, `level2`, `matches`), as of 2021 and as its successor still sends them. */
import { separated } from '../symbols.ts';
import { Board, isoTime, setLevel, setLevels, type Level, type NormaliserFactory } from './normaliser.ts';

interface Message {
  readonly type: string;
  readonly product_id: string;
  readonly price?: string;
  readonly best_bid?: string;
  readonly best_ask?: string;
  readonly best_bid_size?: string;
  readonly best_ask_size?: string;
  readonly time?: string;
  readonly bids?: readonly Level[];
  readonly asks?: readonly Level[];
  readonly changes?: readonly (readonly ['buy' | 'sell', string, string])[];
}

export const coinbase: NormaliserFactory = ({ source }) => {
  const board = new Board(source, (symbol) => separated(symbol, '-', 'spot'));
  return {
    read(message) {
      if (message.direction === 'open') board.clear();
      if (message.direction !== 'in') return [];
      const body = JSON.parse(message.text) as Message;
      const symbol = body.product_id;
      const eventTimeMs = isoTime(body.time);
      switch (body.type) {
        // The quote of a ticker is as old as its trade where the product is quiet: the book is better, so only the price is taken once there is one.
        case 'ticker': return board.stated(symbol, message, board.hasBook(symbol)
          ? { last: body.price, eventTimeMs }
          : { bid: body.best_bid, ask: body.best_ask, bidSize: body.best_bid_size, askSize: body.best_ask_size, last: body.price, eventTimeMs });
        case 'match':
        case 'last_match': return board.stated(symbol, message, { last: body.price, eventTimeMs });
        case 'snapshot': return board.snapshot(symbol, message, (book) => {
          setLevels(book.bids, body.bids);
          setLevels(book.asks, body.asks);
        });
        case 'l2update': return board.change(symbol, message, (book) => {
          for (const [side, price, size] of body.changes ?? []) setLevel(side === 'buy' ? book.bids : book.asks, price, size);
        }, { eventTimeMs });
        default: return [];
      }
    },
  };
};
