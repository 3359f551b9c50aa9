/** Registration, sign-in and everything about a user's own sessions and password. Every outcome lands in the audit log. */
import { hash, randomUUID } from 'node:crypto';
import { DuplicateKeyError } from '../models/errors.ts';
import type { Collection, Store } from '../models/collection.ts';
import type { SessionDoc } from '../models/sessions.ts';
import { users, type UserDoc } from '../models/users.ts';
import type { CommandMeta, Sequencer } from '../sequencer/sequencer.ts';
import type { Principal } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';
import { clientKey } from '../utils/addresses.ts';
import { KeyedQueue } from '../utils/keyed-queue.ts';
import { Attempts } from './attempts.ts';
import type { AuditEntry, AuditLog } from './audit.ts';
import { commit, eventOf } from './commit.ts';
import type { ListQuery, Listing } from './paging.ts';
import { madeUpPassword, passwordProblem, type PasswordHasher } from './passwords.ts';
import type { OpenSession, Sessions } from './sessions.ts';
import type { ThrottleLog } from './throttle-log.ts';
import { ACCESS_TOKEN_MS, unauthenticated, type AccessTokens } from './tokens.ts';

/** Where a call comes from. */
export interface Origin {
  readonly ip: string;
  readonly userAgent: string;
  readonly requestId: string;
}

export interface Tokens {
  readonly accessToken: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly refreshToken: string;
}

/** A user as they and administrators may see them. */
export type PublicUser = Pick<UserDoc, 'id' | 'email' | 'roles' | 'status' | 'createdAt' | 'lastLoginAt'>;

export interface SignedIn {
  readonly user: PublicUser;
  readonly tokens: Tokens;
}

export interface SessionView extends Omit<SessionDoc, 'refreshHash' | 'userId' | 'absoluteExpiresAt'> {
  /** Whether it is the one that asks. */
  readonly current: boolean;
}

export interface AuthParts {
  readonly store: Store;
  readonly sequencer: Sequencer;
  readonly sessions: Sessions;
  readonly tokens: AccessTokens;
  readonly passwords: PasswordHasher;
  readonly audit: AuditLog;
  readonly clock: () => number;
  readonly throttles: ThrottleLog;
  /** RATE_LIMITS. */
  readonly limitAttempts: boolean;
}

/** Of the first administrator. */
export const ADMIN_ID = 'admin';
const DAY_MS = 86_400_000;
/** Guesses at an account from one address. */
const PER_GUESSER = { free: 5, firstDelayMs: 1_000, maxDelayMs: 900_000, forgetMs: DAY_MS };
/** Guesses at an account from anywhere: so many and so short a wait that one address cannot keep the owner out. */
const PER_ACCOUNT = { free: 200, firstDelayMs: 1_000, maxDelayMs: 30_000, forgetMs: DAY_MS };
const PER_ADDRESS = { free: 30, firstDelayMs: 1_000, maxDelayMs: 900_000, forgetMs: DAY_MS };
const REGISTRATIONS = { free: 50, firstDelayMs: 1_000, maxDelayMs: 900_000, forgetMs: 3_600_000 };

export class AuthService {
  readonly #parts: AuthParts;
  readonly #users: Collection<UserDoc>;
  readonly #byGuesser: Attempts;
  readonly #byAccount: Attempts;
  readonly #byAddress: Attempts;
  readonly #registrations: Attempts;
  /** By Idempotency-Key. */
  readonly #repeats = new KeyedQueue();

  constructor(parts: AuthParts) {
    this.#parts = parts;
    this.#users = parts.store.collection(users);
    const { clock, throttles } = parts;
    this.#byGuesser = new Attempts(PER_GUESSER, clock, (...told) => throttles.refused('sign_in_guesser', ...told));
    this.#byAccount = new Attempts(PER_ACCOUNT, clock, (...told) => throttles.refused('sign_in_account', ...told));
    this.#byAddress = new Attempts(PER_ADDRESS, clock, (...told) => throttles.refused('sign_in_address', ...told));
    this.#registrations = new Attempts(REGISTRATIONS, clock, (...told) => throttles.refused('registration', ...told));
  }

  /**
   * Throws CONFLICT for an address that is taken and for a key of another registration, VALIDATION_FAILED for a password that will not do, RATE_LIMITED. The same
   * key with the same address and password signs in to the user that the first request created: tokens are not kept, so a repeat gets its own.
   */
  async register(input: { readonly email: string; readonly password: string }, origin: Origin, meta?: CommandMeta): Promise<SignedIn> {
    const email = normalizeEmail(input.email);
    this.#take(this.#registrations, clientKey(origin.ip));
    requireGood(input.password, email, 'password');
    if (meta?.idempotencyKey === undefined) return this.#register(email, input.password, undefined, origin);
    const registrationKey = hash('sha256', meta.idempotencyKey, 'base64url');
    return this.#repeats.run(registrationKey, () => this.#register(email, input.password, registrationKey, origin));
  }

  async #register(email: string, password: string, registrationKey: string | undefined, origin: Origin): Promise<SignedIn> {
    const known = await this.#byEmail(email);
    if (known !== undefined) return this.#registered(known, password, registrationKey, origin);
    if (registrationKey !== undefined && (await this.#isUsed(registrationKey))) throw otherRequest();
    const passwordHash = await this.#parts.passwords.hash(password);
    const user = await this.#createUser({ id: randomUUID(), email, passwordHash, roles: ['user'], ...(registrationKey !== undefined && { registrationKey }) });
    await this.#record(origin, { actor: user.id, action: 'auth.register', target: user.id });
    return this.#signIn(user, origin);
  }

  /** Whoever repeats the request that created the user. */
  async #registered(user: UserDoc, password: string, registrationKey: string | undefined, origin: Origin): Promise<SignedIn> {
    const repeats = registrationKey !== undefined && user.registrationKey === registrationKey && this.#parts.clock() - user.createdAt < DAY_MS;
    if (!repeats || user.status !== 'active') throw taken();
    this.#takeGuess(user.email, origin);
    if (!(await this.#parts.passwords.verify(user.passwordHash, password))) throw otherRequest();
    this.#forgetGuesses(user.email, origin);
    return this.#signIn(user, origin);
  }

  async #isUsed(registrationKey: string): Promise<boolean> {
    const { items } = await this.#users.find({ where: { registrationKey, createdAt: { gt: this.#parts.clock() - DAY_MS } }, limit: 1 });
    return items.length > 0;
  }

  /** Throws UNAUTHENTICATED with the same words and after the same time whether the account exists or not, FORBIDDEN when it is frozen, RATE_LIMITED. */
  async login(input: { readonly email: string; readonly password: string }, origin: Origin): Promise<SignedIn> {
    const email = normalizeEmail(input.email);
    const address = clientKey(origin.ip);
    this.#take(this.#byAddress, address);
    this.#takeGuess(email, origin);
    const user = await this.#byEmail(email);
    if (!(await this.#parts.passwords.verify(user?.passwordHash, input.password)) || user === undefined) {
      await this.#record(origin, { actor: user?.id ?? 'unknown', action: 'auth.login', outcome: 'refused', target: user?.id });
      throw new Refusal('UNAUTHENTICATED', 'e-mail or password is wrong');
    }
    this.#byAddress.refund(address);
    this.#forgetGuesses(email, origin);
    if (user.status === 'frozen') {
      await this.#record(origin, { actor: user.id, action: 'auth.login', outcome: 'refused', target: user.id, after: { status: user.status } });
      throw new Refusal('FORBIDDEN', 'this account is frozen');
    }
    if (this.#parts.passwords.isOutdated(user.passwordHash)) await this.#users.patch(user.id, { passwordHash: await this.#parts.passwords.hash(input.password) });
    await this.#record(origin, { actor: user.id, action: 'auth.login', target: user.id });
    return this.#signIn(user, origin);
  }

  /** New tokens for a refresh token, which is then used up. Throws UNAUTHENTICATED. */
  async refresh(refreshToken: string, origin: Origin): Promise<SignedIn> {
    const open = await this.#parts.sessions.rotate(refreshToken, origin);
    const user = await this.#users.get(open.session.userId);
    if (user === undefined || user.status !== 'active') throw unauthenticated();
    return { user: publicUser(user), tokens: this.#tokensOf(open) };
  }

  /** Ends the session of whoever asks, else of the refresh token, else of an access token whose time is over. Nothing to end is no error. */
  async logout(principal: Principal | undefined, { accessToken, refreshToken }: Partial<Tokens>, origin: Origin): Promise<void> {
    const session = principal ?? (await this.#sessionOf(refreshToken)) ?? (await this.#sessionOfExpired(accessToken));
    if (session === undefined) return;
    await this.#record(origin, { actor: session.userId, action: 'auth.logout', target: session.sessionId });
    await this.#parts.sessions.remove(session.userId, session.sessionId);
  }

  async me(principal: Principal): Promise<PublicUser> {
    return publicUser(await this.#user(principal.userId));
  }

  /** Newest first. */
  async listSessions(principal: Principal, query: ListQuery): Promise<Listing<SessionView>> {
    const page = await this.#parts.sessions.page(principal.userId, query);
    const items = page.items.map(({ id, createdAt, lastUsedAt, expiresAt, ip, userAgent }) => ({ id, createdAt, lastUsedAt, expiresAt, ip, userAgent, current: id === principal.sessionId }));
    return { ...page, items };
  }

  /** Throws NOT_FOUND for a session that is unknown or another user's. */
  async endSession(principal: Principal, sessionId: string, origin: Origin): Promise<void> {
    await this.#record(origin, { actor: principal.userId, action: 'session.end', target: sessionId });
    if (!(await this.#parts.sessions.remove(principal.userId, sessionId))) throw new Refusal('NOT_FOUND', 'there is no such session');
  }

  /** Ends all other sessions. Throws STEP_UP_REQUIRED when the current password is wrong, VALIDATION_FAILED when the new one will not do. */
  async changePassword(principal: Principal, input: { readonly currentPassword: string; readonly newPassword: string }, origin: Origin): Promise<void> {
    const user = await this.#user(principal.userId);
    this.#takeGuess(user.email, origin);
    if (!(await this.#parts.passwords.verify(user.passwordHash, input.currentPassword))) {
      await this.#record(origin, { actor: user.id, action: 'auth.password', outcome: 'refused', target: user.id });
      throw new Refusal('STEP_UP_REQUIRED', 'the current password is wrong');
    }
    this.#forgetGuesses(user.email, origin);
    requireGood(input.newPassword, user.email, 'newPassword');
    const passwordHash = await this.#parts.passwords.hash(input.newPassword);
    await this.#record(origin, { actor: user.id, action: 'auth.password', target: user.id });
    await this.#users.patch(user.id, { passwordHash, updatedAt: this.#parts.clock() });
    await this.#parts.sessions.removeAll(user.id, principal.sessionId);
  }

  /** Creates the first administrator once. Returns what the operator must be told, or undefined when there is one. */
  async ensureAdmin(admin: { readonly email: string; readonly password: string | undefined }): Promise<{ readonly email: string; readonly password: string | undefined } | undefined> {
    if ((await this.#users.get(ADMIN_ID)) !== undefined) return undefined;
    const email = normalizeEmail(admin.email);
    const generated = admin.password === undefined ? madeUpPassword() : undefined;
    const password = admin.password ?? (generated as string);
    requireGood(password, email, 'ADMIN_PASSWORD');
    const user = await this.#createUser({ id: ADMIN_ID, email, passwordHash: await this.#parts.passwords.hash(password), roles: ['user', 'admin'] });
    await this.#parts.audit.record({ actor: 'system', action: 'user.create', target: user.id, after: { roles: user.roles }, ip: '', requestId: '' });
    return { email, password: generated };
  }

  async #createUser(fields: Pick<UserDoc, 'id' | 'email' | 'passwordHash' | 'roles' | 'registrationKey'>): Promise<UserDoc> {
    const now = this.#parts.clock();
    const account = await this.#openAccount(fields.id);
    const user: UserDoc = { ...fields, status: 'active', account, createdAt: now, updatedAt: now, lastLoginAt: null };
    try {
      await this.#users.insert(user);
    } catch (error) {
      if (!(error instanceof DuplicateKeyError)) throw error;
      if ((await this.#byEmail(fields.email)) !== undefined) throw taken();
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

  async #signIn(user: UserDoc, origin: Origin): Promise<SignedIn> {
    const lastLoginAt = this.#parts.clock();
    await this.#users.patch(user.id, { lastLoginAt });
    const open = await this.#parts.sessions.create(user.id, { ip: origin.ip, userAgent: origin.userAgent });
    return { user: publicUser({ ...user, lastLoginAt }), tokens: this.#tokensOf(open) };
  }

  #tokensOf({ session, refreshToken }: OpenSession): Tokens {
    const now = this.#parts.clock();
    const expiresAt = Math.min(now + ACCESS_TOKEN_MS, session.absoluteExpiresAt);
    const accessToken = this.#parts.tokens.issue({ userId: session.userId, sessionId: session.id, expiresAt });
    return { accessToken, expiresIn: Math.floor((expiresAt - now) / 1_000), refreshToken };
  }

  async #sessionOf(refreshToken: string | undefined): Promise<{ readonly userId: string; readonly sessionId: string } | undefined> {
    const session = refreshToken === undefined ? undefined : await this.#parts.sessions.byRefreshToken(refreshToken);
    return session === undefined ? undefined : { userId: session.userId, sessionId: session.id };
  }

  /** While it is open: of one that has ended nothing is left to do or to write down. */
  async #sessionOfExpired(accessToken: string | undefined): Promise<{ readonly userId: string; readonly sessionId: string } | undefined> {
    const session = accessToken === undefined ? undefined : this.#parts.tokens.sessionOf(accessToken);
    return session !== undefined && (await this.#parts.sessions.isLive(session.userId, session.sessionId)) ? session : undefined;
  }

  async #byEmail(email: string): Promise<UserDoc | undefined> {
    return (await this.#users.find({ where: { email }, limit: 1 })).items[0];
  }

  async #user(id: string): Promise<UserDoc> {
    const user = await this.#users.get(id);
    if (user === undefined) throw unauthenticated();
    return user;
  }

  #takeGuess(email: string, { ip }: Origin): void {
    this.#take(this.#byGuesser, `${email} ${clientKey(ip)}`);
    this.#take(this.#byAccount, email);
  }

  /** The owner has come. */
  #forgetGuesses(email: string, { ip }: Origin): void {
    this.#byGuesser.reset(`${email} ${clientKey(ip)}`);
    this.#byAccount.reset(email);
  }

  #take(attempts: Attempts, key: string): void {
    const waitMs = this.#parts.limitAttempts ? attempts.take(key) : 0;
    if (waitMs > 0) throw new Refusal('RATE_LIMITED', 'too many attempts; wait', { retryAfterSeconds: Math.ceil(waitMs / 1_000) });
  }

  #record(origin: Origin, entry: Omit<AuditEntry, 'ip' | 'requestId'>): Promise<void> {
    return this.#parts.audit.record({ ...entry, ip: origin.ip, requestId: origin.requestId });
  }
}

export function publicUser({ id, email, roles, status, createdAt, lastLoginAt }: UserDoc): PublicUser {
  return { id, email, roles, status, createdAt, lastLoginAt };
}

/** One spelling per address. */
export function normalizeEmail(email: string): string {
  return email.normalize('NFKC').toLowerCase();
}

function requireGood(password: string, email: string, path: string): void {
  const message = passwordProblem(password, email);
  if (message !== undefined) throw new Refusal('VALIDATION_FAILED', `${path} ${message}`, { errors: [{ path, message }] });
}

function otherRequest(): Refusal {
  return new Refusal('CONFLICT', 'this Idempotency-Key was used for another request');
}

function taken(): Refusal {
  return new Refusal('CONFLICT', 'this e-mail address is registered');
}
