/** How much a connection has yet to read, and the policy for those who read too slowly. */
import type { Socket } from 'socket.io';

export interface BacklogLimits {
  /** Bytes waiting from which on public data is conflated for a connection, until no more than a tenth of them waits. */
  readonly conflate: number;
  /** Bytes waiting at which a connection is closed. */
  readonly close: number;
}

export const DEFAULT_BACKLOG: BacklogLimits = { conflate: 256 * 1024, close: 8 * 1024 * 1024 };

/** What the declared types of the package leave out. */
interface Connection {
  readonly writeBuffer: readonly { readonly data?: string | Uint8Array }[];
  readonly transport: { readonly socket?: { readonly bufferedAmount?: number; terminate?(): void } };
}

/** Bytes (characters, for text) that wait in this process for the client to read. */
export function backlogOf(socket: Socket): number {
  const { writeBuffer, transport } = socket.conn as unknown as Connection;
  let bytes = transport.socket?.bufferedAmount ?? 0;
  for (const packet of writeBuffer) bytes += packet.data?.length ?? 0;
  return bytes;
}

/** Closes without waiting for the client to read what is queued. */
export function terminate(socket: Socket): void {
  const { transport } = socket.conn as unknown as Connection;
  if (transport.socket?.terminate === undefined) socket.conn.close(true);
  else transport.socket.terminate();
}

/** What a watch over the sockets of a namespace comes to. */
export interface BacklogPolicy {
  /** Takes the socket out of the public messages. */
  readonly slow: (socket: Socket) => void;
  /** Brings it up to date and back in. */
  readonly caughtUp: (socket: Socket) => void;
  readonly hopeless: (socket: Socket, bytes: number) => void;
}

/** Looks at each socket once; `slowOnes` holds those that were found slow and have not caught up. */
export function watchBacklogs(sockets: Iterable<Socket>, slowOnes: Set<Socket>, limits: BacklogLimits, policy: BacklogPolicy): void {
  for (const socket of sockets) {
    const bytes = backlogOf(socket);
    if (bytes >= limits.close) policy.hopeless(socket, bytes);
    else if (slowOnes.has(socket)) {
      if (bytes > limits.conflate / 10) continue;
      slowOnes.delete(socket);
      policy.caughtUp(socket);
    } else if (bytes >= limits.conflate) {
      slowOnes.add(socket);
      policy.slow(socket);
    }
  }
}
