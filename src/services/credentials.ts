/**
 * Users by e-mail address and password, and the one order in which everything changes that lets a user in: password, status, roles, new sessions. What was
 * found out about a password counts only while it is still the password.
 */
import type { Collection, Store } from '../models/collection.ts';
import { users, type UserDoc } from '../models/users.ts';
import { KeyedQueue } from '../utils/keyed-queue.ts';
import type { PasswordHasher } from './passwords.ts';

export interface CredentialsParts {
  readonly store: Store;
  readonly passwords: Pick<PasswordHasher, 'hash' | 'verify' | 'isOutdated'>;
}

export class Credentials {
  readonly passwords: CredentialsParts['passwords'];
  readonly #users: Collection<UserDoc>;
  /** By user id. */
  readonly #changes = new KeyedQueue();

  constructor({ store, passwords }: CredentialsParts) {
    this.passwords = passwords;
    this.#users = store.collection(users);
  }

  /** By an address in the spelling of `normalizeEmail`. */
  async byEmail(email: string): Promise<UserDoc | undefined> {
    return (await this.#users.find({ where: { email }, limit: 1 })).items[0];
  }

  /** Runs `body` with the user as they are now (undefined: there is none), and nothing else that lets them in meanwhile. */
  change<T>(userId: string, body: (user: UserDoc | undefined) => Promise<T>): Promise<T> {
    return this.#changes.run(userId, async () => body(await this.#users.get(userId)));
  }

  /**
   * Like `change`, when the password is the user's; `body` gets undefined when it is not, after the same time whether there is a user or not. Compared before the
   * queue, so that guesses neither hold up the user nor tell by their number that there is one; and again in it where the password has changed since.
   */
  async prove<T>(user: UserDoc | undefined, password: string, body: (proven: UserDoc | undefined) => Promise<T>): Promise<T> {
    const right = await this.passwords.verify(user?.passwordHash, password);
    if (!right || user === undefined) return body(undefined);
    return this.change(user.id, async (now) => {
      const still = now?.passwordHash === user.passwordHash || (await this.passwords.verify(now?.passwordHash, password));
      return body(still ? now : undefined);
    });
  }
}

/** One spelling per address. */
export function normalizeEmail(email: string): string {
  return email.normalize('NFKC').toLowerCase();
}
