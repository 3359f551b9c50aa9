/** How much a connection has yet to read, and the policy for those who read too slowly. */
import type { Socket } from 'socket.io';

export interface BacklogLimits {
  /** Bytes waiting from which on public data is conflated for a connection, until no more than a tenth of them waits. */
  readonly conflate: number;
  /** Bytes waiting at which a connection is closed that has taken none of them for `patienceMs`. */
  readonly close: number;
  readonly patienceMs: number;
  /** Bytes waiting at which a connection is closed although it reads. */
  readonly most: number;
}

export const DEFAULT_BACKLOG: BacklogLimits = { conflate: 256 * 1024, close: 8 * 1024 * 1024, patienceMs: 5_000, most: 32 * 1024 * 1024 };

/** What the declared types of the package leave out. */
interface Connection {
  readonly writeBuffer: readonly { readonly data?: string | Uint8Array }[];
  readonly transport: { readonly socket?: { readonly bufferedAmount?: number; readonly _socket?: Wire; terminate?(): void } };
}

interface Wire {
  readonly bytesWritten: number;
  readonly writableLength: number;
  /** Its queue is what the system has not taken yet of the write under way. */
  readonly _handle?: { readonly writeQueueSize?: number } | null;
}

/** Bytes (characters, for text) that wait in this process for the client to read. */
export function backlogOf(socket: Socket): number {
  return waitingFor(socket.conn);
}

export function waitingFor(connection: Socket['conn']): number {
  const { writeBuffer, transport } = connection as unknown as Connection;
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

/** Changes whenever the network takes something. As long as something waits, nothing else changes it. */
function progressOf(socket: Socket): string {
  const wire = (socket.conn as unknown as Connection).transport.socket?._socket;
  return wire === undefined ? '' : `${wire.bytesWritten - wire.writableLength} ${wire._handle?.writeQueueSize ?? 0}`;
}

/** What was found at the last look at a connection with much waiting, and since when it has taken nothing. */
interface Look {
  readonly bytes: number;
  readonly progress: string;
  readonly since: number;
}

/** Tells those who do not read from those who read, however much waits for them at the moment. */
export class Stalls {
  readonly #limits: BacklogLimits;
  readonly #looks = new WeakMap<object, Look>();

  constructor(limits: BacklogLimits) {
    this.#limits = limits;
  }

  /** Whether to give up a connection for which so many bytes wait at `now` (ms, any monotonic origin). To be asked at each look at it. */
  hopeless(socket: Socket, bytes: number, now: number): boolean {
    const { close, most, patienceMs } = this.#limits;
    if (bytes < close) {
      this.#looks.delete(socket.conn);
      return false;
    }
    const progress = progressOf(socket);
    const before = this.#looks.get(socket.conn);
    const since = before !== undefined && bytes >= before.bytes && progress === before.progress ? before.since : now;
    this.#looks.set(socket.conn, { bytes, progress, since });
    return bytes >= most || now - since >= patienceMs;
  }
}

/** What a watch over the sockets of a namespace comes to. */
export interface BacklogPolicy {
  /** Takes the socket out of the public messages. */
  readonly slow: (socket: Socket) => void;
  /** Brings it up to date and back in. */
  readonly caughtUp: (socket: Socket) => void;
  readonly hopeless: (socket: Socket, bytes: number) => void;
}

/** What is remembered of the sockets of a namespace from one look to the next. */
export interface Watched {
  /** Found slow, and not caught up yet. */
  readonly slow: Set<Socket>;
  readonly stalls: Stalls;
}

/** Looks once at each socket for which something waits, and at those that were slow. */
export function watchBacklogs(waiting: Iterable<Socket>, { slow: slowOnes, stalls }: Watched, limits: BacklogLimits, policy: BacklogPolicy, now: number): void {
  for (const socket of new Set([...waiting, ...slowOnes])) {
    const bytes = backlogOf(socket);
    if (stalls.hopeless(socket, bytes, now)) policy.hopeless(socket, bytes);
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
