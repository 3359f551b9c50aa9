/** Kraken Futures v1: `ticker`, `ticker_lite`, `book_snapshot`, `book`, `trade`, `trade_snapshot`. PI and PF are perpetuals, FI and FF expire. */
import { instrument, type Instrument } from '../source.ts';
import { assetCode } from '../symbols.ts';
import { Board, setLevel, type NormaliserFactory } from './normaliser.ts';

interface Row {
  readonly price: number;
  readonly qty: number;
}

interface Message {
  readonly feed?: string;
  readonly product_id: string;
  readonly bid?: number;
  readonly ask?: number;
  readonly last?: number;
  readonly side?: 'buy' | 'sell';
  readonly price: number;
  readonly qty: number;
  readonly seq?: number;
  readonly time?: number;
  readonly timestamp?: number;
  readonly bids?: readonly Row[];
  readonly asks?: readonly Row[];
  readonly trades?: readonly { readonly price: number; readonly time: number }[];
}

/** 'PI_XBTUSD' → BTC-USD perpetual, 'FI_ETHUSD_211231' → ETH-USD future. */
function parse(product: string): Instrument | undefined {
  const match = /^(P[IFV]|F[IF])_([A-Z0-9]+)USD(?:_\d+)?$/.exec(product);
  return match === null ? undefined : instrument(assetCode(match[2]), 'USD', match[1].startsWith('P') ? 'perpetual' : 'future');
}

export const krakenFutures: NormaliserFactory = ({ source }) => {
  const board = new Board(source, parse);
  return {
    read(message) {
      if (message.direction === 'open') board.clear();
      if (message.direction !== 'in') return [];
      const body = JSON.parse(message.text) as Message;
      const product = body.product_id;
      switch (body.feed) {
        case 'ticker':
        case 'ticker_lite': return board.stated(product, message, board.hasBook(product) ? { last: body.last } : { bid: body.bid, ask: body.ask, last: body.last });
        case 'trade': return board.stated(product, message, { last: body.price, eventTimeMs: body.time });
        case 'trade_snapshot': {
          const newest = body.trades?.[0];
          return newest === undefined ? [] : board.stated(product, message, { last: newest.price, eventTimeMs: newest.time });
        }
        case 'book_snapshot': return board.snapshot(product, message, (book) => {
          for (const row of body.bids ?? []) setLevel(book.bids, row.price, row.qty);
          for (const row of body.asks ?? []) setLevel(book.asks, row.price, row.qty);
        }, { eventTimeMs: body.timestamp });
        case 'book': return board.change(product, message, (book) => {
          setLevel(body.side === 'buy' ? book.bids : book.asks, body.price, body.qty);
        }, { eventTimeMs: body.timestamp });
        default: return [];
      }
    },
  };
};
