/** OKX v5 public channels `tickers`, `trades`, `books` and `bbo-tbt`. Instrument ids: BTC-USDT spot, BTC-USDT-SWAP perpetual, BTC-USD-220527 expires. */
import { instrument, type Instrument } from '../source.ts';
import { assetCode } from '../symbols.ts';
import type { TopOfBook } from '../top-of-book.ts';
import { Board, setLevels, type Level, type NormaliserFactory } from './normaliser.ts';

interface Row {
  readonly last?: string;
  readonly bidPx?: string;
  readonly askPx?: string;
  readonly bidSz?: string;
  readonly askSz?: string;
  readonly px?: string;
  readonly ts?: string;
  readonly bids?: readonly Level[];
  readonly asks?: readonly Level[];
}

interface Message {
  readonly event?: string;
  readonly arg?: { readonly channel: string; readonly instId: string };
  readonly action?: 'snapshot' | 'update';
  readonly data?: readonly Row[];
}

/** Four parts and more are options. */
function parse(id: string): Instrument | undefined {
  const [base, quote, term, more] = id.split('-');
  if (base === undefined || quote === undefined || more !== undefined) return undefined;
  return instrument(assetCode(base), assetCode(quote), term === undefined ? 'spot' : term === 'SWAP' ? 'perpetual' : 'future');
}

export const okx: NormaliserFactory = ({ source }) => {
  const board = new Board(source, parse);
  return {
    read(message) {
      if (message.direction === 'open') board.clear();
      if (message.direction !== 'in') return [];
      // The answer to a ping is the bare word.
      if (message.text === 'pong') return [];
      const body = JSON.parse(message.text) as Message;
      const row = body.data?.at(-1);
      if (body.arg === undefined || row === undefined) return [];
      const { channel, instId } = body.arg;
      const eventTimeMs = row.ts === undefined ? undefined : Number(row.ts);
      switch (channel) {
        // Ten times a second at most, behind the book: its quote is used until there is one.
        case 'tickers': return board.stated(instId, message, board.hasBook(instId)
          ? { last: row.last, eventTimeMs }
          : { last: row.last, bid: row.bidPx, ask: row.askPx, bidSize: row.bidSz, askSize: row.askSz, eventTimeMs });
        case 'trades': return board.stated(instId, message, { last: row.px, eventTimeMs });
        case 'books':
        case 'bbo-tbt': {
          const apply = (book: TopOfBook) => {
            setLevels(book.bids, row.bids);
            setLevels(book.asks, row.asks);
          };
          return body.action === 'update' ? board.change(instId, message, apply, { eventTimeMs }) : board.snapshot(instId, message, apply, { eventTimeMs });
        }
        default: return [];
      }
    },
  };
};
