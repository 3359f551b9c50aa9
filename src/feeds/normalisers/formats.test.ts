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

test('zero, negative, empty and absurd prices are no prices', () => {
  for (const p of ['0', '-1', '', 'NaN', 'Infinity', '1.7e308']) assert.deepEqual(read(of('binance'), { data: { e: 'trade', s: 'BTCUSDT', p, T: 5 } }), [], p);
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

test('Binance: a book that was lost shows its best prices at once when it is back, whatever was stated meanwhile', () => {
  const binance = of('binance', 'BTCUSDT');
  const snapshot = (lastUpdateId: number) => read(binance, { lastUpdateId, bids: [['100', '1']], asks: [['101', '1']] }, { direction: 'http' }).map(({ bid }) => bid);
  assert.deepEqual(snapshot(1), [100]);
  read(binance, { data: { e: 'depthUpdate', E: 1, s: 'BTCUSDT', U: 3, u: 3, b: [['100.9', '1']], a: [] } });
  assert.deepEqual(read(binance, { data: { u: 3, s: 'BTCUSDT', b: '100.9', B: '1', a: '101', A: '1' } }).map(({ bid }) => bid), [100.9]);
  assert.deepEqual(snapshot(4), [100]);
});

test('Binance: on a new connection changes wait for a snapshot', () => {
  const binance = of('binance', 'BTCUSDT');
  const change = (u: number) => read(binance, { data: { e: 'depthUpdate', E: 1, s: 'BTCUSDT', U: u, u, b: [['100.5', '1']], a: [] } }).map(({ bid }) => bid);
  const snapshot = (lastUpdateId: number) => read(binance, { lastUpdateId, bids: [['100', '1']], asks: [['101', '1']] }, { direction: 'http' }).map(({ bid }) => bid);
  snapshot(5);
  read(binance, '', { direction: 'open' });
  assert.deepEqual(change(6), []);
  assert.deepEqual(snapshot(4), [], 'update 5 is missing');
  assert.deepEqual(snapshot(5), [100.5]);
});

test('Binance: a book behind the best quote already stated says nothing', () => {
  const binance = of('binance', 'BTCUSDT');
  read(binance, { lastUpdateId: 1, bids: [['100', '1']], asks: [['101', '1']] }, { direction: 'http' });
  read(binance, { data: { u: 9, s: 'BTCUSDT', b: '100.9', B: '1', a: '101', A: '1' } });
  assert.deepEqual(read(binance, { data: { e: 'depthUpdate', E: 1, s: 'BTCUSDT', U: 2, u: 5, b: [['100.5', '1']], a: [] } }), []);
});

test('a book whose best price is absurd says nothing', () => {
  const binance = of('binance', 'BTCUSDT');
  assert.deepEqual(read(binance, { lastUpdateId: 1, bids: [['1.7e308', '1']], asks: [['1.75e308', '1']] }, { direction: 'http' }), []);
});

test('Binance futures: contracts by their names', () => {
  const kind = (venue: string, s: string) => read(of(venue), { data: { e: 'trade', s, p: '1', T: 5 } }).map((tick) => `${tick.pair} ${tick.kind}`);
  assert.deepEqual(kind('binance_usdm', 'BTCUSDT'), ['BTC-USDT perpetual']);
  assert.deepEqual(kind('binance_usdm', 'BTCUSDT_210924'), ['BTC-USDT future']);
  assert.deepEqual(kind('binance_coinm', 'BTCUSD_PERP'), ['BTC-USD perpetual']);
  assert.deepEqual(kind('binance_us', 'BNBUSD'), ['BNB-USD spot']);
  assert.deepEqual(kind('binance_us', 'OMGBUSD'), ['OMG-BUSD spot']);
});

interface BookFormat {
  /** What must come first on a connection. */
  readonly begin?: unknown;
  /** Bid 100, ask 101. */
  readonly snapshot: unknown;
  /** An ask, after a bid of 100.5 where the format changes several levels at once. */
  readonly change: (ask: string | number) => unknown;
}

const okxBook = (action: string, bid: string, ask: string | number) => ({ arg: { channel: 'books', instId: 'BTC-USDT' }, action, data: [{ bids: [[bid, '1']], asks: [[ask, '1']], ts: '5' }] });
const bybitRow = (side: string, price: string | number) => ({ symbol: 'BTCUSD', side, price, size: 1 });
const deribitBook = (type: string, bid: number, ask: string | number) =>
  ({ method: 'subscription', params: { channel: 'book.BTC-PERPETUAL.raw', data: { type, timestamp: 5, bids: [['new', bid, 1]], asks: [['new', ask, 1]] } } });
const bitmexRow = (id: number, side: string, price: string | number) => ({ symbol: 'XBTUSD', id, side, size: 1, price });

/** Books whose changes carry no numbers, by venue. */
const BOOKS: Readonly<Record<string, BookFormat>> = {
  bitfinex: {
    begin: { event: 'subscribed', channel: 'book', chanId: 7, symbol: 'tBTCUSD' },
    snapshot: [7, [[100, 1, 1], [101, 1, -1]]],
    change: (ask) => [7, [ask, 1, -1]],
  },
  bitmex: {
    snapshot: { table: 'orderBookL2', action: 'partial', data: [bitmexRow(1, 'Buy', 100), bitmexRow(2, 'Sell', 101)] },
    change: (ask) => ({ table: 'orderBookL2', action: 'insert', data: [bitmexRow(3, 'Buy', 100.5), bitmexRow(4, 'Sell', ask)] }),
  },
  bybit: {
    snapshot: { topic: 'orderBookL2_25.BTCUSD', type: 'snapshot', data: [bybitRow('Buy', '100'), bybitRow('Sell', '101')] },
    change: (ask) => ({ topic: 'orderBookL2_25.BTCUSD', type: 'delta', data: { delete: [], update: [], insert: [bybitRow('Buy', '100.5'), bybitRow('Sell', ask)] } }),
  },
  coinbase: {
    snapshot: { type: 'snapshot', product_id: 'BTC-USD', bids: [['100', '1']], asks: [['101', '1']] },
    change: (ask) => ({ type: 'l2update', product_id: 'BTC-USD', changes: [['buy', '100.5', '1'], ['sell', ask, '1']] }),
  },
  deribit: { snapshot: deribitBook('snapshot', 100, 101), change: (ask) => deribitBook('change', 100.5, ask) },
  dydx: {
    snapshot: { type: 'subscribed', channel: 'v3_orderbook', id: 'BTC-USD', contents: { bids: [{ price: '100', size: '1', offset: '1' }], asks: [{ price: '101', size: '1', offset: '1' }] } },
    change: (ask) => ({ type: 'channel_data', channel: 'v3_orderbook', id: 'BTC-USD', contents: { offset: '2', bids: [['100.5', '1']], asks: [[ask, '1']] } }),
  },
  gemini: {
    snapshot: { type: 'l2_updates', symbol: 'BTCUSD', changes: [['buy', '100', '1'], ['sell', '101', '1']], trades: [] },
    change: (ask) => ({ type: 'l2_updates', symbol: 'BTCUSD', changes: [['buy', '100.5', '1'], ['sell', ask, '1']] }),
  },
  kraken: {
    snapshot: [1, { as: [['101', '1', '5']], bs: [['100', '1', '5']] }, 'book-10', 'XBT/USD'],
    change: (ask) => [1, { a: [['102', '1', '6'], [ask, '1', '6']] }, 'book-10', 'XBT/USD'],
  },
  kraken_futures: {
    snapshot: { feed: 'book_snapshot', product_id: 'PI_XBTUSD', timestamp: 5, bids: [{ price: 100, qty: 1 }], asks: [{ price: 101, qty: 1 }] },
    change: (ask) => ({ feed: 'book', product_id: 'PI_XBTUSD', timestamp: 6, side: 'sell', price: ask, qty: 1 }),
  },
  okx: { snapshot: okxBook('snapshot', '100', '101'), change: (ask) => okxBook('update', '100.5', ask) },
};

for (const [venue, { begin, snapshot, change }] of Object.entries(BOOKS)) {
  const quote = (ticks: ReturnType<typeof read>) => ticks.map(({ bid, ask }) => [bid, ask]);
  const connected = () => {
    const normaliser = of(venue);
    read(normaliser, '', { direction: 'open' });
    if (begin !== undefined) read(normaliser, begin);
    return normaliser;
  };

  test(`${venue}: a book that was changed by half says nothing until the next snapshot`, () => {
    const normaliser = connected();
    assert.deepEqual(quote(read(normaliser, snapshot)), [[100, 101]]);
    assert.throws(() => read(normaliser, change('x')), RangeError);
    assert.deepEqual(read(normaliser, change('100.9')), []);
    assert.deepEqual(quote(read(normaliser, snapshot)), [[100, 101]]);
    assert.equal(read(normaliser, change('100.9'))[0].ask, 100.9);
  });

  // Kraken's pairs come over several connections.
  if (venue !== 'kraken') {
    test(`${venue}: on a new connection a change before the snapshot changes nothing`, () => {
      const normaliser = connected();
      read(normaliser, snapshot);
      read(normaliser, '', { direction: 'open' });
      if (begin !== undefined) read(normaliser, begin);
      assert.deepEqual(read(normaliser, change('100.9')), []);
      assert.deepEqual(quote(read(normaliser, snapshot)), [[100, 101]]);
    });
  }

  test(`${venue}: best prices that stand still are said once a second while the book is updated`, () => {
    const normaliser = connected();
    const said: number[] = [];
    read(normaliser, snapshot);
    for (let ms = 100; ms <= 2_500; ms += 100) if (read(normaliser, change('103'), { receivedTimeMs: RECEIVED + ms }).length > 0) said.push(ms);
    // Where the first of the changes raised the bid, the second runs from there.
    assert.deepEqual(said, ['bitfinex', 'kraken', 'kraken_futures'].includes(venue) ? [1_000, 2_000] : [100, 1_100, 2_100]);
  });
}

test('BitMEX: of several books in one message only the one that cannot be changed is lost', () => {
  const bitmex = of('bitmex');
  const rows = (symbol: string, ...prices: (number | string)[]) => prices.map((price, at) => ({ symbol, id: at, side: at === 0 ? 'Buy' : 'Sell', size: 1, price }));
  const send = (action: string, ...data: unknown[]) => read(bitmex, { table: 'orderBookL2', action, data });
  send('partial', ...rows('XBTUSD', 100, 101), ...rows('ETHUSD', 10, 11));
  assert.throws(() => send('insert', { symbol: 'XBTUSD', id: 9, side: 'Sell', size: 1, price: 'x' }, { symbol: 'ETHUSD', id: 9, side: 'Sell', size: 1, price: 10.5 }));
  assert.deepEqual(send('insert', ...rows('XBTUSD', 100.5)), []);
  assert.deepEqual(send('insert', { symbol: 'ETHUSD', id: 8, side: 'Buy', size: 1, price: 10.2 }).map(({ bid, ask }) => [bid, ask]), [[10.2, 10.5]]);
});

test('Bitstamp: a book that was changed by half waits for the next snapshot, and what comes meanwhile is applied to that', () => {
  const bitstamp = of('bitstamp');
  const change = (microtimestamp: string, bid: string) => read(bitstamp, { event: 'data', channel: 'diff_order_book_btcusd', data: { microtimestamp, bids: [['100.5', '1'], [bid, '1']], asks: [] } });
  const snapshot = (microtimestamp: string) => read(bitstamp, { microtimestamp, bids: [['100', '1']], asks: [['101', '1']] }, { direction: 'http', url: 'https://www.bitstamp.net/api/v2/order_book/btcusd' });
  snapshot('1000');
  assert.throws(() => change('2000', 'x'));
  assert.deepEqual(change('3000', '100.7'), []);
  assert.deepEqual(snapshot('2000').map(({ bid, eventTimeMs }) => [bid, eventTimeMs]), [[100.7, 3]]);
});

test('Bitfinex: its own codes of assets', () => {
  const pairs = ['tIOTUST', 'tDSHBTC', 'tBTCUDC', 'tDOGE:USD', 'tBTCF0:USTF0'].map((symbol) => {
    const bitfinex = of('bitfinex');
    read(bitfinex, { event: 'subscribed', channel: 'ticker', chanId: 1, symbol });
    const [{ pair, kind }] = read(bitfinex, [1, [100, 1, 101, 1, 0, 0, 100]]);
    return `${pair} ${kind}`;
  });
  assert.deepEqual(pairs, ['IOTA-USDT spot', 'DASH-BTC spot', 'BTC-USDC spot', 'DOGE-USD spot', 'BTC-USDT perpetual']);
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
