import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger, type LogFields, type Logger } from '../observability/logger.ts';
import { UnavailableError } from '../utils/errors.ts';
import { FaultLog } from './fault-log.ts';

function bench() {
  const time = { now: 0 };
  const lines: [string, LogFields | undefined][] = [];
  const logger: Logger = { ...silentLogger, error: (_, fields) => void lines.push(['error', fields]), warn: (_, fields) => void lines.push(['warn', fields]) };
  return { time, lines, log: new FaultLog(logger, () => time.now) };
}

test('what is not available is said once a second, without a stack, with the count of those left out', () => {
  const { time, lines, log } = bench();
  const full = new UnavailableError('the disk is full');
  for (const now of [5, 6, 1_004, 1_005, 1_006, 9_000]) {
    time.now = now;
    log.unavailable({ requestId: `r${now}` }, full);
  }
  assert.deepEqual(lines, [
    ['warn', { requestId: 'r5', reason: 'the disk is full', leftOut: 0 }],
    ['warn', { requestId: 'r1005', reason: 'the disk is full', leftOut: 2 }],
    ['warn', { requestId: 'r9000', reason: 'the disk is full', leftOut: 1 }],
  ]);
});

test('each fault is an error, with all of it', () => {
  const { lines, log } = bench();
  const error = new Error('broken');
  log.fault({ requestId: 'a' }, error);
  log.fault({ requestId: 'b' }, error);
  assert.deepEqual(lines, [['error', { requestId: 'a', error }], ['error', { requestId: 'b', error }]]);
});
