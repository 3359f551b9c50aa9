import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CODES, Refusal, statusOf } from './refusal.ts';

const statuses: readonly (readonly [Parameters<typeof statusOf>[0], number])[] = [
  ['VALIDATION_FAILED', 400], ['UNAUTHENTICATED', 401], ['FORBIDDEN', 403], ['NOT_FOUND', 404], ['CONFLICT', 409], ['DUPLICATE_CLIENT_ORDER_ID', 409],
  ['PAYLOAD_TOO_LARGE', 413], ['RATE_LIMITED', 429], ['INTERNAL', 500], ['UNAVAILABLE', 503], ['INSUFFICIENT_BALANCE', 422], ['NO_LIQUIDITY', 422], ['ORDER_NOT_OPEN', 422],
];
for (const [code, status] of statuses) test(`${code} is ${status}`, () => assert.equal(statusOf(code), status));

test('every code has a client or server error status, and is listed once', () => {
  assert.ok(CODES.every((code) => statusOf(code) >= 400 && statusOf(code) < 600));
  assert.equal(new Set(CODES).size, CODES.length);
});

test('an engine reject becomes a refusal with the same code and words', () => {
  const refusal = Refusal.of({ ok: false, code: 'MIN_NOTIONAL', detail: 'too small' });
  assert.deepEqual([refusal.code, refusal.message], ['MIN_NOTIONAL', 'too small']);
});
