/**
 * What a connection is given within one turn of the event loop leaves with one write. The package writes the first packet at once and each further one
 * by itself, and a write costs more than all else that a small message does. What goes to many leaves in one frame that was made for all of them.
 */
import type { Server, Socket } from 'socket.io';
import type { Logger } from '../observability/logger.ts';

/** What the declared types of the packages leave out. */
interface Connection {
  readonly writeBuffer: readonly Packet[];
  readonly transport: Transport;
  flush(): void;
  close(discard: boolean): void;
}

interface Packet {
  readonly data?: string | Uint8Array;
  /** The frame is there for a message that goes to many. */
  readonly options?: { readonly wsPreEncodedFrame?: unknown };
}

interface Transport {
  readonly writable: boolean;
  /** Of WebSockets; the extensions are those that the client takes. */
  readonly socket?: { readonly extensions: string; readonly bufferedAmount: number; readonly _socket?: { cork(): void; uncork(): void } };
  /** As long as it is set, no frame is used that is there already. The package sets it for all, whatever their client takes. */
  perMessageDeflate?: unknown;
}

/** Turns of the event loop that `written` waits at most: one for what was given in this turn, some for what follows a write. */
const TURNS = 10;
/** UTF-8, of a character of UTF-16. */
const MAX_BYTES_PER_CHARACTER = 3;

/** Resolves when nothing waits to be written any more, or would not soon: who does not read is not waited for. */
export async function written(io: Server): Promise<void> {
  const connections = Object.values((io.engine as unknown as { readonly clients: Readonly<Record<string, Connection>> }).clients);
  for (let turn = 0; turn < TURNS && connections.some(({ writeBuffer }) => writeBuffer.length > 0); turn++) await new Promise(setImmediate);
}

export interface WriteOptions {
  /** Bytes from which on a message to one client is compressed, where the client takes that; not what goes to many, in text. */
  readonly compressFrom: number;
  /** Told of a connection that does not take at once what it is given. */
  readonly onWait: (connection: Socket['conn']) => void;
  readonly logger: Logger;
}

export function batchWrites(io: Server, { compressFrom, onWait, logger }: WriteOptions): void {
  let waiting: (() => void)[] = [];
  const writeAll = (): void => {
    const writes = waiting;
    waiting = [];
    for (const write of writes) write();
  };

  io.engine.on('connection', (connection: Connection) => {
    const flush = connection.flush.bind(connection);
    let scheduled = false;
    const write = (): void => {
      scheduled = false;
      const { writeBuffer, transport } = connection;
      transport.perMessageDeflate = compresses(transport) && writeBuffer.some((packet) => mayBeCompressed(packet, compressFrom));
      const tcp = writeBuffer.length > 1 ? transport.socket?._socket : undefined;
      tcp?.cork();
      try {
        flush();
      } catch (error) {
        // Nobody who sent something is there any more to be told.
        logger.error('a connection could not be written to; it is closed', { error });
        connection.close(true);
      }
      tcp?.uncork();
      if ((transport.socket?.bufferedAmount ?? 0) > 0) onWait(connection as unknown as Socket['conn']);
    };
    connection.flush = () => {
      if (scheduled || connection.writeBuffer.length === 0) return;
      if (!connection.transport.writable) return onWait(connection as unknown as Socket['conn']);
      scheduled = true;
      if (waiting.length === 0) setImmediate(writeAll);
      waiting.push(write);
    };
  });
}

function compresses({ socket }: Transport): boolean {
  return socket !== undefined && socket.extensions !== '';
}

/** A frame that is there already goes out at once, and would overtake a message before it that is being compressed. */
function mayBeCompressed({ data, options }: Packet, compressFrom: number): boolean {
  if (data === undefined || options?.wsPreEncodedFrame !== undefined) return false;
  return data.length * (typeof data === 'string' ? MAX_BYTES_PER_CHARACTER : 1) + 1 >= compressFrom;
}
