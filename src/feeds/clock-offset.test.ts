import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClockOffset, isTime } from './clock-offset.ts';

const START = 1_700_000_000_000;

/** Messages 100 ms apart, each with its difference between receive and event time; the delays found. */
function delays(differences: readonly number[], clock = new ClockOffset()): number[] {
  return differences.map((difference, at) => clock.delayOf(START + at * 100 - difference, START + at * 100));
}

test('what a message has above the shortest way is its delay, whatever the clocks say', () => {
  assert.deepEqual(delays([-1270, -1270, -1260, -1270, -270]), [0, 0, 10, 0, 1000]);
  assert.deepEqual(delays([3_020, 3_020, 3_060]), [0, 0, 40]);
});

test('one message that nothing confirms moves nothing', () => {
  const clock = new ClockOffset();
  assert.deepEqual(delays([50, 50, -3_900, 50, 50], clock), [0, 0, 0, 0, 0]);
  assert.equal(clock.offsetMs, 50);
});

test('a clock that is set is followed once two messages say so', () => {
  assert.deepEqual(delays([50, 50, -950, -950, 50]).at(-1), 1000);
});

test('what was two minutes ago counts no more', () => {
  const clock = new ClockOffset();
  delays([-2_000, -2_000], clock);
  assert.equal(clock.delayOf(START + 119_000, START + 119_000), 2_000);
  assert.equal(clock.delayOf(START + 250_000, START + 250_000), 0);
});

test('a time further ahead than clocks are is none', () => {
  assert.ok(isTime(START + 1_270, START) && isTime(0, START));
  for (const eventTimeMs of [undefined, START + 50_000, NaN, Infinity]) assert.ok(!isTime(eventTimeMs, START), String(eventTimeMs));
});
