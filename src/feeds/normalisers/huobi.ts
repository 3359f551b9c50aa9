/** Huobi (HTX) spot: gzip frames with `market.<symbol>.depth.step0` (whole books), `.bbo`, `.trade.detail`. */
import { gunzipSync } from 'node:zlib';
import { concatenated, HUOBI_QUOTES } from '../symbols.ts';
import { Board, setLevels, type Level, type NormaliserFactory, type WireMessage } from './normaliser.ts';

interface TickBody {
  readonly bids?: readonly Level[];
  readonly asks?: readonly Level[];
  readonly ts?: number;
  readonly data?: readonly { readonly price: number; readonly ts: number }[];
  readonly bid?: number;
  readonly ask?: number;
  readonly bidSize?: number;
  readonly askSize?: number;
}

interface Message {
  readonly ch?: string;
  readonly ts?: number;
  readonly tick?: TickBody;
}

/** A frame may inflate to this and no further. */
const MAX_FRAME_BYTES = 8 * 1024 * 1024;

function text(message: WireMessage): string {
  return message.encoding === 'base64'
    ? gunzipSync(Buffer.from(message.text, 'base64'), { maxOutputLength: MAX_FRAME_BYTES }).toString('utf8')
    : message.text;
}

export const huobi: NormaliserFactory = ({ source }) => {
  const board = new Board(source, (symbol) => concatenated(symbol, 'spot', HUOBI_QUOTES));
  return {
    read(message) {
      if (message.direction !== 'in') return [];
      const { ch, ts, tick } = JSON.parse(text(message)) as Message;
      const [, symbol, channel] = (ch ?? '').split('.');
      if (symbol === undefined || tick === undefined) return [];
      switch (channel) {
        case 'depth': return board.snapshot(symbol, message, (book) => {
          setLevels(book.bids, tick.bids);
          setLevels(book.asks, tick.asks);
        }, { eventTimeMs: tick.ts ?? ts });
        case 'bbo': return board.stated(symbol, message, { bid: tick.bid, ask: tick.ask, bidSize: tick.bidSize, askSize: tick.askSize, eventTimeMs: ts });
        case 'trade': {
          // Newest first.
          const newest = tick.data?.[0];
          return newest === undefined ? [] : board.stated(symbol, message, { last: newest.price, eventTimeMs: newest.ts });
        }
        default: return [];
      }
    },
  };
};
