import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { JumpClock } from '../../../tests/support/jump-clock.ts';
import { Machine } from '../../../tests/support/machine.ts';
import { RECORDINGS, skipWithoutRecordings } from '../../../tests/support/recordings.ts';
import { silentLogger, type LogFields, type Logger } from '../../observability/logger.ts';
import { parseFeeds, type ReplayMode } from '../mode.ts';
import type { Tick } from '../source.ts';
import { readPlaylist } from './catalog.ts';
import { Merge } from './merge.ts';
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
  /** When each tick came, ms after the first, by the clock. */
  readonly times: readonly number[];
  readonly events: readonly string[];
  readonly faults: readonly string[];
  readonly source: ReplaySource;
  readonly clock: JumpClock;
}

async function play(value: string, enough: (played: { ticks: readonly Tick[]; events: readonly string[] }) => boolean, logger: Logger = silentLogger): Promise<Played> {
  const clock = new JumpClock();
  const source = new ReplaySource({ mode: parseFeeds(value) as ReplayMode, clock, logger });
  const ticks: Tick[] = [];
  const times: number[] = [];
  const events: string[] = [];
  const faults: string[] = [];
  let begun: number | undefined;
  await source.start({
    onTick: (tick) => {
      begun ??= clock.now();
      ticks.push(tick);
      times.push(Math.round(clock.now() - begun));
    },
    onState: (venue, state) => events.push(`${venue} ${state}`),
    onFault: (venue, error) => faults.push(`${venue}: ${(error as Error).name}`),
    onReset: (reason) => events.push(reason),
  });
  await clock.until(() => enough({ ticks, events }));
  await source.stop();
  return { ticks, times, events, faults, source, clock };
}

const ended = ({ events }: { events: readonly string[] }) => events.includes('the recording ended');
const DAY = Date.parse('2022-12-13');
const row = (seconds: number, price: number) => `${DAY + seconds * 1000},${price}\n`;

/** ms after the first. */
const ages = (ticks: readonly Tick[]) => ticks.map(({ receivedTimeMs }) => Math.round(receivedTimeMs - ticks[0].receivedTimeMs));

test('files are merged by time and played at the speed that was asked for, in the time of the recording, which begins now', async (t) => {
  const root = directory(t, {
    'prices/2022-12-13-btcusdt-one.csv.gz': `timeMs,price\n${row(0, 1)}${row(20, 3)}${row(60, 5)}`,
    'prices/2022-12-13-btcusdt-two.csv': `timeMs,price\n${row(10, 2)}${row(30, 4)}`,
  });
  const before = new JumpClock().now();
  const { ticks, times } = await play(`replay:${root}@10`, ended);
  assert.deepEqual(ticks.map(({ last }) => last), [1, 2, 3, 4, 5]);
  assert.deepEqual(times, [0, 1_000, 2_000, 3_000, 6_000]);
  assert.deepEqual(ages(ticks), [0, 10_000, 20_000, 30_000, 60_000]);
  assert.ok(ticks[0].receivedTimeMs - before < 1_000);
});

test('a bar is played as open, extremes and close in its own minute', async (t) => {
  const root = directory(t, { 'klines/2022-12-13-btcusdt-one-1m.csv': `openTimeMs,open,high,low,close,volume\n${DAY},10,14,9,12,1\n${DAY + 60_000},12,13,8,9,1\n` });
  const { ticks } = await play(`replay:${root}@1`, ended);
  assert.deepEqual(ticks.map(({ last }) => last), [10, 9, 14, 12, 12, 13, 8, 9]);
  assert.deepEqual(ages(ticks), [0, 20_000, 40_000, 59_000, 60_000, 80_000, 100_000, 119_000]);
});

test('a bar without trades is not played, nor is one in whose time single trades of the instrument are', async (t) => {
  const bar = (minute: number, price: number, volume: number) => `${DAY + minute * 60_000},${price},${price},${price},${price},${volume}\n`;
  const bars = bar(0, 1, 1) + bar(1, 2, 0) + bar(2, 3, 1) + bar(3, 4, 1) + bar(4, 5, 1);
  const root = directory(t, {
    'klines/2022-12-13-btcusdt-one-1m.csv': bars,
    // From 2:30 to 3:20; another instrument and another venue keep their bars.
    'trades/2022-12-13-btcusdt-one.csv': `timeMs,price,quantity,side,id\n${DAY + 150_000},30,1,buy,1\n${DAY + 200_000},31,1,buy,2\n`,
    'klines/2022-12-13-ethusdt-one-1m.csv': bars,
    'klines/2022-12-13-btcusdt-two-1m.csv': bars,
  });
  const { ticks } = await play(`replay:${root}@100`, ended);
  const lasts = (venue: string, name: string) => ticks.filter(({ source, pair }) => source === venue && pair === name).map(({ last }) => last);
  // The last of the bar at 3:00 is at 3:59, after the trades.
  assert.deepEqual(lasts('one', 'BTC-USDT'), [1, 1, 1, 1, 30, 31, 4, 4, 5, 5, 5, 5]);
  for (const [venue, name] of [['one', 'ETH-USDT'], ['two', 'BTC-USDT']]) assert.deepEqual(lasts(venue, name), [1, 3, 4, 5].flatMap((price) => [price, price, price, price]));
  const onlyBars = await play(`replay:${root}?only=klines@100`, ended);
  assert.equal(onlyBars.ticks.length, 3 * 16);
});

test('2025-11-10: no price of a bar that contradicts the trade before it', { skip: skipWithoutRecordings }, async () => {
  const { ticks } = await play(`replay:${RECORDINGS}?day=2025-11-10&from=17:23@1000`, ended);
  // 1,000 trades, four prices of each bar with trades after the last of them at 00:13:55 (and the last price of that minute).
  assert.ok(ticks.length >= 1_000 && ticks.length <= 1_000 + 4 * 4 + 1, String(ticks.length));
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

test('after the machine stood still it goes on at the same speed, and hurries nothing after', async (t) => {
  const root = directory(t, { 'prices/2022-12-13-btcusdt-one.csv': Array.from({ length: 1_000 }, (_, second) => row(second, 1 + second)).join('') });
  const machine = new Machine();
  const source = new ReplaySource({ mode: parseFeeds(`replay:${root}@1`) as ReplayMode, clock: machine.clock, logger: silentLogger });
  const played: number[] = [];
  await source.start({ onTick: ({ last }) => played.push(last ?? 0), onState() {}, onFault: (_source, error) => assert.fail(String(error)), onReset() {} });
  t.after(() => source.stop());
  // The replay and the test wait on the clock.
  const pass = (ms: number) => machine.pass(ms, () => 2);
  await pass(10_500);
  assert.deepEqual(played, Array.from({ length: 11 }, (_, at) => 1 + at));
  machine.set(600_000);
  await pass(10_000);
  assert.ok(played.length >= 21 && played.length <= 23, `${played.length} prices`);
  machine.set(-600_000);
  await pass(10_000);
  assert.ok(played.length >= 30 && played.length <= 33, `${played.length} prices`);
});

test('a venue that has no recording of the next day has ended', async (t) => {
  const root = directory(t, { 'prices/2022-12-13-btcusdt-one.csv': row(0, 1), 'prices/2022-12-14-btcusdt-two.csv': `${DAY + 86_400_000},2\n` });
  const { events } = await play(`replay:${root}`, ended);
  assert.deepEqual(events.filter((event) => !event.startsWith('the recording continues')), ['one connected', 'one ended', 'two connected', 'two ended', 'the recording ended']);
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
  const logged: (LogFields | undefined)[] = [];
  const { ticks, faults } = await play(`replay:${root}@100`, ended, { ...silentLogger, warn: (_, fields) => logged.push(fields) });
  assert.deepEqual(ticks.filter(({ source }) => source === 'one').map(({ last }) => last), [1, 2]);
  assert.ok(ticks.some(({ source }) => source === 'cut'));
  assert.equal(new Set(logged.slice(0, -1).map((fields) => fields?.path)).size, 3);
  assert.deepEqual(faults.toSorted(), ['binance: SyntaxError', 'cut: Error', 'one: RangeError']);
  assert.deepEqual(logged.at(-1), { day: '2022-12-13', unusable: 3, bySource: { binance: 1, cut: 1, one: 1 } });
});

test('a message that a normaliser refuses is said with its file and venue, however many', async (t) => {
  const line = (at: number, raw: string) => `${JSON.stringify({ recvTimeUs: (DAY + at) * 1000, dir: 'in', raw })}\n`;
  const root = directory(t, { 'wire/kraken/2022-12-13-multi.jsonl': [0, 1, 2, 3, 4].map((at) => line(at, 'garbage')).join('') });
  const logged: (LogFields | undefined)[] = [];
  const { faults } = await play(`replay:${root}`, ended, { ...silentLogger, warn: (_, fields) => logged.push(fields) });
  assert.equal(faults.length, 5);
  assert.deepEqual(logged.map((fields) => [fields?.path, fields?.source, fields?.unusable]), [
    ...Array.from({ length: 3 }, () => [join(root, 'wire/kraken/2022-12-13-multi.jsonl'), 'kraken', undefined]), [undefined, undefined, 5],
  ]);
});

test('a day of many files keeps none of them open', { skip: existsSync('/proc/self/fd') ? false : 'open files cannot be counted here' }, async (t) => {
  const files = 100;
  // Each is longer than what is read at once, so that none is at its end after the first look.
  const text = (file: number) => Array.from({ length: 5_000 }, (_, n) => row(n, 1 + file)).join('');
  const names = Array.from({ length: files }, (_, file) => [`prices/2022-12-13-btcusdt-v${file}.csv${file % 2 === 0 ? '' : '.gz'}`, text(file)] as const);
  const root = directory(t, Object.fromEntries(names));
  const { days } = await readPlaylist({ mode: 'replay', directory: root, speed: 1 });
  const before = readdirSync('/proc/self/fd').length;
  const merge = new Merge(days[0]?.recordings ?? [], ({ recording, error }) => assert.fail(`${recording.path}: ${String(error)}`));
  t.after(() => merge.close());
  await merge.open();
  let last = -Infinity;
  for (let taken = 0; taken < 10 * files; taken++) {
    assert.ok(merge.head !== undefined && merge.head.timeMs >= last);
    last = merge.head.timeMs;
    await merge.take();
  }
  const more = readdirSync('/proc/self/fd').length - before;
  assert.ok(more < 20, `${more} files are open`);
});

test('more files of a day than can be played beside each other are an error at the start', async (t) => {
  const root = directory(t, Object.fromEntries(Array.from({ length: 1_001 }, (_, file) => [`prices/2022-12-13-btcusdt-v${file}.csv`, ''])));
  await assert.rejects(readPlaylist({ mode: 'replay', directory: root, speed: 1 }), /holds 1001 files of 2022-12-13, more than the 1000/);
});

test('a directory without recordings is an error at the start', async (t) => {
  const source = (value: string) => new ReplaySource({ mode: parseFeeds(value) as ReplayMode, clock: new JumpClock(), logger: silentLogger });
  const listener = { onTick() {}, onState() {}, onFault() {}, onReset() {} };
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
