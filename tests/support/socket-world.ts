/** A socket server on a real port over hand-made events, with users whose tokens are their names, and clients that count what they hear. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { io, type ManagerOptions, type Socket, type SocketOptions as ClientOptions } from 'socket.io-client';
import type { Event } from '../../src/engine/events.ts';
import type { BalanceView, EngineReader } from '../../src/engine/reader.ts';
import { createMetrics, type Metrics } from '../../src/observability/metrics.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { OrderBooks } from '../../src/projections/order-books.ts';
import { RecentTrades } from '../../src/projections/recent-trades.ts';
import { AccountStream } from '../../src/services/account-stream.ts';
import { AdminStream } from '../../src/services/admin-stream.ts';
import { Catalog } from '../../src/services/catalog.ts';
import { MarketStream } from '../../src/services/market-stream.ts';
import { createSockets, type SocketOptions, type SocketParts, type Sockets } from '../../src/sockets/server.ts';
import type { Principal } from '../../src/types/principal.ts';
import { Refusal } from '../../src/types/refusal.ts';
import { ASSETS, EventMaker, MARKET } from './events.ts';

export interface Reply {
  readonly ok: boolean;
  readonly data: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

interface Listener {
  (revocation: { readonly userId: string; readonly sessionId?: string }): void;
}

/** Users by token: 'ann' and 'bob' trade, 'root' is an administrator. */
export class FakeAuth {
  readonly #gone = new Set<string>();
  readonly #listeners = new Set<Listener>();
  /** How long tokens are good for, from now. */
  ttlMs = 600_000;

  authenticate = async (token: string): Promise<Principal> => {
    const account = ['ann', 'bob', 'root'].indexOf(token) + 2;
    if (account < 2 || this.#gone.has(token)) throw new Refusal('UNAUTHENTICATED', 'the credential is not valid');
    return { userId: token, account, roles: token === 'root' ? ['user', 'admin'] : ['user'], permissions: ['read', 'trade'], sessionId: `session of ${token}`, expiresAt: Date.now() + this.ttlMs };
  };

  onRevoked = (listener: Listener): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  revoke(userId: string): void {
    this.#gone.add(userId);
    for (const listener of this.#listeners) listener({ userId });
  }
}

const NO_BALANCE: Omit<BalanceView, 'asset'> = { spotAvailable: 0, spotLocked: 0, futuresAvailable: 0, futuresLocked: 0, margin: 0 };

export class SocketWorld {
  readonly auth = new FakeAuth();
  readonly make = new EventMaker();
  readonly metrics: Metrics = createMetrics();
  readonly books: OrderBooks;
  readonly #trades: RecentTrades;
  readonly market: MarketStream;
  readonly accounts: AccountStream;
  readonly admin: AdminStream;
  readonly #http: Server;
  readonly #sockets: Sockets;
  readonly #clients: Socket[] = [];

  static async start(options: Partial<SocketOptions> = {}, parts: Partial<SocketParts> = {}): Promise<SocketWorld> {
    const http = createServer((_request, response) => response.end());
    await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
    return new SocketWorld(http, options, parts);
  }

  /** Closed when the test ends. */
  static async during(t: TestContext, options: Partial<SocketOptions> = {}, parts: Partial<SocketParts> = {}): Promise<SocketWorld> {
    const world = await SocketWorld.start(options, parts);
    t.after(() => world.close());
    return world;
  }

  private constructor(http: Server, options: Partial<SocketOptions>, parts: Partial<SocketParts>) {
    this.#http = http;
    const state = emptyState(() => this.make.seq);
    const catalog = new Catalog(state);
    this.books = new OrderBooks(state);
    this.#trades = new RecentTrades(catalog.byId(MARKET.id));
    this.market = new MarketStream({
      state, catalog, books: this.books, ticker: () => ({ symbol: 'BTC-USDT', count: this.make.seq, openTime: 0, closeTime: 0 }), trades: () => this.#trades,
      candle: () => [0, '1', '1', '1', '1', '1', 59_999, '1', 1],
    });
    this.accounts = new AccountStream({ sequencer: { state, barrier: async () => undefined }, catalog });
    this.admin = new AdminStream({ state, catalog, sources: { metrics: () => ({ ordersPerSecond: 7 }), health: () => ({ status: 'ok' }), feeds: () => ({}) }, clock: () => 1 });
    this.#sockets = createSockets({
      http, options: { origins: ['https://app.example.com'], parser: 'json', tickMs: 5, ...options },
      auth: this.auth, orders: { place: refuse, amend: refuse, cancel: refuse, placeBatch: refuse },
      market: this.market, accounts: this.accounts, admin: this.admin, adminAddress: () => true, clock: Date.now, logger: silentLogger, metrics: this.metrics, ...parts,
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** One committed record. */
  commit(...events: readonly Event[]): void {
    const record = this.make.record(...events);
    for (const event of events) if (event.type === 'trade') this.#trades.add(event, record.time);
    for (const follower of [this.books, this.market, this.accounts, this.admin]) follower.apply(record);
  }

  /** Not connected yet: listeners can be added first. */
  client(namespace: string, options: Partial<ManagerOptions & ClientOptions> = {}): Socket {
    const socket = io(`${this.url}${namespace}`, { transports: ['websocket'], forceNew: true, reconnectionDelay: 5, reconnectionDelayMax: 10, autoConnect: false, ...options });
    this.#clients.push(socket);
    return socket;
  }

  async connect(namespace: string, options: Partial<ManagerOptions & ClientOptions> = {}): Promise<Socket> {
    const socket = this.client(namespace, options);
    await connected(socket);
    return socket;
  }

  /** The server's side goes down; what is left of it refuses to connect. */
  async stop(): Promise<void> {
    await this.#sockets.close();
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    await this.stop();
    await new Promise((closed) => this.#http.close(closed));
  }
}

/** Connects. Rejects with the server's `{ code, message }` when it refuses. */
export function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', (error: Error & { data?: object }) => reject(error.data ?? error));
    socket.connect();
  });
}

export function call(socket: Socket, event: string, ...args: unknown[]): Promise<Reply> {
  return socket.timeout(5_000).emitWithAck(event, ...args) as Promise<Reply>;
}

export function next<T>(socket: Socket, event: string): Promise<T> {
  return new Promise((resolve) => socket.once(event, resolve));
}

function refuse(): Promise<never> {
  return Promise.reject(new Refusal('UNAVAILABLE', 'no orders in this test'));
}

function emptyState(seq: () => number): EngineReader {
  return {
    get seq() {
      return seq();
    },
    time: 0,
    assets: ASSETS,
    markets: [MARKET],
    market: (symbol: string) => (symbol === MARKET.symbol ? MARKET : undefined),
    depth: () => ({ bids: [], asks: [] }),
    prices: () => ({ index: 0, mark: 0, last: 0, bestBid: 0, bestAsk: 0, fundingRate: 0, nextFundingTime: 0, openInterest: 0, updatedAt: 0 }),
    openOrders: () => [],
    positions: () => [],
    position: () => undefined,
    balance: (_account: number, asset: number) => ({ asset, ...NO_BALANCE }),
    userOf: (account: number) => ['ann', 'bob', 'root'][account - 2],
    kindOf: () => 'user',
  } as unknown as EngineReader;
}
