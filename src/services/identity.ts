/** Puts the services that know who somebody is together: they share one registry of sessions, so that what ends in one ends in all. */
import type { Cache } from '../cache/cache.ts';
import type { Store } from '../models/collection.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Sequencer } from '../sequencer/sequencer.ts';
import { AuditLog } from './audit.ts';
import { AuthService } from './auth.ts';
import { Authenticator } from './authenticator.ts';
import { PasswordHasher } from './passwords.ts';
import { Sessions } from './sessions.ts';
import { AccessTokens } from './tokens.ts';
import { UserService } from './users.ts';

export interface IdentityDeps {
  readonly store: Store;
  readonly sequencer: Sequencer;
  readonly cache: Cache;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly jwtSecrets: readonly string[];
  /** RATE_LIMITS. */
  readonly limitAttempts: boolean;
  /** ms; default the system's. */
  readonly clock?: () => number;
}

export interface Identity {
  readonly audit: AuditLog;
  readonly sessions: Sessions;
  readonly authenticator: Authenticator;
  readonly auth: AuthService;
  readonly users: UserService;
}

export function createIdentity(deps: IdentityDeps): Identity {
  const { store, sequencer, cache, metrics, logger, limitAttempts, clock = Date.now } = deps;
  const audit = new AuditLog(store, clock);
  const tokens = new AccessTokens(deps.jwtSecrets, clock);
  const sessions = new Sessions({
    store,
    cache,
    logger,
    clock,
    onReuse: (session, { ip, requestId }) => audit.record({ actor: session.userId, action: 'auth.refresh_reuse', outcome: 'refused', target: session.id, ip, requestId }),
  });
  return {
    audit,
    sessions,
    authenticator: new Authenticator({ store, sessions, tokens, metrics, clock }),
    auth: new AuthService({ store, sequencer, sessions, tokens, passwords: new PasswordHasher(), audit, clock, limitAttempts }),
    users: new UserService({ store, sessions, audit, clock }),
  };
}
