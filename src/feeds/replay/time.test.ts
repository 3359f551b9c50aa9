import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../utils/clock.ts';
import { ReplayTime } from './time.ts';

const NOON = Date.parse('2022-12-13T12:00:00Z');

/** At 60 times real speed, on a clock that shows what it is set to. */
function begun() {
  const hand = { ms: 1_000_000 };
  const clock: Clock = { now: () => hand.ms, leadMs: 0, onJump: () => () => undefined, after: () => () => undefined };
  const time = new ReplayTime(clock, 60);
  time.begin(NOON);
  return { hand, time };
}

test('it begins at the clock and runs at the speed of the replay, up to what comes next', () => {
  const { hand, time } = begun();
  time.reach(NOON);
  assert.equal(time.now(), 1_000_000);
  assert.equal(time.until(NOON + 60_000), 1_000);
  hand.ms += 250;
  assert.equal(time.now(), 1_015_000);
  assert.equal(time.until(NOON + 60_000), 750);
  hand.ms += 5_000;
  assert.equal(time.now(), 1_060_000, 'what comes next is late');
  time.reach(NOON + 60_000);
  assert.equal(time.now(), 1_060_000);
});

test('while the next thing is being read it stands', () => {
  const { hand, time } = begun();
  time.reach(NOON + 30_000);
  hand.ms += 10_000;
  assert.equal(time.now(), 1_030_000);
});

test('a file out of order does not turn it back', () => {
  const { time } = begun();
  time.reach(NOON + 30_000);
  time.until(NOON + 10_000);
  assert.equal(time.now(), 1_030_000);
  time.reach(NOON + 10_000);
  assert.equal(time.now(), 1_030_000);
});

test('what begins after a gap begins where it was; at the end it goes on as the clock does', () => {
  const { hand, time } = begun();
  time.reach(NOON + 30_000);
  hand.ms += 500;
  time.begin(NOON - 86_400_000);
  time.until(NOON - 86_400_000 + 12_000);
  hand.ms += 200;
  assert.equal(time.now(), 1_042_000);
  time.reach(NOON - 86_400_000 + 12_000);
  time.end();
  hand.ms += 1_000;
  assert.equal(time.now(), 1_043_000);
});
