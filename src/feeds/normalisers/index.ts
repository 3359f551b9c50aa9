/** The venue formats by name. To add a venue: one file with its format, one line here. */
import { binanceCoinm, binanceSpot, binanceUs, binanceUsdm } from './binance.ts';
import { bitfinex } from './bitfinex.ts';
import { bitmex } from './bitmex.ts';
import { bitstamp } from './bitstamp.ts';
import { bybit } from './bybit.ts';
import { coinbase } from './coinbase.ts';
import { deribit } from './deribit.ts';
import { dydx } from './dydx.ts';
import { gateio } from './gateio.ts';
import { gemini } from './gemini.ts';
import { huobi } from './huobi.ts';
import { hyperliquid } from './hyperliquid.ts';
import { kraken } from './kraken.ts';
import { krakenFutures } from './kraken-futures.ts';
import { kucoin } from './kucoin.ts';
import type { NormaliserFactory } from './normaliser.ts';
import { okx } from './okx.ts';

export type { Normaliser, NormaliserFactory, WireMessage } from './normaliser.ts';

export const NORMALISERS: Readonly<Record<string, NormaliserFactory>> = {
  binance: binanceSpot,
  binance_us: binanceUs,
  binance_usdm: binanceUsdm,
  binance_coinm: binanceCoinm,
  bitfinex,
  bitmex,
  bitstamp,
  bybit,
  coinbase,
  deribit,
  dydx,
  gateio,
  gemini,
  huobi,
  hyperliquid,
  kraken,
  kraken_futures: krakenFutures,
  kucoin,
  okx,
};
