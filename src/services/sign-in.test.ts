import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Attempts } from './attempts.ts';
import { isCommonPassword } from './common-passwords.ts';
import { Revocations } from './revocations.ts';
import { AccessTokens } from './tokens.ts';

test('each attempt after the free ones waits twice as long, up to the most, until all is forgotten', () => {
  let now = 1_000;
  const attempts = new Attempts({ free: 2, firstDelayMs: 1_000, maxDelayMs: 3_000, forgetMs: 60_000 }, () => now);
  const waits: number[] = [];
  for (let i = 0; i < 6; i++) {
    const wait = attempts.take('a');
    waits.push(wait);
    if (wait > 0) now += wait;
    if (wait > 0) assert.equal(attempts.take('a'), 0);
  }
  assert.deepEqual(waits, [0, 0, 1_000, 2_000, 3_000, 3_000]);
  assert.equal(attempts.take('b'), 0);
  now += 60_001;
  assert.deepEqual([attempts.take('a'), attempts.take('a'), attempts.take('a') > 0], [0, 0, true]);
});

test('a clock that was set back lengthens no wait', () => {
  let now = 10_000_000;
  const attempts = new Attempts({ free: 1, firstDelayMs: 1_000, maxDelayMs: 900_000, forgetMs: 86_400_000 }, () => now);
  assert.deepEqual([attempts.take('a'), attempts.take('a')], [0, 1_000]);
  now -= 3_600_000;
  assert.equal(attempts.take('a'), 1_000);
  now += 999;
  assert.equal(attempts.take('a'), 1);
  now += 1;
  assert.deepEqual([attempts.take('a'), attempts.take('a')], [0, 2_000]);
});

test('a refund takes back one attempt, a reset all', () => {
  const attempts = new Attempts({ free: 1, firstDelayMs: 1_000, maxDelayMs: 1_000, forgetMs: 60_000 }, () => 0);
  assert.equal(attempts.take('a'), 0);
  attempts.refund('a');
  assert.equal(attempts.take('a'), 0);
  assert.equal(attempts.take('a'), 1_000);
  attempts.reset('a');
  assert.equal(attempts.take('a'), 0);
});

test('each attempt that has to wait is told, and which is the first of its key', () => {
  let now = 0;
  const told: [string, boolean][] = [];
  const attempts = new Attempts({ free: 1, firstDelayMs: 1_000, maxDelayMs: 1_000, forgetMs: 60_000 }, () => now, (key, first) => told.push([key, first]));
  for (const key of ['a', 'a', 'a', 'b', 'b']) attempts.take(key);
  // The wait is over, the attempt is made, and the next waits again: that is no news.
  now = 1_000;
  for (const key of ['a', 'a']) attempts.take(key);
  attempts.reset('a');
  for (const key of ['a', 'a']) attempts.take(key);
  assert.deepEqual(told, [['a', true], ['a', false], ['b', true], ['a', false], ['a', true]]);
});

test('what was read before a revocation no longer holds; the rest does, until too many are remembered', () => {
  const revocations = new Revocations();
  const before = revocations.generation;
  revocations.mark('session-1');
  assert.ok(!revocations.holds(before, 'session-1', 'user-1'));
  assert.ok(revocations.holds(before, 'session-2', 'user-1'));
  assert.ok(revocations.holds(revocations.generation, 'session-1', 'user-1'));
  revocations.mark('user-1');
  assert.ok(!revocations.holds(before, 'session-2', 'user-1'));
  for (let i = 0; i < 10_000; i++) revocations.mark(`other-${i}`);
  assert.ok(!revocations.holds(before, 'session-3', 'user-3'));
  assert.ok(revocations.holds(revocations.generation, 'session-3', 'user-3'));
});

test('a key can be rotated: the first signs, the older still verifies, a removed one does not', () => {
  const [old, fresh] = ['an old secret of at least 32 characters', 'a new secret of at least 32 characters'] as const;
  const clock = (): number => 1_000_000;
  const claims = { userId: 'u', sessionId: 's', expiresAt: 1_900_000 };
  const token = new AccessTokens([old], clock).issue(claims);
  assert.deepEqual(new AccessTokens([fresh, old], clock).verify(token), claims);
  assert.throws(() => new AccessTokens([fresh], clock).verify(token), { code: 'UNAUTHENTICATED' });
  const next = new AccessTokens([fresh, old], clock).issue(claims);
  assert.deepEqual(new AccessTokens([fresh], clock).verify(next), claims);
});

test('a token of a clock that was set back a little since is good, and ends when it says', () => {
  let now = 1_700_000_000_000;
  const tokens = new AccessTokens(['a secret of at least thirty-two characters'], () => now);
  const claims = { userId: 'u', sessionId: 's', expiresAt: now + 900_000 };
  const token = tokens.issue(claims);
  now -= 60_000;
  assert.deepEqual(tokens.verify(token), claims);
  now -= 1_000;
  assert.throws(() => tokens.verify(token), { code: 'UNAUTHENTICATED' });
  now = claims.expiresAt - 1_000;
  assert.deepEqual(tokens.verify(token), claims);
  now = claims.expiresAt;
  assert.throws(() => tokens.verify(token), { code: 'TOKEN_EXPIRED' });
});

test('common passwords are known with their decorations; others are left alone', () => {
  for (const password of ['Password1', 'passw0rd!!', '!!LETMEIN!!', 'iloveyou2', '1qaz2wsx', 'qwerty123', '87654321', 'monkey12345', 'trustno1!', 'ababababab', 'superman99', '20011231']) assert.ok(isCommonPassword(password), password);
  for (const password of ['correct horse battery', 'Tr0ub4dor&3', 'the quick brown fox', 'gvn4Zk2pQx', '73920184', 'meine oma faehrt', 'passwordless future', '密码很长的一句话啊']) assert.ok(!isCommonPassword(password), password);
});
