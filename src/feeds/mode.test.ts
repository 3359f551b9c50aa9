import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FeedsModeError, parseFeeds } from './mode.ts';

test('the values of FEEDS', () => {
  assert.deepEqual(parseFeeds('auto'), { mode: 'auto' });
  assert.deepEqual(parseFeeds('live'), { mode: 'live' });
  assert.deepEqual(parseFeeds('manual'), { mode: 'manual' });
  assert.deepEqual(parseFeeds('simulated'), { mode: 'simulated', seed: 1 });
  assert.deepEqual(parseFeeds('simulated:42'), { mode: 'simulated', seed: 42 });
  assert.deepEqual(parseFeeds('replay:../shared/data'), { mode: 'replay', directory: '../shared/data', speed: 1 });
  assert.deepEqual(parseFeeds('replay:../shared/data@60'), { mode: 'replay', directory: '../shared/data', speed: 60 });
  assert.deepEqual(parseFeeds('replay:C:\\data@0.5'), { mode: 'replay', directory: 'C:\\data', speed: 0.5 });
  assert.deepEqual(parseFeeds('replay:/srv/me@home/data'), { mode: 'replay', directory: '/srv/me@home/data', speed: 1 });
  assert.deepEqual(parseFeeds('replay:data?day=2022-12-13,2024-08-08&from=13:00&to=24:00&only=klines,wire&loop=1@60'), {
    mode: 'replay', directory: 'data', speed: 60, days: ['2022-12-13', '2024-08-08'], fromMs: 46_800_000, toMs: 86_400_000, kinds: ['klines', 'wire'], loop: true,
  });
});

test('what is wrong is said', () => {
  const cases = {
    '': /one of auto/, Auto: /one of auto/, 'live:1': /one of auto/, 'simulated:x': /seed/, 'replay:': /directory/, 'replay:d@0': /speed/, 'replay:d@x': /speed/, 'replay:d@999999': /speed/,
    'replay:d?day=13.12.2022': /day must be/, 'replay:d?day=2022-13-45': /day must be/, 'replay:d?day=2022-02-30': /day must be/, 'replay:d?to=24:01': /to must be/,
    'replay:d?from=13:00&to=12:00': /from must be before to/, 'replay:d?from=13:00&to=13:00': /from must be before to/, 'replay:d?to=00:00': /from must be before to/, 'replay:d?from=24:00': /from must be before to/,
    'replay:d?from=25:00': /from must be/, 'replay:d?only=books': /only must name/, 'replay:d?loop=yes': /loop/, 'replay:d?days=1': /no option "days"/,
  };
  for (const [text, message] of Object.entries(cases)) {
    assert.throws(() => parseFeeds(text), (error: Error) => error instanceof FeedsModeError && message.test(error.message), text);
  }
});
