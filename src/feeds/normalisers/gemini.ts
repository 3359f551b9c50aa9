/** Gemini market data v2: `l2_updates` (the first of a symbol is its whole book) and `trade`. Book updates carry no time. */
import { concatenated } from '../symbols.ts';
import type { TopOfBook } from '../top-of-book.ts';
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
  return {
    read(message) {
      if (message.direction === 'open') board.clear();
      if (message.direction !== 'in') return [];
      const { type, symbol, timestamp, price, changes = [], trades } = JSON.parse(message.text) as Message;
      if (symbol === undefined) return [];
      if (type === 'trade') return board.stated(symbol, message, { last: price, eventTimeMs: timestamp });
      if (type !== 'l2_updates') return [];
      const apply = (book: TopOfBook) => {
        for (const [side, at, size] of changes) setLevel(side === 'buy' ? book.bids : book.asks, at, size);
      };
      return trades === undefined ? board.change(symbol, message, apply) : board.snapshot(symbol, message, apply);
    },
  };
};
