/**
 * Sessions: one per login, kept alive by a refresh token that changes at each use. A token that was used before is a stolen one, whoever
 * shows it: the session ends. Whoever remembers something about a session asks `revocations`, or listens.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Cache } from '../cache/cache.ts';
import { cacheKeys, cacheTtlMs } from '../cache/keys.ts';
import type { Collection, Store } from '../models/collection.ts';
import { sessions, type SessionDoc } from '../models/sessions.ts';
import type { Logger } from '../observability/logger.ts';
import { KeyedQueue } from '../utils/keyed-queue.ts';
import type { ListQuery, Listing } from './paging.ts';
import { Revocations } from './revocations.ts';
import { unauthenticated } from './tokens.ts';

const IDLE_MS = 7 * 86_400_000;
const ABSOLUTE_MS = 30 * 86_400_000;
const MAX_PER_USER = 50;
const SECRET_BYTES = 32;
const TOKEN = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;

/** A session that has ended, or all of a user's when `sessionId` is undefined. */
export interface Revocation {
  readonly userId: string;
  readonly sessionId?: string;
}

/** Session id → when it ends. */
type Expiries = Readonly<Record<string, number>>;

export interface OpenSession {
  readonly session: SessionDoc;
  readonly refreshToken: string;
}

export interface Client {
  readonly ip: string;
  readonly userAgent: string;
}

export interface SessionsParts {
  readonly store: Store;
  readonly cache: Cache;
  readonly logger: Logger;
  readonly clock: () => number;
  /** Called when a refresh token is used twice, before the session ends. */
  readonly onReuse: (session: SessionDoc, client: Client & { readonly requestId: string }) => Promise<void>;
}

export class Sessions {
  readonly revocations = new Revocations();
  readonly #collection: Collection<SessionDoc>;
  readonly #parts: SessionsParts;
  readonly #listeners = new Set<(revocation: Revocation) => void>();
  readonly #rotations = new KeyedQueue();

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#collection = parts.store.collection(sessions);
  }

  /** For those who hold connections open. Returns how to stop. */
  onRevoked(listener: (revocation: Revocation) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async create(userId: string, client: Client): Promise<OpenSession> {
    await this.#makeRoom(userId);
    const now = this.#parts.clock();
    const id = randomBytes(16).toString('base64url');
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    const absoluteExpiresAt = now + ABSOLUTE_MS;
    const session = { id, userId, refreshHash: hashOf(secret), createdAt: now, lastUsedAt: now, expiresAt: now + IDLE_MS, absoluteExpiresAt, ...client };
    await this.#collection.insert(session);
    await this.#forget(userId);
    return { session, refreshToken: `${id}.${secret}` };
  }

  /** The same session with a new refresh token. Throws Refusal UNAUTHENTICATED; for a token that was used before, after the session has ended. */
  rotate(refreshToken: string, client: Client & { readonly requestId: string }): Promise<OpenSession> {
    const match = TOKEN.exec(refreshToken);
    if (match === null) return Promise.reject(unauthenticated());
    const [, id, secret] = match as unknown as [string, string, string];
    return this.#rotations.run(id, () => this.#rotate(id, secret, client));
  }

  /** The session that a refresh token belongs to, when it is good now. */
  async byRefreshToken(refreshToken: string): Promise<SessionDoc | undefined> {
    const match = TOKEN.exec(refreshToken);
    const session = match === null ? undefined : await this.#live(match[1] as string);
    return session !== undefined && isSame(session.refreshHash, hashOf(match?.[2] as string)) ? session : undefined;
  }

  /** Whether the user has this session, and it has not ended. */
  async isLive(userId: string, sessionId: string): Promise<boolean> {
    const cached = await this.#parts.cache.get(cacheKeys.userSession(userId));
    // A session that is younger than what is cached is looked for in the store.
    const expiresAt = (cached === undefined ? undefined : (JSON.parse(cached) as Expiries)[sessionId]) ?? (await this.#readExpiries(userId))[sessionId];
    return expiresAt !== undefined && expiresAt > this.#parts.clock();
  }

  /** Newest first. */
  async list(userId: string): Promise<SessionDoc[]> {
    const { items } = await this.#collection.find({ where: { userId }, sort: { createdAt: -1 }, limit: 2 * MAX_PER_USER });
    return items.filter((session) => session.expiresAt > this.#parts.clock());
  }

  /** A page of `list`; it may be shorter than its limit although another follows. */
  async page(userId: string, { limit, cursor, offset }: ListQuery): Promise<Listing<SessionDoc>> {
    const page = await this.#collection.find({ where: { userId }, sort: { createdAt: -1 }, limit, cursor, offset });
    return { ...page, items: page.items.filter((session) => session.expiresAt > this.#parts.clock()) };
  }

  /** false: the user has no such session. */
  async remove(userId: string, sessionId: string): Promise<boolean> {
    const removed = await this.#collection.remove({ id: sessionId, userId });
    if (removed > 0) await this.#revoked({ userId, sessionId });
    return removed > 0;
  }

  /** All of a user's, or all but one. */
  async removeAll(userId: string, exceptId?: string): Promise<void> {
    if (exceptId === undefined) {
      await this.#collection.remove({ userId });
      return this.#revoked({ userId });
    }
    for (const session of await this.list(userId)) if (session.id !== exceptId) await this.remove(userId, session.id);
  }

  /** Something about the user is not as it was (roles): everything remembered of it is read again, connections are told. */
  async userChanged(userId: string): Promise<void> {
    await this.#revoked({ userId });
  }

  async #rotate(id: string, secret: string, client: Client & { readonly requestId: string }): Promise<OpenSession> {
    const session = await this.#live(id);
    if (session === undefined) throw unauthenticated();
    if (!isSame(session.refreshHash, hashOf(secret))) {
      await this.#parts.onReuse(session, client);
      await this.remove(session.userId, id);
      throw unauthenticated();
    }
    const now = this.#parts.clock();
    const fresh = randomBytes(SECRET_BYTES).toString('base64url');
    const change = { refreshHash: hashOf(fresh), lastUsedAt: now, expiresAt: Math.min(now + IDLE_MS, session.absoluteExpiresAt), ip: client.ip, userAgent: client.userAgent };
    if (!(await this.#collection.patch(id, change))) throw unauthenticated();
    await this.#forget(session.userId);
    return { session: { ...session, ...change }, refreshToken: `${id}.${fresh}` };
  }

  async #live(id: string): Promise<SessionDoc | undefined> {
    const session = await this.#collection.get(id);
    return session !== undefined && session.expiresAt > this.#parts.clock() ? session : undefined;
  }

  /** Ends the oldest where a user has too many. */
  async #makeRoom(userId: string): Promise<void> {
    const open = await this.list(userId);
    for (const session of open.slice(MAX_PER_USER - 1)) await this.remove(userId, session.id);
  }

  /** From the store, and into the cache unless something was revoked meanwhile. */
  async #readExpiries(userId: string): Promise<Expiries> {
    const { generation } = this.revocations;
    const expiries = Object.fromEntries((await this.list(userId)).map((session) => [session.id, session.expiresAt]));
    if (this.revocations.generation === generation) await this.#parts.cache.set(cacheKeys.userSession(userId), JSON.stringify(expiries), cacheTtlMs.userSession);
    return expiries;
  }

  async #revoked(revocation: Revocation): Promise<void> {
    this.revocations.mark(revocation.sessionId ?? revocation.userId);
    await this.#forget(revocation.userId);
    for (const listener of this.#listeners) {
      try {
        listener(revocation);
      } catch (error) {
        this.#parts.logger.error('a listener to ended sessions failed', { error });
      }
    }
  }

  #forget(userId: string): Promise<void> {
    return this.#parts.cache.delete(cacheKeys.userSession(userId));
  }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
