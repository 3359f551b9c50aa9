/**
 * Bitfinex v2: channels are numbers that a `subscribed` event names; `ticker` is an array, `book` (P0) rows are [price, count, amount] where the
 * sign of the amount is the side and count 0 removes, `trades` come as te (executed) and tu (updated). Only trades carry a time.
 */
import { instrument, type Instrument } from '../source.ts';
import { assetCode } from '../symbols.ts';
import type { TopOfBook } from '../top-of-book.ts';
import { Board, setLevel, type NormaliserFactory, type WireMessage } from './normaliser.ts';

interface Subscribed {
  readonly event: string;
  readonly channel: string;
  readonly chanId: number;
  readonly symbol: string;
}

type BookRow = readonly [price: number, count: number, amount: number];
type TradeRow = readonly [id: number, timeMs: number, amount: number, price: number];

/** Bitfinex's own codes, most of them cut to three letters (its list `pub:map:currency:sym`); UST and IOT are other assets elsewhere. F0 marks a perpetual. */
const CODES: Readonly<Record<string, string>> = {
  UST: 'USDT', UDC: 'USDC', TSD: 'TUSD', ALG: 'ALGO', ATO: 'ATOM', DSH: 'DASH', IOT: 'IOTA', MNA: 'MANA', QTM: 'QTUM',
};

function code(text: string): string {
  return CODES[text] ?? assetCode(text);
}

/** 'tBFTUSD' (the quote has three letters), 'tDOGE:USD', 'tBTCF0:USTF0'. */
function parse(symbol: string): Instrument | undefined {
  if (!symbol.startsWith('t')) return undefined;
  const name = symbol.slice(1);
  const [base, quote] = name.includes(':') ? name.split(':') : [name.slice(0, -3), name.slice(-3)];
  if (base === '' || quote === '') return undefined;
  if (base.endsWith('F0') && quote.endsWith('F0')) return instrument(code(base.slice(0, -2)), code(quote.slice(0, -2)), 'perpetual');
  return instrument(code(base), code(quote), 'spot');
}

export const bitfinex: NormaliserFactory = ({ source }) => {
  const board = new Board(source, parse);
  const channels = new Map<number, Subscribed>();

  function book(symbol: string, message: WireMessage, payload: readonly BookRow[] | BookRow) {
    const isSnapshot = payload.length === 0 || Array.isArray(payload[0]);
    const rows = isSnapshot ? (payload as readonly BookRow[]) : [payload as BookRow];
    const apply = (levels: TopOfBook) => {
      for (const [price, count, amount] of rows) setLevel(amount > 0 ? levels.bids : levels.asks, price, count === 0 ? 0 : Math.abs(amount));
    };
    return isSnapshot ? board.snapshot(symbol, message, apply) : board.change(symbol, message, apply);
  }

  function ticker(symbol: string, message: WireMessage, row: readonly number[]) {
    const [bid, bidSize, ask, askSize, , , last] = row;
    return board.stated(symbol, message, board.hasBook(symbol) ? { last } : { bid, bidSize, ask, askSize, last });
  }

  return {
    read(message) {
      if (message.direction === 'open') {
        board.clear();
        channels.clear();
      }
      if (message.direction !== 'in') return [];
      const body = JSON.parse(message.text) as Subscribed | readonly [number, unknown, unknown?];
      if (!Array.isArray(body)) {
        const event = body as Subscribed;
        if (event.event === 'subscribed') channels.set(event.chanId, event);
        return [];
      }
      const [id, payload, detail] = body as readonly [number, unknown, unknown?];
      const channel = channels.get(id);
      if (channel === undefined || payload === 'hb') return [];
      switch (channel.channel) {
        case 'ticker': return ticker(channel.symbol, message, payload as readonly number[]);
        case 'book': return Array.isArray(payload) ? book(channel.symbol, message, payload as readonly BookRow[]) : [];
        case 'trades': {
          // The snapshot has the newest trade first.
          const row = payload === 'te' ? (detail as TradeRow) : Array.isArray(payload) ? (payload as readonly TradeRow[])[0] : undefined;
          return row === undefined ? [] : board.stated(channel.symbol, message, { last: row[3], eventTimeMs: row[1] });
        }
        default: return [];
      }
    },
  };
};
