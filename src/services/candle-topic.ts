/** The candles of one market and interval as a topic: the one that is being built as it changes, and how each one ended. */
import type { Millis, Seq } from '../engine/units.ts';
import type { Kline, KlineInterval } from '../models/klines.ts';
import type { Topic } from './topic.ts';

export interface CandleSource {
  readonly symbol: string;
  readonly interval: KlineInterval;
  readonly everyMs: Millis;
  /** The candle that is being built, or the one that began at `openTime` if it is among the last and had trades. */
  readonly candle: (openTime?: Millis) => Kline | undefined;
  /** Of the last event that is in it. */
  readonly seq: () => Seq;
}

interface Told {
  readonly openTime: Millis;
  /** undefined: nothing was told yet. */
  text?: string;
}

/** Each message is of one candle: the latest of an opening time is what holds. */
export function candleTopic({ symbol, interval, everyMs, candle, seq }: CandleSource): Topic {
  const message = (kline: Kline | null): object => ({ symbol, interval, kline, seq: seq() });
  /** As they were told last: the candle that is being built, and the one before it. */
  let building: Told | undefined;
  let before: Told | undefined;
  const news = (told: Told, kline: Kline | undefined): object | undefined => {
    const text = JSON.stringify(kline);
    if (kline === undefined || text === told.text) return undefined;
    told.text = text;
    return message(kline);
  };
  const id = `market:kline:${symbol}:${interval}`;
  return {
    id,
    subject: id,
    event: 'kline',
    everyMs,
    flush: () => {
      const now = candle();
      if (now === undefined) return undefined;
      if (building?.openTime !== now[0]) {
        before = building;
        building = { openTime: now[0] };
      }
      // How a candle ended comes before the next one. It may end later than by the clock: with trades that are committed after that.
      return (before && news(before, candle(before.openTime))) ?? news(building, now);
    },
    snapshot: () => message(candle() ?? null),
    mark: () => building?.openTime,
    catchUp: (mark) => {
      // Who was left out while a candle ended is told how together with all others, once more.
      if (before !== undefined && mark !== building?.openTime) delete before.text;
      const now = candle();
      return now && message(now);
    },
  };
}
