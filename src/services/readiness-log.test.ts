import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger, type LogFields } from '../observability/logger.ts';
import { ReadinessLog } from './readiness-log.ts';

test('the log has when it stopped being ready, with each new reason, and when it was ready again after how long', async (t) => {
  const lines: [string, string, LogFields | undefined][] = [];
  const logger = {
    ...silentLogger,
    warn: (message: string, fields?: LogFields) => void lines.push(['warn', message, fields]),
    info: (message: string, fields?: LogFields) => void lines.push(['info', message, fields]),
  };
  let now = 0;
  let reasons: string[] = [];
  const log = new ReadinessLog({ health: { readiness: async () => ({ ready: reasons.length === 0, reasons }) }, logger, now: () => now, everyMs: 3_600_000 });
  t.after(() => log.close());
  const look = async (atMs: number, ...found: string[]): Promise<void> => {
    now = atMs;
    reasons = found;
    await log.look();
  };
  await look(0);
  await look(1_000, 'disk: 63 MiB free');
  await look(2_000, 'disk: 62 MiB free');
  await look(3_000, 'engine: recovering: no space left', 'disk: 0 MiB free');
  await look(13_500);
  await look(14_000);
  assert.deepEqual(lines, [
    ['warn', 'not ready: load balancers send nothing here', { reasons: ['disk: 63 MiB free'] }],
    ['warn', 'still not ready', { reasons: ['engine: recovering: no space left', 'disk: 0 MiB free'] }],
    ['info', 'ready again', { seconds: 12.5 }],
  ]);
});
