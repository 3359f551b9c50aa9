import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, connected, next, SocketWorld } from '../../tests/support/socket-world.ts';
import { eventually } from '../../tests/support/wait.ts';
import type { PriceTick } from '../services/market-stream.ts';

let world: SocketWorld;
before(async () => {
  world = await SocketWorld.start();
});
after(() => world.close());

const SYMBOLS = { symbols: ['BTC-USDT'] };

test('a subscription starts from the current prices and goes on with the latest of each batch', async () => {
  world.commit(world.make.priced(200, 202));
  const socket = await world.connect('/prices');
  const { data } = await call(socket, 'subscribe', SYMBOLS);
  assert.deepEqual(data, [{ symbol: 'BTC-USDT', index: '100', mark: '101', last: null, ts: 1_700_000_000_000 + world.make.seq }]);
  const batch = next<PriceTick[]>(socket, 'prices');
  world.commit(world.make.priced(204, 204));
  world.commit(world.make.priced(206, 208), world.make.accepted('sell', 210, 1), world.make.trade('buy', 210, 1));
  const ticks = await batch;
  assert.equal(ticks.length, 1);
  assert.deepEqual({ ...ticks[0], ts: 0 }, { symbol: 'BTC-USDT', index: '103', mark: '104', last: '105', ts: 0 });
});

test('prices that did not move are not sent, and nothing after unsubscribe', async () => {
  const [socket, witness] = [await world.connect('/prices'), await world.connect('/prices')];
  let heard = 0;
  socket.on('prices', () => heard++);
  for (const one of [socket, witness]) await call(one, 'subscribe', SYMBOLS);
  const { data } = await call(socket, 'unsubscribe');
  assert.deepEqual(data, []);
  const told: PriceTick[][] = [];
  witness.on('prices', (ticks: PriceTick[]) => told.push(ticks));
  world.commit(world.make.priced(300, 300));
  world.commit(world.make.priced(300, 300));
  await eventually('the batch', () => told[0]);
  world.commit(world.make.priced(300, 300));
  world.commit(world.make.priced(302, 300));
  await eventually('the next batch', () => told[1]);
  assert.deepEqual(told.map(([tick]) => tick.index), ['150', '151']);
  assert.equal(heard, 0);
});

test('an unknown market is refused and changes nothing', async () => {
  const socket = await world.connect('/prices');
  await call(socket, 'subscribe', SYMBOLS);
  assert.equal((await call(socket, 'subscribe', { symbols: ['BTC-USDT', 'DOGE-USDT'] })).error?.code, 'UNKNOWN_SYMBOL');
  const told = next<PriceTick[]>(socket, 'prices');
  world.commit(world.make.priced(310, 310));
  assert.equal((await told)[0].index, '155');
});

test('who is back within the window gets the current prices and goes on', async () => {
  const socket = await world.connect('/prices', { reconnection: false });
  await call(socket, 'subscribe', SYMBOLS);
  const first = next(socket, 'prices');
  world.commit(world.make.priced(320, 320));
  await first;
  const lost = next(socket, 'disconnect');
  socket.io.engine.close();
  await lost;
  world.commit(world.make.priced(330, 330));
  const heard: (string | null)[] = [];
  socket.on('prices', ([tick]: PriceTick[]) => heard.push(tick.index));
  await connected(socket);
  assert.equal(socket.recovered, true);
  await eventually('the current price', () => heard.at(-1) === '165' || undefined);
  world.commit(world.make.priced(340, 340));
  await eventually('the next price', () => heard.at(-1) === '170' || undefined);
});
