import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Machine } from '../../tests/support/machine.ts';
import { ClockWatch } from './clock-watch.ts';
import { silentLogger, type LogFields, type Logger } from './logger.ts';
import { createMetrics } from './metrics.ts';

function watched() {
  const machine = new Machine();
  const metrics = createMetrics();
  const lines: string[] = [];
  const note = (level: string) => (message: string, fields?: LogFields): void => void lines.push(`${level}: ${message.split(/[:,]/)[0]} ${String(fields?.seconds ?? '')}`.trimEnd());
  const logger: Logger = { ...silentLogger, warn: note('warn'), info: note('info') };
  const watch = new ClockWatch({ clock: machine.clock, metrics, logger });
  const behind = async () => (await metrics.clockBehind.get()).values[0]?.value;
  return { machine, metrics, lines, watch, behind };
}

test('a wall clock that is set back is said once, shows as long as it is behind, and is said to be right again', async () => {
  const { machine, metrics, lines, behind } = watched();
  await machine.pass(2_000);
  machine.set(-3_000);
  await machine.pass(1_000);
  assert.deepEqual(lines, ['warn: the wall clock has been set back 3', 'warn: the wall clock is behind 2.9']);
  assert.equal(await behind(), 2.9);
  await machine.pass(10_000);
  assert.equal(lines.length, 2);
  assert.equal(await behind(), 1.9);
  await machine.pass(20_000);
  assert.deepEqual(lines.slice(2), ['info: the wall clock and the time of this process agree again']);
  assert.equal(await behind(), 0);
  assert.deepEqual((await metrics.clockJumps.get()).values.map(({ labels, value }) => [labels.direction, value]), [['back', 1]]);
});

test('a wall clock that jumps ahead is said, and nothing is behind', async () => {
  const { machine, lines, watch, behind } = watched();
  machine.set(600_000);
  await machine.pass(1_000);
  assert.deepEqual(lines, ['warn: the wall clock has jumped ahead 600']);
  assert.equal(await behind(), 0);
  watch.close();
  machine.set(-600_000);
  machine.clock.now();
  assert.equal(lines.length, 1);
});
