/** The HTTP interface on a real port, in this process, with a store in memory. For tests of everything before the engine. */
import type { Sequencer } from '../../src/sequencer/sequencer.ts';
import { MemoryCache } from '../../src/cache/cache.ts';
import { parseConfig } from '../../src/config/config.ts';
import { authRoutes } from '../../src/controllers/auth.ts';
import { docsRoutes } from '../../src/controllers/docs.ts';
import { healthRoutes } from '../../src/controllers/health.ts';
import type { Route } from '../../src/controllers/route.ts';
import { userRoutes } from '../../src/controllers/users.ts';
import { createApp } from '../../src/http/app.ts';
import { createServer } from '../../src/http/server.ts';
import { RouteTable } from '../../src/middleware/route-table.ts';
import { SqliteStore } from '../../src/models/sqlite.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { HealthService, engineCheck, storeCheck, type HealthCheck } from '../../src/services/health.ts';
import { createIdentity } from '../../src/services/identity.ts';

export const JWT_SECRET = 'a secret for tests that is long enough';

export interface ApiOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly routes?: readonly Route[];
  readonly checks?: readonly HealthCheck[];
  readonly logger?: Logger;
}

/** Opens accounts and does nothing else; time is the test's. */
export async function startApi(options: ApiOptions = {}) {
  const time = { now: Date.UTC(2026, 0, 1) };
  const config = parseConfig({ NODE_ENV: 'test', JWT_SECRET, RATE_LIMITS: 'off', ...options.env });
  const metrics = createMetrics();
  const logger = options.logger ?? silentLogger;
  const store = new SqliteStore(':memory:');
  const sequencer = accountsOnly();
  const identity = createIdentity({
    store,
    sequencer,
    cache: new MemoryCache(metrics),
    metrics,
    logger,
    jwtSecrets: config.jwtSecrets as readonly string[],
    limitAttempts: config.rateLimits.enabled,
    clock: () => time.now,
  });
  const health = new HealthService([engineCheck(sequencer), storeCheck(store), ...(options.checks ?? [])]);
  const table: RouteTable = new RouteTable([
    { base: '/api/v1', routes: [...authRoutes(identity.auth), ...userRoutes(identity.users), ...(options.routes ?? [])] },
    { base: '', routes: [...healthRoutes(health, metrics), ...docsRoutes(() => table.routes)] },
  ]);
  const app = createApp({ config, table, authenticate: (token) => identity.authenticator.authenticate(token), metrics, logger, checkReplies: true });
  const server = createServer({ app, config });
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
  const submit: Sequencer['submit'] = async (command) => {
    if (command.type !== 'open_account') throw new Error(`not in this test: ${command.type}`);
    const account = accounts.size + 2;
    accounts.set(command.userId, account);
    const seq = accounts.size;
    return { ok: true, seq, time: 0, events: [{ type: 'account_opened', seq, account, userId: command.userId, kind: command.kind }], replayed: false };
  };
  return {
    submit,
    state: { accountOf: (userId: string) => accounts.get(userId) } as Sequencer['state'],
    barrier: async () => undefined,
    committedSeq: 0,
    onCommitted: () => () => undefined,
    status: { state: 'leading' },
  };
}
