/**
 * What a connection is given within one turn of the event loop leaves with one write. The package writes the first packet at once and each further one
 * by itself, and a write costs more than all else that a small message does.
 */
import type { Server } from 'socket.io';
import type { Logger } from '../observability/logger.ts';

/** What the declared types of the packages leave out. */
interface Connection {
  readonly writeBuffer: readonly unknown[];
  readonly transport: { readonly writable: boolean; readonly socket?: { readonly _socket?: { cork(): void; uncork(): void } } };
  flush(): void;
  close(discard: boolean): void;
}

/** Turns of the event loop that `written` waits at most: one for what was given in this turn, some for what follows a write. */
const TURNS = 10;

/** Resolves when nothing waits to be written any more, or would not soon: who does not read is not waited for. */
export async function written(io: Server): Promise<void> {
  const connections = Object.values((io.engine as unknown as { readonly clients: Readonly<Record<string, Connection>> }).clients);
  for (let turn = 0; turn < TURNS && connections.some(({ writeBuffer }) => writeBuffer.length > 0); turn++) await new Promise(setImmediate);
}

export function batchWrites(io: Server, logger: Logger): void {
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
      const tcp = connection.writeBuffer.length > 1 ? connection.transport.socket?._socket : undefined;
      tcp?.cork();
      try {
        flush();
      } catch (error) {
        // Nobody who sent something is there any more to be told.
        logger.error('a connection could not be written to; it is closed', { error });
        connection.close(true);
      }
      tcp?.uncork();
    };
    connection.flush = () => {
      if (scheduled || connection.writeBuffer.length === 0 || !connection.transport.writable) return;
      scheduled = true;
      if (waiting.length === 0) setImmediate(writeAll);
      waiting.push(write);
    };
  });
}
