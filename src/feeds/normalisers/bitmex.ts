/** BitMEX realtime: tables `quote`, `trade` and `orderBookL2` (rows by id: insert and partial carry the price, update and delete only the id). */
import { instrument, type Instrument } from '../source.ts';
import { assetCode, concatenated } from '../symbols.ts';
import type { TopOfBook } from '../top-of-book.ts';
import { Board, isoTime, setLevel, type NormaliserFactory, type WireMessage } from './normaliser.ts';

interface Row {
  readonly symbol: string;
  readonly timestamp?: string;
  readonly bidPrice?: number;
  readonly askPrice?: number;
  readonly bidSize?: number;
  readonly askSize?: number;
  readonly price?: number;
  readonly id?: number;
  readonly side?: 'Buy' | 'Sell';
  readonly size?: number;
}

interface Message {
  readonly table?: string;
  readonly action?: 'partial' | 'insert' | 'update' | 'delete';
  readonly data?: readonly Row[];
}

/** XBTUSD and SOLUSDT are perpetuals, XBT_USDT is spot, XBTU21 expires and is quoted in USD for Bitcoin and in Bitcoin for the others. */
function parse(symbol: string): Instrument | undefined {
  if (symbol.includes('_')) {
    const [base, quote] = symbol.split('_');
    return instrument(assetCode(base), assetCode(quote), 'spot');
  }
  const dated = /^([A-Z0-9]+?)(USDT|USD)?[FGHJKMNQUVXZ]\d{2}$/.exec(symbol);
  if (dated !== null) return instrument(assetCode(dated[1]), dated[2] ?? (dated[1] === 'XBT' ? 'USD' : 'BTC'), 'future');
  return concatenated(symbol, 'perpetual');
}

/** Ids that may be known at once; the venue's books have a few thousand levels each. */
const MAX_IDS = 500_000;

export const bitmex: NormaliserFactory = ({ source }) => {
  const board = new Board(source, parse);
  const prices = new Map<string, number>();

  function row(book: TopOfBook, action: Message['action'], { symbol, id, side, size, price }: Row): void {
    const key = `${symbol}:${id}`;
    const at = price ?? prices.get(key);
    if (at === undefined) return;
    if (action === 'delete') prices.delete(key);
    else if (prices.size < MAX_IDS) prices.set(key, at);
    setLevel(side === 'Buy' ? book.bids : book.asks, at, action === 'delete' ? 0 : (size ?? 0));
  }

  function books(message: WireMessage, { action, data = [] }: Message) {
    const faults: unknown[] = [];
    const ticks = [...new Set(data.map(({ symbol }) => symbol))].flatMap((symbol) => {
      const apply = (book: TopOfBook) => {
        for (const item of data) if (item.symbol === symbol) row(book, action, item);
      };
      try {
        return action === 'partial' ? board.snapshot(symbol, message, apply) : board.change(symbol, message, apply);
      } catch (error) {
        faults.push(error);
        return [];
      }
    });
    // Said once the books of the others have their rows.
    if (faults.length > 0) throw faults[0];
    return ticks;
  }

  return {
    read(message) {
      if (message.direction === 'open') {
        board.clear();
        prices.clear();
      }
      if (message.direction !== 'in') return [];
      const body = JSON.parse(message.text) as Message;
      switch (body.table) {
        case 'orderBookL2': return books(message, body);
        case 'quote': return newest(body.data).flatMap((item) => board.stated(item.symbol, message, {
          bid: item.bidPrice, ask: item.askPrice, bidSize: item.bidSize, askSize: item.askSize, eventTimeMs: isoTime(item.timestamp),
        }));
        case 'trade': return newest(body.data).flatMap((item) => board.stated(item.symbol, message, { last: item.price, eventTimeMs: isoTime(item.timestamp) }));
        default: return [];
      }
    },
  };
};

/** The last row of each symbol. */
function newest(data: readonly Row[] = []): Row[] {
  return [...new Map(data.map((item) => [item.symbol, item])).values()];
}
