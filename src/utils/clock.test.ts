import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Machine } from '../../tests/support/machine.ts';
import { SteadyClock } from './clock.ts';

const START = 1_700_000_000_000;
const HOUR = 3_600_000;

/** What the clock says less its first reading. */
function machineAt() {
  const machine = new Machine(START);
  return { machine, passed: () => machine.clock.now() - START };
}

test('it is the wall clock as long as that goes forward', async () => {
  const { machine } = machineAt();
  for (const ms of [1, 10, 999, 60_000]) {
    await machine.pass(ms);
    assert.equal(machine.clock.now(), machine.wall);
  }
  assert.equal(machine.clock.leadMs, 0);
});

test('where the wall clock jumps ahead it goes along at once', () => {
  const { machine, passed } = machineAt();
  machine.set(HOUR);
  assert.equal(passed(), HOUR);
  assert.equal(machine.clock.leadMs, 0);
});

test('where the wall clock is set back it goes on, a tenth slower, until they agree', async () => {
  const { machine, passed } = machineAt();
  await machine.pass(10_000);
  assert.equal(passed(), 10_000);
  machine.set(-HOUR);
  assert.equal(passed(), 10_000);
  await machine.pass(10_000);
  // 0.9 of 10 s.
  assert.equal(passed(), 19_000);
  assert.equal(Math.round(machine.clock.leadMs), HOUR - 1_000);
  // A tenth of the time that passes is made up: after ten hours nothing is left of the hour.
  await machine.pass(10 * HOUR - 20_000);
  machine.clock.now();
  assert.equal(Math.round(machine.clock.leadMs), 1_000);
  await machine.pass(20_000);
  assert.equal(machine.clock.now(), machine.wall);
  assert.equal(machine.clock.leadMs, 0);
});

test('a wall clock that is set right again is followed once it is ahead', async () => {
  const { machine, passed } = machineAt();
  machine.set(-HOUR);
  await machine.pass(10_000);
  assert.equal(passed(), 9_000);
  machine.set(HOUR);
  assert.equal(passed(), 10_000);
  assert.equal(machine.clock.now(), machine.wall);
});

test('it never goes back, loses nothing however often it is read, and is whole', () => {
  let wall = START;
  let monotonic = 0.25;
  const clock = new SteadyClock({ wall: () => wall, monotonic: () => monotonic });
  let last = clock.now();
  wall -= HOUR;
  // A million readings, 2 µs apart.
  for (let i = 1; i <= 1_000_000; i++) {
    monotonic += 0.002;
    if (i % 500 === 0) wall++;
    const now = clock.now();
    if (now < last || !Number.isInteger(now)) assert.fail(`${now} after ${last}`);
    last = now;
  }
  // 2 s have passed, and 1.8 s of them are counted.
  assert.ok(Math.abs(last - START - 1_800) <= 1, String(last - START));
});

test('it goes on from a time that it is told to reach, and tells nobody of a jump', async () => {
  const { machine, passed } = machineAt();
  const jumps: number[] = [];
  machine.clock.onJump((byMs) => jumps.push(byMs));
  await machine.pass(5_000);
  machine.clock.reach(START + HOUR);
  assert.equal(passed(), HOUR);
  await machine.pass(10_000);
  assert.equal(passed(), HOUR + 9_000);
  machine.clock.reach(START);
  assert.equal(passed(), HOUR + 9_000);
  assert.deepEqual(jumps, []);
});

test('each jump of the wall clock is told once, small steps are not', async () => {
  const { machine } = machineAt();
  const jumps: number[] = [];
  const stop = machine.clock.onJump((byMs) => jumps.push(byMs));
  for (const byMs of [-30_000, 40_000, 500, -500]) {
    machine.set(byMs);
    await machine.pass(100);
    machine.clock.now();
    await machine.pass(100);
    machine.clock.now();
  }
  assert.deepEqual(jumps, [-30_000, 40_000]);
  stop();
  machine.set(HOUR);
  machine.clock.now();
  assert.equal(jumps.length, 2);
});
