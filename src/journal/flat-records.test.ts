import assert from 'node:assert/strict';
import { test } from 'node:test';
import { record } from './contract.ts';
import { flatten, unflatten } from './flat-records.ts';

test('several appends come out as they went in, whichever records have keys', () => {
  const appends = [
    [record(1), record(2, 3), record(5)],
    [],
    [record(6, 1, { key: '7:abc', fingerprint: 'f1' })],
    [record(7), record(8, 1, { key: '7:abd', fingerprint: 'f2' }), record(9, 1, { key: '7:abe' }), record(10), record(11, 1, { fingerprint: 'f3' })],
  ];
  assert.deepEqual(unflatten(appends.map(flatten)), appends.flat());
});
