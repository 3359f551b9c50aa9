import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf, skipWithoutRecordings, wireCaptures } from '../../../tests/support/recordings.ts';
import type { Tick } from '../source.ts';
import { NORMALISERS, type WireMessage } from './index.ts';

interface Line {
  readonly recvTimeUs: number | null;
  readonly dir: WireMessage['direction'];
  readonly raw: string;
  readonly url?: string;
  readonly enc?: 'base64';
}

function messagesOf(venue: string, file: string): WireMessage[] {
  return linesOf(`wire/${venue}/${file}`).map((line) => {
    const { recvTimeUs, dir, raw, url, enc } = JSON.parse(line) as Line;
    return { text: raw, direction: dir, url, encoding: enc, receivedTimeMs: (recvTimeUs ?? 0) / 1000 };
  });
}

/** 2024-08-08-btcusdt.jsonl.gz is about one instrument, …-multi about several. */
function symbolOf(file: string): string | undefined {
  const name = file.slice('YYYY-MM-DD-'.length).split('.')[0];
  return /^[a-z0-9_]+$/.test(name) && name !== 'multi' ? name : undefined;
}

function ticksOf(venue: string, file: string, pick: (message: WireMessage) => boolean = () => true): Tick[] {
  const normaliser = NORMALISERS[venue]({ source: venue, symbol: symbolOf(file) });
  return messagesOf(venue, file).filter(pick).flatMap((message) => normaliser.read(message));
}

/** Rows and instruments as the README of the recordings lists them (in our names; options stand for the index behind them). */
const FACTS: Readonly<Record<string, readonly [rows: number, instruments: string]>> = {
  'binance/2021-10-12-multi.jsonl.gz': [270, 'NKN-USDT spot, BLZ-ETH spot, LRC-BTC spot, RUNE-EUR spot'],
  'binance/2024-08-08-btcusdt.jsonl.gz': [41_249, 'BTC-USDT spot'],
  'binance/2024-08-08-ethusdt.jsonl.gz': [33_618, 'ETH-USDT spot'],
  'binance_coinm/2021-07-22-multi.jsonl.gz': [4_382, 'LINK-USD future, LINK-USD perpetual, TRX-USD perpetual, ETC-USD perpetual, BTC-USD future, XRP-USD perpetual, EOS-USD perpetual, BCH-USD perpetual, BCH-USD future, ETH-USD future'],
  'binance_coinm/2024-08-08-btcusd_perp.jsonl.gz': [48_270, 'BTC-USD perpetual'],
  'binance_coinm/2024-08-08-ethusd_perp.jsonl.gz': [40_454, 'ETH-USD perpetual'],
  'binance_us/2021-10-12-multi.jsonl.gz': [485, 'CRV-USDT spot, COMP-USDT spot, OMG-BUSD spot, ZRX-USDT spot'],
  'binance_usdm/2021-07-22-multi.jsonl.gz': [1_540, 'SUSHI-USDT perpetual, AKRO-USDT perpetual, KEEP-USDT perpetual, CTK-USDT perpetual'],
  'binance_usdm/2024-08-08-btcusdt.jsonl.gz': [93_954, 'BTC-USDT perpetual'],
  'binance_usdm/2024-08-08-ethusdt.jsonl.gz': [74_655, 'ETH-USDT perpetual'],
  'bitfinex/2021-04-17-multi.jsonl.gz': [1_716, 'BFT-USD spot, IOTA-ETH spot, DOG-USD spot, MANA-BTC spot, ODE-USD spot, TESTBTC-TESTUSD spot, SNG-USD spot'],
  'bitmex/2021-07-22-multi.jsonl.gz': [2_124, 'XRP-BTC future, UNI-USDT perpetual, BTC-USD perpetual, ADA-USDT perpetual, SOL-USDT perpetual, TRX-BTC future, EOS-USDT perpetual, TRX-USDT perpetual, BCH-USD perpetual, MATIC-USDT perpetual'],
  'bitstamp/2022-01-05-multi.jsonl.gz': [644, 'SGB-EUR spot, ETH-USD spot, BAT-EUR spot, USDT-EUR spot, USDT-USD spot, XLM-GBP spot, BAT-BTC spot, GALA-EUR spot'],
  'bybit/2021-04-17-inverse-multi.jsonl.gz': [1_103, 'EOS-USD perpetual, BTC-USD perpetual'],
  'bybit/2021-04-17-linear-multi.jsonl.gz': [2_468, 'XTZ-USDT perpetual, UNI-USDT perpetual, LTC-USDT perpetual, DOT-USDT perpetual, ADA-USDT perpetual, ETH-USDT perpetual'],
  'coinbase/2021-04-17-multi.jsonl.gz': [6_818, 'SKL-USD spot, SKL-BTC spot, BAND-GBP spot, BAND-BTC spot, NU-GBP spot, CRV-EUR spot, SKL-GBP spot'],
  'deribit/2021-07-22-multi.jsonl.gz': [138, 'BTC-USD spot, ETH-USD spot'],
  'dydx/2021-10-28-multi.jsonl.gz': [4_754, 'ETH-USD perpetual, MKR-USD perpetual, LTC-USD perpetual, UMA-USD perpetual, SUSHI-USD perpetual, UNI-USD perpetual, CRV-USD perpetual, BCH-USD perpetual, EOS-USD perpetual, XMR-USD perpetual'],
  'gateio/2021-04-22-multi.jsonl.gz': [272, 'INK-USDT spot, NEO-BTC spot, OMG-USDT spot, QTUM3S-USDT spot, HAI-ETH spot, DIS-USDT spot, FAST-USDT spot, BTC-USDC spot, NANO-USDT spot, ZKS-ETH spot'],
  'gemini/2021-06-24-multi.jsonl.gz': [680, 'GRT-USD spot, ETH-EUR spot, ANKR-USD spot, LINK-ETH spot, LTC-ETH spot, BTC-GBP spot, ZEC-LTC spot, ALCX-USD spot, BAT-BTC spot, FIL-USD spot'],
  'huobi/2021-04-17-multi.jsonl.gz': [389, 'PROPY-ETH spot, ZEN-ETH spot, TRIO-ETH spot, XVG-ETH spot, YFI-HUSD spot, OMG-BTC spot, NEST-ETH spot, BOR-USDT spot, FIL3S-USDT spot, DOGE-ETH spot'],
  'hyperliquid/2025-01-26-btc.jsonl.gz': [55, 'BTC-USD perpetual'],
  'kraken/2021-04-17-multi.jsonl.gz': [2_942, 'KSM-BTC spot, ETH-CHF spot, OMG-USD spot, GRT-ETH spot, WAVES-EUR spot, SC-EUR spot, OCEAN-BTC spot'],
  'kraken_futures/2021-07-22-multi.jsonl.gz': [7_179, 'ETH-USD future, XRP-USD perpetual, LTC-USD perpetual, BCH-USD future, ETH-USD perpetual, BTC-USD future, XRP-USD future'],
  'kucoin/2021-04-25-multi.jsonl.gz': [4_744, 'ANKR-BTC spot, NRG-BTC spot, BSV-USDT spot, CAPP-BTC spot, FET-BTC spot, SNX-BTC spot, DAPPT-BTC spot, COV-BTC spot, EQZ-BTC spot'],
  'okx/2022-05-13-multi.jsonl.gz': [414, 'BTC-USD future, UNI-USD perpetual, BTC-USDT spot'],
};

const nameOf = ({ pair, kind }: Tick) => `${pair} ${kind}`;

for (const { venue, file } of wireCaptures().filter(({ file: name }) => !name.startsWith('undated'))) {
  test(`${venue}/${file} yields sane ticks of its instruments, none of them crossed`, () => {
    const [rows, instruments] = FACTS[`${venue}/${file}`];
    const messages = messagesOf(venue, file);
    const ticks = ticksOf(venue, file);
    assert.equal(messages.length, rows);
    assert.deepEqual([...new Set(ticks.map(nameOf))].sort(), instruments.split(', ').sort());
    const ranges = new Map<string, [number, number]>();
    for (const tick of ticks) {
      assert.equal(tick.source, venue);
      if (tick.bid !== undefined && tick.ask !== undefined) assert.ok(tick.bid < tick.ask, `crossed: ${JSON.stringify(tick)}`);
      const price = tick.last ?? ((tick.bid ?? 0) + (tick.ask ?? 0)) / 2;
      const [low, high] = ranges.get(nameOf(tick)) ?? [Infinity, 0];
      ranges.set(nameOf(tick), [Math.min(low, price), Math.max(high, price)]);
    }
    // Half a minute, or six minutes of 2024: no instrument moves further than this, the thinnest book's middle included.
    for (const [name, [low, high]] of ranges) assert.ok(high / low < 1.06, `${name} from ${low} to ${high}`);
  });
}

test('every venue with a capture has its facts here', { skip: skipWithoutRecordings }, () => {
  const dated = wireCaptures().filter(({ file }) => !file.startsWith('undated')).map(({ venue, file }) => `${venue}/${file}`);
  assert.deepEqual(dated.sort(), Object.keys(FACTS).sort());
});

test('Hyperliquid contexts without names are told by their place in its list', { skip: skipWithoutRecordings }, () => {
  const ticks = ticksOf('hyperliquid', 'undated-asset-ctxs.jsonl.gz');
  const lasts = Object.fromEntries(ticks.map((tick) => [nameOf(tick), tick.last]));
  // Figures of the message itself.
  assert.equal(lasts['BTC-USD spot'], 77_605);
  assert.equal(lasts['BTC-USD perpetual'], 77_558.5);
  assert.equal(lasts['ETH-USD perpetual'], 2_123.95);
});

test('Binance 2024: the book built from snapshot and changes has the best prices of the bookTicker with the same update id, 4584 times of 4584', { skip: skipWithoutRecordings }, () => {
  let statedFirst = 0;
  let builtFirst = 0;
  for (const { venue, file } of wireCaptures().filter((capture) => capture.venue.startsWith('binance') && capture.file.startsWith('2024'))) {
    const book = NORMALISERS[venue]({ source: venue, symbol: symbolOf(file) });
    const built = new Map<number, Tick>();
    const stated = new Map<number, readonly string[]>();
    const agrees = (id: number) => assert.deepEqual([built.get(id)?.bid, built.get(id)?.ask], stated.get(id)?.map(Number), `${venue} update ${id}`);
    let top: Tick | undefined;
    for (const message of messagesOf(venue, file)) {
      if (message.direction === 'http' || message.text.includes('"depthUpdate"')) {
        top = book.read(message).at(-1) ?? top;
        const id = /"u":(\d+)/.exec(message.text)?.[1];
        if (top === undefined || id === undefined) continue;
        built.set(Number(id), top);
        if (!stated.has(Number(id))) continue;
        agrees(Number(id));
        statedFirst++;
      } else if (message.text.includes('@bookTicker')) {
        const { u, b, a } = (JSON.parse(message.text) as { data: { u: number; b: string; a: string } }).data;
        if (stated.has(u)) continue;
        stated.set(u, [b, a]);
        if (!built.has(u)) continue;
        agrees(u);
        builtFirst++;
      }
    }
  }
  // The README's count is of those where the bookTicker came first.
  assert.equal(statedFirst, 4584);
  assert.ok(builtFirst > 0);
});

test('a clock that is 1.27 s behind shows in the times, and only there', { skip: skipWithoutRecordings }, () => {
  const ticks = ticksOf('binance_usdm', '2024-08-08-btcusdt.jsonl.gz');
  const ahead = ticks.flatMap(({ eventTimeMs, receivedTimeMs }) => (eventTimeMs === undefined ? [] : [eventTimeMs - receivedTimeMs]));
  assert.ok(Math.min(...ahead.slice(0, 10_000)) > 1_100 && Math.max(...ahead.slice(0, 10_000)) < 1_300);
});
