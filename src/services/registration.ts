/** How users come to be: they register, or are the first administrator; each with an engine account. */
import { hash, randomUUID } from 'node:crypto';
import type { Collection, Store } from '../models/collection.ts';
import { DuplicateKeyError } from '../models/errors.ts';
import { users, type UserDoc } from '../models/users.ts';
import type { CommandMeta, Sequencer } from '../sequencer/sequencer.ts';
import { Refusal } from '../types/refusal.ts';
import { KeyedQueue } from '../utils/keyed-queue.ts';
import type { AuditLog } from './audit.ts';
import { commit, eventOf } from './commit.ts';
import { normalizeEmail, type Credentials } from './credentials.ts';
import type { Guesses } from './guesses.ts';
import { madeUpPassword, requireGood } from './passwords.ts';
import type { Origin, SignedIn, SignIn } from './sign-in.ts';

export interface RegistrationParts {
  readonly store: Store;
  readonly sequencer: Sequencer;
  readonly credentials: Credentials;
  readonly signIn: SignIn;
  readonly guesses: Guesses;
  readonly audit: AuditLog;
  readonly clock: () => number;
}

/** Of the first administrator. */
export const ADMIN_ID = 'admin';
/** How long a repeat is told from another request. */
const REPEAT_MS = 86_400_000;

export class Registration {
  readonly #parts: RegistrationParts;
  readonly #users: Collection<UserDoc>;
  /** By Idempotency-Key. */
  readonly #repeats = new KeyedQueue();

  constructor(parts: RegistrationParts) {
    this.#parts = parts;
    this.#users = parts.store.collection(users);
  }

  /**
   * Throws CONFLICT for an address that is taken and for a key of another registration, VALIDATION_FAILED for a password that will not do, RATE_LIMITED. The same
   * key with the same address and password signs in to the user that the first request created: tokens are not kept, so a repeat gets its own.
   */
  async register(input: { readonly email: string; readonly password: string }, origin: Origin, meta?: CommandMeta): Promise<SignedIn> {
    const email = normalizeEmail(input.email);
    this.#parts.guesses.takeRegistration(origin.ip);
    requireGood(input.password, email, 'password');
    if (meta?.idempotencyKey === undefined) return this.#register(email, input.password, undefined, origin);
    const registrationKey = hash('sha256', meta.idempotencyKey, 'base64url');
    return this.#repeats.run(registrationKey, () => this.#register(email, input.password, registrationKey, origin));
  }

  /** Creates the first administrator once. Returns what the operator must be told, or undefined when there is one. */
  async ensureAdmin(admin: { readonly email: string; readonly password: string | undefined }): Promise<{ readonly email: string; readonly password: string | undefined } | undefined> {
    if ((await this.#users.get(ADMIN_ID)) !== undefined) return undefined;
    const email = normalizeEmail(admin.email);
    const generated = admin.password === undefined ? madeUpPassword() : undefined;
    const password = admin.password ?? (generated as string);
    requireGood(password, email, 'ADMIN_PASSWORD');
    const user = await this.#createUser({ id: ADMIN_ID, email, passwordHash: await this.#parts.credentials.passwords.hash(password), roles: ['user', 'admin'] });
    await this.#parts.audit.record({ actor: 'system', action: 'user.create', target: user.id, after: { roles: user.roles }, ip: '', requestId: '' });
    return { email, password: generated };
  }

  async #register(email: string, password: string, registrationKey: string | undefined, origin: Origin): Promise<SignedIn> {
    const { credentials, audit, signIn } = this.#parts;
    const known = await credentials.byEmail(email);
    if (known !== undefined) return this.#registered(known, password, registrationKey, origin);
    if (registrationKey !== undefined && (await this.#isUsed(registrationKey))) throw otherRequest();
    const passwordHash = await credentials.passwords.hash(password);
    const user = await this.#createUser({ id: randomUUID(), email, passwordHash, roles: ['user'], ...(registrationKey !== undefined && { registrationKey }) });
    await audit.record({ actor: user.id, action: 'auth.register', target: user.id, ip: origin.ip, requestId: origin.requestId });
    return credentials.change(user.id, (now) => signIn.open(now ?? user, origin));
  }

  /** Whoever repeats the request that created the user. */
  async #registered(user: UserDoc, password: string, registrationKey: string | undefined, origin: Origin): Promise<SignedIn> {
    const { credentials, guesses, signIn, clock } = this.#parts;
    const repeats = registrationKey !== undefined && user.registrationKey === registrationKey && clock() - user.createdAt < REPEAT_MS;
    if (!repeats || user.status !== 'active') throw taken();
    guesses.takePassword(user.email, origin.ip);
    return credentials.prove(user, password, async (proven) => {
      if (proven === undefined) throw otherRequest();
      if (proven.status !== 'active') throw taken();
      guesses.forgetPassword(user.email, origin.ip);
      return signIn.open(proven, origin);
    });
  }

  async #isUsed(registrationKey: string): Promise<boolean> {
    const { items } = await this.#users.find({ where: { registrationKey, createdAt: { gt: this.#parts.clock() - REPEAT_MS } }, limit: 1 });
    return items.length > 0;
  }

  async #createUser(fields: Pick<UserDoc, 'id' | 'email' | 'passwordHash' | 'roles' | 'registrationKey'>): Promise<UserDoc> {
    const now = this.#parts.clock();
    const account = await this.#openAccount(fields.id);
    const user: UserDoc = { ...fields, status: 'active', account, createdAt: now, updatedAt: now, lastLoginAt: null };
    try {
      await this.#users.insert(user);
    } catch (error) {
      if (!(error instanceof DuplicateKeyError)) throw error;
      if ((await this.#parts.credentials.byEmail(fields.email)) !== undefined) throw taken();
      throw new Error(`account ${account} was opened for user ${fields.id}, and belongs to another user in the store`, { cause: error });
    }
    return user;
  }

  /** An account that was opened when the process ended before the user was stored is taken up again. */
  async #openAccount(userId: string): Promise<number> {
    const { sequencer } = this.#parts;
    const open = sequencer.state.accountOf(userId);
    if (open === undefined) return eventOf((await commit(sequencer, { type: 'open_account', userId, kind: 'user' })).events, 'account_opened').account;
    await sequencer.barrier();
    return open;
  }
}

function otherRequest(): Refusal {
  return new Refusal('CONFLICT', 'this Idempotency-Key was used for another request');
}

function taken(): Refusal {
  return new Refusal('CONFLICT', 'this e-mail address is registered');
}
