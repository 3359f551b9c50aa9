import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { NewOrder } from '../engine/commands.ts';
import { JumpClock } from '../../tests/support/jump-clock.ts';
import { MemorySequencer } from '../../tests/support/memory-sequencer.ts';
import { silentLogger, type Logger } from '../observability/logger.ts';
import type { Sequencer } from '../sequencer/sequencer.ts';
import { UnavailableError } from '../utils/errors.ts';
import { LADDER } from './house-ladder.ts';
import { HouseMakers, type HouseParts } from './house.ts';
import { ensureListings } from './listings.ts';

async function venue() {
  const clock = new JumpClock();
  const sequencer = new MemorySequencer(() => clock.now());
  await ensureListings(sequencer);
  const id = (symbol: string) => sequencer.state.market(symbol)?.id ?? assert.fail(symbol);
  const price = (symbol: string, index: number) => sequencer.submit({ type: 'set_prices', prices: [{ market: id(symbol), index }] });
  const depth = (symbol: string) => sequencer.state.depth(id(symbol), 1_000);
  const houseOrders = (symbol: string) => {
    const account = sequencer.state.accountOf(`house:${id(symbol)}`);
    return account === undefined ? [] : sequencer.state.openOrders(account, id(symbol));
  };
  const user = async (name: string) => {
    await sequencer.submit({ type: 'open_account', userId: name, kind: 'user' });
    const account = sequencer.state.accountOf(name) ?? assert.fail();
    for (const wallet of ['spot', 'futures'] as const) await sequencer.submit({ type: 'deposit', account, asset: 'USDT', amount: 10_000_000_000_000, wallet });
    return account;
  };
  return { clock, sequencer, id, price, depth, houseOrders, user };
}

function makers(t: TestContext, { clock, sequencer }: Awaited<ReturnType<typeof venue>>, more: Partial<HouseParts> = {}) {
  const house = new HouseMakers({ sequencer, logger: silentLogger, clock, enabled: true, ...more });
  house.start();
  t.after(() => house.stop());
  return house;
}

const take = (market: number, side: NewOrder['side'], quantity: number): NewOrder => ({
  market, side, type: 'market', price: 0, quantity, timeInForce: 'IOC', postOnly: false, reduceOnly: false, selfTradePrevention: 'expire_taker', clientOrderId: '',
});

test('every market with a price gets a two-sided book within seconds; one without gets none', async (t) => {
  const place = await venue();
  await place.price('BTC-USDT', 650_000);
  await place.price('BTC-USDT-PERP', 650_000);
  makers(t, place);
  await place.clock.pass(5_000);
  for (const symbol of ['BTC-USDT', 'BTC-USDT-PERP']) {
    const { bids, asks } = place.depth(symbol);
    assert.deepEqual([bids.length, asks.length], [LADDER.levels, LADDER.levels], symbol);
    assert.deepEqual([bids[0][0], asks[0][0]], [649_870, 650_130]);
  }
  assert.deepEqual(place.depth('ETH-USDT'), { bids: [], asks: [] });
});

test('all six markets are quoted within two seconds', async (t) => {
  const place = await venue();
  const { markets } = place.sequencer.state;
  for (const { symbol } of markets) await place.price(symbol, 650_000);
  makers(t, place);
  await place.clock.pass(2_000);
  for (const { symbol } of markets) assert.equal(place.houseOrders(symbol).length, 2 * LADDER.levels, symbol);
});

test('makers are ordinary accounts, one per market', async (t) => {
  const place = await venue();
  await place.price('BTC-USDT', 650_000);
  makers(t, place);
  await place.clock.pass(5_000);
  const account = place.sequencer.state.accountOf(`house:${place.id('BTC-USDT')}`) ?? assert.fail();
  assert.equal(place.sequencer.state.kindOf(account), 'house');
  assert.ok(place.houseOrders('BTC-USDT').every(({ postOnly, timeInForce, type }) => postOnly && timeInForce === 'GTC' && type === 'limit'));
});

test('an idle market costs nothing, and a busy one a few commands per second in all', async (t) => {
  const place = await venue();
  const symbols = place.sequencer.state.markets.map(({ symbol }) => symbol);
  for (const symbol of symbols) await place.price(symbol, 650_000);
  makers(t, place);
  await place.clock.pass(20_000);
  const quiet = place.sequencer.commands.length;
  for (let second = 0; second < 60; second++) {
    for (const symbol of symbols) await place.price(symbol, 650_000);
    await place.clock.pass(1_000);
  }
  assert.equal(place.sequencer.commands.length - quiet, 60 * symbols.length, 'only the prices');
  const before = place.sequencer.commands.length;
  for (let second = 0; second < 60; second++) {
    for (const symbol of symbols) await place.price(symbol, 650_000 + second * 500);
    await place.clock.pass(1_000);
  }
  const own = place.sequencer.commands.length - before - 60 * symbols.length;
  assert.ok(own > 60 && own <= 60 * 4, `${own} in a minute`);
});

test('while one command is under way no other is sent', async () => {
  const place = await venue();
  for (const { symbol } of place.sequencer.state.markets) await place.price(symbol, 650_000);
  let calls = 0;
  place.sequencer.submit = () => {
    calls++;
    return new Promise(() => undefined);
  };
  const house = new HouseMakers({ sequencer: place.sequencer, logger: silentLogger, clock: place.clock, enabled: true });
  house.start();
  await place.clock.pass(10_000);
  assert.equal(calls, 1);
});

test('the book follows the index', async (t) => {
  const place = await venue();
  await place.price('BTC-USDT', 650_000);
  makers(t, place);
  await place.clock.pass(5_000);
  await place.price('BTC-USDT', 700_000);
  await place.clock.pass(5_000);
  const { bids, asks } = place.depth('BTC-USDT');
  // What it holds is worth more now, so it leans a little towards selling.
  assert.ok(bids[0][0] > 699_790 && bids[0][0] < 699_860 && asks[0][0] > 700_070 && asks[0][0] < 700_140, `${bids[0][0]} ${asks[0][0]}`);
  assert.equal(bids.length, LADDER.levels);
});

test('after a fill the quote is refilled, and the maker leans against what it took on', async (t) => {
  const place = await venue();
  await place.price('BTC-USDT-PERP', 650_000);
  makers(t, place);
  const taker = await place.user('u1');
  await place.clock.pass(5_000);
  const [best] = place.depth('BTC-USDT-PERP').asks;
  const market = place.id('BTC-USDT-PERP');
  const outcome = await place.sequencer.submit({ type: 'place_order', account: taker, order: take(market, 'buy', best[1] * 3) });
  assert.ok(outcome.ok);
  await place.clock.pass(4_000);
  const { bids, asks } = place.depth('BTC-USDT-PERP');
  assert.equal(asks.length, LADDER.levels);
  assert.ok(asks[0][0] > best[0], 'short: it asks for more');
  assert.ok(bids[0][0] < asks[0][0]);
  const account = place.sequencer.state.accountOf(`house:${market}`) ?? assert.fail();
  assert.equal(place.sequencer.state.position(account, market)?.leverage, 1, 'fully funded');
});

test('a maker whose base was bought up is funded again and goes on quoting', async (t) => {
  const place = await venue();
  await place.price('BTC-USDT', 650_000);
  makers(t, place);
  const taker = await place.user('u1');
  await place.clock.pass(5_000);
  const market = place.id('BTC-USDT');
  for (let round = 0; round < 8; round++) {
    const lots = place.depth('BTC-USDT').asks.reduce((sum, [, quantity]) => sum + quantity, 0);
    await place.sequencer.submit({ type: 'place_order', account: taker, order: take(market, 'buy', Math.floor(lots * 0.9)) });
    await place.clock.pass(6_000);
  }
  assert.equal(place.depth('BTC-USDT').asks.length, LADDER.levels);
});

test('where prices are not to be trusted, the market is closed or the house is switched off there, its orders leave the book', async (t) => {
  const place = await venue();
  const market = place.id('BTC-USDT');
  await place.price('BTC-USDT', 650_000);
  makers(t, place);
  const settled = async () => {
    await place.clock.pass(6_000);
    return place.houseOrders('BTC-USDT').length;
  };
  assert.equal(await settled(), 2 * LADDER.levels);
  await place.sequencer.submit({ type: 'set_safety', market, safety: 'reduce_only', reason: 'silent' });
  assert.equal(await settled(), 0);
  await place.sequencer.submit({ type: 'set_safety', market, safety: 'normal', reason: 'back' });
  assert.equal(await settled(), 2 * LADDER.levels);
  await place.sequencer.submit({ type: 'update_market', market, changes: { house: false } });
  assert.equal(await settled(), 0);
  await place.sequencer.submit({ type: 'update_market', market, changes: { house: true } });
  assert.equal(await settled(), 2 * LADDER.levels);
  await place.sequencer.submit({ type: 'update_market', market, changes: { status: 'halted' } });
  assert.equal(await settled(), 0);
});

test('after a restart it goes on with its accounts and its orders', async (t) => {
  const place = await venue();
  await place.price('BTC-USDT', 650_000);
  const first = makers(t, place);
  await place.clock.pass(10_000);
  await first.stop();
  const before = place.houseOrders('BTC-USDT').map(({ id }) => id);
  const commands = place.sequencer.commands.length;
  makers(t, place);
  await place.clock.pass(10_000);
  assert.deepEqual(place.houseOrders('BTC-USDT').map(({ id }) => id), before);
  assert.equal(place.sequencer.commands.length, commands);
});

test('HOUSE=off takes what stands out of the books and places nothing', async (t) => {
  const place = await venue();
  await place.price('BTC-USDT', 650_000);
  const first = makers(t, place);
  await place.clock.pass(10_000);
  await first.stop();
  makers(t, place, { enabled: false });
  await place.clock.pass(10_000);
  assert.equal(place.houseOrders('BTC-USDT').length, 0);
});

test('an old index is not quoted around', async (t) => {
  const place = await venue();
  await place.price('BTC-USDT', 650_000);
  await place.clock.pass(60_000);
  makers(t, place, { freshMs: 30_000 });
  await place.clock.pass(5_000);
  assert.equal(place.houseOrders('BTC-USDT').length, 0);
  await place.price('BTC-USDT', 650_000);
  await place.clock.pass(5_000);
  assert.equal(place.houseOrders('BTC-USDT').length, 2 * LADDER.levels);
});

test('where a mark was set by hand far from the index, quotes keep within the band of the mark', async (t) => {
  const place = await venue();
  const market = place.id('BTC-USDT-PERP');
  await place.sequencer.submit({ type: 'set_prices', prices: [{ market, index: 650_000, mark: 500_000 }] });
  makers(t, place);
  await place.clock.pass(6_000);
  const { bids, asks } = place.depth('BTC-USDT-PERP');
  assert.equal(bids.length, LADDER.levels);
  assert.ok(asks.length === LADDER.levels && asks[0][0] > 500_000 && asks[0][0] < 525_000);
});

test('why a market is not quoted is said once for each reason, and when it is quoted again', async (t) => {
  const place = await venue();
  const symbol = 'BTC-USDT';
  await place.price(symbol, 650_000);
  const lines: [string, string | undefined, string | undefined][] = [];
  const logger: Logger = { ...silentLogger, warn: (_, fields) => void lines.push(['warn', fields?.['symbol'] as string, fields?.['code'] as string]), info: (message, fields) => void lines.push([message, fields?.['symbol'] as string, undefined]), child: () => logger };
  const { submit } = place.sequencer;
  const after = async (answer: Sequencer['submit']): Promise<unknown[]> => {
    place.sequencer.submit = answer as typeof submit;
    // Several attempts, each a little after the one that failed.
    await place.clock.pass(30_000);
    return lines.splice(0);
  };
  makers(t, place, { logger });
  const full = new UnavailableError('the disk is full');
  assert.deepEqual(await after(() => Promise.reject(full)), [['warn', symbol, 'UNAVAILABLE']]);
  assert.deepEqual(await after(async () => ({ ok: false, code: 'RISK_REJECTED', detail: 'switched off' }) as never), [['warn', symbol, 'RISK_REJECTED']]);
  assert.deepEqual(await after(submit.bind(place.sequencer) as Sequencer['submit']), [['the house quotes again', symbol, undefined]]);
  assert.equal(place.houseOrders(symbol).length, 2 * LADDER.levels);
  // Nothing is to be said of a market that is quoted, nor of one that is closed.
  await place.price(symbol, 651_000);
  await place.sequencer.submit({ type: 'set_safety', market: place.id(symbol), safety: 'reduce_only', reason: 'silent' });
  await place.clock.pass(30_000);
  assert.equal(place.houseOrders(symbol).length, 0);
  assert.deepEqual(lines, []);
});

test('a side of the book that is refused is trouble, single orders of it are not', async (t) => {
  const place = await venue();
  const symbol = 'BTC-USDT';
  const market = place.id(symbol);
  await place.price(symbol, 650_000);
  const codes: unknown[] = [];
  const logger: Logger = { ...silentLogger, warn: (_, fields) => void codes.push(fields?.['code']), child: () => logger };
  const taker = await place.user('u1');
  // In the way of the best ask (650,130), then of all of them.
  const bid = async (price: number) => {
    const outcome = await place.sequencer.submit({ type: 'place_order', account: taker, order: { ...take(market, 'buy', 1_000), type: 'limit', price, timeInForce: 'GTC' } });
    assert.ok(outcome.ok);
  };
  await bid(650_130);
  makers(t, place, { logger });
  await place.clock.pass(10_000);
  const asks = () => place.houseOrders(symbol).filter(({ side }) => side === 'sell').length;
  assert.deepEqual([asks(), codes], [LADDER.levels - 1, []]);
  const far = Math.max(...place.houseOrders(symbol).map(({ price }) => price));
  await place.sequencer.submit({ type: 'cancel_orders', account: place.sequencer.state.accountOf(`house:${market}`) ?? assert.fail(), market });
  await bid(far);
  await place.price(symbol, 650_000);
  await place.clock.pass(10_000);
  assert.deepEqual([asks(), codes], [0, ['POST_ONLY_WOULD_TAKE']]);
});

test('a market quoted in Bitcoin is quoted for the same money', async (t) => {
  const place = await venue();
  const like = place.sequencer.state.market('ETH-USDT') ?? assert.fail();
  await place.sequencer.submit({ type: 'create_market', spec: { ...like, symbol: 'ETH-BTC', quote: 'BTC', tickSize: '0.00001', lotSize: '0.001', minNotional: 0 } });
  await place.price('BTC-USDT', 650_000);
  await place.price('ETH-BTC', 5_000);
  makers(t, place);
  await place.clock.pass(8_000);
  const { quotePerTickLot } = place.sequencer.state.market('ETH-BTC') ?? assert.fail();
  const [[price, lots]] = place.depth('ETH-BTC').bids;
  const dollars = ((price * lots * quotePerTickLot) / 1e8) * 65_000;
  assert.ok(Math.abs(dollars / LADDER.notional - 1) < 0.02, String(dollars));
});
