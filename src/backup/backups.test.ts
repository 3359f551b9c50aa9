import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Machine } from '../../tests/support/machine.ts';
import { silentLogger, type LogFields } from '../observability/logger.ts';
import { createMetrics } from '../observability/metrics.ts';
import type { BackupMade } from './backup-worker.ts';
import { Backups } from './backups.ts';
import { backupName } from './folder.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** 2026-11-26T12:00:00Z; `date -d @1795694400 -u`. */
const NOON = 1_795_694_400_000;
const MADE: BackupMade = { seq: 7, bytes: 4_096 };

/** A process that starts at noon, with backups that were begun so long before. Backups take no time unless `hold` is set. */
function started(t: TestContext, agesMs: readonly number[], everyMs = DAY) {
  const machine = new Machine(NOON);
  const metrics = createMetrics();
  const begun: string[] = [];
  const lines: string[] = [];
  const state = { fails: false, hold: false, stopped: 0, finish: (made: BackupMade): void => assert.fail(`nothing waits for ${made.seq}`) };
  const note = (level: string) => (message: string, fields?: LogFields): void => void lines.push(`${level}: ${message}${fields?.['error'] instanceof Error ? ` (${fields['error'].message}, ${String(fields['seconds'])} s)` : ''}`);
  const backups = new Backups({
    dataDirectory: '/data', directory: '/backups', apart: true, keep: 14, minFree: 1, everyMs, clock: machine.clock, metrics,
    logger: { ...silentLogger, error: note('error'), warn: note('warn'), info: note('info') },
    begin(task) {
      begun.push(task.name);
      assert.deepEqual(task, { dataDirectory: '/data', directory: '/backups', apart: true, name: backupName(machine.clock.now()), keep: 14, minFree: 1 });
      const { promise, resolve, reject } = Promise.withResolvers<BackupMade>();
      if (state.fails) reject(new Error('the disk is full'));
      else if (state.hold) state.finish = resolve;
      else resolve(MADE);
      return { made: promise, stop: () => void (state.stopped++, reject(new Error('stopped'))) };
    },
  }, agesMs.map((age) => ({ name: '', time: NOON - age })));
  t.after(() => backups.close());
  /** How long after the start each backup was begun. */
  const times = (): number[] => begun.map((name) => Date.parse(name.slice(7).replace(/T(\d\d)-(\d\d)-(\d\d)Z/, 'T$1:$2:$3Z')) - NOON);
  const value = async (metric: { get(): Promise<{ values: readonly { value: number }[] }> }): Promise<number | undefined> => (await metric.get()).values[0]?.value;
  return { machine, metrics, backups, times, lines, state, value };
}

for (const [what, ages, everyMs, expected] of [
  ['is made a minute after the start where there is none', [], DAY, [MINUTE, MINUTE + DAY]],
  ['is made a minute after the start where the newest is a week old', [7 * DAY, 8 * DAY], DAY, [MINUTE, MINUTE + DAY]],
  ['is made a day after the newest, however late the process was started', [23 * HOUR, 47 * HOUR], DAY, [HOUR, HOUR + DAY]],
  ['does not come in the middle of a start because it is due there', [DAY - 1_000], DAY, [MINUTE, MINUTE + DAY]],
  ['is not put off by one that has a time to come', [-9 * DAY, 22 * HOUR], DAY, [2 * HOUR, 2 * HOUR + DAY]],
  ['waits for no minute where backups come more often than that', [], 30_000, [30_000, MINUTE, 90_000]],
  ['may have a longer interval than timers have', [], 60 * DAY, [MINUTE]],
] as const) {
  test(`a backup ${what}`, async (t) => {
    const { machine, times } = started(t, ages, everyMs);
    await machine.pass(everyMs === 30_000 ? 100_000 : 2 * DAY - HOUR);
    assert.deepEqual(times(), expected);
  });
}

test('what was made is told, with its time in the metrics', async (t) => {
  const { machine, metrics, lines, value } = started(t, [2 * DAY]);
  assert.deepEqual([await value(metrics.backupEvery), await value(metrics.backupLast), await value(metrics.backupFailures)], [86_400, (NOON - 2 * DAY) / 1_000, 0]);
  await machine.pass(2 * MINUTE);
  assert.deepEqual([await value(metrics.backupLast), await value(metrics.backupSize)], [(NOON + MINUTE) / 1_000, 4_096]);
  assert.deepEqual(lines, ['info: backup made']);
});

test('one that fails is told and counted, and tried again after a quarter of an hour; the time of the last good one stays', async (t) => {
  const { machine, metrics, times, lines, state, value } = started(t, [2 * DAY]);
  state.fails = true;
  await machine.pass(20 * MINUTE);
  assert.deepEqual(times(), [MINUTE, 16 * MINUTE]);
  assert.deepEqual(lines, Array(2).fill('error: the backup failed; trading is not affected, and it is tried again (the disk is full, 900 s)'));
  assert.deepEqual([await value(metrics.backupFailures), await value(metrics.backupLast)], [2, (NOON - 2 * DAY) / 1_000]);
  state.fails = false;
  await machine.pass(15 * MINUTE);
  assert.deepEqual([times().at(-1), await value(metrics.backupLast)], [31 * MINUTE, (NOON + 31 * MINUTE) / 1_000]);
});

test('one at a time: the next begins when a long one has ended', async (t) => {
  const { machine, times, state } = started(t, [], HOUR);
  state.hold = true;
  await machine.pass(MINUTE);
  machine.set(3 * HOUR);
  await turn();
  assert.equal(times().length, 1);
  state.hold = false;
  state.finish(MADE);
  await turn();
  await machine.pass(1);
  assert.deepEqual(times(), [MINUTE, 3 * HOUR + MINUTE]);
});

test('a machine that slept makes its backup within a minute', async (t) => {
  const { machine, times } = started(t, [HOUR]);
  machine.set(30 * HOUR);
  await machine.pass(MINUTE);
  assert.deepEqual(times(), [30 * HOUR + MINUTE]);
});

test('a process that stops breaks it off, begins no other, and says nothing of it', async (t) => {
  const { machine, metrics, backups, times, lines, state, value } = started(t, []);
  state.hold = true;
  await machine.pass(MINUTE);
  backups.close();
  await turn();
  assert.equal(machine.clock.now(), NOON + MINUTE);
  assert.deepEqual([times().length, state.stopped, lines, await value(metrics.backupFailures)], [1, 1, [], 0]);
});
