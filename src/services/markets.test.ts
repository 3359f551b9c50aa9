import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { listMarkets, openVenue, type Venue } from '../../tests/support/venue.ts';
import type { Principal } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';

const MINUTE = 60_000;
const notFound = (error: unknown) => error instanceof Refusal && error.code === 'NOT_FOUND';

describe('market data', () => {
  let venue: Venue;
  let bob: Principal;

  before(async () => {
    venue = await openVenue();
    await listMarkets(venue);
    const ann = await venue.user('ann');
    bob = await venue.user('bob');
    await venue.wallets.deposit(ann, { asset: 'USDT', amount: '1000000', account: 'spot' });
    await venue.wallets.deposit(bob, { asset: 'BTC', amount: '100', account: 'spot' });
    for (const price of ['30000', '30100', '30200']) await venue.orders.place(bob, { symbol: 'BTC-USDT', side: 'sell', type: 'limit', price, quantity: '1' });
    await venue.orders.place(ann, { symbol: 'BTC-USDT', side: 'buy', type: 'limit', price: '29900', quantity: '0.5' });
    await venue.orders.place(ann, { symbol: 'BTC-USDT', side: 'buy', type: 'market', quantity: '0.25' });
    venue.clock.time += 3 * MINUTE;
    await venue.orders.place(ann, { symbol: 'BTC-USDT', side: 'buy', type: 'market', quantity: '1' });
  });
  after(() => venue.close());

  test('the book shows what is open, the same from the cache', async () => {
    const book = await venue.markets.orderBook('BTC-USDT', 100);
    assert.deepEqual([book.bids, book.asks], [[['29900', '0.5']], [['30100', '0.75'], ['30200', '1']]]);
    assert.deepEqual(await venue.markets.orderBook('BTC-USDT', 100), book);
    assert.deepEqual((await venue.markets.orderBook('BTC-USDT', 1)).asks, [['30100', '0.75']]);
    await venue.orders.cancelAll(bob, {});
    const later = await venue.markets.orderBook('BTC-USDT', 100);
    assert.deepEqual(later.asks, []);
    assert.ok(later.seq > book.seq);
  });

  test('prints come newest first, candles oldest first and without gaps', async () => {
    const { items, nextCursor } = venue.markets.trades('BTC-USDT', { limit: 2 });
    assert.deepEqual(items.map(({ price, quantity, side }) => [price, quantity, side]), [['30100', '0.25', 'buy'], ['30000', '0.75', 'buy']]);
    const rest = venue.markets.trades('BTC-USDT', { limit: 2, cursor: nextCursor });
    assert.deepEqual([rest.items.map(({ price, quantity }) => [price, quantity]), rest.nextCursor], [[['30000', '0.25']], undefined]);
    assert.deepEqual(venue.markets.trades('BTC-USDT', { limit: 1, offset: 2 }).items, rest.items);
    const candles = await venue.markets.klines('BTC-USDT', { interval: '1m', limit: 500 });
    assert.deepEqual(candles.map(([, open, high, low, close, volume, , , count]) => [open, high, low, close, volume, count]), [
      ['30000', '30000', '30000', '30000', '0.25', 1],
      ['30000', '30000', '30000', '30000', '0', 0],
      ['30000', '30000', '30000', '30000', '0', 0],
      ['30000', '30100', '30000', '30100', '1', 2],
    ]);
    candles.forEach(([openTime], index) => assert.equal(openTime, (candles[0]?.[0] as number) + index * MINUTE));
  });

  test('a ticker tells the last day', () => {
    const { last, volume, count, open } = venue.markets.ticker('BTC-USDT');
    assert.deepEqual([last, volume, count, open], ['30100', '1.25', 3, '30000']);
    assert.deepEqual(venue.markets.tickers({ limit: 50 }).items.map(({ symbol }) => symbol), ['BTC-USDT', 'BTC-USDT-PERP']);
    assert.equal(venue.markets.stats('BTC-USDT').lastDay.count, 3);
  });

  test('prices and funding are known for what has them', async () => {
    await venue.feeds.setManual([{ symbol: 'BTC-USDT-PERP', index: '30000' }]);
    const prices = await venue.markets.prices('BTC-USDT-PERP');
    assert.deepEqual([prices.index, prices.last, prices.status], ['30000', null, 'open']);
    const { funding } = await venue.markets.funding('BTC-USDT-PERP', { limit: 50 });
    assert.deepEqual([funding.symbol, funding.fundingIntervalMs, funding.history], ['BTC-USDT-PERP', 28_800_000, []]);
    await assert.rejects(venue.markets.funding('BTC-USDT', { limit: 50 }), (error) => notFound(error) && (error as Refusal).message === 'BTC-USDT is a spot market; only perpetuals have funding');
  });

  test('a market that does not exist is not found', async () => {
    for (const ask of [
      () => venue.markets.get('X-Y'),
      () => venue.markets.orderBook('X-Y', 1),
      () => venue.markets.klines('X-Y', { interval: '1m', limit: 1 }),
      () => venue.markets.prices('X-Y'),
      async () => venue.markets.ticker('X-Y'),
      async () => venue.markets.stats('X-Y'),
      async () => venue.markets.trades('__proto__', { limit: 1 }),
    ]) await assert.rejects(ask, notFound);
  });
});

describe('before anybody asks', () => {
  const lookUps = async ({ metrics }: Venue): Promise<string[]> => (await metrics.registry.metrics()).split('\n').filter((line) => /^bourse_cache_(hits|misses)_total/.test(line));

  test('settings and books are read, so that the first who asks is answered by the cache', async () => {
    const venue = await openVenue();
    await listMarkets(venue);
    await venue.markets.warm();
    assert.equal((await venue.markets.get('BTC-USDT')).tickSize, '0.1');
    assert.deepEqual((await venue.markets.orderBook('BTC-USDT-PERP', 100)).bids, []);
    assert.deepEqual(await lookUps(venue), ['bourse_cache_hits_total{cache="cache:market"} 1', 'bourse_cache_hits_total{cache="cache:orderbook"} 1']);
    await venue.close();
  });
});

describe('while the collections are behind', () => {
  const unavailable = (error: unknown) => error instanceof Refusal && error.code === 'UNAVAILABLE' && error.retryAfterSeconds === 1;
  let behind = false;
  let venue: Venue;

  before(async () => {
    venue = await openVenue({ caughtUp: () => !behind });
    await listMarkets(venue);
    const ann = await venue.user('ann');
    await venue.wallets.deposit(ann, { asset: 'USDT', amount: '1000000', account: 'spot' });
    await venue.wallets.deposit(ann, { asset: 'BTC', amount: '100', account: 'spot' });
    // A trade in each of six minutes, of which five are kept in memory.
    for (let minute = 0; minute < 6; minute++) {
      await venue.orders.place(ann, { symbol: 'BTC-USDT', side: 'sell', type: 'limit', price: '30000', quantity: '0.1' });
      await venue.orders.place(ann, { symbol: 'BTC-USDT', side: 'buy', type: 'market', quantity: '0.1', selfTradePrevention: 'none' });
      venue.clock.time += MINUTE;
    }
    behind = true;
  });
  after(() => venue.close());

  test('markets, prices, tickers, trades and books are there, and an administrator can change a market', async () => {
    const { items } = await venue.markets.list({ limit: 50 });
    assert.deepEqual(items.map(({ symbol, status }) => [symbol, status]), [['BTC-USDT', 'open'], ['BTC-USDT-PERP', 'open']]);
    const before = await venue.markets.get('BTC-USDT');
    const actor = { principal: await venue.user('root', ['user', 'admin']), ip: '127.0.0.1', requestId: 'r' };
    const changed = await venue.admin.updateMarket(actor, 'BTC-USDT', { status: 'cancel_only' });
    assert.deepEqual(await venue.markets.get('BTC-USDT'), changed);
    assert.equal(changed.createdAt, before.createdAt);
    assert.ok(changed.updatedAt > before.updatedAt && changed.seq > before.seq);
    assert.deepEqual([venue.markets.ticker('BTC-USDT').count, venue.markets.trades('BTC-USDT', { limit: 50 }).items.length, (await venue.markets.prices('BTC-USDT')).last], [6, 6, '30000']);
    assert.deepEqual((await venue.markets.orderBook('BTC-USDT', 100)).asks, []);
  });

  test('candles are there where all of them are in memory, and else not instead of with gaps', async () => {
    assert.equal((await venue.markets.klines('BTC-USDT', { interval: '1h', limit: 1 }))[0]?.[8], 6);
    await assert.rejects(venue.markets.klines('BTC-USDT', { interval: '1m', limit: 10 }), unavailable);
    behind = false;
    const counts = (await venue.markets.klines('BTC-USDT', { interval: '1m', limit: 7 })).map(([, , , , , , , , count]) => count);
    assert.deepEqual(counts, [1, 1, 1, 1, 1, 1, 0]);
    behind = true;
  });

  test('funding that was settled waits for them', async () => {
    await assert.rejects(venue.markets.funding('BTC-USDT-PERP', { limit: 50 }), unavailable);
  });
});
