/** ccxt's unified tickers: how live venues arrive, whatever their wire format. */
import { instrument, type Instrument, type Tick } from '../source.ts';
import { assetCode } from '../symbols.ts';
import { positive } from './figures.ts';
import { makeTick } from './normaliser.ts';

/** The fields of ccxt's ticker that are used. */
export interface UnifiedTicker {
  readonly symbol?: string;
  readonly timestamp?: number | undefined;
  readonly bid?: number | undefined;
  readonly ask?: number | undefined;
  readonly bidVolume?: number | undefined;
  readonly askVolume?: number | undefined;
  readonly last?: number | undefined;
}

/** 'BTC/USDT' spot, 'BTC/USDT:USDT' perpetual, 'BTC/USD:BTC-220527' expires. */
export function unifiedInstrument(symbol: string): Instrument | undefined {
  const match = /^([^/:]+)\/([^/:]+)(?::([^-]+)(-.+)?)?$/.exec(symbol);
  if (match === null) return undefined;
  const [, base, quote, settle, expiry] = match;
  return instrument(assetCode(base), assetCode(quote), settle === undefined ? 'spot' : expiry === undefined ? 'perpetual' : 'future');
}

/** undefined: no instrument or no price in it. `leadMs`: what our clock is ahead of the wall clock. */
export function unifiedTick(source: string, ticker: UnifiedTicker, receivedTimeMs: number, leadMs = 0): Tick | undefined {
  const of = unifiedInstrument(ticker.symbol ?? '');
  const figures = {
    bid: positive(ticker.bid), ask: positive(ticker.ask), bidSize: positive(ticker.bidVolume), askSize: positive(ticker.askVolume), last: positive(ticker.last),
  };
  if (of === undefined || (figures.bid === undefined && figures.ask === undefined && figures.last === undefined)) return undefined;
  return makeTick(source, of, receivedTimeMs, figures, { eventTimeMs: ticker.timestamp === undefined ? undefined : ticker.timestamp + leadMs });
}
