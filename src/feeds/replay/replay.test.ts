import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { JumpClock } from '../../../tests/support/jump-clock.ts';
import { RECORDINGS, skipWithoutRecordings } from '../../../tests/support/recordings.ts';
import { silentLogger, type LogFields, type Logger } from '../../observability/logger.ts';
import { parseFeeds, type ReplayMode } from '../mode.ts';
import type { Tick } from '../source.ts';
import { readPlaylist } from './catalog.ts';
import { ReplaySource } from './source.ts';

function directory(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'replay-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), name.endsWith('.gz') ? gzipSync(text) : text);
  }
  return root;
}

interface Played {
  readonly ticks: readonly Tick[];
  readonly events: readonly string[];
  readonly source: ReplaySource;
  readonly clock: JumpClock;
}

async function play(value: string, enough: (played: { ticks: readonly Tick[]; events: readonly string[] }) => boolean, logger: Logger = silentLogger): Promise<Played> {
  const clock = new JumpClock();
  const source = new ReplaySource({ mode: parseFeeds(value) as ReplayMode, clock, logger });
  const ticks: Tick[] = [];
  const events: string[] = [];
  await source.start({
    onTick: (tick) => ticks.push(tick),
    onState: (venue, state) => events.push(`${venue} ${state}`),
    onReset: (reason) => events.push(reason),
  });
  await clock.until(() => enough({ ticks, events }));
  await source.stop();
  return { ticks, events, source, clock };
}

const ended = ({ events }: { events: readonly string[] }) => events.includes('the recording ended');
const DAY = Date.parse('2022-12-13');
const row = (seconds: number, price: number) => `${DAY + seconds * 1000},${price}\n`;

test('files are merged by time and played at the speed that was asked for, with times moved to now', async (t) => {
  const root = directory(t, {
    'prices/2022-12-13-btcusdt-one.csv.gz': `timeMs,price\n${row(0, 1)}${row(20, 3)}${row(60, 5)}`,
    'prices/2022-12-13-btcusdt-two.csv': `timeMs,price\n${row(10, 2)}${row(30, 4)}`,
  });
  const { ticks } = await play(`replay:${root}@10`, ended);
  assert.deepEqual(ticks.map(({ last }) => last), [1, 2, 3, 4, 5]);
  const offsets = ticks.map((tick) => Math.round(tick.receivedTimeMs - ticks[0].receivedTimeMs));
  assert.deepEqual(offsets, [0, 1000, 2000, 3000, 6000]);
});

test('a bar is played as open, extremes and close in its own minute', async (t) => {
  const root = directory(t, { 'klines/2022-12-13-btcusdt-one-1m.csv': `openTimeMs,open,high,low,close,volume\n${DAY},10,14,9,12,1\n${DAY + 60_000},12,13,8,9,1\n` });
  const { ticks } = await play(`replay:${root}@1`, ended);
  assert.deepEqual(ticks.map(({ last }) => last), [10, 9, 14, 12, 12, 13, 8, 9]);
  assert.deepEqual(ticks.map(({ receivedTimeMs }) => Math.round((receivedTimeMs - ticks[0].receivedTimeMs) / 1000)), [0, 20, 40, 59, 60, 80, 100, 119]);
});

test('days follow each other, long silences are skipped, and prices start afresh after them', async (t) => {
  const root = directory(t, {
    'prices/2022-12-13-btcusdt-one.csv': `${row(0, 1)}${row(60, 2)}${row(7200, 3)}`,
    'prices/2018-08-12-btcusdt-one.csv': `${Date.parse('2018-08-12')},4300\n`,
  });
  const { ticks, events } = await play(`replay:${root}@1`, ended);
  assert.deepEqual(ticks.map(({ last }) => last), [4300, 1, 2, 3]);
  assert.equal(events.filter((event) => event.startsWith('the recording continues')).length, 3);
  assert.ok(ticks[3].receivedTimeMs - ticks[0].receivedTimeMs < 61_000);
});

test('at the end prices end, and say so', async (t) => {
  const root = directory(t, { 'prices/2022-12-13-btcusdt-one.csv': row(0, 1) });
  assert.deepEqual((await play(`replay:${root}`, ended)).events.slice(-2), ['one ended', 'the recording ended']);
});

test('with loop it begins again', async (t) => {
  const root = directory(t, { 'prices/2022-12-13-btcusdt-one.csv': `${row(0, 1)}${row(1, 2)}` });
  const { ticks } = await play(`replay:${root}?loop=1`, (played) => played.ticks.length >= 5);
  assert.deepEqual(ticks.slice(0, 5).map(({ last }) => last), [1, 2, 1, 2, 1]);
});

test('day, from and to choose a part', async (t) => {
  const root = directory(t, {
    'prices/2022-12-13-btcusdt-one.csv': `${row(0, 1)}${row(3600, 2)}${row(7200, 3)}`,
    'prices/2022-12-14-btcusdt-one.csv': `${DAY + 86_400_000},9\n`,
  });
  const { ticks } = await play(`replay:${root}?day=2022-12-13&from=00:30&to=01:30`, ended);
  assert.deepEqual(ticks.map(({ last }) => last), [2]);
});

test('lines that are broken are said and skipped, a file that breaks off ends there', async (t) => {
  const cut = gzipSync(Array.from({ length: 20_000 }, (_, n) => row(n / 100, 1 + Math.random())).join(''));
  const root = directory(t, { 'prices/2022-12-13-btcusdt-one.csv': `timeMs,price\n${row(0, 1)}12x,5\n${row(1, 2)}`, 'wire/binance/2022-12-13-btcusdt.jsonl': 'not json\n' });
  writeFileSync(join(root, 'prices/2022-12-13-btcusdt-cut.csv.gz'), cut.subarray(0, cut.length / 2));
  const faults: (LogFields | undefined)[] = [];
  const { ticks } = await play(`replay:${root}@100`, ended, { ...silentLogger, warn: (_, fields) => faults.push(fields) });
  assert.deepEqual(ticks.filter(({ source }) => source === 'one').map(({ last }) => last), [1, 2]);
  assert.ok(ticks.some(({ source }) => source === 'cut'));
  assert.equal(new Set(faults.map((fields) => fields?.path)).size, 3);
});

test('a directory without recordings is an error at the start', async (t) => {
  const source = (value: string) => new ReplaySource({ mode: parseFeeds(value) as ReplayMode, clock: new JumpClock(), logger: silentLogger });
  const listener = { onTick() {}, onState() {}, onReset() {} };
  await assert.rejects(source('replay:/does/not/exist').start(listener), /cannot be read/);
  await assert.rejects(source(`replay:${directory(t, { 'notes.txt': '' })}`).start(listener), /nothing to replay/);
  await assert.rejects(source(`replay:${directory(t, { 'prices/2022-12-13-btcusdt-one.csv': '' })}?day=1999-01-01`).start(listener), /nothing to replay .* for 1999-01-01: it holds prices of 2022-12-13/);
});

test('the recorded days: each file is played once, what was taken out of a wire capture is not', { skip: skipWithoutRecordings }, async () => {
  const { days, left } = await readPlaylist({ mode: 'replay', directory: RECORDINGS, speed: 1 });
  const files = days.flatMap(({ recordings }) => recordings);
  // 63 files, says the README; without a time: the Hyperliquid contexts; taken out of captures: six of trades and two of depth of 2024-08-08.
  assert.equal(files.length + left.filter(({ path }) => !path.endsWith('README.md')).length, 63);
  assert.equal(left.filter(({ reason }) => reason.startsWith('derived')).length, 8);
  assert.equal(left.filter(({ reason }) => reason.startsWith('its name')).length, 1);
  assert.deepEqual(days.map(({ day }) => day), days.map(({ day }) => day).sort());
  const group = days.find(({ day }) => day === '2022-12-13')?.recordings ?? [];
  const instruments = new Set(group.map(({ source, instrument }) => `${source} ${instrument?.pair} ${instrument?.kind}`));
  assert.deepEqual([...instruments].sort(), ['binance BTC-BUSD spot', 'binance_coinm BTC-USD perpetual', 'bybit BTC-USD perpetual', 'bybit BTC-USDT perpetual', 'bybit BTC-USDT spot']);
});

test('2024-08-08: six captures in one stream, with the receiving clock 1.27 s behind', { skip: skipWithoutRecordings }, async () => {
  const { ticks } = await play(`replay:${RECORDINGS}?day=2024-08-08&to=23:54@60`, ended);
  assert.equal(ticks.length, 0, 'the first message is from 23:54:13');
  const first = await play(`replay:${RECORDINGS}?day=2024-08-08@60`, (played) => played.ticks.length > 5_000);
  assert.deepEqual([...new Set(first.ticks.map(({ source }) => source))].sort(), ['binance', 'binance_coinm', 'binance_usdm']);
  for (let at = 1; at < first.ticks.length; at++) assert.ok(first.ticks[at].receivedTimeMs >= first.ticks[at - 1].receivedTimeMs);
  const ahead = first.ticks.flatMap(({ eventTimeMs, receivedTimeMs }) => (eventTimeMs === undefined ? [] : [eventTimeMs - receivedTimeMs]));
  assert.ok(ahead.length > 1_000 && ahead.every((ms) => ms > 1_000 && ms < 1_300));
  assert.ok(first.source.venues('BTC').some(({ source, kind }) => source === 'binance_coinm' && kind === 'perpetual'));
});
