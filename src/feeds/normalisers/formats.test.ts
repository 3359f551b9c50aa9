import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { unifiedInstrument, unifiedTick } from './ccxt.ts';
import { NORMALISERS, type Normaliser, type WireMessage } from './index.ts';

const RECEIVED = 1_700_000_000_000;

function read(normaliser: Normaliser, body: unknown, more: Partial<WireMessage> = {}) {
  return normaliser.read({ text: typeof body === 'string' ? body : JSON.stringify(body), direction: 'in', receivedTimeMs: RECEIVED, ...more });
}

const of = (venue: string, symbol?: string) => NORMALISERS[venue]({ source: venue, ...(symbol === undefined ? {} : { symbol }) });

test('text that is not of the format throws, and the next message is read all the same', () => {
  for (const venue of Object.keys(NORMALISERS)) assert.throws(() => read(of(venue), '{"half'), venue);
  const binance = of('binance');
  assert.throws(() => read(binance, '{'));
  assert.equal(read(binance, { data: { e: 'trade', s: 'BTCUSDT', p: '61837.63', T: 5 } })[0].last, 61_837.63);
});

test('what a client sends itself is never a tick', () => {
  for (const venue of Object.keys(NORMALISERS)) assert.deepEqual(read(of(venue), 'anything', { direction: 'out' }), [], venue);
});

test('zero, negative and empty prices are no prices', () => {
  for (const p of ['0', '-1', '', 'NaN']) assert.deepEqual(read(of('binance'), { data: { e: 'trade', s: 'BTCUSDT', p, T: 5 } }), [], p);
});

test('a message without a time is a tick without one, whatever stands in its place', () => {
  assert.ok(!('eventTimeMs' in read(of('binance'), { data: { u: 9, s: 'BTCUSDT', b: '100.9', B: '1', a: '101', A: '1' } })[0]));
  for (const T of [undefined, null, 'soon', 0]) assert.ok(!('eventTimeMs' in read(of('binance'), { data: { e: 'trade', s: 'BTCUSDT', p: '1', T } })[0]), String(T));
});

test('Binance: changes before the snapshot wait, those in it are dropped, and after a gap the book is silent until the next snapshot', () => {
  const binance = of('binance', 'BTCUSDT');
  const change = (U: number, u: number, b: string[][], a: string[][] = []) => read(binance, { data: { e: 'depthUpdate', E: 1, s: 'BTCUSDT', U, u, b, a } });
  const snapshot = (lastUpdateId: number) => read(binance, { lastUpdateId, bids: [['100', '1']], asks: [['101', '1']] }, { direction: 'http' });
  assert.deepEqual(change(1, 5, [['99', '7']]), []);
  assert.deepEqual(change(6, 8, [['100.5', '2']]), []);
  assert.deepEqual(snapshot(6).map(({ bid, ask, sequence }) => [bid, ask, sequence]), [[100.5, 101, 8]]);
  assert.deepEqual(change(9, 9, [['100.6', '1']]).map(({ bid }) => bid), [100.6]);
  assert.deepEqual(change(11, 11, [['100.7', '1']]), [], 'update 10 is missing');
  assert.deepEqual(change(12, 12, [['100.8', '1']]), []);
  assert.deepEqual(snapshot(10).map(({ bid, sequence }) => [bid, sequence]), [[100.8, 12]]);
});

test('Binance: a book behind the best quote already stated says nothing', () => {
  const binance = of('binance', 'BTCUSDT');
  read(binance, { lastUpdateId: 1, bids: [['100', '1']], asks: [['101', '1']] }, { direction: 'http' });
  read(binance, { data: { u: 9, s: 'BTCUSDT', b: '100.9', B: '1', a: '101', A: '1' } });
  assert.deepEqual(read(binance, { data: { e: 'depthUpdate', E: 1, s: 'BTCUSDT', U: 2, u: 5, b: [['100.5', '1']], a: [] } }), []);
});

test('Binance futures: contracts by their names', () => {
  const kind = (venue: string, s: string) => read(of(venue), { data: { e: 'trade', s, p: '1', T: 5 } }).map((tick) => `${tick.pair} ${tick.kind}`);
  assert.deepEqual(kind('binance_usdm', 'BTCUSDT'), ['BTC-USDT perpetual']);
  assert.deepEqual(kind('binance_usdm', 'BTCUSDT_210924'), ['BTC-USDT future']);
  assert.deepEqual(kind('binance_coinm', 'BTCUSD_PERP'), ['BTC-USD perpetual']);
  assert.deepEqual(kind('binance_us', 'BNBUSD'), ['BNB-USD spot']);
  assert.deepEqual(kind('binance_us', 'OMGBUSD'), ['OMG-BUSD spot']);
});

test('dYdX: where two levels cross, the one with the older offset is gone', () => {
  const dydx = of('dydx');
  const bids = [{ price: '100', size: '1', offset: '1' }];
  const asks = [{ price: '101', size: '1', offset: '2' }, { price: '102', size: '1', offset: '1' }];
  read(dydx, { type: 'subscribed', channel: 'v3_orderbook', id: 'BTC-USD', contents: { bids, asks } });
  const [tick] = read(dydx, { type: 'channel_data', channel: 'v3_orderbook', id: 'BTC-USD', contents: { offset: '5', bids: [['101.5', '1']], asks: [] } });
  assert.deepEqual([tick.bid, tick.ask], [101.5, 102]);
});

test('dYdX: a book of more prices than are remembered goes on', () => {
  const dydx = of('dydx');
  read(dydx, { type: 'subscribed', channel: 'v3_orderbook', id: 'BTC-USD', contents: { bids: [{ price: '1', size: '1', offset: '1' }], asks: [{ price: '99999', size: '1', offset: '1' }] } });
  let tick;
  for (let price = 2; price <= 30_000; price++) [tick] = read(dydx, { type: 'channel_data', channel: 'v3_orderbook', id: 'BTC-USD', contents: { offset: String(price), bids: [[String(price), '1'], [String(price - 1), '0']], asks: [] } });
  assert.deepEqual([tick?.bid, tick?.ask], [30_000, 99_999]);
});

test('Kraken: levels pushed out of the window do not come back', () => {
  const kraken = of('kraken');
  read(kraken, [1, { as: [['11', '1', '1'], ['12', '1', '1']], bs: [['9', '1', '1'], ['8', '1', '1']] }, 'book-2', 'XBT/USD']);
  read(kraken, [1, { b: [['10', '1', '2']] }, 'book-2', 'XBT/USD']);
  const left = read(kraken, [1, { b: [['10', '0', '3'], ['9', '0', '3']] }, 'book-2', 'XBT/USD']);
  assert.deepEqual(left, [], '8 was pushed out by 10, so no bid is left');
});

test('Huobi: a frame that inflates without end is refused', () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024)).toString('base64');
  assert.throws(() => read(of('huobi'), bomb, { encoding: 'base64' }));
});

test('Bybit: archived books of today', () => {
  const bybit = of('bybit');
  read(bybit, { topic: 'orderbook.500.XRPUSDT', type: 'snapshot', ts: 1, data: { s: 'XRPUSDT', b: [['1.9531', '6203']], a: [['1.9535', '1']] } });
  const [tick] = read(bybit, { topic: 'orderbook.500.XRPUSDT', type: 'delta', ts: 2, data: { s: 'XRPUSDT', b: [['1.9533', '5']], a: [] } });
  assert.deepEqual([tick.pair, tick.kind, tick.bid, tick.ask, tick.eventTimeMs], ['XRP-USDT', 'perpetual', 1.9533, 1.9535, 2]);
});

test('ccxt symbols: spot, perpetual and dated contracts', () => {
  const cases = { 'BTC/USDT': ['BTC-USDT', 'spot'], 'BTC/USDT:USDT': ['BTC-USDT', 'perpetual'], 'BTC/USD:BTC-220527': ['BTC-USD', 'future'] };
  for (const [symbol, [pair, kind]] of Object.entries(cases)) assert.deepEqual(unifiedInstrument(symbol), { pair, kind });
  assert.equal(unifiedTick('kraken', { symbol: 'BTC/USD' }, RECEIVED), undefined);
  assert.deepEqual(unifiedTick('kraken', { symbol: 'BTC/USD', bid: 1, ask: 2, timestamp: 7 }, RECEIVED), {
    source: 'kraken', pair: 'BTC-USD', kind: 'spot', bid: 1, ask: 2, eventTimeMs: 7, receivedTimeMs: RECEIVED,
  });
});
