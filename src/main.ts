/** Reads the configuration, wires the stages in the order in which an order passes them, starts them, and stops them in reverse. The only place that knows all of them; no rule lives here. */
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MemoryCache } from './cache/cache.ts';
import { CONFIG_EXIT_STATUS, ConfigError, parseConfig, type Config } from './config/config.ts';
import { prepareDataDirectory } from './config/data-directory.ts';
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
import { createLogger } from './observability/winston.ts';
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
import { measureIndexAge } from './services/index-age.ts';
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
import { ThrottleLog } from './services/throttle-log.ts';
import { AccessTokens } from './services/tokens.ts';
import { createTrading } from './services/trading.ts';
import { UserService } from './services/users.ts';
import { socketLimits } from './sockets/budgets.ts';
import { createSockets } from './sockets/server.ts';
import { Refusal } from './types/refusal.ts';
import { SteadyClock, wallTime } from './utils/clock.ts';
import { clearCpu, takeCpu } from './utils/cpus.ts';
import { OperatingError } from './utils/errors.ts';
import { probeListening } from './utils/listen-probe.ts';
import { startProgress, type Progress } from './utils/progress.ts';
import { keepTickShape } from './utils/tick-shape.ts';
import { VERSION } from './utils/version.ts';
import { keepOtherThreadsSmall } from './utils/young-generation.ts';

/** Committed events the collections may be behind before the process counts as not ready. */
const MAX_PROJECTION_LAG = 5_000_000;

/** Of a server that nothing is set for; the demo's default. */
const DEMO_URL = 'http://127.0.0.1:3000';

/** House makers do not quote around an index that is older. */
const HOUSE_FRESH_MS = 30_000;

const PARENT_CHECK_MS = 200;
/** Of those who ask it to end. A terminal that closes sends SIGHUP. */
const END_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;

/** `orderly`: it was asked to end; nothing is broken. */
type Stop = (orderly: boolean) => unknown;

async function start(config: Config, logger: Logger, stops: Stop[], fatal: (error: Error) => void): Promise<string> {
  if (config.servingCpu !== undefined) setApart(config.servingCpu);
  const clock = new SteadyClock();
  const now = (): number => clock.now();
  const directory = resolve(config.dataDir);
  const secrets = loadSecrets(config);
  const metrics = createMetrics({ processMetrics: true });
  const cache = new MemoryCache(metrics);
  const clockWatch = new ClockWatch({ clock, metrics, logger });
  stops.push(() => clockWatch.close());

  // Sequencer: journal, recovery gate, engine. The gate looks into the store, which opens its files when it is first asked.
  const store = new RemoteStore({ directory, observe: (collection, operation, seconds) => metrics.storeSeconds.observe({ collection, operation }, seconds) });
  const sequencer = await openLeader({
    directory, clock, logger, metrics, snapshotEvery: config.snapshotEvery, onProgress: showProgress('Recovering'), onFatal: fatal,
    followedTo: () => storedCheckpoint(directory, logger),
    admit: (state) => requireOwners({ store, state, directory, onProgress: showProgress('Comparing accounts') }),
  }).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  stops.push(() => sequencer.close(), () => store.close());
  await ensureListings(sequencer);
  const catalog = new Catalog(sequencer.state);

  // Read side: collections, and market data in memory.
  const projections = new Projections({ directory, sequencer, logger, metrics });
  stops.push(() => projections.close());
  const books = new OrderBooks(sequencer.state);
  sequencer.onCommitted((record) => books.apply(record));
  const journal = new SqliteJournalReader(directory, logger);
  const data = await createMarketData({ store, sequencer, projections, books, clock: now, readJournal: (afterSeq, limit) => journal.read(afterSeq, limit) });
  stops.push(() => data.close());
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
  stops.push(() => trading.markets.close());
  measureIndexAge(metrics, sequencer.state, now);
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
  stops.push(() => server.close());

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
  stops.push(feed.onAlert(({ subject, name, state, detail }) => adminStream.raise({ level: 'warning', kind: `feed_${subject}`, message: `${name} is ${state}: ${detail}` })));
  const watch = new LedgerWatch({ sequencer, metrics, logger, onImbalance: (message) => adminStream.raise({ level: 'critical', kind: 'ledger', message }) });
  stops.push(() => watch.close());
  const sockets = createSockets({
    http: server.server,
    options: { origins: config.corsOrigins, parser: config.socketParser, limits: socketLimits(config.rateLimits, config.connections.perAddress) },
    auth: { authenticate, onRevoked: (listener) => sessions.onRevoked(listener) },
    orders: trading.orders, market: marketStream, accounts, admin: adminStream,
    adminAddress: (address) => config.admin.ips.has(address),
    addressOf: (request) => clientAddress(request, config.trustProxy !== false),
    clock: now, logger, metrics,
  });
  stops.push(() => sockets.close());

  // What moves by itself: prices, house makers. The first administrator's password is shown once, so everything that can be wrong with the settings is found out before.
  await feed.start().catch((error: unknown) => {
    throw error instanceof FeedsModeError ? new ConfigError([`FEEDS: ${error.message}`]) : error;
  });
  stops.push(() => feed.stop());
  await listening(config, () => probeListening(config.port, config.host));
  const first = await registration.ensureAdmin(config.admin).catch((error: unknown) => {
    throw error instanceof Refusal ? new ConfigError([`ADMIN_PASSWORD: ${error.errors?.[0]?.message ?? error.message}`]) : error;
  });
  if (first !== undefined) introduce(first);
  else if (config.admin.password !== undefined && !(await isAdminPassword(store, passwords, config.admin.password))) {
    logger.warn('ADMIN_PASSWORD is not the password of the administrator, who was made at an earlier start: it changes nothing; to set another one, stop and run npm run admin-password');
  }
  const house = new HouseMakers({ sequencer, logger, clock, enabled: config.house, freshMs: config.feeds.mode === 'manual' ? undefined : HOUSE_FRESH_MS });
  house.start();
  stops.push(() => house.stop());
  await trading.markets.warm();
  if (config.servingCpu !== undefined) takeCpu(config.servingCpu);
  const url = await listening(config, () => server.listen(config.port, config.host));
  stops.push((orderly) => {
    health.stop();
    // Until load balancers have seen it, requests go on being taken.
    return orderly ? delay(config.shutdownDelayMs) : undefined;
  });
  const readiness = new ReadinessLog({ health, logger });
  stops.push(() => readiness.close());
  return url;
}

function setApart(cpu: number): void {
  try {
    clearCpu(cpu);
  } catch (error) {
    throw new ConfigError([`SERVING_CPU: ${(error as Error).message}`]);
  }
}

function introduce(admin: { readonly email: string; readonly password: string | undefined }): void {
  console.error(`First administrator: ${admin.email}`);
  if (admin.password !== undefined) console.error(`Password (shown this once): ${admin.password}`);
}

/** A bar while a part of the start takes long. */
function showProgress(label: string): (done: number, total: number) => void {
  let progress: Progress | undefined;
  return (done, total) => {
    progress ??= startProgress(label, total);
    progress.set(done);
    if (done < total) return;
    progress.end();
    progress = undefined;
  };
}

function announce(config: Config, url: string): void {
  console.log(JSON.stringify({ msg: 'ready', url, pid: process.pid }));
  console.error(`
  REST      ${url}/api/v1      documentation ${url}/docs
  Sockets   ${url}/prices /market /user /admin
  Engine    in this process, journal in ${join(config.dataDir, 'journal.db')}
  Prices    ${config.feeds.mode}${config.house ? ', house makers quote' : ', no house makers'}
  Health    ${url}/health/ready   metrics ${url}/metrics${config.servingCpu === undefined ? '' : `\n  CPUs      ${config.servingCpu} serves, all other threads run elsewhere`}

  Try: ${url === DEMO_URL ? '' : `BOURSE_URL=${url} `}npm run demo   or   curl ${url}/api/v1/markets/BTC-USDT/ticker
`);
}

/** In reverse order of starting: first no more traffic, last the journal. Each stop gets its turn whatever the others do. */
async function stopAll(stops: Stop[], logger: Logger, orderly: boolean): Promise<void> {
  for (const stop of stops.splice(0).reverse()) {
    try {
      await stop(orderly);
    } catch (error) {
      logger.error('a part did not stop cleanly', { error });
    }
  }
}

/** npm that was killed outright cannot tell its child: a server that outlived it would hold the port and the data directory unseen. */
function watchParent(orphaned: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) orphaned();
  }, PARENT_CHECK_MS).unref();
}

/** All that is wrong with arguments and variables is named at once. */
function readConfig(): Config {
  const problems = process.argv.slice(2).map((argument) => `${argument}: settings are environment variables, see docs/configuration.md`);
  try {
    const config = parseConfig(process.env);
    if (problems.length === 0) {
      prepareDataDirectory(resolve(config.dataDir));
      return config;
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  }
  console.error(new ConfigError(problems).message);
  process.exit(CONFIG_EXIT_STATUS);
}

async function main(): Promise<void> {
  const config = readConfig();
  const logger = createLogger({ level: config.logLevel, directory: resolve(config.dataDir, 'logs') });
  const stops: Stop[] = [];
  let ending: Promise<void> | undefined;
  const end = (status: number, reason: string): void => {
    ending ??= stopAll(stops, logger, status === 0).then(() => {
      logger.info('stopped', { reason });
      process.exitCode = status;
      // Whatever still holds the event loop is not worth waiting for: everything is on disk.
      setImmediate(() => process.exit(status));
    });
  };
  const fatal = (error: Error): void => {
    logger.error('cannot go on', { error });
    end(1, error.message);
  };
  /** Of a start that cannot succeed, for a reason that an operator can change: said once, to whom starts it. */
  const refuse = (status: number, message: string, reason: string): void => {
    console.error(message);
    end(status, reason);
  };
  // Whoever read the output may be gone: that is no fault, and could not be said there. The log files go on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  for (const signal of END_SIGNALS) process.on(signal, () => end(0, signal));
  watchParent(() => end(1, 'npm, which started this process, is gone'));
  process.on('uncaughtException', fatal);
  process.on('unhandledRejection', (reason) => fatal(reason instanceof Error ? reason : new Error(String(reason))));
  try {
    for (const doubt of doubts(process.env, config)) logger.warn(doubt);
    const url = await start(config, logger, stops, fatal);
    logger.info('ready', { url, version: VERSION, node: process.version, feeds: config.feeds.mode, pid: process.pid });
    announce(config, url);
  } catch (error) {
    if (error instanceof ConfigError) refuse(CONFIG_EXIT_STATUS, error.message, 'configuration');
    else if (error instanceof OperatingError) refuse(1, error.message, error.code);
    else fatal(error instanceof Error ? error : new Error(String(error)));
  }
}

keepOtherThreadsSmall();
await keepTickShape();
await main();
