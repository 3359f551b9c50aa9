import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JumpClock } from '../../tests/support/jump-clock.ts';
import { Aggregator } from './aggregator.ts';
import { SimulatedSource } from './simulated.ts';
import type { SourceListener, Tick } from './source.ts';

function simulate(seed: number, steps: number, startPrices?: Record<string, number>) {
  const source = new SimulatedSource({ seed, clock: new JumpClock(), startPrices });
  const ticks: Tick[] = [];
  const states: string[] = [];
  const listener: SourceListener = { onTick: (tick) => ticks.push(tick), onState: (venue, state) => states.push(`${venue} ${state}`), onFault: () => undefined, onReset: () => undefined };
  for (let step = 0; step < steps; step++) source.advance(listener);
  return { source, ticks, states };
}

const lasts = (ticks: readonly Tick[], venue: string, pair: string) => ticks.filter((tick) => tick.source === venue && tick.pair === pair).map((tick) => tick.last as number);

test('the same seed gives the same ticks, another seed others', () => {
  assert.deepEqual(simulate(7, 200).ticks, simulate(7, 200).ticks);
  assert.notDeepEqual(simulate(7, 20).ticks, simulate(8, 20).ticks);
});

test('it begins where it is told, so that a restart does not make prices jump', () => {
  const [first] = lasts(simulate(7, 1, { BTC: 17_000 }).ticks, 'alpha', 'BTC-USDT');
  assert.ok(Math.abs(first / 17_000 - 1) < 0.01, String(first));
});

test('venues are imperfect: outages come and end, wrong prints happen, quotes are never crossed', () => {
  // About eighty minutes.
  const { ticks, states } = simulate(3, 20_000);
  assert.ok(states.some((state) => state.endsWith('disconnected')) && states.some((state) => state.endsWith(' connected')), 'no outage');
  const alpha = lasts(ticks, 'alpha', 'BTC-USDT');
  const delta = lasts(ticks, 'delta', 'BTC-USDT');
  const [low, high] = [Math.min(...alpha), Math.max(...alpha)];
  assert.ok(delta.some((price) => price < low * 0.95 || price > high * 1.05), 'no wrong print');
  for (const { bid, ask } of ticks) assert.ok((bid as number) < (ask as number));
});

test('the walk moves as much as its volatility says: 240 % a year for BTC', () => {
  const closes = lasts(simulate(11, 40_000).ticks, 'alpha', 'BTC-USDT');
  // A minute is 240 steps; jumps are left out by the median of the squares (0.4549 of a chi-squared's mean).
  const returns = closes.filter((_, at) => at % 240 === 0).map((price, at, all) => (at === 0 ? 0 : Math.log(price / all[at - 1]))).slice(1);
  const squares = returns.map((value) => value ** 2).sort((a, b) => a - b);
  const yearly = Math.sqrt((squares[squares.length >> 1] / 0.4549) * 525_600);
  assert.ok(yearly > 1.8 && yearly < 3.2, String(yearly));
});

test('it serves its assets and knows no others', () => {
  const { source } = simulate(1, 1);
  assert.equal(source.venues('BTC').length, 5);
  assert.deepEqual(source.venues('DOGE'), []);
});

test('on a machine whose clock is a minute fast its venues, with their outages and delays, make the same index as on one whose clock is right, but for the beginning', async () => {
  const indices = async (fastMs: number): Promise<(number | undefined)[]> => {
    const clock = new JumpClock();
    const source = new SimulatedSource({ seed: 3, clock });
    const aggregator = new Aggregator();
    const listener: SourceListener = {
      onTick: (tick) => aggregator.observe({ ...tick, eventTimeMs: tick.eventTimeMs === undefined ? undefined : tick.eventTimeMs - fastMs }),
      onState: () => undefined, onFault: () => undefined, onReset: () => undefined,
    };
    const found: (number | undefined)[] = [];
    // Twenty minutes.
    for (let step = 0; step < 4_800; step++) {
      source.advance(listener);
      const { index, live } = aggregator.evaluate('BTC-USDT', clock.now(), 5);
      found.push(live ? index : undefined);
      await clock.pass(250, () => 0);
    }
    return found;
  };
  const [right, fast] = [await indices(0), await indices(60_000)];
  const begin = 15 * 4;
  assert.ok(right.every((index) => index !== undefined));
  assert.ok(fast.slice(begin).every((index, at) => Math.abs((index ?? 0) / right[begin + at]! - 1) < 0.001));
});
