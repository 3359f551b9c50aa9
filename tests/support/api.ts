/** The HTTP interface on a real port, in this process, with a store in memory. For tests of everything before the engine. */
import type { Command } from '../../src/engine/commands.ts';
import type { CommandMeta, Committed, Sequencer } from '../../src/sequencer/sequencer.ts';
import { MemoryCache } from '../../src/cache/cache.ts';
import { parseConfig } from '../../src/config/config.ts';
import { authRoutes } from '../../src/controllers/auth.ts';
import { docsRoutes } from '../../src/controllers/docs.ts';
import { healthRoutes } from '../../src/controllers/health.ts';
import type { Route } from '../../src/controllers/route.ts';
import { userRoutes } from '../../src/controllers/users.ts';
import { createApp } from '../../src/http/app.ts';
import { readDocsPage } from '../../src/http/docs-page.ts';
import { createServer } from '../../src/http/server.ts';
import { RouteTable } from '../../src/middleware/route-table.ts';
import { SqliteStore } from '../../src/models/sqlite.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { HealthService, engineCheck, storeCheck, type HealthCheck } from '../../src/services/health.ts';
import { AuditLog } from '../../src/services/audit.ts';
import { Authenticator } from '../../src/services/authenticator.ts';
import { Credentials, type CredentialsParts } from '../../src/services/credentials.ts';
import { Guesses } from '../../src/services/guesses.ts';
import { KeptReplies } from '../../src/services/kept-replies.ts';
import { PasswordHasher } from '../../src/services/passwords.ts';
import { Registration } from '../../src/services/registration.ts';
import { Sessions } from '../../src/services/sessions.ts';
import { SignIn } from '../../src/services/sign-in.ts';
import { ThrottleLog } from '../../src/services/throttle-log.ts';
import { AccessTokens } from '../../src/services/tokens.ts';
import { UserService } from '../../src/services/users.ts';

export const JWT_SECRET = 'a secret for tests that is long enough';

export interface ApiOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly routes?: readonly Route[];
  readonly checks?: readonly HealthCheck[];
  readonly logger?: Logger;
  /** Of a venue that is to be reached through it; default one that only opens accounts. */
  readonly sequencer?: Sequencer;
  readonly store?: SqliteStore;
  /** Default: what the product has. */
  readonly passwords?: CredentialsParts['passwords'];
}

/** Opens accounts and does nothing else; time is the test's. */
export async function startApi(options: ApiOptions = {}) {
  const time = { now: Date.UTC(2026, 0, 1) };
  const config = parseConfig({ NODE_ENV: 'test', JWT_SECRET, RATE_LIMITS: 'off', ...options.env });
  const metrics = createMetrics();
  const logger = options.logger ?? silentLogger;
  const store = options.store ?? new SqliteStore(':memory:');
  const sequencer = options.sequencer ?? accountsOnly();
  const clock = (): number => time.now;
  const audit = new AuditLog(store, clock);
  const sessions: Sessions = new Sessions({
    store,
    cache: new MemoryCache(metrics),
    logger,
    clock,
    onReuse: (session, { ip, requestId }) => audit.record({ actor: session.userId, action: 'auth.refresh-reuse', outcome: 'refused', target: session.id, ip, requestId }),
  });
  const tokens = new AccessTokens(config.jwtSecrets as readonly string[], clock);
  const credentials = new Credentials({ store, passwords: options.passwords ?? new PasswordHasher() });
  const guesses = new Guesses({ clock, throttles: new ThrottleLog({ metrics, logger }), enabled: config.rateLimits.enabled });
  const signIn = new SignIn({ store, credentials, sessions, tokens, guesses, audit, clock });
  const identity = {
    audit,
    sessions,
    authenticator: new Authenticator({ store, sequencer, sessions, tokens, metrics, clock }),
    signIn,
    registration: new Registration({ store, sequencer, credentials, signIn, guesses, audit, clock }),
    users: new UserService({ store, credentials, sessions, audit, clock }),
  };
  const health = new HealthService([engineCheck(sequencer), storeCheck(store), ...(options.checks ?? [])], metrics);
  const table: RouteTable = new RouteTable([
    { base: '/api/v1', routes: [...authRoutes(identity), ...userRoutes(identity.users), ...(options.routes ?? [])] },
    { base: '', routes: [...healthRoutes(health, metrics), ...docsRoutes(() => table.routes, readDocsPage())] },
  ]);
  const replies = new KeptReplies({ store, secrets: config.jwtSecrets as readonly string[], clock });
  const app = createApp({ config, table, authenticate: (token) => identity.authenticator.authenticate(token), replies, metrics, logger, checkReplies: true });
  const server = createServer({ app, config, metrics, logger });
  const url = await server.listen(0, '127.0.0.1');
  const close = async (): Promise<void> => {
    await server.close();
    await store.close();
  };
  return { url, config, store, identity, health, metrics, server, time, close };
}

export type Api = Awaited<ReturnType<typeof startApi>>;

function accountsOnly(): Sequencer {
  const accounts = new Map<string, number>();
  const submit = async (command: Command, _meta?: CommandMeta, answer: (committed: Committed) => object = (committed) => committed): Promise<object> => {
    if (command.type !== 'open_account') throw new Error(`not in this test: ${command.type}`);
    const account = accounts.size + 2;
    accounts.set(command.userId, account);
    const seq = accounts.size;
    return answer({ ok: true, seq, time: 0, events: [{ type: 'account_opened', seq, account, userId: command.userId, kind: command.kind }], replayed: false });
  };
  return {
    submit: submit as Sequencer['submit'],
    state: { accountOf: (userId: string) => accounts.get(userId) } as Sequencer['state'],
    barrier: async () => undefined,
    committedSeq: 0,
    onCommitted: () => () => undefined,
    status: { state: 'leading' },
  };
}
