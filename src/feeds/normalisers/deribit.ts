/**
 * Deribit JSON-RPC v2: `ticker.<instrument>`, `book.<instrument>`, `trades.<instrument>`. Perpetuals and futures are quoted themselves; an option's price says
 * nothing about its underlying, but its ticker carries Deribit's own index (spot of several exchanges), which is taken as a last price.
 */
import { instrument, type Instrument } from '../source.ts';
import { assetCode } from '../symbols.ts';
import type { TopOfBook } from '../top-of-book.ts';
import { Board, setLevel, type NormaliserFactory, type WireMessage } from './normaliser.ts';

interface Data {
  readonly type?: 'snapshot' | 'change';
  readonly instrument_name?: string;
  readonly timestamp?: number;
  readonly index_price?: number;
  readonly last_price?: number;
  readonly best_bid_price?: number;
  readonly best_bid_amount?: number;
  readonly best_ask_price?: number;
  readonly best_ask_amount?: number;
  readonly price?: number;
  readonly bids?: readonly (readonly [string, number, number])[];
  readonly asks?: readonly (readonly [string, number, number])[];
}

interface Message {
  readonly method?: string;
  readonly params?: { readonly channel: string; readonly data: Data | readonly Data[] };
}

/** BTC-PERPETUAL, ETH_USDC-PERPETUAL, BTC-24SEP21; `index.BTC` is our own name for the index behind an option. */
function parse(name: string): Instrument | undefined {
  const match = /^([A-Z0-9]+)(?:_([A-Z]+))?-(PERPETUAL|\d{1,2}[A-Z]{3}\d{2})$/.exec(name);
  if (match !== null) return instrument(assetCode(match[1]), match[2] ?? 'USD', match[3] === 'PERPETUAL' ? 'perpetual' : 'future');
  const index = /^index\.([A-Z0-9]+)$/.exec(name);
  return index === null ? undefined : instrument(assetCode(index[1]), 'USD', 'spot');
}

/** ETH-30JUL21-2800-C → ETH; linear options (BTC_USDC-…) have another index and are left out. */
function optionBase(name: string): string | undefined {
  return /^([A-Z0-9]+)-\d{1,2}[A-Z]{3}\d{2}-[\d.d]+-[CP]$/.exec(name)?.[1];
}

export const deribit: NormaliserFactory = ({ source }) => {
  const board = new Board(source, parse);

  function ticker(message: WireMessage, name: string, data: Data) {
    const base = optionBase(name);
    const eventTimeMs = data.timestamp;
    if (base !== undefined) return board.stated(`index.${base}`, message, { last: data.index_price, eventTimeMs });
    return board.stated(name, message, {
      bid: data.best_bid_price, bidSize: data.best_bid_amount, ask: data.best_ask_price, askSize: data.best_ask_amount, last: data.last_price, eventTimeMs,
    });
  }

  function book(message: WireMessage, name: string, data: Data) {
    const apply = (levels: TopOfBook) => {
      for (const [, price, size] of data.bids ?? []) setLevel(levels.bids, price, size);
      for (const [, price, size] of data.asks ?? []) setLevel(levels.asks, price, size);
    };
    const seen = { eventTimeMs: data.timestamp };
    return data.type === 'snapshot' ? board.snapshot(name, message, apply, seen) : board.change(name, message, apply, seen);
  }

  return {
    read(message) {
      if (message.direction === 'open') board.clear();
      if (message.direction !== 'in') return [];
      const { method, params } = JSON.parse(message.text) as Message;
      if (method !== 'subscription' || params === undefined) return [];
      const [channel, name = ''] = params.channel.split('.');
      const data = Array.isArray(params.data) ? (params.data as readonly Data[]).at(-1) : (params.data as Data);
      if (data === undefined) return [];
      switch (channel) {
        case 'ticker': return ticker(message, name, data);
        case 'book': return book(message, name, data);
        case 'trades': return board.stated(name, message, { last: data.price, eventTimeMs: data.timestamp });
        default: return [];
      }
    },
  };
};
