import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { unless } from '../../tests/support/needs.ts';
import { eventually } from '../../tests/support/wait.ts';
import { createLogger, redact } from './winston.ts';

test('secrets are masked wherever they stand', () => {
  const safe = redact({ password: 'a', nested: { refreshToken: 'b', list: [{ secret: 'c' }] }, headers: { Authorization: 'd', cookie: 'e' }, kept: 1 });
  assert.deepEqual(safe, {
    password: '[redacted]',
    nested: { refreshToken: '[redacted]', list: [{ secret: '[redacted]' }] },
    headers: { Authorization: '[redacted]', cookie: '[redacted]' },
    kept: 1,
  });
  assert.deepEqual(redact({ encryptionKeys: 'a', 'X-API-Key': 'b', 'x-csrf-token': 'c' }), { encryptionKeys: '[redacted]', 'X-API-Key': '[redacted]', 'x-csrf-token': '[redacted]' });
});

test('an e-mail address is shortened, also inside a sentence', () => {
  assert.equal(redact('login of alice.liddell@example.com failed'), 'login of a***@example.com failed');
});

test('a long string is cut, says so, and shows no address that the cut goes through', () => {
  assert.equal(redact('y'.repeat(2_000)), 'y'.repeat(2_000));
  assert.equal(redact('y'.repeat(16_000)), `${'y'.repeat(2_000)}… (cut, 16000 characters)`);
  const text = redact(`${' '.repeat(1_980)}alice.liddell@example.com`) as string;
  assert.equal(text.trimStart(), 'a***@exampl… (cut, 2005 characters)');
});

/** The least ms of many tries, so that what else the machine does is not counted. */
function costOf(text: string): number {
  let least = Infinity;
  for (let tries = 0; tries < 30; tries++) {
    const started = performance.now();
    for (let i = 0; i < 10; i++) redact(text);
    least = Math.min(least, performance.now() - started);
  }
  return least;
}

const HOSTILE: Readonly<Record<string, (length: number) => string>> = {
  'nothing but a word': (length) => 'y'.repeat(length),
  'a word before the sign': (length) => `${'y'.repeat(length - 1)}@`,
  'a word after the sign': (length) => `@${'y'.repeat(length - 1)}`,
  'many dots': (length) => `@${'y.'.repeat(length / 2)}`,
  'many signs': (length) => 'y@'.repeat(length / 2),
  'many dashes': (length) => `y@${'y-'.repeat(length / 2)}`,
};
for (const [name, textOf] of Object.entries(HOSTILE)) {
  // Read once, a text of 16 times the length costs up to 16 times as much; read from each of its letters, 256 times.
  test(`a word is read once, however long it is and whatever stands beside it: ${name}`, () => {
    const [short, long] = [costOf(textOf(120)), costOf(textOf(1_920))];
    assert.ok(long < 64 * short, `${long / short} times as much`);
  });
}

test('an error is written with its cause, and depth is bounded', () => {
  const safe = redact(new Error('outer', { cause: new Error('inner') })) as { message: string; cause: { message: string } };
  assert.equal(safe.message, 'outer');
  assert.equal(safe.cause.message, 'inner');
  const { stack } = redact(new Error('no mail for alice.liddell@example.com')) as { stack: string };
  assert.match(stack, /no mail for a\*\*\*@example\.com\n\s+at /);
  const loop: { self?: unknown } = {};
  loop.self = loop;
  assert.match(JSON.stringify(redact(loop)), /\[deep\]/);
});

test('a line break in a message stays inside its JSON line, in the file too', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'bourse-log-'));
  const logger = createLogger({ level: 'info', directory });
  logger.info('first\n{"level":"error","message":"forged"}', { token: 'x' });
  const read = () => readdirSync(directory).filter((name) => name.endsWith('.log')).map((name) => readFileSync(join(directory, name), 'utf8')).join('');
  const lines = (await eventually('a line is in the file', () => (read().includes('\n') ? read() : undefined))).trimEnd().split('\n');
  assert.equal(lines.length, 1);
  const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  assert.equal(line.level, 'info');
  assert.equal(line.token, '[redacted]');
  assert.deepEqual(readdirSync(directory).map((name) => statSync(join(directory, name)).mode & 0o777), [0o600, 0o600]);
  rmSync(directory, { recursive: true });
});

test('a full disk ends neither the process nor the console', { skip: unless(existsSync('/dev/full'), '/dev/full', 'there is no /dev/full here') }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'bourse-log-'));
  // Today's and tomorrow's file, so that midnight does not matter: every write to them finds no space.
  for (const day of [0, 1]) symlinkSync('/dev/full', join(directory, `bourse-${localDate(Date.now() + day * 86_400_000)}.log`));
  const script = `
    import { createLogger } from ${JSON.stringify(new URL('./winston.ts', import.meta.url).href)};
    const logger = createLogger({ level: 'info', directory: ${JSON.stringify(directory)} });
    logger.info('first');
    setInterval(() => logger.info('on'), 5).unref();
    const wait = setInterval(() => {}, 1_000);
    const write = process.stdout.write.bind(process.stdout);
    let warned = false;
    process.stdout.write = (text, ...rest) => {
      if (warned && String(text).includes('"on"')) clearInterval(wait);
      warned ||= String(text).includes('the log files cannot be written');
      return write(text, ...rest);
    };
  `;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 20_000 });
  rmSync(directory, { recursive: true });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /the log files cannot be written/);
});

function localDate(time: number): string {
  const date = new Date(time);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
}
