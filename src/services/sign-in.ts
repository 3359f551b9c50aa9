/** Sign-in and everything about a user's own sessions and password. Every outcome lands in the audit log. */
import type { Collection, Store } from '../models/collection.ts';
import type { SessionDoc } from '../models/sessions.ts';
import { users, type UserDoc } from '../models/users.ts';
import type { Principal } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';
import type { AuditEntry, AuditLog } from './audit.ts';
import { normalizeEmail, type Credentials } from './credentials.ts';
import type { Guesses } from './guesses.ts';
import type { ListQuery, Listing } from './paging.ts';
import { requireGood } from './passwords.ts';
import type { OpenSession, Sessions } from './sessions.ts';
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

export interface SignInParts {
  readonly store: Store;
  readonly credentials: Credentials;
  readonly sessions: Sessions;
  readonly tokens: AccessTokens;
  readonly guesses: Guesses;
  readonly audit: AuditLog;
  readonly clock: () => number;
}

export class SignIn {
  readonly #parts: SignInParts;
  readonly #users: Collection<UserDoc>;

  constructor(parts: SignInParts) {
    this.#parts = parts;
    this.#users = parts.store.collection(users);
  }

  /** Throws UNAUTHENTICATED with the same words and after the same time whether the account exists or not, FORBIDDEN when it is frozen, RATE_LIMITED. */
  async login(input: { readonly email: string; readonly password: string }, origin: Origin): Promise<SignedIn> {
    const { credentials, guesses } = this.#parts;
    const email = normalizeEmail(input.email);
    guesses.takeLogin(email, origin.ip);
    const found = await credentials.byEmail(email);
    return credentials.prove(found, input.password, async (user) => {
      if (user === undefined) {
        await this.#record(origin, { actor: found?.id ?? 'unknown', action: 'auth.login', outcome: 'refused', target: found?.id });
        throw new Refusal('UNAUTHENTICATED', 'e-mail or password is wrong');
      }
      guesses.forgetLogin(email, origin.ip);
      if (user.status === 'frozen') {
        await this.#record(origin, { actor: user.id, action: 'auth.login', outcome: 'refused', target: user.id, after: { status: user.status } });
        throw frozen();
      }
      if (credentials.passwords.isOutdated(user.passwordHash)) await this.#users.patch(user.id, { passwordHash: await credentials.passwords.hash(input.password) });
      await this.#record(origin, { actor: user.id, action: 'auth.login', target: user.id });
      return this.open(user, origin);
    });
  }

  /** A new session. To be called within `Credentials.change` or `prove`, with the user as they are then. Throws FORBIDDEN when they are frozen. */
  async open(user: UserDoc, origin: Origin): Promise<SignedIn> {
    if (user.status === 'frozen') throw frozen();
    const lastLoginAt = this.#parts.clock();
    await this.#users.patch(user.id, { lastLoginAt });
    const open = await this.#parts.sessions.create(user.id, { ip: origin.ip, userAgent: origin.userAgent });
    return { user: publicUser({ ...user, lastLoginAt }), tokens: this.#tokensOf(open) };
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
    const { credentials, guesses, sessions, clock } = this.#parts;
    const found = await this.#user(principal.userId);
    const { id, email } = found;
    guesses.takePassword(email, origin.ip);
    await credentials.prove(found, input.currentPassword, async (user) => {
      if (user === undefined) {
        await this.#record(origin, { actor: id, action: 'auth.password', outcome: 'refused', target: id });
        throw new Refusal('STEP_UP_REQUIRED', 'the current password is wrong');
      }
      guesses.forgetPassword(email, origin.ip);
      requireGood(input.newPassword, email, 'newPassword');
      const passwordHash = await credentials.passwords.hash(input.newPassword);
      await this.#record(origin, { actor: id, action: 'auth.password', target: id });
      await this.#users.patch(id, { passwordHash, updatedAt: clock() });
      await sessions.removeAll(id, principal.sessionId);
    });
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

  async #user(id: string): Promise<UserDoc> {
    const user = await this.#users.get(id);
    if (user === undefined) throw unauthenticated();
    return user;
  }

  #record(origin: Origin, entry: Omit<AuditEntry, 'ip' | 'requestId'>): Promise<void> {
    return this.#parts.audit.record({ ...entry, ip: origin.ip, requestId: origin.requestId });
  }
}

export function publicUser({ id, email, roles, status, createdAt, lastLoginAt }: UserDoc): PublicUser {
  return { id, email, roles, status, createdAt, lastLoginAt };
}

function frozen(): Refusal {
  return new Refusal('FORBIDDEN', 'this account is frozen');
}
