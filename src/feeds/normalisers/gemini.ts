/** Gemini market data v2: `l2_updates` (the first of a symbol is its whole book) and `trade`. Book updates carry no time. */
import { concatenated } from '../symbols.ts';
import { Board, setLevel, type NormaliserFactory } from './normaliser.ts';

interface Message {
  readonly type?: string;
  readonly symbol?: string;
  readonly timestamp?: number;
  readonly price?: string;
  readonly changes?: readonly (readonly ['buy' | 'sell', string, string])[];
  /** Only in the first message of a symbol. */
  readonly trades?: unknown;
}

export const gemini: NormaliserFactory = ({ source }) => {
  const board = new Board(source, (symbol) => concatenated(symbol, 'spot'));
  const ready = new Set<string>();
  return {
    read(message) {
      if (message.direction !== 'in') return [];
      const { type, symbol, timestamp, price, changes = [], trades } = JSON.parse(message.text) as Message;
      if (symbol === undefined) return [];
      if (type === 'trade') return board.stated(symbol, message, { last: price, eventTimeMs: timestamp });
      const book = board.book(symbol);
      if (type !== 'l2_updates' || book === undefined) return [];
      if (trades !== undefined) {
        book.clear();
        ready.add(symbol);
      } else if (!ready.has(symbol)) return [];
      for (const [side, at, size] of changes) setLevel(side === 'buy' ? book.bids : book.asks, at, size);
      return board.fromBook(symbol, message);
    },
  };
};
