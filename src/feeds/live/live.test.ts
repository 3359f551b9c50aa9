import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { eventually } from '../../../tests/support/wait.ts';
import { silentLogger } from '../../observability/logger.ts';
import { SteadyClock, type Clock } from '../../utils/clock.ts';
import { AutoSource } from '../auto.ts';
import type { UnifiedTicker } from '../normalisers/ccxt.ts';
import { SimulatedSource } from '../simulated.ts';
import type { PriceSource, SourceListener, Tick } from '../source.ts';
import type { ExchangeClient, Markets } from './client.ts';
import type { ExchangeTimes } from './exchange.ts';
import { LIVE_EXCHANGES, LiveSource } from './source.ts';

/** An exchange as ccxt gives them, whose updates come when the test says so. */
class FakeExchange implements ExchangeClient {
  readonly has: Record<string, boolean> = { watchBidsAsks: true, fetchTickers: true };
  readonly bidsasks: Record<string, UnifiedTicker> = {};
  readonly tickers = {};
  readonly clients: Record<string, { close(): unknown }> = {};
  readonly followed: string[][] = [];
  closed = false;
  polls = 0;
  /** Markets that it was given instead of loading them. */
  given: Markets | undefined;
  #waiting: { resolve: () => void; reject: (error: Error) => void } | undefined;
  readonly #markets: readonly string[];

  constructor(markets: readonly string[] = ['BTC/USDT', 'ETH/USDT']) {
    this.#markets = markets;
  }

  async loadMarkets(): Promise<Markets> {
    return Object.fromEntries(this.#markets.map((symbol) => [symbol, { symbol, spot: !symbol.includes(':'), active: true }]));
  }

  setMarkets(markets: Markets) {
    this.given = markets;
  }

  watchBidsAsks(symbols: string[]): Promise<void> {
    this.followed.push(symbols);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  watchTickers(symbols: string[]) {
    return this.watchBidsAsks(symbols);
  }

  async fetchTickers(symbols: string[]) {
    this.polls++;
    return Object.fromEntries(symbols.map((symbol) => [symbol, { symbol, bid: 50, ask: 51 }]));
  }

  async fetchTicker(symbol: string): Promise<UnifiedTicker> {
    return { symbol };
  }

  async close() {
    this.closed = true;
    this.fail('closed by the client');
  }

  get waits(): boolean {
    return this.#waiting !== undefined;
  }

  async send(...tickers: UnifiedTicker[]) {
    await eventually('the exchange is watched', () => this.#waiting);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const ticker of tickers) this.bidsasks[ticker.symbol ?? ''] = ticker;
    waiting?.resolve();
  }

  fail(message: string) {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(new Error(message));
  }
}

const systemClock = new SteadyClock();
const QUICK: Partial<ExchangeTimes> = { silenceMs: 5_000, pollEveryMs: 5, backoffMs: [1, 20], circuitMs: 40 };

function record() {
  const ticks: Tick[] = [];
  const states: string[] = [];
  const resets: string[] = [];
  const faults: string[] = [];
  const listener: SourceListener = {
    onTick: (tick) => ticks.push(tick),
    onState: (source, state) => states.push(`${source} ${state}`),
    onFault: (source, error) => faults.push(`${source}: ${error instanceof Error ? error.message : String(error)}`),
    onReset: (reason) => resets.push(reason),
  };
  return { ticks, states, resets, faults, listener };
}

async function live(t: TestContext, factory: (exchange: string) => Promise<ExchangeClient>, times: Partial<ExchangeTimes> = QUICK, clock: Clock = systemClock) {
  const source = new LiveSource({ clock, logger: silentLogger, exchanges: ['binance'], factory, times });
  const seen = record();
  source.follow(['BTC', 'ETH']);
  await source.start(seen.listener);
  t.after(() => source.stop());
  return { source, ...seen };
}

test('five exchanges at least, all of which ccxt knows with a socket', async () => {
  const { default: ccxt } = await import('ccxt');
  for (const name of LIVE_EXCHANGES) {
    const exchange = new (ccxt.pro as unknown as Record<string, new () => ExchangeClient>)[name]();
    assert.ok(exchange.has.watchBidsAsks === true || exchange.has.watchTickers === true, name);
  }
  assert.ok(LIVE_EXCHANGES.length >= 5);
});

test('updates of an exchange become ticks of its pairs', async (t) => {
  const exchange = new FakeExchange();
  const { source, ticks, states } = await live(t, async () => exchange);
  assert.deepEqual(source.venues('BTC').map(({ source: name, pair }) => `${name} ${pair}`), ['binance BTC-USDT'], 'hoped for before it is known');
  await exchange.send({ symbol: 'BTC/USDT', bid: 100, ask: 101, bidVolume: 2, timestamp: 5 }, { symbol: 'ETH/USDT' });
  await eventually('a tick', () => ticks[0]);
  const { receivedTimeMs } = ticks[0];
  assert.deepEqual(ticks[0], { source: 'binance', pair: 'BTC-USDT', kind: 'spot', bid: 100, ask: 101, bidSize: 2, eventTimeMs: 5, receivedTimeMs });
  assert.equal(ticks.length, 1, 'a ticker without a price is none');
  assert.deepEqual(states, ['binance connected']);
  assert.deepEqual(exchange.followed[0], ['BTC/USDT', 'ETH/USDT']);
});

test('what an exchange says of the time is moved by as much as our clock is ahead of the wall clock', async (t) => {
  const exchange = new FakeExchange();
  let wall = 1_700_000_000_000;
  const clock = new SteadyClock({ wall: () => wall, monotonic: () => 0 });
  const { ticks } = await live(t, async () => exchange, QUICK, clock);
  wall -= 600_000;
  await exchange.send({ symbol: 'BTC/USDT', bid: 100, ask: 101, timestamp: wall - 40 });
  const { eventTimeMs, receivedTimeMs } = await eventually('a tick', () => ticks[0]);
  assert.deepEqual([receivedTimeMs, eventTimeMs], [1_700_000_000_000, 1_700_000_000_000 - 40]);
});

test('without a Tether pair the dollar pair is followed; the rate between the two always', async (t) => {
  const exchange = new FakeExchange(['BTC/USD', 'USDT/USD', 'ETH/USDC', 'BTC/USD:BTC']);
  const { source } = await live(t, async () => exchange);
  await eventually('the exchange is watched', () => exchange.waits || undefined);
  assert.deepEqual(exchange.followed[0], ['USDT/USD', 'BTC/USD', 'ETH/USDC']);
  assert.deepEqual([...source.venues('BTC'), ...source.venues('DOGE')].map(({ pair }) => pair), ['BTC-USD']);
});

test('a market listed later is followed too', async (t) => {
  const exchange = new FakeExchange(['BTC/USDT', 'SOL/USDT']);
  const { source } = await live(t, async () => exchange);
  await eventually('the exchange is watched', () => exchange.waits || undefined);
  source.follow(['BTC', 'SOL']);
  await exchange.send({ symbol: 'BTC/USDT', bid: 1, ask: 2 });
  assert.deepEqual(await eventually('SOL is followed', () => exchange.followed.find((symbols) => symbols.includes('SOL/USDT'))), ['BTC/USDT', 'SOL/USDT']);
});

test('after a fault it connects anew with a new client', async (t) => {
  const made: FakeExchange[] = [];
  const { ticks, states, faults } = await live(t, async () => {
    made.push(new FakeExchange());
    return made[made.length - 1];
  });
  await eventually('a client', () => made[0]);
  await made[0].send({ symbol: 'BTC/USDT', bid: 1, ask: 2 });
  await eventually('watched again', () => made[0].waits || undefined);
  made[0].fail('socket hang up');
  const second = await eventually('a second client', () => made[1]);
  assert.ok(made[0].closed);
  await second.send({ symbol: 'BTC/USDT', bid: 3, ask: 4 });
  await eventually('its tick', () => ticks.find(({ bid }) => bid === 3));
  assert.deepEqual(states, ['binance connected', 'binance disconnected', 'binance connected']);
  assert.deepEqual(faults, ['binance: socket hang up']);
});

test('an exchange that cannot be reached opens its circuit; when it is back, the circuit closes', async (t) => {
  let reachable = false;
  let attempts = 0;
  const exchange = new FakeExchange();
  const { ticks, states } = await live(t, async () => {
    attempts++;
    if (!reachable) throw new Error('getaddrinfo ENOTFOUND');
    return exchange;
  });
  await eventually('the circuit opens', () => states.includes('binance circuit_open') || undefined);
  const before = attempts;
  reachable = true;
  await eventually('it is tried again', () => attempts > before || undefined);
  await eventually('ticks', async () => {
    if (exchange.waits) await exchange.send({ symbol: 'BTC/USDT', bid: 1, ask: 2 });
    return ticks[0];
  });
  assert.equal(states.at(-1), 'binance connected');
  assert.equal(exchange.polls, 0, 'what could not be reached says nothing against its socket');
});

test('where only the socket fails, REST takes over', async (t) => {
  const made: FakeExchange[] = [];
  const { ticks } = await live(t, async () => {
    const exchange = new FakeExchange();
    exchange.watchBidsAsks = () => Promise.reject(new Error('socket refused'));
    made.push(exchange);
    return exchange;
  });
  await eventually('a polled tick', () => ticks.find(({ bid }) => bid === 50));
  assert.ok(made.some(({ polls }) => polls > 0));
});

/** Clients that are made one after the other; `made` sees each before it is used. */
function clients(made: (exchange: FakeExchange) => void, markets?: () => readonly string[]) {
  const all: FakeExchange[] = [];
  const factory = async () => {
    const exchange = new FakeExchange(markets?.());
    made(exchange);
    all.push(exchange);
    return exchange;
  };
  return { all, factory };
}

const sendTo = (exchange: FakeExchange, bid: number) => exchange.send({ symbol: 'BTC/USDT', bid, ask: bid + 1 });

test('after a fault the markets are asked for again: one that was delisted is dropped, the others go on', async (t) => {
  let listed = ['BTC/USDT', 'ETH/USDT'];
  const { all, factory } = clients((exchange) => {
    const watch = exchange.watchBidsAsks.bind(exchange);
    exchange.watchBidsAsks = async (symbols) => {
      const unknown = symbols.find((symbol) => !listed.includes(symbol));
      if (unknown !== undefined) throw new Error(`binance does not have market symbol ${unknown}`);
      return watch(symbols);
    };
  }, () => listed);
  const { source, ticks } = await live(t, factory);
  await eventually('both are followed', () => all[0]?.followed[0]?.length === 2 || undefined);
  listed = ['BTC/USDT'];
  await sendTo(all[0], 1);
  await eventually('only the other is followed', () => all.at(-1)?.followed.at(-1)?.join() === 'BTC/USDT' || undefined);
  await sendTo(all.at(-1) ?? assert.fail(), 7);
  await eventually('its tick', () => ticks.find(({ bid }) => bid === 7));
  assert.deepEqual(source.venues('ETH'), []);
});

test('markets are asked for now and then while all is well, beside the updates', async (t) => {
  let listed = ['BTC/USDT', 'ETH/USDT'];
  const { all, factory } = clients(() => undefined, () => listed);
  const { source } = await live(t, factory, { ...QUICK, marketsEveryMs: 0 });
  await eventually('both are followed', () => all[0]?.followed[0]?.length === 2 || undefined);
  listed = ['BTC/USDT', 'ETH/USD'];
  await eventually('the other pair is followed', async () => {
    await sendTo(all[0], 1);
    return all[0].followed.at(-1)?.join() === 'BTC/USDT,ETH/USD' || undefined;
  });
  assert.deepEqual(source.venues('ETH').map(({ pair }) => pair), ['ETH-USD']);
  assert.deepEqual(Object.keys(all[0].given ?? {}), listed, 'it knows what it is to follow');
  assert.ok(!all[0].closed && all[1].closed, 'the client that asked is closed, the one that delivers is not');
});

test('an exchange whose requests fail as well is watched again', async (t) => {
  let socketWorks = false;
  let polls = 0;
  const { all, factory } = clients((exchange) => {
    if (!socketWorks) exchange.watchBidsAsks = () => Promise.reject(new Error('socket refused'));
    exchange.fetchTickers = async () => {
      polls++;
      throw new Error('403 Forbidden');
    };
  });
  const { ticks } = await live(t, factory);
  await eventually('requests are tried', () => polls > 0 || undefined);
  socketWorks = true;
  await eventually('it is watched', () => all.find(({ waits }) => waits));
  await sendTo(all.find(({ waits }) => waits) ?? assert.fail(), 7);
  await eventually('its tick', () => ticks.find(({ bid }) => bid === 7));
});

test('markets that cannot be asked for are no fault of the socket, and those of before serve it', async (t) => {
  let reachable = true;
  const { all, factory } = clients((exchange) => {
    if (!reachable) exchange.loadMarkets = () => Promise.reject(new Error('503 Service Unavailable'));
  });
  const { ticks } = await live(t, factory);
  await eventually('a client', () => all[0]?.waits || undefined);
  for (let fault = 0; fault < 5; fault++) {
    reachable = false;
    const before = all.length;
    all.at(-1)?.fail('socket hang up');
    const next = await eventually('the next client is watched', () => all.slice(before).find(({ waits }) => waits));
    assert.deepEqual(Object.keys(next.given ?? {}), ['BTC/USDT', 'ETH/USDT']);
    await sendTo(next, fault);
    await eventually('watched on', () => next.waits || undefined);
  }
  assert.ok(all.every(({ polls }) => polls === 0) && ticks.length > 0);
});

test('a connection without any update is dead after a while', async (t) => {
  const { states } = await live(t, async () => new FakeExchange(), { ...QUICK, silenceMs: 30 });
  await eventually('it is given up', () => states.find((state) => state !== 'binance connected'));
});

test('after stop nothing comes any more', async (t) => {
  const exchange = new FakeExchange();
  exchange.close = async () => undefined;
  const { source, ticks } = await live(t, async () => exchange);
  await eventually('the exchange is watched', () => exchange.waits || undefined);
  const stopped = source.stop();
  await exchange.send({ symbol: 'BTC/USDT', bid: 1, ask: 2 });
  await stopped;
  assert.deepEqual(ticks, []);
});

async function auto(t: TestContext, factory: (exchange: string) => Promise<ExchangeClient>) {
  let giveUp: (() => void) | undefined;
  const clock: Clock = {
    now: () => systemClock.now(),
    leadMs: 0,
    onJump: () => () => undefined,
    after: (_, run) => {
      giveUp = run;
      return () => { giveUp = undefined; };
    },
  };
  const liveSource: PriceSource = new LiveSource({ clock: systemClock, logger: silentLogger, exchanges: ['binance'], factory, times: QUICK });
  const source = new AutoSource({ live: liveSource, simulated: new SimulatedSource({ seed: 1, clock: systemClock }), clock, logger: silentLogger });
  const seen = record();
  source.follow(['BTC']);
  await source.start(seen.listener);
  t.after(() => source.stop());
  return { source, ...seen, giveUp: () => giveUp };
}

test('auto: simulated when no exchange can be reached, from a clean slate', async (t) => {
  const { source, ticks, states, resets, giveUp } = await auto(t, async () => { throw new Error('no network'); });
  assert.equal(source.name, 'live');
  await eventually('it is known to be away', () => states[0]);
  giveUp()?.();
  await eventually('simulated ticks', () => ticks[0]);
  assert.equal(source.name, 'simulated');
  assert.equal(resets.length, 1);
  assert.equal(ticks[0].source, 'alpha');
  await eventually('the exchange is told to be no source any more', () => states.includes('binance stopped') || undefined);
});

test('auto: live once one was reached, and it stays live when that fails', async (t) => {
  const made: FakeExchange[] = [];
  const { source, ticks, states, giveUp } = await auto(t, async () => {
    if (made.length > 0) throw new Error('gone');
    made.push(new FakeExchange());
    return made[0];
  });
  await eventually('a client', () => made[0]);
  await made[0].send({ symbol: 'BTC/USDT', bid: 1, ask: 2 });
  await eventually('a tick', () => ticks[0]);
  await eventually('watched again', () => made[0].waits || undefined);
  made[0].fail('gone');
  await eventually('it is known to be gone', () => states.find((state) => state === 'binance disconnected'));
  assert.equal(giveUp(), undefined, 'nothing waits to replace it');
  assert.equal(source.name, 'live');
});
