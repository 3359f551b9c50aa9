/** Socket.IO on the HTTP server: its limits, its four namespaces, and how all of it ends. */
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { Server, type Namespace, type Socket } from 'socket.io';
import msgpackParser from 'socket.io-msgpack-parser';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { AccountStream } from '../services/account-stream.ts';
import type { AdminStream } from '../services/admin-stream.ts';
import type { MarketStream } from '../services/market-stream.ts';
import type { OrderService } from '../services/orders.ts';
import { canonicalAddress } from '../utils/addresses.ts';
import { serveAdmin } from './admin.ts';
import { batchWrites, written } from './batching.ts';
import { DEFAULT_BACKLOG, type BacklogLimits } from './backlog.ts';
import { DEFAULT_LIMITS, type SocketLimits } from './budgets.ts';
import { serveCalls, type CallContext, type Calls } from './calls.ts';
import { Connections, originAllowed } from './connections.ts';
import { openToAll, openToNobody, usersOnly, type SocketAuth } from './handshake.ts';
import { serveMarket } from './market.ts';
import { servePrices } from './prices.ts';
import { RecoverableAdapter, type RecoveryOptions } from './recovery.ts';
import { TopicPublisher } from './topics.ts';
import { serveUser } from './user.ts';
import { Waiting } from './waiting.ts';

export interface SocketOptions {
  /** Web origins besides this server's own whose pages may connect. */
  readonly origins: readonly string[];
  /** Clients must use the same. */
  readonly parser: 'json' | 'msgpack';
  readonly limits?: SocketLimits;
  readonly backlog?: BacklogLimits;
  /** How long a session can be resumed. */
  readonly recoveryMs?: number;
  /** How often public data is looked at, ms. */
  readonly tickMs?: number;
  readonly pingIntervalMs?: number;
  /** ms since any moment, steadily. */
  readonly monotonic?: () => number;
}

export interface SocketParts {
  readonly http: HttpServer;
  readonly options: SocketOptions;
  readonly auth: SocketAuth;
  readonly orders: Pick<OrderService, 'place' | 'amend' | 'cancel' | 'placeBatch'>;
  readonly market: MarketStream;
  readonly accounts: AccountStream;
  readonly admin: Pick<AdminStream, 'topic'>;
  /** Whether administrators may connect from here. */
  readonly adminAddress: (address: string) => boolean;
  /** The client's address as the configured proxies tell it; default: the other end of the connection. */
  readonly addressOf?: (request: IncomingMessage) => string;
  /** ms since the epoch, as tokens have them. */
  readonly clock: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface Sockets {
  /** Tells everybody and closes all connections; the HTTP server stays. */
  close(): Promise<void>;
}

const MAX_MESSAGE_BYTES = 64 * 1_024;
/** Smaller messages cost more to compress than to send. So do those that go to many, each in one frame for all. */
const COMPRESS_FROM_BYTES = 2_048;
const RECOVERY_MS = 60_000;
const TICK_MS = 50;
const PING_INTERVAL_MS = 20_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** Messages remembered for those who come back. Prices are sent anew instead. */
const REMEMBERED: Readonly<Record<string, number>> = { '/market': 10_000, '/user': 20_000, '/admin': 2_000 };
const MAX_AWAY = 10_000;

export function createSockets(parts: SocketParts): Sockets {
  const { options, logger, metrics } = parts;
  const limits = options.limits ?? DEFAULT_LIMITS;
  const backlog = options.backlog ?? DEFAULT_BACKLOG;
  const tickMs = options.tickMs ?? TICK_MS;
  const monotonic = options.monotonic ?? sinceStart;
  const context: CallContext = { logger, metrics };
  const connections = new Connections({ limits, addressOf: parts.addressOf ?? ((request) => canonicalAddress(request.socket.remoteAddress ?? '')), metrics });
  let open = true;
  const io = createServer(parts, monotonic, () => open);
  const waiting = new Waiting((connection) => connections.socketsOf(connection));
  batchWrites(io, { compressFrom: COMPRESS_FROM_BYTES, onWait: (connection) => waiting.note(connection), logger });

  const serve = (socket: Socket, calls: Calls): void => serveCalls(socket, calls, connections.of(socket).budget, context);
  const publisher = (nsp: Namespace): TopicPublisher =>
    new TopicPublisher(nsp, { tickMs, backlog, waiting, subscriptionsPerConnection: limits.subscriptionsPerConnection, monotonic, metrics, logger });
  const [prices, market, user, admin] = ['/prices', '/market', '/user', '/admin'].map((name) => countedNamespace(io, name, metrics)) as [Namespace, Namespace, Namespace, Namespace];

  connections.watch(io, [prices, market, user, admin]);

  // Any other is made for its refusal and gone with it.
  for (const nsp of [io.of('/'), io.of((_name, _auth, next) => next(null, true))]) openToNobody(nsp, connections, context);
  openToAll(prices, connections, context);
  openToAll(market, connections, context);
  const membership = { auth: parts.auth, connections, context, clock: parts.clock };
  const stopUser = usersOnly(user, { ...membership, allowed: () => true });
  const stopAdmin = usersOnly(admin, { ...membership, allowed: ({ roles }, address) => roles.includes('admin') && parts.adminAddress(address) });

  const publishers = [prices, market, admin].map(publisher) as [TopicPublisher, TopicPublisher, TopicPublisher];
  servePrices(prices, { market: parts.market, topics: publishers[0], serve });
  serveMarket(market, { market: parts.market, topics: publishers[1], serve });
  serveAdmin(admin, { admin: parts.admin, topics: publishers[2], serve });
  const stopEvents = serveUser(user, { orders: parts.orders, accounts: parts.accounts, backlog, waiting, watchMs: tickMs, serve, logger, metrics });

  return {
    close: async () => {
      open = false;
      for (const stop of [stopUser, stopAdmin, stopEvents]) stop();
      for (const one of publishers) one.close();
      for (const nsp of [prices, market, user, admin]) nsp.emit('closing', { code: 'UNAVAILABLE', message: 'this server is going down; connect again' });
      // It throws away what is not written. No socket is told to disconnect: clients would not come back by themselves.
      await written(io);
      io.engine.close();
      for (const nsp of [prices, market, user, admin]) await nsp.adapter.close();
    },
  };
}

/** Lets nobody connect who comes back while the server goes down. */
function createServer({ http, options }: SocketParts, monotonic: () => number, open: () => boolean): Server {
  const origins = new Set(options.origins);
  const recoveryMs = options.recoveryMs ?? RECOVERY_MS;
  const pingMs = options.pingIntervalMs ?? PING_INTERVAL_MS;
  class Adapter extends RecoverableAdapter {
    constructor(nsp: Namespace) {
      const recovery: RecoveryOptions = { windowMs: recoveryMs, unnoticedMs: 2 * pingMs, messages: REMEMBERED[nsp.name] ?? 0, sessions: MAX_AWAY, monotonic };
      super(nsp, recovery);
    }
  }
  return new Server(http, {
    adapter: Adapter,
    serveClient: false,
    cleanupEmptyChildNamespaces: true,
    maxHttpBufferSize: MAX_MESSAGE_BYTES,
    // The package compresses everything, whatever the threshold, where a message may refer to those before it.
    perMessageDeflate: { threshold: COMPRESS_FROM_BYTES, serverNoContextTakeover: true },
    httpCompression: { threshold: COMPRESS_FROM_BYTES },
    // The middlewares run again: a session may have been revoked in the meantime.
    connectionStateRecovery: { maxDisconnectionDuration: recoveryMs, skipMiddlewares: false },
    pingInterval: pingMs,
    pingTimeout: pingMs,
    connectTimeout: CONNECT_TIMEOUT_MS,
    cors: { origin: [...origins], credentials: true },
    allowRequest: (request, decide) => {
      const refusal = !open() ? 'this server is going down' : !originAllowed(request, origins) ? 'this origin may not connect' : null;
      decide(refusal, refusal === null);
    },
    ...(options.parser === 'msgpack' ? { parser: msgpackParser } : {}),
  });
}

function sinceStart(): number {
  return performance.now();
}

function countedNamespace(io: Server, name: string, metrics: Pick<Metrics, 'sockets'>): Namespace {
  const nsp = io.of(name);
  const gauge = metrics.sockets.labels({ namespace: name });
  nsp.on('connection', (socket) => {
    gauge.inc();
    socket.once('disconnect', () => gauge.dec());
  });
  return nsp;
}
