import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { offlineExchange } from '../../../tests/support/ccxt-exchange.ts';
import { eventually } from '../../../tests/support/wait.ts';
import { silentLogger } from '../../observability/logger.ts';
import { SteadyClock } from '../../utils/clock.ts';
import type { Tick } from '../source.ts';
import { LIVE_EXCHANGES, LiveSource } from './source.ts';

interface Format {
  readonly id: (base: string) => string;
  readonly message: (base: string, bid: number, ask: number) => unknown;
}

/** The messages that live exchanges send for best quotes, as their documentation has them. */
const FORMATS: Readonly<Record<(typeof LIVE_EXCHANGES)[number], Format>> = {
  binance: {
    id: (base) => `${base}USDT`,
    message: (base, bid, ask) => ({ u: 400_900_217, s: `${base}USDT`, b: String(bid), B: '31.21', a: String(ask), A: '40.66' }),
  },
  coinbase: {
    id: (base) => `${base}-USDT`,
    message: (base, bid, ask) => ({
      channel: 'ticker_batch', client_id: '', timestamp: '2023-03-01T12:15:18.382173051Z', sequence_num: 0,
      events: [{ type: 'update', tickers: [{ type: 'ticker', product_id: `${base}-USDT`, price: String(bid), best_bid: String(bid), best_bid_quantity: '1', best_ask: String(ask), best_ask_quantity: '2' }] }],
    }),
  },
  kraken: {
    id: (base) => `${base}/USDT`,
    message: (base, bid, ask) => ({ channel: 'ticker', type: 'update', data: [{ symbol: `${base}/USDT`, bid, bid_qty: 1, ask, ask_qty: 2, last: bid, volume: 5, vwap: bid, low: bid, high: ask, change: 0, change_pct: 0 }] }),
  },
  bybit: {
    id: (base) => `${base}USDT`,
    message: (base, bid, ask) => ({ topic: `orderbook.1.${base}USDT`, ts: 1_672_304_484_978, type: 'snapshot', data: { s: `${base}USDT`, b: [[String(bid), '1']], a: [[String(ask), '2']], u: 18_521_288, seq: 7_961_638_724 } }),
  },
  okx: {
    id: (base) => `${base}-USDT`,
    message: (base, bid, ask) => ({ arg: { channel: 'bbo-tbt', instId: `${base}-USDT` }, data: [{ asks: [[String(ask), '1', '0', '1']], bids: [[String(bid), '1', '0', '1']], ts: '1670324386802' }] }),
  },
};

async function follow(t: TestContext, name: (typeof LIVE_EXCHANGES)[number], bases: readonly string[]) {
  const { id, message } = FORMATS[name];
  const offline = await offlineExchange(name, ['BTC', 'ETH', 'SOL'].map((base) => ({ symbol: `${base}/USDT`, id: id(base) })));
  const ticks: Tick[] = [];
  const source = new LiveSource({ clock: new SteadyClock(), logger: silentLogger, exchanges: [name], factory: async () => offline.client });
  source.follow(bases);
  await source.start({ onTick: (tick) => ticks.push(tick), onState() {}, onFault() {}, onReset() {} });
  t.after(() => source.stop());
  const receive = async (...quotes: readonly (readonly [base: string, bid: number, ask: number])[]) => {
    await eventually(`${name} waits for an update`, () => offline.waits() || undefined);
    offline.receive(quotes.map(([base, bid, ask]) => JSON.stringify(message(base, bid, ask))));
  };
  return { source, ticks, receive, client: offline.client };
}

const quotes = (ticks: readonly Tick[]) => ticks.map(({ pair, bid, ask }) => `${pair} ${bid} ${ask}`).sort();

for (const name of LIVE_EXCHANGES) {
  test(`${name}: of updates that arrive together none is lost, and none comes twice`, async (t) => {
    const { ticks, receive } = await follow(t, name, ['BTC', 'ETH', 'SOL']);
    await receive(['BTC', 100, 101], ['ETH', 10, 11], ['BTC', 102, 103], ['SOL', 1, 2]);
    await eventually('all three', () => (ticks.length >= 3 ? true : undefined));
    assert.deepEqual(quotes(ticks), ['BTC-USDT 102 103', 'ETH-USDT 10 11', 'SOL-USDT 1 2']);
    await receive(['ETH', 12, 13]);
    await eventually('the next one', () => (ticks.length > 3 ? true : undefined));
    assert.deepEqual(quotes(ticks.slice(3)), ['ETH-USDT 12 13']);
  });
}

test('Binance has a connection per list of symbols: the one of the list before is closed once the new one delivers', async (t) => {
  const { source, ticks, receive, client } = await follow(t, 'binance', ['BTC']);
  await receive(['BTC', 100, 101]);
  const [first] = Object.keys(client.clients);
  source.follow(['BTC', 'SOL']);
  await eventually('the first is closed', async () => {
    await receive(['BTC', 102, 103], ['SOL', 1, 2]);
    return first in client.clients ? undefined : true;
  });
  assert.equal(Object.keys(client.clients).length, 1);
  await eventually('updates of the longer list', () => ticks.find(({ pair }) => pair === 'SOL-USDT'));
});
