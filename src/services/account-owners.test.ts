import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SqliteStore } from '../models/sqlite.ts';
import { users, type UserDoc } from '../models/users.ts';
import { RecoveryError } from '../sequencer/recovery.ts';
import { requireOwners, type OwnersToCheck } from './account-owners.ts';

const USERS = 1_200;
const FIRST = 2;
const store = new SqliteStore(':memory:');
const collection = store.collection(users);
const accounts = new Map(Array.from({ length: USERS }, (_, i) => [`user-${i}`, FIRST + i]));

function user(id: string, account: number): UserDoc {
  return { id, email: `${id}@bourse.test`, passwordHash: '', roles: ['user'], status: 'active', account, createdAt: account, updatedAt: 0, lastLoginAt: null };
}

function check(opened: ReadonlyMap<string, number>, more: Partial<OwnersToCheck> = {}): Promise<void> {
  return requireOwners({ store, directory: '/data', state: { seq: 77, accountOf: (id) => opened.get(id) }, ...more });
}

before(() => collection.put(Array.from(accounts, ([id, account]) => user(id, account))));
after(() => store.close());

test('users with the accounts that were opened for them are well, also where accounts have no user', async () => {
  await check(accounts);
  await check(new Map([...accounts, ['died-before-it-was-stored', FIRST + USERS]]));
});

test('it tells how far it is, up to the end', async () => {
  const told: [number, number][] = [];
  await check(accounts, { onProgress: (done, total) => told.push([done, total]) });
  assert.deepEqual(told, [[500, USERS], [1_000, USERS], [USERS, USERS]]);
});

for (const [name, opened, words] of [
  ['has no account in the journal, far back in the list', new Map(Array.from(accounts).slice(0, USERS - 1)), /1 of 1200 users .*ends at event 77.*user-1199 has account 1201 in store\.db and none in the journal/],
  ['has another account in the journal', new Map([...accounts, ['user-0', 3], ['user-1', 2]]), /2 of 1200 users .*user-0 has account 2 in store\.db and account 3 in the journal/],
  ['is all that is left', new Map<string, number>(), /1200 of 1200 users/],
] as const) {
  test(`it refuses, and says what can be done, when a user ${name}`, async () => {
    await assert.rejects(check(opened), (error) => {
      assert.ok(error instanceof RecoveryError, String(error));
      assert.match(error.message, words);
      assert.match(error.message, /In \/data, .*Restore both from the same backup/);
      return true;
    });
  });
}
