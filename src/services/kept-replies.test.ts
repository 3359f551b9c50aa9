import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SqliteStore } from '../models/sqlite.ts';
import { Refusal } from '../types/refusal.ts';
import { KeptReplies } from './kept-replies.ts';

const DAY_MS = 86_400_000;
const conflict = (error: unknown): boolean => error instanceof Refusal && error.code === 'CONFLICT';

function open(store = new SqliteStore(':memory:'), secrets: readonly string[] = ['one']) {
  const time = { now: 0 };
  const kept = new KeptReplies({ store, secrets, clock: () => time.now });
  const done: string[] = [];
  const act = (text: string, failure?: Error) => async (): Promise<string> => {
    if (failure !== undefined) throw failure;
    done.push(text);
    return text;
  };
  return { store, time, kept, done, act };
}

const request = (idempotencyKey: string, fingerprint = 'f') => ({ idempotencyKey, fingerprint });

test('a key acts once and is answered as the first time, also for one who has restarted with a new secret before the old', async () => {
  const { store, kept, done, act } = open();
  assert.deepEqual(await Promise.all(['a', 'b'].map((text) => kept.once(request('7:k'), act(text)))), ['a', 'a']);
  assert.equal(await kept.once(request('8:k'), act('c')), 'c');
  assert.deepEqual(done, ['a', 'c']);
  const again = open(store, ['two', 'one']);
  assert.equal(await again.kept.once(request('7:k'), again.act('d')), 'a');
  await assert.rejects(again.kept.once(request('7:k', 'other'), again.act('e')), conflict);
  assert.deepEqual(again.done, []);
  await store.close();
});

test('what failed is not remembered, and the next one with the key acts', async () => {
  const { store, kept, done, act } = open();
  const refused = new Refusal('NOT_FOUND', 'no');
  const [first, second] = await Promise.allSettled([kept.once(request('7:k'), act('a', refused)), kept.once(request('7:k', 'other'), act('b'))]);
  assert.deepEqual([first.status, second.status, done], ['rejected', 'fulfilled', ['b']]);
  await store.close();
});

test('a key counts for a day', async () => {
  const { store, time, kept, act } = open();
  await kept.once(request('7:k'), act('a'));
  time.now = DAY_MS - 1;
  assert.equal(await kept.once(request('7:k'), act('b')), 'a');
  time.now = DAY_MS;
  assert.equal(await kept.once(request('7:k', 'other'), act('c')), 'c');
  await store.close();
});
