import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../src/utils/random.ts';
import { Disk, type DiskCall } from './disk.ts';

type Plain = DiskCall extends infer C ? (C extends DiskCall ? Omit<C, 'begun' | 'done'> : never) : never;

/** What there may be after a power cut, over many of them: each file as text, `-` where there is none. */
function outcomes(calls: readonly Plain[], path: string): Set<string> {
  const disk = new Disk();
  calls.forEach((call, at) => disk.apply({ ...call, begun: at, done: at } as DiskCall));
  const numbers = random(1);
  return new Set(Array.from({ length: 2_000 }, () => disk.afterPowerCut(numbers).get(path)?.toString() ?? '-'));
}

const made: Plain[] = [{ type: 'open', path: '/d/a', create: true, truncate: false }, { type: 'sync', path: '/d' }];
const write = (data: string, offset = 0): Plain => ({ type: 'write', path: '/d/a', offset, data: Buffer.from(data) });
const sync: Plain = { type: 'sync', path: '/d/a' };

test('what was synced is there, and of all else any part may be', () => {
  assert.deepEqual(outcomes([...made, write('one'), sync], '/d/a'), new Set(['one']));
  // A file may be longer already, and what was written not there yet.
  assert.deepEqual(outcomes([...made, write('one')], '/d/a'), new Set(['', '\0\0\0', 'one']));
  const both = outcomes([...made, write('one'), sync, write('two', 3), write('six', 6)], '/d/a');
  assert.deepEqual(both, new Set(['one', 'onetwo', 'one\0\0\0', 'onetwosix', 'one\0\0\0six', 'onetwo\0\0\0', 'one\0\0\0\0\0\0']));
  assert.deepEqual(outcomes([...made, write('long'), sync, { type: 'truncate', path: '/d/a', length: 1 }], '/d/a'), new Set(['long', 'l']));
});

test('a write may be torn between sectors, of 512 bytes, and not within one', () => {
  const found = outcomes([...made, write('x'.repeat(1_024))], '/d/a');
  const [none, one] = ['\0'.repeat(512), 'x'.repeat(512)];
  assert.deepEqual(found, new Set(['', one + one, none + one, one + none, none + none]));
});

test('a name is there when its folder was synced since', () => {
  assert.deepEqual(outcomes([made[0]!, write('one'), sync], '/d/a'), new Set(['-', 'one']));
  assert.deepEqual(outcomes([...made, write('one'), sync, { type: 'unlink', path: '/d/a' }], '/d/a'), new Set(['-', 'one']));
  const moved: Plain[] = [...made, write('one'), sync, { type: 'rename', path: '/d/a', to: '/d/b' }];
  assert.deepEqual(outcomes(moved, '/d/b'), new Set(['-', 'one']));
  assert.deepEqual(outcomes([...moved, { type: 'sync', path: '/d' }], '/d/b'), new Set(['one']));
  assert.deepEqual(outcomes([...moved, { type: 'sync', path: '/d' }], '/d/a'), new Set(['-']));
});

test('a folder is there when the one that it is in was synced since, and what is in it goes with it', () => {
  const inside: Plain[] = [{ type: 'mkdir', path: '/d/in' }, { type: 'open', path: '/d/in/a', create: true, truncate: false }, { type: 'sync', path: '/d/in' }];
  assert.deepEqual(outcomes(inside, '/d/in/a'), new Set(['-', '']));
  assert.deepEqual(outcomes([...inside, { type: 'sync', path: '/d' }], '/d/in/a'), new Set(['']));
});

test('a sync covers what was answered before it began', () => {
  const disk = new Disk();
  for (const [at, call] of made.entries()) disk.apply({ ...call, begun: at, done: at } as DiskCall);
  disk.apply({ type: 'write', path: '/d/a', offset: 0, data: Buffer.from('late'), begun: 2, done: 5 });
  disk.apply({ type: 'sync', path: '/d/a', begun: 3, done: 4 });
  const numbers = random(1);
  assert.deepEqual(new Set(Array.from({ length: 100 }, () => disk.afterPowerCut(numbers).get('/d/a')!.toString())), new Set(['', '\0\0\0\0', 'late']));
});
