import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogger, redact } from './logger.ts';

test('secrets are masked wherever they stand', () => {
  const safe = redact({ password: 'a', nested: { refreshToken: 'b', list: [{ secret: 'c' }] }, headers: { Authorization: 'd', cookie: 'e' }, kept: 1 });
  assert.deepEqual(safe, {
    password: '[redacted]',
    nested: { refreshToken: '[redacted]', list: [{ secret: '[redacted]' }] },
    headers: { Authorization: '[redacted]', cookie: '[redacted]' },
    kept: 1,
  });
});

test('an e-mail address is shortened, also inside a sentence', () => {
  assert.equal(redact('login of alice.liddell@example.com failed'), 'login of a***@example.com failed');
});

test('an error is written with its cause, and depth is bounded', () => {
  const safe = redact(new Error('outer', { cause: new Error('inner') })) as { message: string; cause: { message: string } };
  assert.equal(safe.message, 'outer');
  assert.equal(safe.cause.message, 'inner');
  const loop: { self?: unknown } = {};
  loop.self = loop;
  assert.match(JSON.stringify(redact(loop)), /\[deep\]/);
});

test('a line break in a message stays inside its JSON line, in the file too', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'bourse-log-'));
  const logger = createLogger({ level: 'info', directory });
  logger.info('first\n{"level":"error","message":"forged"}', { token: 'x' });
  const read = () => readdirSync(directory).filter((name) => name.endsWith('.log')).map((name) => readFileSync(join(directory, name), 'utf8')).join('');
  const deadline = Date.now() + 5_000;
  while (!read().includes('\n') && Date.now() < deadline) await new Promise(setImmediate);
  const lines = read().trimEnd().split('\n');
  assert.equal(lines.length, 1);
  const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  assert.equal(line.level, 'info');
  assert.equal(line.token, '[redacted]');
  rmSync(directory, { recursive: true });
});
