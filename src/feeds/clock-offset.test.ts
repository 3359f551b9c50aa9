import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClockOffset, isTime, VenueClocks } from './clock-offset.ts';

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

/** Differences of each venue's messages by the seconds since the first, and what is made of them after `seconds`. */
interface Case {
  readonly venues: readonly ((second: number) => number | undefined)[];
  readonly seconds: number;
  readonly aheadMs: number;
  /** Time between two messages. Default half a second. */
  readonly everyMs?: number;
}

const late = (differenceMs: number) => () => differenceMs;
const CASES: Readonly<Record<string, Case>> = {
  'all are on time': { venues: [late(40), late(90)], seconds: 60, aheadMs: 40 },
  'all are ahead': { venues: [late(-2_000), late(-1_000)], seconds: 60, aheadMs: 0 },
  'all are behind by ten seconds and a little more': { venues: [late(10_300), late(10_050), (second) => 10_200 + (second % 3) * 2_000], seconds: 15, aheadMs: 10_050 },
  'all are behind by an hour': { venues: [late(3_600_000), late(3_600_100)], seconds: 15, aheadMs: 3_600_000 },
  'not for long enough': { venues: [late(10_300), late(10_050)], seconds: 9, aheadMs: 0 },
  'one alone': { venues: [late(10_000)], seconds: 60, aheadMs: 0 },
  'one of three is on time': { venues: [late(10_000), late(10_000), late(50)], seconds: 60, aheadMs: 50 },
  'all are frozen: the same time again and again': { venues: [(second) => 10_000 + second * 1_000, (second) => 12_000 + second * 1_000], seconds: 120, aheadMs: 0 },
  'all were on time and are frozen': { venues: [0, 1].map(() => (second: number) => (second < 60 ? 50 : 50 + (second - 60) * 1_000)), seconds: 300, aheadMs: 0 },
  'all were buffered and come in a burst': { venues: [0, 1].map(() => (second: number) => 600_000 - second * 1_000), seconds: 5, everyMs: 1, aheadMs: 0 },
  'we fall behind all of them': { venues: [0, 1].map(() => (second: number) => 50 + Math.max(0, second - 30) * 50), seconds: 600, aheadMs: 0 },
  'we catch up with all of them': { venues: [0, 1].map(() => (second: number) => 60_000 - second * 200), seconds: 200, aheadMs: 0 },
  'all have been silent for more than a minute': { venues: [0, 1].map(() => (second: number) => (second < 30 ? 10_000 : undefined)), seconds: 95, aheadMs: 0 },
  // A tenth of a ms in a second, over six hours: 10,000 + 2,160.
  'our clock gains': { venues: [0, 1].map(() => (second: number) => 10_000 + second / 10), seconds: 21_600, everyMs: 5_000, aheadMs: 12_160 },
  'our clock loses': { venues: [0, 1].map(() => (second: number) => 20_000 - second / 10), seconds: 21_600, everyMs: 5_000, aheadMs: 17_840 },
};

for (const [name, { venues, seconds, aheadMs, everyMs = 500 }] of Object.entries(CASES)) {
  test(`how far our clock is ahead: ${name}`, () => {
    const clocks = new VenueClocks();
    for (let ms = 0; ms <= seconds * 1_000; ms += everyMs) {
      venues.forEach((differenceAt, venue) => {
        const difference = differenceAt(ms / 1_000);
        if (difference !== undefined) clocks.of(`venue ${venue}`).delayOf(START + ms - difference, START + ms);
      });
    }
    assert.equal(Math.round(clocks.aheadMs(START + seconds * 1_000)), aheadMs);
  });
}

test('a venue that is behind as all others are is on time, one that is further behind is not, and after a jump all is learnt anew', () => {
  const clocks = new VenueClocks();
  const send = (source: string, atMs: number, difference: number) => clocks.of(source).delayOf(START + atMs - difference, START + atMs);
  for (let ms = 0; ms <= 20_000; ms += 500) {
    for (const source of ['a', 'b']) send(source, ms, 30_000);
    send('late', ms, 50_000);
  }
  // What is beyond 5 s behind the others is a delay.
  assert.deepEqual([send('a', 20_500, 30_000), send('a', 20_600, 37_000), send('late', 20_700, 50_000)], [0, 7_000, 15_000]);
  clocks.forget();
  assert.deepEqual([clocks.aheadMs(START + 20_800), send('a', 20_900, 30_000)], [0, 25_000]);
});
