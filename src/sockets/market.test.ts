import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Socket } from 'socket.io-client';
import { BookClient } from '../../tests/support/book-client.ts';
import { call, connected, next, SocketWorld } from '../../tests/support/socket-world.ts';
import { eventually } from '../../tests/support/wait.ts';
import type { BookDelta, BookSnapshot } from '../projections/book-messages.ts';
import type { StreamedTrades } from '../services/market-stream.ts';

let world: SocketWorld;
before(async () => {
  world = await SocketWorld.start();
});
after(() => world.close());

/** Follows the book of BTC-USDT and holds every delta to the contract. */
async function follow(socket: Socket, depth?: number): Promise<BookClient> {
  const early: BookDelta[] = [];
  let client: BookClient | undefined;
  socket.on('orderbook', (delta: BookDelta) => {
    if (client === undefined) early.push(delta);
    else client.apply(delta);
  });
  const { data } = await call(socket, 'subscribe', { channel: 'orderbook', symbol: 'BTC-USDT', depth });
  client = new BookClient(data as BookSnapshot);
  for (const delta of early) client.apply(delta);
  return client;
}

const hasBook = (client: BookClient, depth = 1_000) => eventually('the client holds the book', () => {
  const now = world.books.snapshot('BTC-USDT', depth);
  return now?.checksum === client.checksum && now.bids.length === client.bids.length && now.asks.length === client.asks.length ? client : undefined;
});

test('clients that subscribe at any moment hold the book, at any depth', async () => {
  const clients: { book: BookClient; depth: number }[] = [];
  const depths = [1_000, 5, 25, 1];
  for (let round = 0; round < 400; round++) {
    const price = 100 + ((round * 37) % 41);
    world.commit(world.make.accepted('buy', price, 1 + (round % 5)), world.make.accepted('sell', price + 50, 2));
    if (round % 3 === 0) world.commit(world.make.trade('buy', price + 50, 1), world.make.closed('sell', price + 50, 1));
    if (round % 100 === 50) {
      const depth = depths[clients.length] ?? 1_000;
      clients.push({ book: await follow(await world.connect('/market'), depth), depth });
    }
    if (round % 7 === 0) await new Promise(setImmediate);
  }
  for (const { book, depth } of clients) await hasBook(book, depth);
});

test('a depth is rounded up to the next that is published', async () => {
  const socket = await world.connect('/market');
  const { data } = await call(socket, 'subscribe', { channel: 'orderbook', symbol: 'BTC-USDT', depth: 11 });
  assert.equal((data as BookSnapshot).bids.length, 20);
});

test('another depth takes the place of the first, and unsubscribe ends either', async () => {
  const socket = await world.connect('/market');
  let heard = 0;
  await call(socket, 'subscribe', { channel: 'orderbook', symbol: 'BTC-USDT', depth: 5 });
  const book = await follow(socket, 10);
  world.commit(world.make.accepted('buy', 900, 1));
  await hasBook(book, 10);
  await call(socket, 'unsubscribe', { channel: 'orderbook', symbol: 'BTC-USDT' });
  socket.on('orderbook', () => heard++);
  const witness = await follow(await world.connect('/market'));
  world.commit(world.make.closed('buy', 900, 1));
  await hasBook(witness);
  await call(socket, 'unsubscribe', { channel: 'orderbook', symbol: 'BTC-USDT' });
  assert.equal(heard, 0);
});

test('trades come with what was traded before, each once and in order', async () => {
  world.commit(world.make.accepted('sell', 500, 9), world.make.trade('buy', 500, 2));
  const socket = await world.connect('/market');
  const seen: number[] = [];
  socket.on('trades', ({ trades }: StreamedTrades) => seen.push(...trades.map(({ seq }) => seq)));
  const { data } = await call(socket, 'subscribe', { channel: 'trades', symbol: 'BTC-USDT' });
  const last = (data as StreamedTrades).trades.at(-1);
  assert.deepEqual({ ...last }, { id: String(world.make.seq), symbol: 'BTC-USDT', side: 'buy', price: '250', quantity: '0.002', quoteQuantity: '0.5', timestamp: 1_700_000_000_000 + world.make.seq, seq: world.make.seq });
  const expected: number[] = [];
  for (let i = 0; i < 3; i++) {
    world.commit(world.make.trade('buy', 500, 1));
    expected.push(world.make.seq);
  }
  await eventually('three trades', () => (seen.length >= 3 ? seen : undefined));
  assert.deepEqual(seen, expected);
});

test('ticker and kline give what is current, then what changes', async () => {
  const socket = await world.connect('/market');
  const ticker = await call(socket, 'subscribe', { channel: 'ticker', symbol: 'BTC-USDT' });
  assert.deepEqual(ticker.data, { symbol: 'BTC-USDT', count: world.make.seq, openTime: 0, closeTime: 0, seq: world.make.seq });
  const changed = next<{ count: number }>(socket, 'ticker');
  world.commit(world.make.priced(200, 201));
  assert.equal((await changed).count, world.make.seq);
  const kline = await call(socket, 'subscribe', { channel: 'kline', symbol: 'BTC-USDT', interval: '1m' });
  assert.equal((kline.data as { kline: unknown[] }).kline.length, 9);
});

test('what cannot be followed is refused with its code', async () => {
  const socket = await world.connect('/market');
  const refused = async (payload: unknown) => (await call(socket, 'subscribe', payload)).error?.code;
  assert.equal(await refused({ channel: 'orderbook', symbol: 'DOGE-USDT' }), 'UNKNOWN_SYMBOL');
  assert.equal(await refused({ channel: 'secrets', symbol: 'BTC-USDT' }), 'VALIDATION_FAILED');
  assert.equal(await refused({ channel: 'kline', symbol: 'BTC-USDT', interval: '7m' }), 'VALIDATION_FAILED');
  assert.equal(await refused({ channel: 'orderbook', symbol: 'BTC-USDT', depth: 0 }), 'VALIDATION_FAILED');
  assert.equal(await refused({ channel: 'trades', symbol: 'BTC-USDT', extra: 1 }), 'VALIDATION_FAILED');
});

test('after unsubscribe nothing comes any more', async () => {
  const [socket, witness] = [await world.connect('/market'), await world.connect('/market')];
  let heard = 0;
  socket.on('trades', () => heard++);
  for (const one of [socket, witness]) await call(one, 'subscribe', { channel: 'trades', symbol: 'BTC-USDT' });
  await call(socket, 'unsubscribe', { channel: 'trades', symbol: 'BTC-USDT' });
  const told = next(witness, 'trades');
  world.commit(world.make.trade('buy', 500, 1));
  await told;
  await call(socket, 'unsubscribe', { channel: 'trades', symbol: 'BTC-USDT' });
  assert.equal(heard, 0);
});

test('a client that is back within the window gets every delta that it missed', async () => {
  const socket = await world.connect('/market');
  const book = await follow(socket);
  world.commit(world.make.accepted('buy', 90, 1));
  await hasBook(book);
  const back = new Promise((resolve) => socket.once('connect', () => resolve(socket.recovered)));
  const lost = next(socket, 'disconnect');
  socket.io.engine.close();
  await lost;
  for (let i = 0; i < 20; i++) {
    world.commit(world.make.accepted('buy', 60 + i, 1));
  }
  if (!socket.connected) socket.connect();
  assert.equal(await back, true);
  await hasBook(book);
});

test('a client that is back too late is told so', async (t) => {
  let skipped = 0;
  const own = await SocketWorld.during(t, { recoveryMs: 60_000, monotonic: () => performance.now() + skipped });
  const socket = await own.connect('/market', { reconnection: false });
  await call(socket, 'subscribe', { channel: 'orderbook', symbol: 'BTC-USDT' });
  const backAfter = async (ms: number): Promise<boolean> => {
    const heard = next(socket, 'orderbook');
    own.commit(own.make.accepted('buy', 90, 1));
    await heard;
    const lost = next(socket, 'disconnect');
    socket.io.engine.close();
    await lost;
    await eventually('the end of the connection is noticed', async () => (await own.metrics.registry.getSingleMetricAsString('bourse_sockets')).includes('namespace="/market"} 0') || undefined);
    skipped += ms;
    await connected(socket);
    return socket.recovered;
  };
  assert.equal(await backAfter(30_000), true);
  assert.equal(await backAfter(60_000), false);
});

test('public data goes on when the wall clock is set back', async (t) => {
  const own = await SocketWorld.during(t);
  const socket = await own.connect('/market');
  await call(socket, 'subscribe', { channel: 'orderbook', symbol: 'BTC-USDT' });
  let heard = 0;
  socket.on('orderbook', () => heard++);
  const hear = (price: number, count: number) => {
    own.commit(own.make.accepted('buy', price, 1));
    return eventually(`delta ${count}`, () => heard >= count || undefined);
  };
  await hear(90, 1);
  const now = Date.now;
  t.mock.method(Date, 'now', () => now() - 3_600_000);
  await hear(91, 2);
  await hear(92, 3);
});
