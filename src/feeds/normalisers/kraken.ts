/** Kraken WebSocket v1: arrays `[channelId, payload(, payload), channelName, pair]` with `ticker`, `trade`, `spread` and `book-<depth>`. Times are seconds with fractions. */
import type { TopOfBook } from '../top-of-book.ts';
import { separated } from '../symbols.ts';
import { Board, setLevels, type Level, type NormaliserFactory, type WireMessage } from './normaliser.ts';

interface BookPayload {
  readonly as?: readonly Level[];
  readonly bs?: readonly Level[];
  readonly a?: readonly Level[];
  readonly b?: readonly Level[];
}

interface TickerPayload {
  readonly a: readonly [string, number, string];
  readonly b: readonly [string, number, string];
  readonly c: readonly [string, string];
}

export const kraken: NormaliserFactory = ({ source }) => {
  const board = new Board(source, (symbol) => separated(symbol, '/', 'spot'));

  function book(message: WireMessage, pair: string, depth: number, payloads: readonly BookPayload[]) {
    const apply = (levels: TopOfBook) => {
      for (const { as, bs, a, b } of payloads) {
        setLevels(levels.asks, as ?? a);
        setLevels(levels.bids, bs ?? b);
      }
      // Levels pushed out of the window are not deleted by the venue: the client keeps the best `depth`.
      levels.bids.trim(depth);
      levels.asks.trim(depth);
    };
    const seen = { eventTimeMs: latest(payloads) };
    return payloads.some(({ as }) => as !== undefined) ? board.snapshot(pair, message, apply, seen) : board.change(pair, message, apply, seen);
  }

  return {
    read(message) {
      if (message.direction !== 'in') return [];
      const body = JSON.parse(message.text) as unknown;
      if (!Array.isArray(body) || body.length < 4) return [];
      const pair = body.at(-1) as string;
      const channel = body.at(-2) as string;
      if (channel.startsWith('book-')) return book(message, pair, Number(channel.slice(5)), body.slice(1, -2) as BookPayload[]);
      switch (channel) {
        case 'ticker': {
          const { a, b, c } = body[1] as TickerPayload;
          // Sent without a time and at its own pace: only its last price is used once the book is there.
          return board.stated(pair, message, board.hasBook(pair) ? { last: c[0] } : { bid: b[0], ask: a[0], bidSize: b[2], askSize: a[2], last: c[0] });
        }
        case 'trade': {
          const [price, , time] = (body[1] as readonly (readonly [string, string, string])[]).at(-1) ?? [];
          return board.stated(pair, message, { last: price, eventTimeMs: seconds(time) });
        }
        default: return [];
      }
    },
  };
};

function latest(payloads: readonly BookPayload[]): number | undefined {
  let newest = 0;
  for (const { as, bs, a, b } of payloads) {
    for (const level of [as ?? a ?? [], bs ?? b ?? []].flat()) newest = Math.max(newest, Number(level[2]));
  }
  return newest > 0 ? newest * 1000 : undefined;
}

function seconds(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text) * 1000;
}
