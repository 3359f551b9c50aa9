/**
 * Bybit. The feeds of 2021 (`trade.<symbol>`, `orderBookL2_25.<symbol>` with snapshot and delete/update/insert) and the archive format of today's
 * books (`orderbook.500.<symbol>` with `data.b`, `data.a`).
 */
import type { Instrument } from '../source.ts';
import { concatenated } from '../symbols.ts';
import type { TopOfBook } from '../top-of-book.ts';
import { Board, setLevel, setLevels, type Level, type NormaliserFactory, type WireMessage } from './normaliser.ts';

interface Row {
  readonly symbol: string;
  readonly side: 'Buy' | 'Sell';
  readonly price: string | number;
  readonly size?: number;
  readonly trade_time_ms?: string | number;
}

interface Delta {
  readonly delete: readonly Row[];
  readonly update: readonly Row[];
  readonly insert: readonly Row[];
}

interface ModernBook {
  readonly s: string;
  readonly b: readonly Level[];
  readonly a: readonly Level[];
}

interface Message {
  readonly topic?: string;
  readonly type?: 'snapshot' | 'delta';
  readonly data: unknown;
  readonly timestamp_e6?: number | string;
  readonly ts?: number;
}

/** BTCUSDT and BTCUSD are perpetuals, BTCUSDM21 expires. */
function parse(symbol: string): Instrument | undefined {
  const dated = /^([A-Z0-9]+USDT?)[FGHJKMNQUVXZ]\d{2}$/.exec(symbol);
  return dated === null ? concatenated(symbol, 'perpetual') : concatenated(dated[1], 'future');
}

export const bybit: NormaliserFactory = ({ source }) => {
  const board = new Board(source, parse);

  function legacyBook(symbol: string, message: WireMessage, body: Message) {
    const seen = { eventTimeMs: body.timestamp_e6 === undefined ? undefined : Number(body.timestamp_e6) / 1000 };
    const set = (book: TopOfBook, { side, price }: Row, size = 0) => setLevel(side === 'Buy' ? book.bids : book.asks, price, size);
    if (body.type === 'snapshot') {
      return board.snapshot(symbol, message, (book) => {
        for (const row of snapshotRows(body.data)) set(book, row, row.size);
      }, seen);
    }
    const delta = body.data as Delta;
    return board.change(symbol, message, (book) => {
      for (const row of delta.delete) set(book, row);
      for (const row of [...delta.update, ...delta.insert]) set(book, row, row.size);
    }, seen);
  }

  function modernBook(message: WireMessage, body: Message) {
    const { s: symbol, b, a } = body.data as ModernBook;
    const apply = (book: TopOfBook) => {
      setLevels(book.bids, b);
      setLevels(book.asks, a);
    };
    const seen = { eventTimeMs: body.ts };
    return body.type === 'snapshot' ? board.snapshot(symbol, message, apply, seen) : board.change(symbol, message, apply, seen);
  }

  return {
    read(message) {
      if (message.direction === 'open') board.clear();
      if (message.direction !== 'in') return [];
      const body = JSON.parse(message.text) as Message;
      const [channel, ...rest] = (body.topic ?? '').split('.');
      const symbol = rest.at(-1);
      if (symbol === undefined) return [];
      if (channel === 'trade') {
        const newest = (body.data as readonly Row[]).at(-1);
        return newest === undefined ? [] : board.stated(symbol, message, { last: newest.price, eventTimeMs: Number(newest.trade_time_ms) });
      }
      if (channel.startsWith('orderBookL2')) return legacyBook(symbol, message, body);
      return channel === 'orderbook' ? modernBook(message, body) : [];
    },
  };
};

/** Inverse contracts send an array, linear ones an object around it. */
function snapshotRows(data: unknown): readonly Row[] {
  return Array.isArray(data) ? (data as Row[]) : (data as { order_book: readonly Row[] }).order_book;
}
