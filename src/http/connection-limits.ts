/** How many connections may be open, in all and from one address. One too many is closed without a word, counted, and told to the log. */
import type { DropArgument, Server, Socket } from 'node:net';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { SparseLine } from '../observability/sparse-line.ts';
import { canonicalAddress, clientKey } from '../utils/addresses.ts';

export interface ConnectionLimits {
  readonly total: number;
  /** undefined: they come from a proxy, and all of a venue's clients with them. */
  readonly perAddress: number | undefined;
  readonly metrics: Pick<Metrics, 'rateLimited'>;
  readonly logger: Logger;
}

/** Returns the open sockets, upgraded ones included. */
export function limitConnections(server: Server, { total, perAddress = Infinity, metrics, logger }: ConnectionLimits): ReadonlySet<Socket> {
  const open = new Map<string, number>();
  const sockets = new Set<Socket>();
  const line = new SparseLine();
  const refused = (limit: string, address: string | undefined): void => {
    metrics.rateLimited.inc({ limit });
    line.say((leftOut) => logger.warn('a connection was refused: too many are open', { limit, address, leftOut }));
  };
  server.maxConnections = total;
  server.on('drop', (dropped?: DropArgument) => refused('connections', dropped?.remoteAddress));
  server.on('connection', (socket: Socket) => {
    const key = clientKey(canonicalAddress(socket.remoteAddress ?? ''));
    const count = (open.get(key) ?? 0) + 1;
    if (count > perAddress) {
      refused('address_connections', socket.remoteAddress);
      socket.destroy();
      return;
    }
    open.set(key, count);
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      const left = (open.get(key) ?? 1) - 1;
      if (left === 0) open.delete(key);
      else open.set(key, left);
    });
  });
  return sockets;
}
