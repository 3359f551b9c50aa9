import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Asset, Market } from '../engine/market.ts';
import { KLINE_INTERVALS, type KlineInterval } from '../models/klines.ts';
import { MarketUnits } from '../types/market-units.ts';
import { type Bar, BarBuilder, INTERVAL_MS, barDocument, openTimeOf, storedBar } from './bars.ts';
import type { ListedMarket } from './context.ts';
import { linesOf, skipWithoutRecordings } from '../../tests/support/recordings.ts';

const base: Asset = { id: 0, code: 'BTC', scale: 8 };
const quote: Asset = { id: 1, code: 'USDT', scale: 9 };
const market = { id: 0, symbol: 'BTC-USDT', tickSize: '0.1', lotSize: '0.00000001', quotePerTickLot: 1, basePerLot: 1 } as Market;
const listed: ListedMarket = { market, base, quote, units: new MarketUnits(market, base, quote) };

interface Row {
  readonly time: number;
  readonly columns: readonly string[];
}

function recorded(path: string): Row[] {
  return linesOf(path).slice(1).map((line) => {
    const [time, ...columns] = line.split(',');
    return { time: Number(time), columns };
  });
}

/** Every bar of each interval, from Kraken's trades of 2025-11-10. */
function build(): Map<KlineInterval, Bar[]> {
  const bars = new Map<KlineInterval, Bar[]>(KLINE_INTERVALS.map((interval) => [interval, []]));
  const builder = new BarBuilder();
  let seq = 0;
  for (const { time, columns: [price, quantity] } of recorded('trades/2025-11-10-btcusdt-kraken.csv.gz')) {
    const ticks = listed.units.price(price!)!;
    const lots = listed.units.quantity(quantity!)!;
    builder.add({ seq: ++seq, price: ticks, quantity: lots, notional: ticks * lots }, time, () => undefined, (interval, bar) => {
      const list = bars.get(interval)!;
      if (list.at(-1) !== bar) list.push(bar);
    });
  }
  return bars;
}

test('bars begin at multiples of their interval, weeks on Monday', () => {
  const time = Date.UTC(2024, 1, 29, 23, 59, 59, 999); // a Thursday
  const begins: Record<KlineInterval, number> = {
    '1m': Date.UTC(2024, 1, 29, 23, 59), '5m': Date.UTC(2024, 1, 29, 23, 55), '15m': Date.UTC(2024, 1, 29, 23, 45), '30m': Date.UTC(2024, 1, 29, 23, 30),
    '1h': Date.UTC(2024, 1, 29, 23), '4h': Date.UTC(2024, 1, 29, 20), '1d': Date.UTC(2024, 1, 29), '1w': Date.UTC(2024, 1, 26),
  };
  for (const interval of KLINE_INTERVALS) {
    assert.equal(openTimeOf(time, interval), begins[interval], interval);
    assert.equal(openTimeOf(begins[interval], interval), begins[interval], interval);
    assert.equal(openTimeOf(begins[interval] - 1, interval), begins[interval] - INTERVAL_MS[interval], interval);
  }
  assert.equal(new Date(openTimeOf(Date.UTC(2024, 2, 3, 23, 59), '1w')).getUTCDay(), 1);
});

test('the minutes made of Kraken\'s trades are the minutes that Kraken published', { skip: skipWithoutRecordings }, () => {
  const trades = recorded('trades/2025-11-10-btcusdt-kraken.csv.gz');
  const published = new Map(recorded('klines/2025-11-10-btcusdt-kraken-1m.csv.gz').map((row) => [row.time, row.columns.map(Number)]));
  // The recording begins in the middle of its first minute and ends in the middle of its last.
  const first = openTimeOf(trades[0]!.time, '1m');
  const last = openTimeOf(trades.at(-1)!.time, '1m');
  const minutes = build().get('1m')!.map((bar) => barDocument(bar, '1m', listed)).filter((bar) => bar.openTime > first && bar.openTime < last);
  assert.equal(minutes.length, 272);
  for (const bar of minutes) assert.deepEqual([bar.open, bar.high, bar.low, bar.close, bar.volume].map(Number), published.get(bar.openTime), String(bar.openTime));
  const traded = [...published].filter(([time, row]) => time > first && time < last && row[4]! > 0);
  assert.equal(traded.length, minutes.length, 'no minute with trades is missing');
});

test('longer bars hold what their minutes hold', { skip: skipWithoutRecordings }, () => {
  const bars = build();
  const minutes = bars.get('1m')!;
  for (const interval of KLINE_INTERVALS) {
    for (const bar of bars.get(interval)!) {
      const parts = minutes.filter((minute) => openTimeOf(minute.openTime, interval) === bar.openTime);
      const whole = { ...bar, volume: bar.volume.value, quoteVolume: bar.quoteVolume.value };
      assert.deepEqual(whole, {
        openTime: bar.openTime,
        open: parts[0]!.open,
        high: Math.max(...parts.map((part) => part.high)),
        low: Math.min(...parts.map((part) => part.low)),
        close: parts.at(-1)!.close,
        volume: parts.reduce((sum, part) => sum + part.volume.value, 0n),
        quoteVolume: parts.reduce((sum, part) => sum + part.quoteVolume.value, 0n),
        count: parts.reduce((sum, part) => sum + part.count, 0),
        seq: parts.at(-1)!.seq,
      });
    }
    assert.equal(bars.get(interval)!.reduce((sum, bar) => sum + bar.count, 0), 1_000, interval);
  }
});

test('a bar survives being stored, and goes on from there without counting a trade twice', () => {
  const first = { seq: 5, price: 100, quantity: 3, notional: 300 };
  let bar: Bar | undefined;
  const keep = (interval: KlineInterval, changed: Bar): void => { if (interval === '1m') bar = changed; };
  new BarBuilder().add(first, 60_000, () => undefined, keep);
  const stored = storedBar(barDocument(bar!, '1m', listed), listed);
  const later = new BarBuilder();
  const load = (interval: KlineInterval): Bar | undefined => (interval === '1m' ? stored : undefined);
  later.add(first, 60_000, load, keep);
  later.add({ seq: 9, price: 90, quantity: 1, notional: 90 }, 119_999, load, keep);
  assert.deepEqual(barDocument(bar!, '1m', listed), {
    id: 'BTC-USDT:1m:60000', symbol: 'BTC-USDT', interval: '1m', openTime: 60_000, closeTime: 119_999, open: '10', high: '10', low: '9', close: '9',
    volume: '0.00000004', quoteVolume: '0.00000039', count: 2, seq: 9,
  });
});
