/**
 * Hyperliquid: `l2Book` (whole books), `trades`, `bbo`, `activeAssetCtx`, `allDexsAssetCtxs`. Perpetuals quoted in USD; an oracle price is the venue's own index
 * of spot exchanges and is taken as a spot price.
 */
import { instrument, type Instrument, type Tick } from '../source.ts';
import { assetCode } from '../symbols.ts';
import { Board, setLevels, type Level, type NormaliserFactory, type WireMessage } from './normaliser.ts';

interface Row {
  readonly px: string;
  readonly sz: string;
}

interface Context {
  readonly oraclePx?: string;
  readonly midPx?: string | null;
  readonly markPx?: string;
}

interface Message {
  readonly channel?: string;
  readonly data: unknown;
}

/** The venue sends contexts without names, in the order in which it listed its perpetuals (its `meta` endpoint); the ones that index sources need. */
const LISTED: readonly (readonly [number, string])[] = [[0, 'BTC'], [1, 'ETH'], [2, 'ATOM'], [5, 'SOL']];

/** `BTC` is the perpetual, `BTC#oracle` our own name for its oracle price. */
function parse(coin: string): Instrument | undefined {
  // Names with @ are spot pairs by number, with : another deployer's.
  if (/[@:/]/.test(coin)) return undefined;
  const [base, oracle] = coin.split('#');
  return instrument(assetCode(base), 'USD', oracle === undefined ? 'perpetual' : 'spot');
}

const level = ({ px, sz }: Row): Level => [px, sz];

export const hyperliquid: NormaliserFactory = ({ source }) => {
  const board = new Board(source, parse);

  function context(message: WireMessage, coin: string, seen: Context): readonly Tick[] {
    return [
      ...board.stated(coin, message, { last: seen.midPx ?? seen.markPx }),
      ...board.stated(`${coin}#oracle`, message, { last: seen.oraclePx }),
    ];
  }

  return {
    read(message) {
      if (message.direction !== 'in') return [];
      const { channel, data } = JSON.parse(message.text) as Message;
      switch (channel) {
        case 'l2Book': {
          const { coin, time, levels } = data as { coin: string; time: number; levels: readonly [readonly Row[], readonly Row[]] };
          return board.snapshot(coin, message, (book) => {
            setLevels(book.bids, levels[0].map(level));
            setLevels(book.asks, levels[1].map(level));
          }, { eventTimeMs: time });
        }
        case 'bbo': {
          const { coin, time, bbo: [bid, ask] } = data as { coin: string; time: number; bbo: readonly [Row | null, Row | null] };
          return board.stated(coin, message, { bid: bid?.px, bidSize: bid?.sz, ask: ask?.px, askSize: ask?.sz, eventTimeMs: time });
        }
        case 'trades': {
          const newest = (data as readonly { coin: string; px: string; time: number }[]).at(-1);
          return newest === undefined ? [] : board.stated(newest.coin, message, { last: newest.px, eventTimeMs: newest.time });
        }
        case 'activeAssetCtx': {
          const { coin, ctx } = data as { coin: string; ctx: Context };
          return context(message, coin, ctx);
        }
        case 'allDexsAssetCtxs': {
          // The first exchange, with the empty name, is the venue's own.
          const [, own] = (data as { ctxs: readonly (readonly [string, readonly Context[]])[] }).ctxs.find(([name]) => name === '') ?? ['', []];
          return LISTED.flatMap(([at, coin]) => (own[at] === undefined ? [] : context(message, coin, own[at])));
        }
        default: return [];
      }
    },
  };
};
