/**
 * Binance and Binance.US spot, USDⓈ-M and COIN-M futures: combined streams `depth`, `bookTicker`, `trade`, `aggTrade`, and REST depth snapshots.
 * `U`…`u` number the updates in a change, futures name the previous change by `pu`. Times: `T` is when the engine did it, `E` when it was sent.
 */
import { instrument, type Instrument, type Tick } from '../source.ts';
import { assetCode, BINANCE_QUOTES, BINANCE_US_QUOTES, concatenated } from '../symbols.ts';
import type { TopOfBook } from '../top-of-book.ts';
import { Board, inQuery, setLevels, type Level, type Normaliser, type NormaliserFactory, type WireMessage } from './normaliser.ts';
import { SyncedBooks } from './synced-book.ts';

interface Payload {
  readonly e?: 'depthUpdate' | 'bookTicker' | 'trade' | 'aggTrade' | (string & {});
  readonly s: string;
  readonly E?: number;
  readonly T?: number;
  readonly U: number;
  readonly u: number;
  readonly pu?: number;
  readonly p?: string;
  /** Of a depth change levels, of a bookTicker the best price. */
  readonly b: readonly Level[] | string;
  readonly a: readonly Level[] | string;
  readonly B?: string;
  readonly A?: string;
}

interface Snapshot {
  readonly lastUpdateId: number;
  readonly symbol?: string;
  readonly T?: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

function venue(parse: (symbol: string) => Instrument | undefined): NormaliserFactory {
  return (options) => binance(options.source, parse, options.symbol?.toUpperCase());
}

export const binanceSpot = venue((symbol) => concatenated(symbol, 'spot', BINANCE_QUOTES));
export const binanceUs = venue((symbol) => concatenated(symbol, 'spot', BINANCE_US_QUOTES));
export const binanceUsdm = venue(usdmInstrument);
export const binanceCoinm = venue(coinmInstrument);

/** BTCUSDT is the perpetual, BTCUSDT_210924 expires. */
function usdmInstrument(symbol: string): Instrument | undefined {
  const [name, expiry] = symbol.split('_');
  return concatenated(name, expiry === undefined ? 'perpetual' : 'future', BINANCE_QUOTES);
}

/** BTCUSD_PERP is the perpetual, BTCUSD_210924 expires. */
function coinmInstrument(symbol: string): Instrument | undefined {
  const [name, term] = symbol.split('_');
  if (!name.endsWith('USD') || term === undefined) return undefined;
  return instrument(assetCode(name.slice(0, -3)), 'USD', term === 'PERP' ? 'perpetual' : 'future');
}

function binance(source: string, parse: (symbol: string) => Instrument | undefined, only: string | undefined): Normaliser {
  const board = new Board(source, parse);
  const books = new SyncedBooks(board);

  function snapshot(message: WireMessage, body: Snapshot): readonly Tick[] {
    const symbol = body.symbol ?? inQuery(message.url, 'symbol') ?? only;
    return books.snapshot(symbol, message, { last: body.lastUpdateId, bids: body.bids, asks: body.asks }, body.T);
  }

  function depth(message: WireMessage, body: Payload): readonly Tick[] {
    const apply = (levels: TopOfBook): void => {
      setLevels(levels.bids, body.b as readonly Level[]);
      setLevels(levels.asks, body.a as readonly Level[]);
    };
    return books.change(body.s, message, { first: body.pu === undefined ? body.U : body.pu + 1, last: body.u, apply }, body.T ?? body.E);
  }

  return {
    read(message) {
      if (message.direction === 'out') return [];
      if (message.direction === 'open') {
        board.clear();
        return [];
      }
      const parsed = JSON.parse(message.text) as { data?: Payload } & Payload & Snapshot;
      if (parsed.lastUpdateId !== undefined) return snapshot(message, parsed);
      const body = parsed.data ?? parsed;
      switch (body.e) {
        case 'depthUpdate': return depth(message, body);
        case 'trade':
        case 'aggTrade': return board.stated(body.s, message, { last: body.p, eventTimeMs: body.T });
        // Spot book tickers carry neither a type nor a time.
        case 'bookTicker':
        case undefined:
          if (typeof body.b !== 'string' || typeof body.a !== 'string') return [];
          return board.stated(body.s, message, { bid: body.b, ask: body.a, bidSize: body.B, askSize: body.A, sequence: body.u, eventTimeMs: body.T });
        default: return [];
      }
    },
  };
}
