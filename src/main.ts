/** Reads the configuration, wires the stages in the order in which an order passes them, starts them, and stops them in reverse. The only place that knows all of them; no rule lives here. */
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Backups } from './backup/backups.ts';
import { backupsIn, foreignBackup, isInBackup, onOneDisk } from './backup/folder.ts';
import { MemoryCache } from './cache/cache.ts';
import { ConfigError, type Config } from './config/config.ts';
import { doubts } from './config/doubts.ts';
import { listening } from './config/listening.ts';
import { loadSecrets } from './config/secrets.ts';
import { authRoutes } from './controllers/auth.ts';
import { docsRoutes } from './controllers/docs.ts';
import { healthRoutes } from './controllers/health.ts';
import { tradingRoutes } from './controllers/trading.ts';
import { userRoutes } from './controllers/users.ts';
import { FeedsModeError } from './feeds/mode.ts';
import { createApp } from './http/app.ts';
import { readDocsPage } from './http/docs-page.ts';
import { createServer } from './http/server.ts';
import { SqliteJournalReader } from './journal/sqlite-reader.ts';
import { clientAddress } from './middleware/request.ts';
import { RouteTable } from './middleware/route-table.ts';
import { RemoteStore } from './models/remote.ts';
import { ClockWatch } from './observability/clock-watch.ts';
import type { Logger } from './observability/logger.ts';
import { createMetrics } from './observability/metrics.ts';
import { ThreadWatch } from './observability/threads.ts';
import { createLogger } from './observability/winston.ts';
import { announce, introduceAdmin, showProgress } from './process/announce.ts';
import { Lifecycle } from './process/lifecycle.ts';
import { readSettings } from './process/settings.ts';
import { createMarketData } from './projections/market-data.ts';
import { OrderBooks } from './projections/order-books.ts';
import { Projections } from './projections/projections.ts';
import { storedCheckpoint } from './projections/projector.ts';
import { openLeader } from './sequencer/open.ts';
import { requireOwners } from './services/account-owners.ts';
import { AccountStream } from './services/account-stream.ts';
import { Activity } from './services/activity.ts';
import { isAdminPassword } from './services/admin-password.ts';
import { AdminStream } from './services/admin-stream.ts';
import { AuditLog } from './services/audit.ts';
import { Authenticator } from './services/authenticator.ts';
import { Catalog } from './services/catalog.ts';
import { Credentials } from './services/credentials.ts';
import { Guesses } from './services/guesses.ts';
import { diskCheck, engineCheck, feedsCheck, HealthService, projectionsCheck, storeCheck } from './services/health.ts';
import { HouseMakers } from './services/house.ts';
import { KeptReplies } from './services/kept-replies.ts';
import { LedgerWatch } from './services/ledger-watch.ts';
import { ensureListings } from './services/listings.ts';
import { MarketStream } from './services/market-stream.ts';
import { PasswordHasher } from './services/passwords.ts';
import { createPriceFeed } from './services/prices.ts';
import { ReadinessLog } from './services/readiness-log.ts';
import { Registration } from './services/registration.ts';
import { lastLiquidations, remember } from './services/remembered.ts';
import { Sessions } from './services/sessions.ts';
import { SignIn } from './services/sign-in.ts';
import { measureState } from './services/state-gauges.ts';
import { ThrottleLog } from './services/throttle-log.ts';
import { AccessTokens } from './services/tokens.ts';
import { createTrading } from './services/trading.ts';
import { UserService } from './services/users.ts';
import { socketLimits } from './sockets/budgets.ts';
import { createSockets } from './sockets/server.ts';
import { Refusal } from './types/refusal.ts';
import { SteadyClock, wallTime } from './utils/clock.ts';
import { clearCpu, takeCpu } from './utils/cpus.ts';
import { probeListening } from './utils/listen-probe.ts';
import { keepTickShape } from './utils/tick-shape.ts';
import { VERSION } from './utils/version.ts';
import { keepOtherThreadsSmall } from './utils/young-generation.ts';

/** Committed events the collections may be behind before the process counts as not ready. */
const MAX_PROJECTION_LAG = 5_000_000;

/** House makers do not quote around an index that is older. */
const HOUSE_FRESH_MS = 30_000;

/** Returns where it listens. Throws ConfigError for settings that only the start shows to be bad. */
async function start(config: Config, logger: Logger, life: Lifecycle): Promise<string> {
  if (config.servingCpu !== undefined) setApart(config.servingCpu);
  const clock = new SteadyClock();
  const now = (): number => clock.now();
  const directory = resolve(config.dataDir);
  requireNoBackup(config, directory);
  const secrets = loadSecrets(config);
  const metrics = createMetrics({ processMetrics: true });
  const cache = new MemoryCache(metrics);
  const clockWatch = new ClockWatch({ clock, metrics, logger });
  const threads = new ThreadWatch(metrics);
  life.onStop(() => clockWatch.close(), () => threads.close());

  // Sequencer: journal, recovery gate, engine. The gate looks into the store, which opens its files when it is first asked.
  const store = new RemoteStore({ directory, observe: (collection, operation, seconds) => metrics.storeSeconds.observe({ collection, operation }, seconds) });
  const sequencer = await openLeader({
    directory, clock, logger, metrics, snapshotEvery: config.snapshotEvery, onProgress: showProgress('Recovering'), onFatal: life.fail,
    followedTo: () => storedCheckpoint(directory, logger),
    admit: (state) => requireOwners({ store, state, directory, onProgress: showProgress('Comparing accounts') }),
  }).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  life.onStop(() => sequencer.close(), () => store.close());
  await ensureListings(sequencer);
  const backups = backupsOf(config, directory, logger);
  const catalog = new Catalog(sequencer.state);

  // Read side: collections, and market data in memory.
  const projections = new Projections({ directory, sequencer, logger, metrics });
  life.onStop(() => projections.close());
  const books = new OrderBooks(sequencer.state);
  sequencer.onCommitted((record) => books.apply(record));
  const journal = new SqliteJournalReader(directory, logger);
  const data = await createMarketData({ store, sequencer, projections, books, clock: now, readJournal: (afterSeq, limit) => journal.read(afterSeq, limit) });
  life.onStop(() => data.close());
  journal.close();

  // Services: who may, and what they may do.
  const audit = new AuditLog(store, wallTime, metrics);
  const sessions: Sessions = new Sessions({
    store, cache, logger, clock: now,
    onReuse: (session, { ip, requestId }) => audit.record({ actor: session.userId, action: 'auth.refresh-reuse', target: session.id, ip, requestId }),
  });
  const tokens = new AccessTokens(secrets.jwt, now);
  const authenticator = new Authenticator({ store, sequencer, sessions, tokens, metrics, clock: now });
  const passwords = new PasswordHasher();
  const credentials = new Credentials({ store, passwords });
  const guesses = new Guesses({ clock: now, throttles: new ThrottleLog({ metrics, logger }), enabled: config.rateLimits.enabled });
  const signIn = new SignIn({ store, credentials, sessions, tokens, guesses, audit, clock: now });
  const registration = new Registration({ store, sequencer, credentials, signIn, guesses, audit, clock: now });
  const userAdmin = new UserService({ store, credentials, sessions, audit, clock: now });
  const replies = new KeptReplies({ store, secrets: secrets.jwt, clock: now });
  const feed = createPriceFeed({ mode: config.feeds, sequencer, catalog, logger, metrics, clock });
  const trading = createTrading({ sequencer, catalog, store, projections, data, books, feeds: feed, cache, audit, deposits: config.deposits });
  life.onStop(() => trading.markets.close());
  const warmed = trading.markets.warm();
  measureState({ sequencer, metrics, clock: now });
  const health = new HealthService([
    engineCheck(sequencer),
    storeCheck(store),
    projectionsCheck(projections, MAX_PROJECTION_LAG),
    diskCheck(directory, config.minFreeDisk, metrics),
    feedsCheck(feed),
  ], metrics);

  // REST.
  const table: RouteTable = new RouteTable([
    { base: '/api/v1', routes: [...authRoutes({ registration, signIn }), ...tradingRoutes(trading), ...userRoutes(userAdmin)] },
    { base: '', routes: [...healthRoutes(health, metrics), ...docsRoutes(() => table.routes, readDocsPage())] },
  ]);
  const authenticate = (token: string) => authenticator.authenticate(token);
  const server = createServer({ app: createApp({ config, table, authenticate, replies, metrics, logger }), config, metrics, logger });
  life.onStop(() => server.close());

  // Sockets: committed records, folded for whoever listens.
  const liquidated = await lastLiquidations(store);
  const marketStream = new MarketStream({
    state: sequencer.state, catalog, books,
    ticker: (symbol) => data.ticker(symbol), trades: (listed) => data.recentTrades(listed), candle: (...wanted) => data.kline(...wanted),
  });
  const accounts = new AccountStream({ sequencer, catalog });
  const adminStream = new AdminStream({
    state: sequencer.state, catalog, clock: now,
    sources: { metrics: () => metrics.registry.getMetricsAsJSON(), health: () => health.dependencies(), feeds: () => feed.status() },
  });
  remember({ symbols: sequencer.state.markets.map(({ symbol }) => symbol), liquidations: liquidated }, marketStream, adminStream);
  const activity = new Activity(catalog, metrics);
  sequencer.onCommitted((record) => {
    marketStream.apply(record);
    accounts.apply(record);
    adminStream.apply(record);
    activity.apply(record);
  });
  life.onStop(feed.onAlert(({ subject, name, state, detail }) => adminStream.raise({ level: 'warning', kind: `feed_${subject}`, message: `${name} is ${state}: ${detail}` })));
  const watch = new LedgerWatch({ sequencer, metrics, logger, onImbalance: (message) => adminStream.raise({ level: 'critical', kind: 'ledger', message }) });
  life.onStop(() => watch.close());
  const sockets = createSockets({
    http: server.server,
    options: { origins: config.corsOrigins, parser: config.socketParser, limits: socketLimits(config.rateLimits, config.connections.perAddress) },
    auth: { authenticate, onRevoked: (listener) => sessions.onRevoked(listener) },
    orders: trading.orders, market: marketStream, accounts, admin: adminStream,
    adminAddress: (address) => config.admin.ips.has(address),
    addressOf: (request) => clientAddress(request, config.trustProxy !== false),
    clock: now, logger, metrics,
  });
  life.onStop(() => sockets.close());

  // What moves by itself: prices, house makers. The first administrator's password is shown once, so everything that can be wrong with the settings is found out before.
  await feed.start().catch((error: unknown) => {
    throw error instanceof FeedsModeError ? new ConfigError([`FEEDS: ${error.message}`]) : error;
  });
  life.onStop(() => feed.stop());
  await listening(config, () => probeListening(config.port, config.host));
  const first = await registration.ensureAdmin(config.admin).catch((error: unknown) => {
    throw error instanceof Refusal ? new ConfigError([`ADMIN_PASSWORD: ${error.errors?.[0]?.message ?? error.message}`]) : error;
  });
  if (first !== undefined) introduceAdmin(first);
  else if (config.admin.password !== undefined && !(await isAdminPassword(store, passwords, config.admin.password))) {
    logger.warn('ADMIN_PASSWORD is not the password of the administrator, who was made at an earlier start: it changes nothing; to set another one, stop and run npm run admin-password');
  }
  const house = new HouseMakers({ sequencer, logger, clock, enabled: config.house, freshMs: config.feeds.mode === 'manual' ? undefined : HOUSE_FRESH_MS });
  house.start();
  life.onStop(() => house.stop());
  await warmed;
  if (config.servingCpu !== undefined) takeCpu(config.servingCpu);
  const url = await listening(config, () => server.listen(config.port, config.host));
  life.onStop((orderly) => {
    health.stop();
    // Until load balancers have seen it, requests go on being taken.
    return orderly ? delay(config.shutdownDelayMs) : undefined;
  });
  const readiness = new ReadinessLog({ health, logger });
  life.onStop(() => readiness.close());
  if (backups !== undefined) {
    const { existing, ...settings } = backups;
    const copies = new Backups({ ...settings, dataDirectory: directory, clock, metrics, logger }, existing);
    life.onStop(() => copies.close());
  }
  return url;
}

/** What runs on one of its own backups would remove itself. Looked for before its journal is opened. Throws ConfigError. */
function requireNoBackup({ backups }: Config, dataDirectory: string): void {
  if (backups === undefined || !isInBackup(resolve(backups.directory), dataDirectory)) return;
  throw new ConfigError([`DATA_DIR: ${dataDirectory} is a backup in BACKUP_DIR and would be removed once it is old; copy it to another place and start there`]);
}

/** Settings of automated backups, and those that are there. Throws ConfigError where they are another server's. */
function backupsOf({ backups }: Config, dataDirectory: string, logger: Logger) {
  if (backups === undefined) return undefined;
  const directory = resolve(backups.directory);
  const foreign = foreignBackup(directory, dataDirectory);
  if (foreign !== undefined) {
    throw new ConfigError([`BACKUP_DIR: ${join(directory, foreign)} is a backup of another journal than the one in ${dataDirectory}, and this server's would push it out in time; give each server a folder of its own, or restore the backup first where this data directory was begun anew`]);
  }
  const apart = !onOneDisk(directory, dataDirectory);
  if (!apart) logger.warn('BACKUP_DIR is on the disk of DATA_DIR: when it is lost, so are the backups', { directory });
  return { ...backups, directory, apart, existing: backupsIn(directory) };
}

function setApart(cpu: number): void {
  try {
    clearCpu(cpu);
  } catch (error) {
    throw new ConfigError([`SERVING_CPU: ${(error as Error).message}`]);
  }
}

keepOtherThreadsSmall();
await keepTickShape();
const config = readSettings();
const logger = createLogger({ level: config.logLevel, directory: resolve(config.dataDir, 'logs') });
const life = new Lifecycle(logger);
await life.run(async () => {
  for (const doubt of doubts(process.env, config)) logger.warn(doubt);
  const url = await start(config, logger, life);
  logger.info('ready', { url, version: VERSION, node: process.version, feeds: config.feeds.mode, pid: process.pid });
  announce(config, url);
});
