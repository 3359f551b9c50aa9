import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z, type ZodType } from 'zod';
import { parseDecimal } from '../engine/decimal.ts';
import { assetCode, clientOrderId, decimal, listQuery, positiveDecimal, queryInteger, rate, signedDecimal, signedRate, symbol } from './common.ts';

const accepts = (schema: ZodType, input: unknown): boolean => schema.safeParse(input).success;

/** input → zero or more, more than zero, anything but zero */
const DECIMALS: readonly (readonly [unknown, boolean, boolean, boolean])[] = [
  ['1', true, true, true],
  ['0.5', true, true, true],
  ['10.50', true, true, true],
  ['123456789012345678.123456789012345678', true, true, true],
  ['0', true, false, false],
  ['0.0', true, false, false],
  ['0.000', true, false, false],
  ['-1', false, false, true],
  ['-0.5', false, false, true],
  ['-0', false, false, false],
  ['-0.00', false, false, false],
  ['+1', false, false, false],
  ['--1', false, false, false],
  ['1e5', false, false, false],
  ['1E5', false, false, false],
  ['0x10', false, false, false],
  ['Infinity', false, false, false],
  ['NaN', false, false, false],
  ['', false, false, false],
  [' ', false, false, false],
  [' 1', false, false, false],
  ['1 ', false, false, false],
  ['1\n', false, false, false],
  ['\u00a01', false, false, false],
  ['1_000', false, false, false],
  ['1,5', false, false, false],
  ['.5', false, false, false],
  ['5.', false, false, false],
  ['01', false, false, false],
  ['00', false, false, false],
  ['1.2.3', false, false, false],
  // Arabic-Indic, fullwidth and Devanagari one: digits to Unicode, not to us
  ['\u0661', false, false, false],
  ['\uff11', false, false, false],
  ['\u0967', false, false, false],
  // fullwidth full stop, minus sign
  ['1\uff0e5', false, false, false],
  ['\u22121', false, false, false],
  ['1234567890123456789', false, false, false],
  ['0.1234567890123456789', false, false, false],
  [1, false, false, false],
  [null, false, false, false],
  [['1'], false, false, false],
  [{ $gt: '' }, false, false, false],
];

test('a decimal is digits, a point and digits, and nothing else', () => {
  for (const [input, zeroOrMore, positive, notZero] of DECIMALS) {
    const shown = JSON.stringify(input);
    assert.equal(accepts(decimal, input), zeroOrMore, `decimal ${shown}`);
    assert.equal(accepts(positiveDecimal, input), positive, `positive ${shown}`);
    assert.equal(accepts(signedDecimal, input), notZero, `signed ${shown}`);
  }
});

test('what the validator takes for a decimal, the engine reads, and nothing more', () => {
  const texts = fc.oneof(fc.string({ maxLength: 9 }), fc.stringMatching(/^-?[0-9]{0,4}\.?[0-9]{0,4}$/));
  fc.assert(fc.property(texts, (text) => assert.equal(accepts(decimal, text), parseDecimal(text, 6) !== undefined)), { numRuns: 1_000 });
});

test('a rate has at most six decimals', () => {
  for (const input of ['0', '0.0004', '0.000001', '1', '999.999999']) assert.ok(accepts(rate, input), input);
  for (const input of ['0.0000001', '-0.1', '1e-4', '1000', '.1', 0.1]) assert.ok(!accepts(rate, input), String(input));
  assert.ok(accepts(signedRate, '-0.0001'));
  assert.ok(!accepts(signedRate, '--0.0001'));
});

test('names have one form', () => {
  for (const input of ['BTC-USDT', 'BTC-USDT-PERP', '1INCH-USDT']) assert.ok(accepts(symbol, input), input);
  for (const input of ['btc-usdt', 'BTCUSDT', 'BTC-USDT-SWAP', 'BTC-', '-USDT', 'BTC-USDT ', 'BTC/USDT', 'A'.repeat(17) + '-B', '__proto__', null]) assert.ok(!accepts(symbol, input), String(input));
  for (const input of ['USDT', 'BTC2']) assert.ok(accepts(assetCode, input), input);
  for (const input of ['usdt', '', 'US DT', 'U'.repeat(17)]) assert.ok(!accepts(assetCode, input), input);
  for (const input of ['a', 'A.b_c-1', 'x'.repeat(36)]) assert.ok(accepts(clientOrderId, input), input);
  for (const input of ['', 'x'.repeat(37), 'a b', 'a:b', 'é', 'a\n']) assert.ok(!accepts(clientOrderId, input), input);
});

test('an integer in a query is digits within its bounds', () => {
  const schema = queryInteger(1, 500);
  assert.deepEqual(schema.parse('500'), 500);
  for (const input of ['0', '501', '1.5', '-1', '1e2', '0x10', '', ' 5', '05', '99999999999999999', 5]) assert.ok(!accepts(schema, input), String(input));
});

test('a list has a limit, one start, and fields that exist', () => {
  const schema = listQuery(z.object({ id: z.string(), price: z.string() }), {});
  assert.deepEqual(schema.parse({}), { limit: 50 });
  assert.deepEqual(schema.parse({ fields: 'price,id', limit: '7' }), { limit: 7, fields: ['price', 'id'] });
  for (const input of [{ fields: 'secret' }, { fields: 'id,' }, { fields: '__proto__' }, { limit: '501' }, { offset: '10001' }, { page: '2' }, { cursor: 'x', offset: '0' }]) assert.ok(!accepts(schema, input), JSON.stringify(input));
});
