/** What live exchanges send is read by ccxt, recordings by our normalisers: where ccxt still speaks the format of a recording, the two must find the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { offlineExchange } from '../../../tests/support/ccxt-exchange.ts';
import { linesOf, skipWithoutRecordings } from '../../../tests/support/recordings.ts';
import { eventually } from '../../../tests/support/wait.ts';
import { unifiedTick } from '../normalisers/ccxt.ts';
import { NORMALISERS, type Normaliser } from '../normalisers/index.ts';
import type { Tick } from '../source.ts';

/** Messages that are compared, of each recording. */
const ENOUGH = 4_000;

interface Comparison {
  /** Of ccxt. */
  readonly exchange: string;
  readonly watch: 'watchBidsAsks' | 'watchTickers';
  readonly markets: readonly { readonly symbol: string; readonly id: string }[];
  readonly normaliser: Normaliser;
  readonly messages: readonly string[];
}

/** Ticks of ccxt and of the normaliser after each message; those of a message that shows nothing new to the normaliser are left out. */
async function compare({ exchange, watch, markets, normaliser, messages }: Comparison): Promise<[ccxt: Tick, ours: Tick][]> {
  const { client, receive } = await offlineExchange(exchange, markets);
  client[watch](markets.map(({ symbol }) => symbol)).catch(() => undefined);
  await eventually('it is connected', () => Object.keys(client.clients).length > 0 || undefined);
  const pairs: [Tick, Tick][] = [];
  for (const [receivedTimeMs, text] of messages.entries()) {
    receive([text]);
    const [ours] = normaliser.read({ text, direction: 'in', receivedTimeMs });
    if (ours === undefined) continue;
    const cache = watch === 'watchBidsAsks' ? client.bidsasks : client.tickers;
    const theirs = Object.values(cache).map((ticker) => unifiedTick(ours.source, ticker, receivedTimeMs)).find((tick) => tick?.pair === ours.pair && tick.kind === ours.kind);
    pairs.push([theirs ?? assert.fail(`ccxt has no ticker of ${ours.pair} after ${text.slice(0, 200)}`), ours]);
  }
  await client.close();
  return pairs;
}

const quote = ({ pair, kind, bid, ask, bidSize, askSize }: Tick) => ({ pair, kind, bid, ask, bidSize, askSize });
const rawOf = (line: string) => (JSON.parse(line) as { raw: string }).raw;

const BINANCE = [
  ['binance', '2024-08-08-btcusdt', 'BTC/USDT', 'BTCUSDT'], ['binance', '2024-08-08-ethusdt', 'ETH/USDT', 'ETHUSDT'],
  ['binance_usdm', '2024-08-08-btcusdt', 'BTC/USDT:USDT', 'BTCUSDT'], ['binance_usdm', '2024-08-08-ethusdt', 'ETH/USDT:USDT', 'ETHUSDT'],
  ['binance_coinm', '2024-08-08-btcusd_perp', 'BTC/USD:BTC', 'BTCUSD_PERP'], ['binance_coinm', '2024-08-08-ethusd_perp', 'ETH/USD:ETH', 'ETHUSD_PERP'],
] as const;

for (const [venue, file, symbol, id] of BINANCE) {
  test(`${venue} ${file}: ccxt reads the recorded quotes as the normaliser does`, { skip: skipWithoutRecordings }, async () => {
    const messages = linesOf(`wire/${venue}/${file}.jsonl.gz`).map(rawOf).filter((raw) => raw.includes('@bookTicker')).slice(0, ENOUGH);
    const pairs = await compare({ exchange: 'binance', watch: 'watchBidsAsks', markets: [{ symbol, id }], normaliser: NORMALISERS[venue]({ source: venue }), messages });
    assert.equal(pairs.length, ENOUGH);
    for (const [theirs, ours] of pairs) assert.deepEqual(quote(theirs), quote(ours));
    // Spot quotes have no time; those of futures have two, of which ccxt takes when it was sent.
    for (const [{ eventTimeMs: sent }, { eventTimeMs: happened }] of pairs) {
      if (venue === 'binance') assert.deepEqual([sent, happened], [undefined, undefined]);
      else assert.ok(sent !== undefined && happened !== undefined && sent >= happened && sent - happened < 1_000);
    }
  });
}

test('okx 2022-05-13: ccxt reads the recorded tickers as the normaliser does, times included', { skip: skipWithoutRecordings }, async () => {
  const messages = linesOf('wire/okx/2022-05-13-multi.jsonl.gz').map(rawOf).filter((raw) => raw.includes('"channel":"tickers"') && raw.includes('"data"'));
  const markets = [{ symbol: 'BTC/USDT', id: 'BTC-USDT' }, { symbol: 'UNI/USD:UNI', id: 'UNI-USD-SWAP' }, { symbol: 'BTC/USD:BTC-220527', id: 'BTC-USD-220527' }];
  const pairs = await compare({ exchange: 'okx', watch: 'watchTickers', markets, normaliser: NORMALISERS.okx({ source: 'okx' }), messages });
  assert.equal(pairs.length, 28);
  assert.equal(new Set(pairs.map(([, { pair, kind }]) => `${pair} ${kind}`)).size, 3);
  for (const [theirs, ours] of pairs) assert.deepEqual(theirs, ours);
});
