/** Whoever is let in while their password, status or roles change: what was found out about a password counts only while it is still the password. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startApi } from '../../tests/support/api.ts';
import { users } from '../models/users.ts';
import type { PasswordHasher } from './passwords.ts';

const OWNER = { ip: '192.0.2.1', userAgent: '', requestId: '' };
const THIEF = { ...OWNER, ip: '203.0.113.6' };
const OLD = 'plain tests want words';
const NEW = 'quite another password';

/** Everything that does not wait for another turn of the event loop has been done, and what that led to. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

/** Hashes that cost nothing and can be held up: the marker before the colon says with which parameters. */
class Passwords implements Pick<PasswordHasher, 'hash' | 'verify' | 'isOutdated'> {
  #held: Promise<void> | undefined;
  #name: 'hash' | 'verify' | undefined;

  /** The next one is not done before the returned function is called. */
  hold(name: 'hash' | 'verify'): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    this.#name = name;
    return resolve;
  }

  async hash(password: string): Promise<string> {
    await this.#wait('hash');
    return `today:${password}`;
  }

  async verify(stored: string | undefined, password: string): Promise<boolean> {
    await this.#wait('verify');
    return stored?.slice(stored.indexOf(':') + 1) === password;
  }

  isOutdated(stored: string): boolean {
    return !stored.startsWith('today:');
  }

  async #wait(name: string): Promise<void> {
    if (this.#name !== name) return;
    this.#name = undefined;
    await this.#held;
  }
}

async function venue(t: TestContext) {
  const passwords = new Passwords();
  const api = await startApi({ passwords });
  t.after(() => api.close());
  const { registration, signIn, authenticator, sessions, users: admin } = api.identity;
  const { user, tokens } = await registration.register({ email: 'ann@bourse.test', password: OLD }, OWNER);
  const principal = await authenticator.authenticate(tokens.accessToken);
  return {
    ...api, passwords, user,
    login: (password: string) => signIn.login({ email: user.email, password }, THIEF),
    change: (from: string, to: string) => signIn.changePassword(principal, { currentPassword: from, newPassword: to }, OWNER),
    freeze: () => admin.setStatus({ ...principal, userId: 'admin' }, user.id, 'frozen', OWNER),
    thieves: async () => (await sessions.list(user.id)).filter(({ ip }) => ip === THIEF.ip).length,
  };
}

test('a login whose password was right when it was compared is refused once it has been changed', async (t) => {
  const { passwords, login, change, thieves } = await venue(t);
  const release = passwords.hold('verify');
  const stolen = login(OLD);
  const changed = change(OLD, NEW);
  await settled();
  release();
  await assert.rejects(stolen, { code: 'UNAUTHENTICATED' });
  await changed;
  assert.equal(await thieves(), 0);
  assert.equal((await login(NEW)).user.email, 'ann@bourse.test');
});

test('a login that renews an outdated hash while the password is changed leaves the new password, and no session', async (t) => {
  const { store, user, passwords, login, change, thieves } = await venue(t);
  await store.collection(users).patch(user.id, { passwordHash: `yesterday:${OLD}` });
  const release = passwords.hold('hash');
  const stolen = login(OLD);
  await settled();
  const changed = change(OLD, NEW);
  await settled();
  release();
  await Promise.all([stolen, changed]);
  assert.equal(await thieves(), 0);
  await assert.rejects(login(OLD), { code: 'UNAUTHENTICATED' });
  assert.equal((await store.collection(users).get(user.id))?.passwordHash, `today:${NEW}`);
});

test('of two changes from the same password the second is refused', async (t) => {
  const { change, login } = await venue(t);
  const [first, second] = await Promise.allSettled([change(OLD, NEW), change(OLD, 'a third password')]);
  assert.equal(first.status, 'fulfilled');
  assert.equal((second as PromiseRejectedResult).reason.code, 'STEP_UP_REQUIRED');
  assert.equal((await login(NEW)).user.email, 'ann@bourse.test');
});

test('a login that is under way when its user is frozen leaves no session', async (t) => {
  const { passwords, login, freeze, thieves } = await venue(t);
  const release = passwords.hold('verify');
  const late = login(OLD);
  const frozen = freeze();
  await settled();
  release();
  await assert.rejects(late, { code: 'FORBIDDEN' });
  await frozen;
  assert.equal(await thieves(), 0);
});

test('a repeated registration with a password that is being changed is refused', async (t) => {
  const { passwords, identity, thieves } = await venue(t);
  const body = { email: 'bob@bourse.test', password: OLD };
  const meta = { idempotencyKey: 'bob' };
  const { tokens } = await identity.registration.register(body, OWNER, meta);
  const principal = await identity.authenticator.authenticate(tokens.accessToken);
  const release = passwords.hold('verify');
  const repeat = identity.registration.register(body, THIEF, meta);
  await settled();
  const changed = identity.signIn.changePassword(principal, { currentPassword: OLD, newPassword: NEW }, OWNER);
  await settled();
  release();
  await assert.rejects(repeat, { code: 'CONFLICT' });
  await changed;
  assert.equal(await thieves(), 0);
  assert.equal((await identity.sessions.list(principal.userId)).length, 1);
});

test('guesses at an account are compared side by side, whether there is one or not, and hold up nobody', async (t) => {
  const { passwords, login, identity } = await venue(t);
  let comparing = 0;
  const release = Promise.withResolvers<void>();
  passwords.verify = async (stored, password) => {
    if (password === OLD) return stored === `today:${OLD}`;
    comparing++;
    await release.promise;
    return false;
  };
  const guesses = ['ann@bourse.test', 'nobody@bourse.test'].flatMap((email) => [1, 2, 3].map((n) => identity.signIn.login({ email, password: `guess ${n}` }, THIEF)));
  await settled();
  assert.equal(comparing, 6);
  assert.equal((await login(OLD)).user.email, 'ann@bourse.test');
  release.resolve();
  for (const { status } of await Promise.allSettled(guesses)) assert.equal(status, 'rejected');
});
