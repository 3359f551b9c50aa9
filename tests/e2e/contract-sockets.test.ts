/** The public contract over Socket.IO, from real clients of a real server: the four namespaces, books that are kept from deltas, private events, order entry, and what ends a connection. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { Venue, type User } from '../support/contract.ts';
import { KeptBook, type Book } from '../support/kept-book.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import { assertShape, LIQUIDATION, ORDER, POSITION, TICKER, TRADE, WALLET } from '../support/shapes.ts';
import { call, connected, next } from '../support/socket-world.ts';
import { eventually } from '../support/wait.ts';

const SPOT = 'BTC-USDT';
const PERP = 'BTC-USDT-PERP';
/** A message that never comes fails the test instead of holding it. */
const TIMEOUT_MS = 60_000;

type Doc = Readonly<Record<string, unknown>>;

describe('the contract over Socket.IO', { timeout: TIMEOUT_MS }, () => {
  let server: ServerProcess;
  let venue: Venue;
  let ann: User;
  let bob: User;
  let admin: User;
  const sockets: Socket[] = [];

  const client = (namespace: string, options: Partial<ManagerOptions & SocketOptions> = {}): Socket => {
    const socket = io(server.url + namespace, { transports: ['websocket'], forceNew: true, autoConnect: false, reconnectionDelay: 5, reconnectionDelayMax: 20, ...options });
    sockets.push(socket);
    return socket;
  };
  const connect = async (namespace: string, user?: User): Promise<Socket> => {
    const socket = client(namespace, user === undefined ? {} : { auth: { token: user.token } });
    await connected(socket);
    return socket;
  };
  const done = async <T>(socket: Socket, event: string, input?: unknown): Promise<T> => {
    const reply = await call(socket, event, ...(input === undefined ? [] : [input]));
    assert.deepEqual(Object.keys(reply).sort(), ['data', 'ok'], JSON.stringify(reply));
    return reply.data as T;
  };
  const refused = async (socket: Socket, event: string, input: unknown, code: string): Promise<void> => {
    const reply = await call(socket, event, input);
    assert.deepEqual([reply.ok, reply.error?.code], [false, code], `${event} ${JSON.stringify(input)}`);
    assert.ok(reply.error?.message);
  };
  /** All messages of an event, as they come. */
  const heard = <T>(socket: Socket, event: string): T[] => {
    const messages: T[] = [];
    socket.on(event, (message: T) => messages.push(message));
    return messages;
  };
  const mark = (price: string): Promise<unknown> => admin.post('/admin/prices', { prices: [{ symbol: PERP, index: price, mark: price }] }, 200);
  const sell = (price: string, quantity: string, more: Doc = {}): Doc => ({ symbol: SPOT, side: 'sell', type: 'limit', price, quantity, ...more });

  before(async () => {
    server = await startServer();
    venue = await Venue.at(server.url);
    admin = await venue.admin();
    ann = await venue.register('ann');
    bob = await venue.register('bob');
    for (const user of [ann, bob]) {
      await user.post('/wallets/deposits', { asset: 'USDT', amount: '100000' });
      await user.post('/wallets/deposits', { asset: 'USDT', amount: '50000', account: 'futures' });
      await user.post('/wallets/deposits', { asset: 'BTC', amount: '10' });
    }
  });
  after(async () => {
    for (const socket of sockets) socket.disconnect();
    await server.dispose();
  });

  test('only the four namespaces are there, and only who may gets in', async () => {
    for (const namespace of ['/', '/orders']) await assert.rejects(connected(client(namespace, { reconnection: false })), { code: 'NOT_FOUND' });
    for (const token of [undefined, '', 'nonsense', `${ann.token}x`, 7]) await assert.rejects(connected(client('/user', { auth: { token }, reconnection: false })), { code: 'UNAUTHENTICATED' });
    await assert.rejects(connected(client('/admin', { auth: { token: ann.token }, reconnection: false })), { code: 'FORBIDDEN' });
    await assert.rejects(connected(client('/admin', { reconnection: false })), { code: 'UNAUTHENTICATED' });
    const staff = await connect('/admin', admin);
    await done(staff, 'subscribe', { channels: ['metrics', 'health', 'feeds', 'liquidations', 'alerts'] });
    // They may come with one write.
    for (const message of await Promise.all(['metrics', 'health', 'feeds'].map((event) => next(staff, event)))) assert.ok(message);
  });

  test('prices come in batches', async () => {
    const socket = await connect('/prices');
    await mark('20000');
    const current = await done<Doc[]>(socket, 'subscribe', { symbols: [PERP, SPOT] });
    assert.deepEqual(current.map(({ symbol }) => symbol), [SPOT, PERP]);
    assert.deepEqual([current[1]?.['index'], current[1]?.['mark'], typeof current[1]?.['ts']], ['20000', '20000', 'number']);
    const message = next<Doc[]>(socket, 'prices');
    await mark('20001');
    assert.deepEqual((await message).map(({ symbol, index, mark: marked }) => [symbol, index, marked]), [[PERP, '20001', '20001']]);
    await refused(socket, 'subscribe', { symbols: ['NOT-HERE'] }, 'UNKNOWN_SYMBOL');
    await refused(socket, 'subscribe', { symbols: 'BTC-USDT' }, 'VALIDATION_FAILED');
    await refused(socket, 'subscribe', {}, 'VALIDATION_FAILED');
    assert.deepEqual((await done<Doc[]>(socket, 'unsubscribe', { symbols: [SPOT] })).map(({ symbol }) => symbol), [PERP]);
  });

  test('a book kept from a snapshot and deltas is always the server’s', async () => {
    await ann.post('/orders', sell('30000', '0.5'));
    const socket = await connect('/market');
    const [book, top] = [new KeptBook(), new KeptBook()];
    const shallow = await connect('/market');
    // What comes before the snapshot's acknowledgement is older than it.
    const early: Book[] = [];
    let take = (message: Book): void => void early.push(message);
    socket.on('orderbook', (message: Book) => take(message));
    shallow.on('orderbook', (message: Book) => top.take(message));
    book.take(await done<Book>(socket, 'subscribe', { channel: 'orderbook', symbol: SPOT }));
    for (const message of early) if (message.seq > book.seq) book.take(message);
    take = (message) => book.take(message);
    top.take(await done<Book>(shallow, 'subscribe', { channel: 'orderbook', symbol: SPOT, depth: 5 }));
    for (let round = 0; round < 12; round++) {
      const orders = Array.from({ length: 10 }, (_, i) => ({ ...sell(String(30_000 + ((round * 7 + i * 13) % 60)), '0.00250'), ...(i % 2 === 0 ? { side: 'buy', price: String(29_950 - ((round * 5 + i) % 40)) } : {}) }));
      const placed = await ann.expect<{ order: Doc }[]>('POST', '/orders/batch', 200, { body: { orders } });
      if (round % 3 === 2) await bob.post('/orders', { symbol: SPOT, side: 'buy', type: 'limit', price: '30010', quantity: '0.003', timeInForce: 'IOC' });
      await ann.expect('DELETE', '/orders/batch', 200, { body: { ids: placed.data.slice(0, 4).map(({ order }) => order['id']) } });
      await ann.expect('PATCH', `/orders/${String(placed.data[9]?.order['id'])}`, 200, { body: { quantity: '0.001' } });
    }
    const rest = await eventually('the kept book catches up', async () => {
      const { data } = await venue.nobody.expect<Book>('GET', `/markets/${SPOT}/orderbook?depth=500`, 200);
      return data.seq === book.seq ? data : undefined;
    });
    assert.deepEqual(book.sorted(), { bids: rest.bids, asks: rest.asks });
    assert.equal(rest.checksum, book.checksum);
    await eventually('the shallow book catches up', () => (JSON.stringify(top.sorted()) === JSON.stringify({ bids: rest.bids.slice(0, 5), asks: rest.asks.slice(0, 5) }) ? true : undefined));
    assert.ok(book.deltas > 3 && top.deltas > 1, `${book.deltas} deltas, ${top.deltas} at depth 5`);
    await ann.expect('DELETE', '/orders', 200);
    await eventually('the book empties', () => (book.bids.size + book.asks.size === 0 ? true : undefined));
  });

  test('trades, ticker, candles: a snapshot with seq, then what is new', async () => {
    const socket = await connect('/market');
    await refused(socket, 'subscribe', { channel: 'gossip', symbol: SPOT }, 'VALIDATION_FAILED');
    await refused(socket, 'subscribe', { channel: 'trades', symbol: 'NOT-HERE' }, 'UNKNOWN_SYMBOL');
    await refused(socket, 'subscribe', { channel: 'kline', symbol: SPOT, interval: '2m' }, 'VALIDATION_FAILED');
    const snapshot = await done<{ seq: number; trades: Doc[] }>(socket, 'subscribe', { channel: 'trades', symbol: SPOT });
    assertShape('ticker', await done(socket, 'subscribe', { channel: 'ticker', symbol: SPOT }), { ...TICKER, seq: 'int' });
    const candle = await done<{ kline: unknown[]; seq: number }>(socket, 'subscribe', { channel: 'kline', symbol: SPOT, interval: '1m' });
    assert.deepEqual([candle.kline.length, typeof candle.seq], [9, 'number']);
    const [trades, ticker, kline] = [next<{ trades: Doc[] }>(socket, 'trades'), next<Doc>(socket, 'ticker'), next<Doc>(socket, 'kline')];
    await ann.post('/orders', sell('31000', '0.01'));
    const taken = await bob.post<Doc>('/orders', { symbol: SPOT, side: 'buy', type: 'market', quantity: '0.01' });
    const [print] = (await trades).trades;
    assert.deepEqual([print?.['price'], print?.['quantity'], print?.['side'], print?.['id']], ['31000', '0.01', 'buy', (taken['fills'] as Doc[])[0]?.['id']]);
    assert.ok(Number(print?.['seq']) > snapshot.seq);
    assert.equal((await ticker)['last'], '31000');
    assert.deepEqual([(await kline)['symbol'], (await kline)['interval']], [SPOT, '1m']);
    await done(socket, 'unsubscribe', { channel: 'trades', symbol: SPOT });
  });

  test('orders by socket are acknowledged and refused as over REST', async () => {
    const socket = await connect('/user', ann);
    const body = sell('32000.0', '0.010', { clientOrderId: 'by-socket' });
    const placed = await done<Doc>(socket, 'order:place', body);
    assertShape('order', placed, ORDER);
    assert.deepEqual([placed['price'], placed['quantity'], placed['status']], ['32000', '0.01', 'new']);
    assert.deepEqual(await done(socket, 'order:place', body), placed, 'a repeat');
    assert.deepEqual((await ann.expect('POST', '/orders', 201, { body })).data, placed, 'a repeat elsewhere');
    await refused(socket, 'order:place', { ...body, quantity: '1' }, 'DUPLICATE_CLIENT_ORDER_ID');
    await refused(socket, 'order:place', sell('32000.01', '0.01'), 'INVALID_TICK');
    await refused(socket, 'order:place', sell('32000', '99'), 'INSUFFICIENT_BALANCE');
    await refused(socket, 'order:place', { ...body, extra: 1 }, 'VALIDATION_FAILED');
    for (const id of ['999999999', 'abc', 'client:a b']) {
      await refused(socket, 'order:cancel', { id }, 'NOT_FOUND');
      await refused(socket, 'order:amend', { id, price: '1' }, 'NOT_FOUND');
    }
    await refused(socket, 'order:fly', {}, 'NOT_FOUND');
    const amended = await done<Doc>(socket, 'order:amend', { id: 'client:by-socket', price: '32001' });
    assert.deepEqual([amended['id'], amended['price']], [placed['id'], '32001']);
    const canceled = await done<Doc>(socket, 'order:cancel', { id: placed['id'] });
    assert.equal(canceled['status'], 'canceled');
    await refused(socket, 'order:cancel', { id: placed['id'] }, 'ORDER_NOT_OPEN');
    const batch = await done<{ status: number; order?: Doc; error?: Doc }[]>(socket, 'orders:batch', { orders: [sell('33000', '0.01'), sell('33000', '99'), sell('1', 'x')] });
    assert.deepEqual(batch.map(({ status, error }) => [status, error?.['code']]), [[201, undefined], [422, 'INSUFFICIENT_BALANCE'], [400, 'VALIDATION_FAILED']]);
    await refused(socket, 'orders:batch', { orders: Array.from({ length: 51 }, () => body) }, 'VALIDATION_FAILED');
    await ann.expect('DELETE', '/orders', 200);
  });

  test('every private event of a leveraged life, each with its seq, to its owner alone', async () => {
    await mark('20000');
    const [mine, others] = [await connect('/user', ann), await connect('/user', bob)];
    const [orders, fills, positions, balances, calls, liquidations] = ['order', 'fill', 'position', 'balance', 'marginCall', 'liquidation'].map((event) => heard<Doc>(mine, event)) as [Doc[], Doc[], Doc[], Doc[], Doc[], Doc[]];
    const foreign = heard<Doc>(others, 'liquidation');
    const publicly = await connect('/market');
    await done(publicly, 'subscribe', { channel: 'liquidations', symbol: PERP });
    const announced = next<{ liquidations: Doc[] }>(publicly, 'liquidations');
    await ann.expect('PUT', `/positions/${PERP}/leverage`, 200, { body: { leverage: 50 } });
    await bob.post('/orders', { ...sell('20000', '1'), symbol: PERP });
    const opened = await ann.post<Doc>('/orders', { symbol: PERP, side: 'buy', type: 'market', quantity: '1' });
    await bob.post('/orders', { symbol: PERP, side: 'buy', type: 'limit', price: '19700', quantity: '1' });
    await eventually('the fill, position and balance', () => (fills.length > 0 && positions.length > 0 && balances.length > 0 ? true : undefined));
    assertShape('order', orders[0], ORDER);
    assert.equal(orders.at(-1)?.['id'], opened['id']);
    assertShape('fill', fills[0], TRADE);
    assertShape('position', positions[0], POSITION);
    assertShape('balance', balances[0], WALLET);
    await mark('19690');
    await eventually('a margin call', () => (calls.length > 0 ? true : undefined));
    assertShape('marginCall', calls[0], { symbol: 'id', markPrice: 'decimal', marginRatio: 'decimal', seq: 'int' });
    await mark('19640');
    await eventually('the liquidation and the closed position', () => (liquidations.length > 0 && positions.at(-1)?.['status'] === 'closed' ? true : undefined));
    assertShape('liquidation', liquidations[0], LIQUIDATION);
    assert.equal((await announced).liquidations[0]?.['id'], liquidations[0]?.['id']);
    assert.equal((await announced).liquidations[0]?.['userId'], undefined);
    assert.equal(liquidations[0]?.['userId'], (await ann.get<Doc>('/auth/me'))['id']);
    assert.deepEqual(foreign, []);
    for (const messages of [orders, fills, positions, balances, calls, liquidations]) {
      const seqs = messages.map(({ seq }) => Number(seq));
      assert.ok(seqs.every((seq, i) => Number.isSafeInteger(seq) && (i === 0 || seq >= (seqs[i - 1] as number))), 'in order of seq');
    }
    const wallet = (await ann.get<Doc[]>('/wallets/USDT'))[1];
    await eventually('the last balance told is the balance', () => (balances.at(-1)?.['total'] === wallet?.['total'] ? true : undefined));
    assert.deepEqual(await done(mine, 'subscribe', { channels: ['fill'] }), { channels: ['fill'] });
    const told = orders.length;
    await ann.post('/orders', sell('34000', '0.01'));
    await ann.expect('DELETE', '/orders', 200);
    await done(mine, 'order:place', sell('34000', '0.01'));
    assert.equal(orders.length, told, 'subscribe narrows what comes');
  });

  test('after a dropped connection what was missed is replayed', async () => {
    const mine = await connect('/user', bob);
    const market = await connect('/market');
    const orders = heard<Doc>(mine, 'order');
    const book = new KeptBook();
    market.on('orderbook', (message: Book) => book.take(message));
    book.take(await done<Book>(market, 'subscribe', { channel: 'orderbook', symbol: SPOT }));
    const place = (i: number): Promise<Doc> => bob.post('/orders', sell(String(35_000 + i), '0.01'));
    await place(0);
    await eventually('the first order', () => (orders.length > 0 && book.asks.has('35000') ? true : undefined));
    const ids = [mine.id, market.id];
    const back = [mine, market].map((socket) => new Promise<void>((resolve) => void socket.once('connect', resolve)));
    for (const socket of [mine, market]) socket.io.engine.close();
    for (let i = 1; i <= 5; i++) await place(i);
    await Promise.all(back);
    assert.deepEqual([mine.recovered, market.recovered, mine.id, market.id], [true, true, ...ids]);
    await place(6);
    await eventually('all of them', () => (orders.length >= 7 ? true : undefined));
    assert.deepEqual(orders.map(({ price }) => price), ['35000', '35001', '35002', '35003', '35004', '35005', '35006'], 'each once');
    await eventually('the book', () => (book.asks.has('35006') ? true : undefined));
    assert.ok([1, 2, 3, 4, 5].every((i) => book.asks.has(String(35_000 + i))));
  });

  test('logging out ends the sockets of the session, and they do not come back', async () => {
    const eve = await venue.register('eve');
    const socket = await connect('/user', eve);
    const [closing, gone] = [next<Doc>(socket, 'closing'), new Promise((resolve) => void socket.once('disconnect', resolve))];
    await eve.expect('POST', '/auth/logout', 204, { body: {} });
    assert.equal((await closing)['code'], 'UNAUTHENTICATED');
    await gone;
    await assert.rejects(connected(client('/user', { auth: { token: eve.token }, reconnection: false })), { code: 'UNAUTHENTICATED' });
  });
});

test('too many messages and too many connections are refused, then the connection ends', { timeout: TIMEOUT_MS }, async () => {
  const server = await startServer({ env: { RATE_LIMITS: 'on', RATE_LIMIT_PER_MINUTE: '300', MAX_CONNECTIONS_PER_ADDRESS: '20' } });
  const open: Socket[] = [];
  const connect = async (): Promise<Socket> => {
    const socket = io(`${server.url}/market`, { transports: ['websocket'], forceNew: true, autoConnect: false, reconnection: false });
    open.push(socket);
    await connected(socket);
    return socket;
  };
  try {
    const socket = await connect();
    const gone = new Promise((resolve) => void socket.once('disconnect', resolve));
    const replies = await Promise.all(Array.from({ length: 100 }, () => call(socket, 'subscribe', { channel: 'trades', symbol: SPOT })));
    assert.equal(replies[0]?.ok, true);
    assert.ok(replies.slice(50).every(({ error }) => error?.code === 'RATE_LIMITED'));
    const closing = next<Doc>(socket, 'closing');
    for (let i = 0; i < 400; i++) socket.emit('subscribe', { channel: 'trades', symbol: SPOT }, () => undefined);
    assert.equal((await closing)['code'], 'RATE_LIMITED');
    await gone;

    const tooMany = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) await connect();
    };
    await assert.rejects(tooMany(), { code: 'RATE_LIMITED' });
    assert.ok(open.filter(({ connected: stays }) => stays).length >= 15);
  } finally {
    for (const socket of open) socket.disconnect();
    await server.dispose();
  }
});
