/** Collection `klines`: candles of a market, one document per market, interval and opening time; only bars in which something traded. */
import type { CollectionSpec } from './collection.ts';

export const KLINE_INTERVALS = ['1m', '5m', '15m', '30m', '1h', '4h', '1d', '1w'] as const;
export type KlineInterval = (typeof KLINE_INTERVALS)[number];

export interface KlineDoc {
  /** `<symbol>:<interval>:<openTime>` */
  readonly id: string;
  readonly symbol: string;
  readonly interval: KlineInterval;
  readonly openTime: number;
  readonly closeTime: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
  readonly quoteVolume: string;
  readonly count: number;
  readonly seq: number;
}

/** As the API shows it: [openTime, open, high, low, close, volume, closeTime, quoteVolume, count]. */
export type Kline = readonly [number, string, string, string, string, string, number, string, number];

export const klines: CollectionSpec<KlineDoc> = {
  name: 'klines',
  indexes: [{ fields: { symbol: 1, interval: 1, openTime: -1 } }],
  projected: true,
  decimals: ['open', 'high', 'low', 'close', 'volume', 'quoteVolume'],
  dates: ['openTime', 'closeTime'],
};

export function publicKline(doc: Omit<KlineDoc, 'id'>): Kline {
  return [doc.openTime, doc.open, doc.high, doc.low, doc.close, doc.volume, doc.closeTime, doc.quoteVolume, doc.count];
}
