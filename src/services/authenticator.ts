/** Access token → Principal. What was verified is remembered, bounded, until the token expires or something about its session or user changes. */
import { LRUCache } from 'lru-cache';
import type { Collection, Store } from '../models/collection.ts';
import { users, type UserDoc } from '../models/users.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Sequencer } from '../sequencer/sequencer.ts';
import type { Principal } from '../types/principal.ts';
import { UnavailableError } from '../utils/errors.ts';
import type { Sessions } from './sessions.ts';
import { tokenExpired, unauthenticated, type AccessClaims, type AccessTokens } from './tokens.ts';

const MAX_TOKENS = 20_000;
const PERMISSIONS = ['read', 'trade', 'withdraw'] as const;

interface Verified {
  readonly principal: Principal;
  /** Of the revocations, before it was looked up. */
  readonly generation: number;
}

export interface AuthenticatorParts {
  readonly store: Store;
  readonly sequencer: Pick<Sequencer, 'state'>;
  readonly sessions: Sessions;
  readonly tokens: AccessTokens;
  readonly metrics: Pick<Metrics, 'cacheHits' | 'cacheMisses'>;
  readonly clock: () => number;
}

export class Authenticator {
  readonly #users: Collection<UserDoc>;
  readonly #parts: AuthenticatorParts;
  readonly #verified = new LRUCache<string, Verified>({ max: MAX_TOKENS });
  readonly #hits;
  readonly #misses;

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
    this.#users = parts.store.collection(users);
    this.#hits = parts.metrics.cacheHits.tally({ cache: 'access-token' });
    this.#misses = parts.metrics.cacheMisses.tally({ cache: 'access-token' });
  }

  /** At once for a token that is known. Throws (or rejects with) Refusal UNAUTHENTICATED or TOKEN_EXPIRED, UnavailableError. */
  authenticate(token: string): Principal | Promise<Principal> {
    const known = this.#verified.get(token);
    if (known !== undefined && this.#holds(known.principal, known.generation)) {
      this.#hits.inc();
      return known.principal;
    }
    this.#verified.delete(token);
    this.#misses.inc();
    return this.#lookUp(token, this.#parts.tokens.verify(token));
  }

  /** Whether a principal found at that generation still stands. Throws TOKEN_EXPIRED when its time is over. */
  #holds(principal: Principal, generation: number): boolean {
    if (principal.expiresAt <= this.#parts.clock()) throw tokenExpired();
    return this.#parts.sessions.revocations.holds(generation, principal.sessionId, principal.userId);
  }

  async #lookUp(token: string, claims: AccessClaims): Promise<Principal> {
    const { sessions } = this.#parts;
    const { generation } = sessions.revocations;
    const [live, user] = await Promise.all([sessions.isLive(claims.userId, claims.sessionId), this.#users.get(claims.userId)]);
    if (!live || user === undefined || user.status !== 'active') throw unauthenticated();
    const { userId, sessionId, expiresAt } = claims;
    // The start has compared them all; nobody is ever let into another one's account.
    if (this.#parts.sequencer.state.accountOf(userId) !== user.account) throw new UnavailableError(`user ${userId} has account ${user.account} in the store and another one in the journal`);
    const principal: Principal = { userId, account: user.account, roles: user.roles, permissions: PERMISSIONS, sessionId, expiresAt };
    // Something changed while it was being read: what was read is old already.
    if (!sessions.revocations.holds(generation, sessionId, userId)) return this.#lookUp(token, claims);
    this.#verified.set(token, { principal, generation });
    return principal;
  }
}
