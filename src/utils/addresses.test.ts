import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressSet, canonicalAddress, clientKey } from './addresses.ts';

test('an IPv4 address in IPv6 clothes is the IPv4 address', () => {
  assert.equal(canonicalAddress('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(canonicalAddress('2001:db8::1'), '2001:db8::1');
});

const KEYS: Record<string, string> = {
  '192.0.2.1': '192.0.2.1',
  '2001:db8:1:2ff::1': '2001:db8:1:200::/56',
  '2001:db8:1:200:1:2:3:4': '2001:db8:1:200::/56',
  '2001:db8:1:1ff::': '2001:db8:1:100::/56',
  '2001:db8::ffff': '2001:db8:0:0::/56',
  '::1': '0:0:0:0::/56',
  'fe80::1%eth0': 'fe80:0:0:0::/56',
};
for (const [address, key] of Object.entries(KEYS)) test(`${address} is counted as ${key}`, () => assert.equal(clientKey(address), key));

test('a set holds what is in its ranges, of the same family', () => {
  const set = new AddressSet(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32']);
  for (const inside of ['10.255.0.1', '192.0.2.7', '2001:db8:ffff::1']) assert.ok(set.has(inside), inside);
  for (const outside of ['11.0.0.1', '192.0.2.8', '2001:db9::1', '::ffff:0:0', '', 'localhost']) assert.ok(!set.has(outside), outside);
});

test('what is no address or range is named', () => {
  for (const entry of ['localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '::1/129', '10.0.0']) {
    assert.throws(() => new AddressSet([entry]), (error: unknown) => error instanceof RangeError && error.message.startsWith(entry));
  }
});
