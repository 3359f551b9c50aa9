import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Aggregator, AGGREGATOR_DEFAULTS, type AggregatorOptions, type IndexReport } from './aggregator.ts';
import { withoutOutliers } from './outliers.ts';
import type { InstrumentKind, Tick } from './source.ts';

const START = 1_700_000_000_000;

/** Quotes by `venue`, `venue/USD` or `venue/USDT/perpetual`. */
class Bench {
  readonly aggregator: Aggregator;
  now = START;
  expected = 5;

  constructor(options: Partial<AggregatorOptions> = {}) {
    this.aggregator = new Aggregator(options);
  }

  quote(name: string, price: number, more: Partial<Tick> = {}): ReturnType<Aggregator['observe']> {
    const [source, quote = 'USDT', kind = 'spot'] = name.split('/');
    return this.aggregator.observe({
      source, pair: `BTC-${quote}`, kind: kind as InstrumentKind, bid: price * 0.9999, ask: price * 1.0001, eventTimeMs: this.now, receivedTimeMs: this.now, ...more,
    });
  }

  rate(source: string, pair: string, price: number): void {
    this.aggregator.observe({ source, pair, kind: 'spot', last: price, eventTimeMs: this.now, receivedTimeMs: this.now });
  }

  /** Every half second for `seconds`, these prices. */
  run(seconds: number, prices: Readonly<Record<string, number>>): IndexReport {
    let report = this.look();
    for (let step = 0; step < seconds * 2; step++) {
      this.now += 500;
      for (const [name, price] of Object.entries(prices)) this.quote(name, price);
      report = this.look();
    }
    return report;
  }

  look(): IndexReport {
    return this.aggregator.evaluate('BTC-USDT', this.now, this.expected);
  }
}

const near = (actual: number | undefined, expected: number) => assert.ok(actual !== undefined && Math.abs(actual / expected - 1) < 1e-9, `${actual} instead of ${expected}`);
const faults = (report: IndexReport) => Object.fromEntries(report.sources.map(({ source, kind, fault }) => [kind === 'spot' ? source : `${source} ${kind}`, fault]));

test('three sources that agree: the middle one', () => {
  const report = new Bench().run(1, { a: 100, b: 101, c: 100.5 });
  near(report.index, 100.5);
  assert.deepEqual([report.live, report.safety, report.counting, report.quorum], [true, 'normal', 3, 2]);
});

test('two sources in the same quote: the mean, neither rules', () => {
  near(new Bench().run(1, { a: 100, b: 101 }).index, 100.5);
});

test('a source beyond the limit is an outlier, does not move the index, and comes back only after having been near for a while', () => {
  const bench = new Bench();
  bench.run(5, { a: 100, b: 100.2, c: 100.1 });
  const lying = bench.run(1, { a: 100, b: 100.2, c: 150 });
  near(lying.index, 100.1);
  assert.equal(faults(lying).c, 'outlier');
  const { rejoinAfterMs } = AGGREGATOR_DEFAULTS;
  // 1.5 % away is within the limit of staying, not within that of coming back.
  assert.equal(faults(bench.run(10, { a: 100, b: 100.2, c: 101.6 })).c, 'outlier');
  assert.equal(faults(bench.run(rejoinAfterMs / 1000 - 0.5, { a: 100, b: 100.2, c: 100.1 })).c, 'rejoining');
  assert.equal(faults(bench.run(1, { a: 100, b: 100.2, c: 100.1 })).c, undefined);
});

test('a source that stays within the limit stays', () => {
  const bench = new Bench();
  bench.run(5, { a: 100, b: 100, c: 100 });
  assert.equal(faults(bench.run(5, { a: 100, b: 100, c: 101.5 })).c, undefined);
});

test('two sources that disagree both go: the index freezes at its last good value', () => {
  const bench = new Bench();
  bench.run(5, { a: 100, b: 100 });
  const report = bench.run(1, { a: 100, b: 110 });
  near(report.index, 100);
  assert.deepEqual([report.live, report.safety, report.counting], [false, 'reduce_only', 0]);
});

test('two that disagree get a witness from the next tier', () => {
  const report = new Bench().run(1, { a: 100, b: 110, 'c/BUSD': 100.1 });
  near(report.index, 100);
  assert.deepEqual(faults(report), { a: undefined, b: 'outlier', c: undefined });
});

test('whoever is seen first, or is back first after an outage, keeps nobody out', () => {
  const honest = { a: 100, b: 100, c: 100, d: 100 };
  const starting = new Bench();
  starting.run(1, { liar: 101.5 });
  // 1.5 % away it is no outlier, but alone among five it does not move the index.
  const started = starting.run(3, { liar: 101.5, ...honest });
  near(started.index, 100);
  assert.deepEqual([started.live, started.safety, started.counting], [true, 'normal', 5]);

  const bench = new Bench();
  bench.run(30, { liar: 100, ...honest });
  bench.run(40, {});
  assert.equal(bench.run(10, { liar: 110 }).safety, 'halted');
  const back = bench.run(3, { liar: 110, ...honest });
  near(back.index, 100);
  assert.deepEqual([back.live, back.safety, faults(back).liar], [true, 'normal', 'outlier']);
});

test('two that are wrong alike and back first keep three others out no longer than anyone who was dropped', () => {
  const bench = new Bench();
  const honest = { a: 100, b: 100, c: 100 };
  bench.run(30, { wrong: 100, alike: 100, ...honest });
  bench.run(10, {});
  near(bench.run(5, { wrong: 110, alike: 110 }).index, 110);
  const back = bench.run(AGGREGATOR_DEFAULTS.rejoinAfterMs / 1000 + 1, { wrong: 110, alike: 110, ...honest });
  near(back.index, 100);
  assert.deepEqual([faults(back).wrong, faults(back).alike, back.counting], ['outlier', 'outlier', 3]);
});

test('a silent source is stale after a few of its own gaps, and a slow one is not', () => {
  const bench = new Bench();
  for (let second = 0; second < 120; second++) {
    bench.now += 1000;
    bench.quote('quick', 100);
    bench.quote('other', 100);
    if (second % 12 === 0) bench.quote('slow', 100.1);
  }
  bench.now += AGGREGATOR_DEFAULTS.staleMinMs + 1;
  bench.quote('other', 100);
  assert.deepEqual(faults(bench.look()), { quick: 'stale', other: undefined, slow: undefined });
  bench.now += AGGREGATOR_DEFAULTS.staleMaxMs;
  assert.deepEqual(new Set(Object.values(faults(bench.look()))), new Set(['stale']));
});

test('silence: reduce_only, later halted; prices again: normal, after they have lasted', () => {
  const bench = new Bench();
  bench.run(5, { a: 100, b: 100 });
  const silent: string[] = [];
  for (let second = 0; second < 45; second++) silent.push(bench.run(1, {}).safety);
  assert.deepEqual([...new Set(silent)], ['normal', 'reduce_only', 'halted']);
  assert.equal(silent.filter((safety) => safety === 'reduce_only').length, AGGREGATOR_DEFAULTS.haltAfterMs / 1000);
  const back = bench.run(1, { a: 120, b: 120 });
  near(back.index, 120);
  assert.deepEqual([back.live, back.safety], [true, 'reduce_only']);
  assert.equal(bench.run(2, { a: 120, b: 120 }).safety, 'normal');
});

test('before the first price there is no index, and after the grace its market is safe', () => {
  const bench = new Bench();
  assert.deepEqual([bench.look().index, bench.look().safety], [undefined, 'normal']);
  assert.equal(bench.run(AGGREGATOR_DEFAULTS.startGraceMs / 1000 + 1, { a: 100 }).safety, 'reduce_only');
  assert.equal(bench.look().index, undefined);
});

test('an index of a former run is lost until there is a new one: no grace, and no market is safer than it was', () => {
  const since = { normal: 'reduce_only', reduce_only: 'reduce_only', halted: 'halted' } as const;
  for (const [safety, first] of Object.entries(since)) {
    const bench = new Bench();
    const before = { index: 90, safety: safety as keyof typeof since };
    const look = () => bench.aggregator.evaluate('BTC-USDT', bench.now, 2, before);
    assert.deepEqual([look().index, look().live, look().safety], [90, false, first]);
    bench.aggregator.reset(bench.now);
    assert.equal(look().safety, first, 'another source does not begin a grace');
    bench.now += AGGREGATOR_DEFAULTS.haltAfterMs;
    assert.equal(look().safety, 'halted');
    const back = bench.run(1, { a: 100, b: 100 });
    near(back.index, 100);
    assert.equal(back.safety, 'reduce_only');
    assert.equal(bench.run(2, { a: 100, b: 100 }).safety, 'normal');
  }
});

test('prices that are there at the first look leave a market as it was', () => {
  const bench = new Bench();
  for (const source of ['a', 'b']) bench.quote(source, 100);
  const report = bench.aggregator.evaluate('BTC-USDT', bench.now, 2, { index: 90, safety: 'normal' });
  near(report.index, 100);
  assert.deepEqual([report.live, report.safety], [true, 'normal']);
});

test('another recording gives a market that never had an index no second grace', () => {
  const bench = new Bench();
  assert.equal(bench.run(AGGREGATOR_DEFAULTS.startGraceMs / 1000 + 1, { a: 100 }).safety, 'reduce_only');
  bench.aggregator.reset(bench.now);
  assert.equal(bench.look().safety, 'reduce_only');
  bench.run(AGGREGATOR_DEFAULTS.haltAfterMs / 1000, {});
  bench.aggregator.reset(bench.now);
  assert.equal(bench.look().safety, 'halted');
});

test('the quorum asks for no more sources than there are', () => {
  const bench = new Bench();
  bench.expected = 1;
  near(bench.run(1, { only: 100 }).index, 100);
});

test('the index of a Tether pair takes Tether sources; others wait', () => {
  const report = new Bench().run(1, { a: 100, b: 100.2, 'c/USD': 101, 'd/BUSD': 101, 'e/USDT/perpetual': 101 });
  near(report.index, 100.1);
  assert.deepEqual(faults(report), { a: undefined, b: undefined, c: 'standby', d: 'standby', 'e perpetual': 'standby' });
});

test('fallback order: dollars at a quoted rate, then at par, then perpetuals', () => {
  const bench = new Bench();
  near(bench.run(1, { 'a/USD': 99, 'b/USD': 99 }).index, 99);
  bench.rate('fx', 'USDT-USD', 0.99);
  near(bench.run(1, { 'a/USD': 99, 'b/USD': 99 }).index, 100);
});

test('a rate beyond belief is a fault of what it converts, never par: the index freezes', () => {
  const bench = new Bench();
  const converted = () => bench.aggregator.evaluate('BTC-USD', bench.now, 2);
  const quoted = (rate: number) => {
    for (let step = 0; step < 4; step++) {
      bench.now += 500;
      for (const source of ['x', 'y']) {
        bench.rate(source, 'USDC-USD', rate);
        bench.quote(`${source}/USDC`, 100 / rate);
      }
      converted();
    }
    return converted();
  };
  near(quoted(0.95).index, 100);
  const report = quoted(0.85);
  near(report.index, 100);
  assert.deepEqual([report.live, report.safety], [false, 'reduce_only']);
  assert.deepEqual(faults(report), { x: 'doubtful_rate', y: 'doubtful_rate' });
});

test('one venue that is wrong about a dollar does not move an index; what nobody else confirms stops it', () => {
  const bench = new Bench();
  const quoted = (rates: Readonly<Record<string, number>>) => {
    for (let step = 0; step < 4; step++) {
      bench.now += 500;
      for (const [source, rate] of Object.entries(rates)) bench.rate(source, 'USDT-USD', rate);
      for (const source of ['a', 'b', 'c']) bench.quote(source, 100);
      bench.aggregator.evaluate('BTC-USD', bench.now, 3);
    }
    return bench.aggregator.evaluate('BTC-USD', bench.now, 3);
  };
  near(quoted({ x: 1, y: 1 }).index, 100);
  near(quoted({ x: 0.92, y: 1 }).index, 100);
  const alone = quoted({ x: 0.92 });
  near(alone.index, 100);
  assert.equal(alone.live, true, 'the other is still fresh');
  bench.now += AGGREGATOR_DEFAULTS.staleMaxMs;
  assert.equal(quoted({ x: 0.92 }).live, false);
  near(quoted({ x: 0.92, y: 0.92 }).index, 92);
});

test('perpetuals alone make an index, dated futures never do', () => {
  near(new Bench().run(1, { 'a/USDT/perpetual': 100, 'b/USD/perpetual': 100.2 }).index, 100);
  assert.equal(new Bench().run(1, { 'a/USDT/future': 100, 'b/USDT/future': 100 }).sources.length, 0);
});

test('of two tiers the better one rules and the other is its witness', () => {
  near(new Bench().run(1, { a: 100, 'b/BUSD': 101 }).index, 100);
});

test('a venue counts once, with its best instrument', () => {
  const bench = new Bench();
  assert.equal(bench.run(1, { a: 100, 'a/USD': 100, 'a/USDT/perpetual': 100 }).live, false);
});

test('crossed quotes do not count until they are uncrossed', () => {
  const bench = new Bench();
  bench.run(2, { a: 100, b: 100, c: 100 });
  assert.equal(bench.quote('c', 100, { bid: 101, ask: 100 }), 'crossed');
  assert.equal(faults(bench.look()).c, 'crossed');
  bench.quote('c', 100);
  assert.equal(faults(bench.look()).c, 'rejoining');
});

test('a clock 1.27 s behind the venue, or a venue a minute behind, costs nothing; a message that waited is known to be old', () => {
  const bench = new Bench();
  const aged = (source: string) => bench.look().sources.find((report) => report.source === source)?.ageMs;
  for (let step = 0; step < 20; step++) {
    bench.now += 500;
    bench.quote('ahead', 100, { eventTimeMs: bench.now + 1270 });
    bench.quote('exact', 100);
  }
  assert.equal(aged('ahead'), 0);
  near(bench.aggregator.clockOffsetMs('ahead'), -1270);
  bench.now += 10_000;
  bench.quote('ahead', 101, { eventTimeMs: bench.now + 1270 - 8_000 });
  assert.equal(aged('ahead'), 8_000);
  assert.equal(bench.quote('ahead', 102, { eventTimeMs: bench.now + 1270 - 100_000 }), 'late');
});

test('messages without a time say nothing of the clock: those that have one are not old, however rare', () => {
  const bench = new Bench();
  bench.expected = 1;
  for (let step = 0; step < 400; step++) {
    bench.now += 100;
    assert.equal(bench.quote('venue', 100, { eventTimeMs: undefined }), undefined);
    if (step % 100 === 0) assert.equal(bench.quote('venue', 100, { eventTimeMs: bench.now + 1_270 }), undefined, 'the venue is 1.27 s ahead');
    assert.equal(bench.look().sources[0].ageMs, 0);
  }
  near(bench.aggregator.clockOffsetMs('venue'), -1_270);
});

test('one wrong time, 50 s or 3.9 s ahead, makes no venue stale', () => {
  for (const aheadMs of [50_000, 3_900]) {
    const bench = new Bench();
    for (let step = 0; step < 400; step++) {
      bench.now += 500;
      for (const source of ['a', 'b']) bench.quote(source, 100, { eventTimeMs: bench.now - 50 + (source === 'a' && step === 100 ? aheadMs : 0) });
      assert.equal(bench.look().counting, 2, `step ${step}`);
    }
  }
});

test('another recording: prices are forgotten, the last index stays until there are new ones', () => {
  const bench = new Bench();
  bench.run(5, { a: 4_300, b: 4_300 });
  bench.aggregator.reset(bench.now);
  assert.deepEqual([bench.look().index, bench.look().live, bench.look().safety], [4_300, false, 'reduce_only']);
  const report = bench.run(1, { a: 61_000, b: 61_000 });
  near(report.index, 61_000);
  assert.equal(bench.run(2, { a: 61_000, b: 61_000 }).safety, 'normal');
});

test('reliability falls while a source is away and rises again, within 0 and 1; it weighs', () => {
  const bench = new Bench();
  bench.run(600, { good: 100, other: 100, bad: 100 });
  const before = bench.aggregator.reliabilities().get('bad') ?? 0;
  bench.run(300, { good: 100, other: 100 });
  const after = bench.aggregator.reliabilities().get('bad') ?? 0;
  assert.ok(before > 0.8 && before <= 1 && after < before / 2 && after >= 0, `${before} → ${after}`);
  const report = bench.run(5, { good: 100, other: 100, bad: 100 });
  const weight = (name: string) => report.sources.find(({ source }) => source === name)?.weight ?? 0;
  assert.ok(weight('bad') < weight('good'));
});

test('the memory for instruments is bounded', () => {
  const bench = new Bench();
  let refused: unknown;
  for (let n = 0; n < 6_000 && refused === undefined; n++) refused = bench.quote(`venue${n}`, 100);
  assert.equal(refused, 'too_many');
});

test('one liar among three or more cannot move the index out of the range of the others, whatever it says, weighs and was', () => {
  // Wild ones, and those too near to be thrown out.
  const price = fc.oneof(fc.double({ min: 0.01, max: 1e7, noNaN: true }), fc.double({ min: 98, max: 102, noNaN: true }));
  const honest = fc.array(fc.double({ min: 99.6, max: 100.4, noNaN: true }), { minLength: 2, maxLength: 6 });
  fc.assert(fc.property(honest, fc.array(price, { minLength: 1, maxLength: 8 }), fc.nat(300), (truths, lies, trust) => {
    const bench = new Bench({ venueWeights: { liar: 5 } });
    const prices = Object.fromEntries(truths.map((truth, n) => [`honest${n}`, truth]));
    // The others begin late, so that the liar is the most reliable of all.
    bench.run(trust, { liar: 100 });
    bench.run(3, { ...prices, liar: 100 });
    for (const lie of lies) {
      const { index } = bench.run(1, { ...prices, liar: lie });
      assert.ok(index !== undefined && index >= Math.min(...truths) * (1 - 1e-12) && index <= Math.max(...truths) * (1 + 1e-12), `${index} with ${JSON.stringify(truths)} and ${lie}`);
    }
  }), { numRuns: 60 });
});

test('outliers go one at a time, the furthest first', () => {
  const kept = (prices: number[]) => withoutOutliers(prices.map((price) => ({ price })), 0.02).map(({ price }) => price);
  assert.deepEqual(kept([100, 100.5, 250]), [100, 100.5]);
  assert.deepEqual(kept([1, 100, 100.5, 250]), [100, 100.5]);
  assert.deepEqual(kept([100, 103]), []);
  assert.deepEqual(kept([100]), [100]);
});

test('figures that are no prices are outliers too, whatever sums of them come to', () => {
  const kept = (prices: number[]) => withoutOutliers(prices.map((price) => ({ price })), 0.02).map(({ price }) => price);
  for (const absurd of [1.7e308, Infinity, NaN, 0, -5, -Infinity]) {
    assert.deepEqual(kept([100, absurd, 100.5]), [100, 100.5], String(absurd));
    assert.deepEqual(kept([100, absurd, 100.5, absurd, 100.2]), [100, 100.5, 100.2], String(absurd));
  }
  assert.deepEqual(kept([NaN]), []);
  // Middles of them are infinite: nothing can be told, and it ends.
  assert.ok(kept([1.7e308, 1.7e308, 1.7e308, 1.6e308, 1.7e308, 100]).length < 6);
});
