import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { JumpClock } from '../../tests/support/jump-clock.ts';
import { Machine } from '../../tests/support/machine.ts';
import { MemorySequencer } from '../../tests/support/memory-sequencer.ts';
import { RECORDINGS, skipWithoutRecordings, linesOf } from '../../tests/support/recordings.ts';
import { eventually } from '../../tests/support/wait.ts';
import { parseFeeds } from '../feeds/mode.ts';
import type { PriceSource, SourceListener, Venue } from '../feeds/source.ts';
import { silentLogger, type Logger } from '../observability/logger.ts';
import { createMetrics } from '../observability/metrics.ts';
import type { Clock } from '../utils/clock.ts';
import { UnavailableError } from '../utils/errors.ts';
import { Refusal } from '../types/refusal.ts';
import { Catalog } from './catalog.ts';
import { ensureListings } from './listings.ts';
import { createPriceFeed, type FeedAlert, type PriceFeedParts } from './prices.ts';

/** A source whose ticks the test sends. */
class HandSource implements PriceSource {
  readonly name = 'hand';
  listener: SourceListener | undefined;
  followed: readonly string[] = [];
  /** No sources any more. */
  readonly gone = new Set<string>();
  readonly #clock: Clock;
  readonly #sources: readonly string[];
  readonly #bases: readonly string[];

  constructor(clock: Clock, sources: readonly string[] = ['a', 'b', 'c'], bases: readonly string[] = ['BTC']) {
    this.#clock = clock;
    this.#sources = sources;
    this.#bases = bases;
  }

  venues(base: string): readonly Venue[] {
    return this.#bases.includes(base) ? this.#sources.filter((source) => !this.gone.has(source)).map((source) => ({ source, pair: `${base}-USDT`, kind: 'spot' })) : [];
  }

  async start(listener: SourceListener) {
    this.listener = listener;
  }

  follow(bases: readonly string[]) {
    this.followed = bases;
  }

  async stop() {
    this.listener = undefined;
  }

  /** `venueTimeMs`: by the venues' clocks; default no time. */
  send(price: number, sources = this.#sources, venueTimeMs?: number) {
    const now = this.#clock.now();
    const eventTimeMs = venueTimeMs === undefined ? now : venueTimeMs + this.#clock.leadMs;
    for (const source of sources) this.listener?.onTick({ source, pair: 'BTC-USDT', kind: 'spot', bid: price - 0.1, ask: price + 0.1, last: price, eventTimeMs, receivedTimeMs: now });
  }
}

/** `before`: what has happened when the feed starts. */
type Before = (sequencer: MemorySequencer) => Promise<void>;

async function bench(t: TestContext, more: Partial<PriceFeedParts> = {}, before?: Before) {
  const clock = new JumpClock();
  return { clock, ...(await feedOn(clock, t, more, before)) };
}

async function feedOn(clock: Clock, t: TestContext, more: Partial<PriceFeedParts> = {}, before: Before = async () => undefined) {
  const sequencer = new MemorySequencer(() => clock.now());
  await ensureListings(sequencer);
  await before(sequencer);
  const source = new HandSource(clock);
  const catalog = new Catalog(sequencer.state);
  const metrics = createMetrics();
  const feed = createPriceFeed({ mode: { mode: 'live' }, sequencer, catalog, logger: silentLogger, metrics, clock, source, ...more });
  const alerts: FeedAlert[] = [];
  feed.onAlert((alert) => alerts.push(alert));
  await feed.start();
  t.after(() => feed.stop());
  const market = (symbol: string) => sequencer.state.market(symbol) ?? assert.fail(symbol);
  const index = (symbol: string) => {
    const { units } = catalog.named(symbol);
    return Number(units.formatPrice(sequencer.state.prices(market(symbol).id).index));
  };
  const priceCommands = () => sequencer.commands.filter((command) => command.type === 'set_prices');
  return { sequencer, source, feed, alerts, market, index, priceCommands, metrics };
}

test('prices of several sources become one command for all markets of the pair, in each market’s ticks', async (t) => {
  const { clock, source, index, priceCommands, market } = await bench(t);
  source.send(17_213.04);
  await clock.pass(600);
  assert.equal(priceCommands().length, 1);
  assert.deepEqual(priceCommands()[0], { type: 'set_prices', prices: ['BTC-USDT', 'BTC-USDT-PERP'].map((symbol) => ({ market: market(symbol).id, index: 172_130 })) });
  assert.equal(index('BTC-USDT-PERP'), 17_213);
});

test('a price that does not move is confirmed now and then, not each time', async (t) => {
  const { clock, source, priceCommands } = await bench(t);
  for (let step = 0; step < 60; step++) {
    source.send(100);
    await clock.pass(500);
  }
  assert.ok(priceCommands().length >= 3 && priceCommands().length <= 4, String(priceCommands().length));
});

test('while a command is under way the next ones wait, and the latest price wins', async (t) => {
  const { clock, sequencer, source, priceCommands, index } = await bench(t);
  const submit = sequencer.submit.bind(sequencer);
  let release: () => void = () => undefined;
  sequencer.submit = async (command) => {
    await new Promise<void>((resolve) => { release = resolve; });
    return submit(command);
  };
  for (const price of [100, 101, 102, 103]) {
    source.send(price);
    await clock.pass(500);
  }
  assert.equal(priceCommands().length, 0);
  sequencer.submit = submit;
  release();
  await clock.pass(1_000);
  assert.deepEqual(priceCommands().map((command) => command.type === 'set_prices' && command.prices[0].index), [1_000, 1_030]);
  assert.equal(index('BTC-USDT'), 103);
});

test('silent sources make the market safe by themselves, and normal when they are back; alerts and metrics say so', async (t) => {
  const { clock, source, market, alerts, metrics, feed } = await bench(t);
  const safeties: string[] = [];
  const watch = async (seconds: number, prices: boolean) => {
    for (let second = 0; second < seconds; second++) {
      if (prices) source.send(100 + second / 10);
      await clock.pass(1_000);
      const { safety } = market('BTC-USDT-PERP');
      if (safety !== safeties.at(-1)) safeties.push(safety);
    }
  };
  await watch(10, true);
  assert.deepEqual(feed.health().status, 'ok');
  await watch(60, false);
  assert.deepEqual(feed.health(), { status: 'degraded', detail: 'BTC-USDT is halted, BTC-USDT-PERP is halted' });
  const gauge = await metrics.marketSafety.get();
  assert.deepEqual(gauge.values.filter(({ value }) => value === 2).map(({ labels }) => labels.symbol), ['BTC-USDT', 'BTC-USDT-PERP']);
  await watch(10, true);
  assert.deepEqual(safeties, ['normal', 'reduce_only', 'halted', 'reduce_only', 'normal']);
  const told = alerts.filter(({ subject, name }) => subject === 'market' && name === 'BTC-USDT').map(({ state }) => state);
  assert.deepEqual(told, ['reduce_only', 'halted', 'reduce_only', 'normal']);
  // ETH is known to nobody here: it has no index, and that is no fault.
  assert.equal(market('ETH-USDT-PERP').safety, 'normal');
});

test('a market whose price cannot be counted is made safe by itself, and the others go on', async (t) => {
  const { clock, sequencer, source, market, index, alerts, feed, priceCommands } = await bench(t);
  const perpetual = market('BTC-USDT-PERP').id;
  source.send(100);
  await clock.pass(600);
  await sequencer.submit({ type: 'update_market', market: perpetual, changes: { maxQuantity: 0, house: false } });
  // 5,000,000 BTC at 100 are 500 million USDT; at 1,900 they are 9.5 billion, more than 2^53 millionths of a USDT (9.007 billion).
  for (const [at, side] of (['buy', 'sell'] as const).entries()) {
    const account = 2 + at;
    await sequencer.submit({ type: 'open_account', userId: side, kind: 'user' });
    await sequencer.submit({ type: 'deposit', account, asset: 'USDT', amount: 600_000_000_000_000, wallet: 'futures' });
    await sequencer.submit({ type: 'set_leverage', account, market: perpetual, leverage: 1 });
    const order = {
      market: perpetual, side, type: 'limit', price: 1_000, quantity: 50_000_000_000, timeInForce: 'GTC', postOnly: false, reduceOnly: false, selfTradePrevention: 'none', clientOrderId: '',
    } as const;
    await sequencer.submit({ type: 'place_order', account, order });
  }
  assert.equal(sequencer.state.prices(perpetual).openInterest, 50_000_000_000);

  const safeties: string[] = [];
  const watch = async (price: number, seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      source.send(price + second / 10);
      await clock.pass(1_000);
      assert.equal(index('BTC-USDT'), price + second / 10, 'spot follows');
      const { safety } = market('BTC-USDT-PERP');
      if (safety !== safeties.at(-1)) safeties.push(safety);
    }
  };
  await watch(1_900, 40);
  assert.equal(index('BTC-USDT-PERP'), 100, 'the last one that could be counted');
  assert.deepEqual(feed.health(), { status: 'degraded', detail: 'BTC-USDT-PERP is halted' });
  const refused = priceCommands().filter((command) => command.type === 'set_prices' && command.prices.length > 1 && command.prices[0].index >= 19_000);
  assert.equal(refused.length, 1, 'only the first time both go together');
  // 8.5 billion.
  await watch(1_700, 5);
  assert.equal(index('BTC-USDT-PERP'), 1_700.4);
  assert.deepEqual(safeties, ['reduce_only', 'halted', 'reduce_only', 'normal']);
  const told = alerts.filter(({ subject }) => subject === 'market').map(({ name, state, detail }) => [name, state, detail]);
  const why = 'its prices are refused: At that price open positions are worth more than can be counted.';
  assert.deepEqual(told, [
    ['BTC-USDT-PERP', 'reduce_only', why], ['BTC-USDT-PERP', 'halted', why], ['BTC-USDT-PERP', 'reduce_only', 'its prices are taken again'],
    ['BTC-USDT-PERP', 'normal', '3 of 2 sources needed'],
  ]);
});

/** A feed on a machine whose wall clock may be wrong, and venues whose clocks are right. */
async function onMachine(t: TestContext, wrongByMs = 0) {
  const machine = new Machine();
  const said: string[] = [];
  const logger: Logger = { ...silentLogger, child: () => logger, warn: (message) => void said.push(`warn: ${message.split(':')[0]}`), info: (message) => void said.push(`info: ${message}`) };
  const { source, feed, market, index, metrics } = await feedOn(machine.clock, t, { logger });
  let trueTime = machine.wall - wrongByMs;
  const pass = async (ms: number, price?: number) => {
    for (let left = ms; left > 0; left -= 500) {
      trueTime += 500;
      if (price !== undefined) source.send(price, undefined, trueTime);
      await machine.pass(500);
    }
  };
  /** All of the machine stands still, and has the right time afterwards. */
  const suspend = (ms: number) => {
    trueTime += ms;
    machine.set(ms);
  };
  /** The venues go on sending what they sent last. */
  const freeze = async (ms: number, price: number) => {
    for (let left = ms; left > 0; left -= 500) {
      source.send(price, undefined, trueTime);
      await machine.pass(500);
    }
  };
  const offsets = async () => (await metrics.feedClockOffset.get()).values.map(({ value }) => value);
  const saidOfClocks = () => said.filter((line) => line.includes('the clock of this machine'));
  const oldest = () => Math.max(...feed.sourcesOf('BTC-USDT').map(({ ageMs }) => ageMs));
  return { machine, pass, freeze, suspend, oldest, offsets, saidOfClocks, safety: () => market('BTC-USDT').safety, index: () => index('BTC-USDT') };
}

test('the index goes with its venues although the wall clock is set back', async (t) => {
  const { machine, pass, safety, index } = await onMachine(t);
  await pass(10_000, 100_000);
  assert.equal(index(), 100_000);
  machine.set(-30_000);
  await pass(1_000, 50_000);
  assert.deepEqual([index(), safety()], [50_000, 'normal']);
  await pass(60_000, 51_000);
  assert.deepEqual([index(), safety()], [51_000, 'normal']);
  // Somebody sets it right again.
  machine.set(30_000);
  await pass(1_000, 52_000);
  assert.deepEqual([index(), safety()], [52_000, 'normal']);
});

test('silent venues make the market safe in time although the wall clock is set back', async (t) => {
  const { machine, pass, safety } = await onMachine(t);
  await pass(10_000, 100_000);
  machine.set(-600_000);
  // Prices that came twice a second are stale after 5 s, which are 5.6 s now; the market is halted 30 s later.
  await pass(5_000);
  assert.equal(safety(), 'normal');
  await pass(2_000);
  assert.equal(safety(), 'reduce_only');
  await pass(35_000);
  assert.equal(safety(), 'halted');
});

test('a wall clock that was slow and is set right does not make fresh prices old', async (t) => {
  const { machine, pass, oldest, safety, index } = await onMachine(t, -30_000);
  await pass(90_000, 100_000);
  machine.set(30_000);
  await pass(1_000, 101_000);
  assert.deepEqual([index(), safety()], [101_000, 'normal']);
  assert.ok(oldest() <= 500, String(oldest()));
});

for (const [name, wrongByMs] of [['a hundred seconds', 100_000], ['an hour', 3_600_000]] as const) {
  test(`a wall clock that is ${name} fast costs ten seconds at the start, and is said; set right, it costs nothing`, async (t) => {
    const { machine, pass, oldest, offsets, saidOfClocks, safety, index } = await onMachine(t, wrongByMs);
    await pass(9_500, 100_000);
    assert.equal(index(), 0, 'they might be as old as they seem');
    await pass(3_000, 100_000);
    assert.deepEqual([index(), safety()], [100_000, 'normal']);
    await pass(600_000, 101_000);
    assert.deepEqual([index(), safety()], [101_000, 'normal']);
    assert.ok(oldest() <= 500, String(oldest()));
    assert.deepEqual(saidOfClocks(), ['warn: the clock of this machine is ahead of those of the exchanges']);
    assert.deepEqual(await offsets(), Array(3).fill((wrongByMs - 500) / 1_000));
    machine.set(-wrongByMs);
    await pass(4_000, 102_000);
    assert.deepEqual([index(), safety()], [102_000, 'normal']);
    await pass(15_000, 102_000);
    assert.equal(saidOfClocks()[1], 'info: the clock of this machine agrees with those of the exchanges again');
  });
}

test('a feed that is frozen, or silent, makes the market safe in time although the wall clock is fast', async (t) => {
  for (const way of ['frozen', 'silent']) {
    const { pass, freeze, safety, index } = await onMachine(t, 30_000);
    const stopped = (ms: number) => (way === 'frozen' ? freeze(ms, 50_000) : pass(ms));
    await pass(20_000, 100_000);
    assert.deepEqual([index(), safety()], [100_000, 'normal']);
    await stopped(4_500);
    assert.equal(safety(), 'normal', way);
    await stopped(2_000);
    assert.equal(safety(), 'reduce_only', way);
    // However long it lasts.
    for (let minute = 0; minute < 10; minute++) {
      await stopped(60_000);
      assert.equal(safety(), 'halted', way);
    }
  }
});

test('what venues had sent before the machine was suspended is old, however it arrives afterwards', async (t) => {
  const { pass, machine, freeze, safety, index } = await onMachine(t);
  await pass(20_000, 100_000);
  machine.set(600_000);
  // Its clock is right; all that comes are messages of ten minutes ago.
  await freeze(2_000, 50_000);
  assert.deepEqual([index(), safety()], [100_000, 'reduce_only']);
});

test('prices from before the machine was suspended are old; new ones count at once, and silences are noticed as soon as before', async (t) => {
  const { pass, suspend, safety, index } = await onMachine(t);
  await pass(10_000, 100_000);
  suspend(600_000);
  await pass(500);
  assert.equal(safety(), 'reduce_only');
  await pass(4_000, 90_000);
  assert.deepEqual([index(), safety()], [90_000, 'normal']);
  await pass(6_000);
  assert.equal(safety(), 'reduce_only');
});

test('a restart on a dead feed: what was halted stays halted, what was open is safe at once, what never had an index has its grace', async (t) => {
  const { clock, market } = await bench(t, { source: new HandSource(new JumpClock(), ['a', 'b', 'c'], ['BTC', 'ETH', 'SOL']) }, async (sequencer) => {
    const id = (symbol: string) => sequencer.state.market(symbol)?.id ?? assert.fail(symbol);
    await sequencer.submit({ type: 'set_prices', prices: [{ market: id('BTC-USDT-PERP'), index: 170_000 }, { market: id('ETH-USDT-PERP'), index: 320_000 }] });
    await sequencer.submit({ type: 'set_safety', market: id('BTC-USDT-PERP'), safety: 'halted', reason: 'silent' });
  });
  const seen = new Set<string>();
  for (let step = 0; step < 40; step++) {
    await clock.pass(step === 0 ? 0 : 500);
    seen.add(market('BTC-USDT-PERP').safety);
    if (step === 0) assert.deepEqual(['ETH-USDT-PERP', 'SOL-USDT-PERP'].map((symbol) => market(symbol).safety), ['reduce_only', 'normal']);
  }
  assert.deepEqual([...seen], ['halted']);
});

test('a market whose pair nobody knows any more, but which has an index from before, is made safe', async (t) => {
  const { clock, sequencer, market } = await bench(t);
  await sequencer.submit({ type: 'set_prices', prices: [{ market: market('ETH-USDT').id, index: 320_000 }] });
  await clock.pass(15_000);
  assert.equal(market('ETH-USDT').safety, 'reduce_only');
});

test('a market listed while it runs is followed', async (t) => {
  const { clock, sequencer, source, market } = await bench(t);
  await sequencer.submit({ type: 'create_asset', code: 'DOGE', scale: 8 });
  await sequencer.submit({ type: 'create_market', spec: { ...market('SOL-USDT'), symbol: 'DOGE-USDT', base: 'DOGE', tickSize: '0.00001', lotSize: '1' } });
  assert.ok(source.followed.includes('DOGE'));
  await clock.pass(1_000);
  assert.equal(market('DOGE-USDT').safety, 'normal');
});

test('a sequencer that may not act is tried again', async (t) => {
  const { clock, sequencer, source, index } = await bench(t);
  sequencer.failure = new UnavailableError('the disk is full');
  source.send(100);
  await clock.pass(2_000);
  assert.equal(index('BTC-USDT'), 0);
  sequencer.failure = undefined;
  await clock.pass(1_000);
  assert.equal(index('BTC-USDT'), 100);
});

test('what of a source cannot be used is counted', async (t) => {
  const { source, metrics } = await bench(t);
  for (const name of ['a', 'a', 'b']) source.listener?.onFault(name, new SyntaxError('not JSON'));
  const { values } = await metrics.feedFaults.get();
  assert.deepEqual(values.map(({ labels, value }) => [labels.source, value]), [['a', 2], ['b', 1]]);
});

test('sources of a market are shown as the API has them', async (t) => {
  const { clock, source, feed } = await bench(t);
  source.send(100);
  source.send(150, ['c']);
  await clock.pass(600);
  assert.deepEqual(feed.sourcesOf('BTC-USDT').map(({ ageMs, ...rest }) => ({ ...rest, isAge: Number.isInteger(ageMs) })), [
    { name: 'a:BTC-USDT', price: '100', weight: '0.5', healthy: true, isAge: true },
    { name: 'b:BTC-USDT', price: '100', weight: '0.5', healthy: true, isAge: true },
    { name: 'c:BTC-USDT', price: '150', weight: '0', healthy: false, isAge: true },
  ]);
  assert.deepEqual(feed.sourcesOf('ETH-USDT'), []);
  assert.throws(() => feed.sourcesOf('NO-SUCH'), (error: Refusal) => error.code === 'UNKNOWN_SYMBOL');
  const { sources, indices, mode } = feed.status();
  assert.deepEqual([mode, sources.map(({ name, ticks }) => [name, ticks]), indices.find(({ pair }) => pair === 'BTC-USDT')?.symbols], [
    'live', [['a', 1], ['b', 1], ['c', 2]], ['BTC-USDT', 'BTC-USDT-PERP'],
  ]);
});

test('prices by hand: set at once, only in manual mode, bad ones refused without effect', async (t) => {
  const refused = (code: string) => (error: Error) => error instanceof Refusal && error.code === code;
  const { feed: running } = await bench(t);
  await assert.rejects(running.setManual([{ symbol: 'BTC-USDT', index: '1' }]), refused('CONFLICT'));
  const { feed, sequencer, index, market, priceCommands, clock } = await bench(t, { mode: { mode: 'manual' }, source: undefined });
  await feed.setManual([{ symbol: 'BTC-USDT-PERP', index: '30000', mark: '30012' }, { symbol: 'ETH-USDT', index: '2000.005' }]);
  assert.equal(index('BTC-USDT-PERP'), 30_000);
  assert.equal(sequencer.state.prices(market('BTC-USDT-PERP').id).mark, 300_120);
  assert.equal(index('ETH-USDT'), 2_000.01);
  await assert.rejects(feed.setManual([{ symbol: 'BTC-USDT', index: '1' }, { symbol: 'NO-SUCH', index: '1' }]), refused('UNKNOWN_SYMBOL'));
  await assert.rejects(feed.setManual([{ symbol: 'BTC-USDT', index: '0' }]), refused('VALIDATION_FAILED'));
  assert.equal(priceCommands().length, 1);
  await clock.pass(120_000);
  assert.equal(market('BTC-USDT-PERP').safety, 'normal', 'what was set by hand stays');
});

test('prices by hand: while there are none the health says so, and what to do', async (t) => {
  const { feed } = await bench(t, { mode: { mode: 'manual' }, source: undefined });
  const all = ['BTC-USDT', 'ETH-USDT', 'SOL-USDT', 'BTC-USDT-PERP', 'ETH-USDT-PERP', 'SOL-USDT-PERP'];
  assert.deepEqual(feed.health(), { status: 'degraded', detail: `no price yet: ${all.join(', ')}; set them with POST /api/v1/admin/prices` });
  await feed.setManual([{ symbol: 'BTC-USDT', index: '30000' }]);
  assert.deepEqual(feed.health(), { status: 'ok', detail: `prices from hand; no price yet: ${all.slice(1).join(', ')}` }, 'a market may be left without');
  await feed.setManual(all.map((symbol) => ({ symbol, index: '30000' })));
  assert.deepEqual(feed.health(), { status: 'ok', detail: 'prices from hand' });
});

test('a source that is not asked any more has no circuit, health or reliability, and is shown as stopped', async (t) => {
  const { clock, source, feed, metrics } = await bench(t);
  const series = async (): Promise<string[]> => (await metrics.registry.metrics()).split('\n').filter((line) => /^bourse_feed_(?:circuit_open|clock_offset_seconds|healthy|reliability)\{.*source="b"/.test(line)).map((line) => line.split('{')[0] as string);
  source.listener?.onState('b', 'circuit_open', 'unreachable');
  source.send(100);
  await clock.pass(600);
  assert.deepEqual((await series()).sort(), ['bourse_feed_circuit_open', 'bourse_feed_clock_offset_seconds', 'bourse_feed_healthy', 'bourse_feed_reliability']);
  source.gone.add('b');
  source.listener?.onReset('others are asked');
  source.listener?.onState('b', 'stopped', 'not asked any more');
  source.send(101, ['a', 'c']);
  await clock.pass(1_200);
  assert.deepEqual(await series(), []);
  assert.deepEqual(feed.status().sources.map(({ name, state }) => [name, state]).find(([name]) => name === 'b'), ['b', 'stopped']);
});

test('manual mode frees markets that a feed left halted', async (t) => {
  const clock = new JumpClock();
  const sequencer = new MemorySequencer(() => clock.now());
  await ensureListings(sequencer);
  await sequencer.submit({ type: 'set_safety', market: 0, safety: 'halted', reason: 'silent' });
  const feed = createPriceFeed({ mode: { mode: 'manual' }, sequencer, catalog: new Catalog(sequencer.state), logger: silentLogger, metrics: createMetrics(), clock });
  await feed.start();
  t.after(() => feed.stop());
  await clock.pass(1_000);
  assert.equal(sequencer.state.markets[0].safety, 'normal');
});

test('simulated prices go on where the last run left them', async (t) => {
  const { sequencer, market, clock } = await bench(t, { mode: { mode: 'manual' }, source: undefined });
  await sequencer.submit({ type: 'set_prices', prices: [{ market: market('BTC-USDT').id, index: 170_000 }] });
  const feed = createPriceFeed({ mode: parseFeeds('simulated:3'), sequencer, catalog: new Catalog(sequencer.state), logger: silentLogger, metrics: createMetrics(), clock });
  await feed.start();
  t.after(() => feed.stop());
  await clock.pass(3_000);
  const { index } = sequencer.state.prices(market('BTC-USDT').id);
  assert.ok(index !== 170_000 && Math.abs(index / 170_000 - 1) < 0.01, String(index));
});

test('a replay ages as fast as it plays: what is silent for a recorded minute is stale, at any speed', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'prices-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'prices'));
  const midnight = Date.parse('2022-12-13');
  const every = (seconds: number, from: number, to: number) =>
    Array.from({ length: (to - from) / seconds }, (_, at) => `${midnight + (from + at * seconds) * 1_000},17000\n`).join('');
  writeFileSync(join(root, 'prices/2022-12-13-btcusdt-one.csv'), every(2, 0, 1_200));
  writeFileSync(join(root, 'prices/2022-12-13-btcusdt-two.csv'), every(2, 0, 300) + every(2, 600, 1_200));
  const safeties = async (speed: number) => {
    const clock = new JumpClock();
    const sequencer = new MemorySequencer(() => clock.now());
    await ensureListings(sequencer);
    const feed = createPriceFeed({
      mode: parseFeeds(`replay:${root}@${speed}`), sequencer, catalog: new Catalog(sequencer.state), logger: silentLogger, metrics: createMetrics(), clock, everyMs: 500 / speed,
    });
    const begun = clock.now();
    await feed.start();
    // Three wait on the clock: the replay, the feed and this.
    await clock.pass(1_100_000 / speed, () => 3);
    await feed.stop();
    return sequencer.records.flatMap(({ time, events }) => events.flatMap((event) =>
      (event.type === 'market_updated' && event.market.symbol === 'BTC-USDT' ? [`${event.market.safety} ${Math.round(((time - begun) * speed) / 10_000)}`] : [])));
  };
  // Four gaps of two seconds after 300 s it is stale, 30 s later halted, at 600 s back and two seconds later normal; in tens of seconds.
  const expected = ['reduce_only 31', 'halted 34', 'reduce_only 60', 'normal 60'];
  assert.deepEqual(await safeties(1), expected);
  assert.deepEqual(await safeties(60), expected);
});

test('2022-12-13 at 60 times real speed: the index stays with its sources through the CPI release, and the markets are safe after the end', { skip: skipWithoutRecordings }, async () => {
  const clock = new JumpClock();
  const sequencer = new MemorySequencer(() => clock.now());
  await ensureListings(sequencer);
  const catalog = new Catalog(sequencer.state);
  const feed = createPriceFeed({ mode: parseFeeds(`replay:${RECORDINGS}?day=2022-12-13@60`), sequencer, catalog, logger: silentLogger, metrics: createMetrics(), clock });
  const market = sequencer.state.market('BTC-USDT-PERP') ?? assert.fail();
  const begun = clock.now();
  const alerts: FeedAlert[] = [];
  feed.onAlert((alert) => alerts.push(alert));
  await feed.start();
  let ended = false;
  feed.onAlert(({ state }) => { ended ||= state === 'ended'; });
  // Two wait on the clock: the replay for its next message, the feed for its next look.
  await clock.until(() => ended, () => 2);
  const played = clock.now() - begun;
  await clock.pass(60_000);
  await feed.stop();

  // A day less the last minute's second, at 60 times: 24 minutes.
  assert.ok(Math.abs(played / 60_000 - 24) < 0.1, String(played));
  const minutes = new Map<number, number[]>();
  const safeties: string[] = [];
  for (const { time, events } of sequencer.records) {
    for (const event of events) {
      if (event.type === 'prices_updated' && event.market === market.id) {
        const minute = Math.floor(((time - begun) * 60) / 60_000);
        minutes.set(minute, [...(minutes.get(minute) ?? []), event.index / 10]);
      } else if (event.type === 'market_updated' && event.market.id === market.id) safeties.push(event.market.safety);
    }
  }
  const bars = linesOf('klines/2022-12-13-btcusdt-bybit-1m.csv.gz').slice(1).map((line) => line.split(',').map(Number));
  for (const [at, [, , high, low]] of bars.entries()) {
    // A look may come half a second (half a minute of that day) after the price.
    const [from, to] = [Math.min(low, bars[at - 1]?.[3] ?? low), Math.max(high, bars[at - 1]?.[2] ?? high)];
    for (const index of minutes.get(at) ?? []) assert.ok(index >= from - 0.1 && index <= to + 0.1, `minute ${at}: ${index} outside ${from}…${to}`);
  }
  assert.ok(minutes.size > 1_400, `${minutes.size} minutes with an index`);
  const reached = Math.max(...[...minutes.values()].flat());
  assert.ok(reached > 17_900, `the jump at 13:30 reached ${reached}`);
  // Normal all day; once the recording ended reduce_only, then halted.
  assert.deepEqual(safeties, ['reduce_only', 'halted']);
  // At 12:00 the perpetuals of Bybit ended, and were seen to.
  const gone = alerts.filter(({ subject, state }) => subject === 'source' && state === 'ended').map(({ name }) => name);
  assert.deepEqual(gone.sort(), ['binance', 'binance_coinm', 'bybit']);
  await eventually('the last word is safe', () => sequencer.state.market('BTC-USDT')?.safety === 'halted' || undefined);
});

test('2024-08-08 at 60 times real speed: captures of three venues whose clocks are ahead make a healthy index', { skip: skipWithoutRecordings }, async () => {
  const clock = new JumpClock();
  const sequencer = new MemorySequencer(() => clock.now());
  await ensureListings(sequencer);
  const feed = createPriceFeed({
    mode: parseFeeds(`replay:${RECORDINGS}?day=2024-08-08&to=23:56@60`), sequencer, catalog: new Catalog(sequencer.state), logger: silentLogger, metrics: createMetrics(), clock,
  });
  let ended = false;
  feed.onAlert(({ state }) => { ended ||= state === 'ended'; });
  await feed.start();
  await clock.until(() => ended, () => 2);
  const offsets = feed.status().sources.map(({ name, rejected, ticks }) => ({ name, rejected, many: ticks > 1_000 }));
  await feed.stop();
  assert.deepEqual(offsets.map(({ name }) => name).sort(), ['binance', 'binance_coinm', 'binance_usdm']);
  for (const { name, rejected, many } of offsets) assert.ok(many && rejected === 0, `${name}: ${rejected} rejected`);
  // Facts of the recordings: trades between 61,583.22 and 61,860.80, and 2,679 and 2,685.37.
  const seen = (symbol: string) => Number(new Catalog(sequencer.state).named(symbol).units.formatPrice(sequencer.state.prices(sequencer.state.market(symbol)?.id ?? -1).index));
  assert.ok(seen('BTC-USDT') >= 61_583.2 && seen('BTC-USDT') <= 61_860.8, String(seen('BTC-USDT')));
  assert.ok(seen('ETH-USDT') >= 2_679 && seen('ETH-USDT') <= 2_685.4, String(seen('ETH-USDT')));
  assert.equal(seen('SOL-USDT'), 0);
});
