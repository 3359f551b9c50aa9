import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FUTURES_AVAILABLE, Ledger, PAGE_ACCOUNTS, SPOT_AVAILABLE, SPOT_LOCKED } from './ledger.ts';
import { INSURANCE, VENUE } from './units.ts';

const EXTERNAL = 0;

/** What a look at every balance at once gives. */
function sumsNow(ledger: Ledger, asset: number, accounts: number) {
  const of = (account: number) => [0, 1, 2, 3, 4].map((bucket) => ledger.get(asset, account, bucket as 0));
  const traders = [0, 0, 0, 0, 0];
  for (let account = INSURANCE + 1; account < accounts; account++) for (const [bucket, balance] of of(account).entries()) traders[bucket] += balance;
  return { traders, insurance: of(INSURANCE), venue: of(VENUE) };
}

test('a cut holds the sums of its moment, whatever is moved while it is added up', () => {
  const accounts = PAGE_ACCOUNTS * 4;
  const account = fc.oneof(fc.constantFrom(INSURANCE, 2, PAGE_ACCOUNTS - 1, PAGE_ACCOUNTS), fc.integer({ min: 2, max: accounts - 1 }));
  const move = fc.record({ asset: fc.integer({ min: 0, max: 3 }), from: account, to: account, amount: fc.integer({ min: 1, max: 1_000_000 }), pages: fc.integer({ min: 0, max: 3 }) });
  fc.assert(
    fc.property(fc.array(move, { maxLength: 30 }), fc.array(move, { maxLength: 60 }), (before, meanwhile) => {
      const ledger = new Ledger();
      const apply = ({ asset, from, to, amount }: (typeof before)[number]) => {
        ledger.transfer(asset, VENUE, EXTERNAL, from, SPOT_AVAILABLE, amount);
        ledger.transfer(asset, from, SPOT_AVAILABLE, from, SPOT_LOCKED, Math.floor(amount / 3));
        ledger.transfer(asset, from, SPOT_AVAILABLE, to, FUTURES_AVAILABLE, Math.floor(amount / 2));
      };
      before.forEach(apply);
      const expected = [0, 1, 2, 3].map((asset) => sumsNow(ledger, asset, accounts));
      const cut = ledger.cut();
      const other = ledger.cut();
      for (const step of meanwhile) {
        apply(step);
        cut.step(step.pages);
      }
      while (!cut.step(1));
      assert.ok(other.step(Infinity));
      for (const sums of [cut, other]) {
        assert.deepEqual([0, 1, 2, 3].map((asset) => sums.sums(asset)).map(({ traders, insurance, venue }) => ({ traders: [...traders], insurance: [...insurance], venue: [...venue] })), expected);
      }
    }),
    { numRuns: 60 },
  );
});
