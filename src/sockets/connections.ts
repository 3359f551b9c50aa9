/** Who may connect at all: origins, connections per address, and what each connection may spend. Knows nothing of users. */
import type { IncomingMessage } from 'node:http';
import type { Namespace, Server, Socket } from 'socket.io';
import type { Metrics } from '../observability/metrics.ts';
import { Refusal } from '../types/refusal.ts';
import { clientKey } from '../utils/addresses.ts';
import { ConnectionCounts, MessageBudget, packetLimits, type SocketLimits } from './budgets.ts';

/** A connection carries the sockets of all namespaces that its client joined. */
interface Connection {
  readonly address: string;
  readonly budget: MessageBudget;
  readonly withinLimit: boolean;
  /** That are let in. */
  readonly sockets: Set<Socket>;
}

const NONE: ReadonlySet<Socket> = new Set();

export interface ConnectionOptions {
  readonly limits: SocketLimits;
  /** The client's address, as the configured proxies tell it. */
  readonly addressOf: (request: IncomingMessage) => string;
  readonly metrics: Pick<Metrics, 'rateLimited'>;
}

export class Connections {
  readonly #options: ConnectionOptions;
  readonly #counts: ConnectionCounts;
  readonly #open = new WeakMap<object, Connection>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#counts = new ConnectionCounts(options.limits.connectionsPerAddress);
    for (const limit of ['socket_messages', 'socket_connections']) options.metrics.rateLimited.inc({ limit }, 0);
  }

  /** Counts every connection of the server from now on, and what comes on it. */
  watch(io: Server, namespaces: readonly Namespace[]): void {
    io.engine.on('connection', (connection: Socket['conn']) => {
      const { limits, addressOf } = this.#options;
      const address = addressOf(connection.request);
      const key = clientKey(address);
      this.#open.set(connection, { address, budget: new MessageBudget(limits, performance.now()), withinLimit: this.#counts.open(key), sockets: new Set() });
      connection.once('close', () => this.#counts.close(key));
      const packets = new MessageBudget(packetLimits(limits), performance.now());
      connection.on('packet', () => {
        if (!packets.take(performance.now())) this.#end(connection);
      });
    });
    for (const nsp of namespaces) {
      nsp.on('connection', (socket) => {
        const { sockets } = this.of(socket);
        sockets.add(socket);
        socket.once('disconnect', () => sockets.delete(socket));
      });
    }
  }

  /** Of all namespaces. */
  socketsOf(connection: Socket['conn']): ReadonlySet<Socket> {
    return this.#open.get(connection)?.sockets ?? NONE;
  }

  /** Tells all sockets of the connection why. What still comes on it is not looked at. */
  #end(connection: Socket['conn']): void {
    this.#options.metrics.rateLimited.inc({ limit: 'socket_messages' });
    const sockets = [...this.socketsOf(connection)];
    for (const socket of sockets) socket.emit('closing', { code: 'RATE_LIMITED', message: 'too many packets on this connection' });
    sockets[0]?.disconnect(true);
    connection.close();
  }

  /** Refuses a socket of a connection that is one too many, or that joins namespaces faster than messages may come. Throws RATE_LIMITED. */
  admit(socket: Socket): void {
    const { withinLimit, budget } = this.of(socket);
    if (withinLimit && budget.take(performance.now())) return;
    this.#options.metrics.rateLimited.inc({ limit: withinLimit ? 'socket_messages' : 'socket_connections' });
    // The answer goes out first.
    setImmediate(() => socket.conn.close());
    throw new Refusal('RATE_LIMITED', withinLimit ? 'too many messages on this connection' : 'too many connections from this address');
  }

  of(socket: Socket): Connection {
    const connection = this.#open.get(socket.conn);
    if (connection === undefined) throw new Error('a socket without a counted connection');
    return connection;
  }
}

/**
 * Whether a browser page of this origin may connect: the pages of this server and of the listed origins. Browsers do not hold WebSockets to CORS,
 * so this is the only check. Programs send no origin; `null` and whatever is no http(s) origin is refused.
 */
export function originAllowed({ headers }: IncomingMessage, allowed: ReadonlySet<string>): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return true;
  if (allowed.has(origin)) return true;
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
}
