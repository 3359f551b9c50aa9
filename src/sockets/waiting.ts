/** The connections that have not taken all they were given. Whoever looks for clients that do not read looks at these, instead of at all there are. */
import type { Namespace, Socket } from 'socket.io';
import { waitingFor } from './backlog.ts';

type Connection = Socket['conn'];

export class Waiting {
  readonly #socketsOf: (connection: Connection) => Iterable<Socket>;
  readonly #connections = new Set<Connection>();

  /** @param socketsOf All sockets of a connection, of whichever namespace. */
  constructor(socketsOf: (connection: Connection) => Iterable<Socket>) {
    this.#socketsOf = socketsOf;
  }

  /** Something has just begun to wait for the connection. */
  note(connection: Connection): void {
    this.#connections.add(connection);
  }

  /** The sockets of a namespace for which something waits at the moment. */
  *of(nsp: Namespace): Generator<Socket> {
    for (const connection of this.#connections) {
      if (connection.readyState === 'closed' || waitingFor(connection) === 0) this.#connections.delete(connection);
      else for (const socket of this.#socketsOf(connection)) if (socket.nsp === nsp) yield socket;
    }
  }
}
