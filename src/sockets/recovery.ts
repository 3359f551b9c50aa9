/**
 * Connection state recovery, bounded: an adapter that remembers the last messages of a namespace and the sessions that just went away, so that
 * a client which is back in time gets what it missed. Unlike the adapter of the package it hands out nothing before the middlewares have
 * accepted the client again, and it holds a fixed number of messages and sessions.
 */
import { Adapter, type BroadcastOptions, type Session } from 'socket.io-adapter';
import type { Namespace, Socket } from 'socket.io';

export interface RecoveryOptions {
  /** How long a session can be resumed, from when its end is noticed. */
  readonly windowMs: number;
  /** How long a connection can be dead before that is noticed: what was sent meanwhile was missed too. */
  readonly unnoticedMs: number;
  /** Messages remembered per namespace; 0: rooms are resumed and the namespace itself sends what is current. */
  readonly messages: number;
  /** Sessions remembered per namespace; the oldest go first. */
  readonly sessions: number;
  /** ms since any moment, steadily. */
  readonly monotonic: () => number;
}

/** Emitted by the adapter when neither a socket nor a session that may come back is in a room any more. */
export const ROOM_UNWANTED = 'room-unwanted';

const EVENT = 2;
/** Where a recovered socket has to go on from; in `socket.data`. */
const RESUME = Symbol('resume');
/** Set in `socket.data` for a socket that has been left out of messages: it cannot be resumed. */
const LOSSY = Symbol('lossy');

interface Packet {
  type: number;
  id?: number;
  data: unknown[];
}

interface Message {
  readonly rooms: ReadonlySet<string>;
  readonly data: unknown[];
  readonly at: number;
}

interface Away {
  readonly session: Omit<Session, 'missedPackets'>;
  readonly until: number;
  /** A socket that says it is the one that went away is being let in; until that is decided, nobody else may say so. */
  claimed: boolean;
}

type Data = Record<symbol, unknown>;

export class RecoverableAdapter extends Adapter {
  readonly #options: RecoveryOptions;
  /** Circular: message n is at n % size. */
  readonly #messages: (Message | undefined)[] = [];
  #next = 1;
  /** By private session id, in order of expiry. */
  readonly #away = new Map<string, Away>();
  readonly #awayRooms = new Map<string, number>();
  /** The private session ids of the sockets that are being let in again, by socket id. */
  readonly #claims = new Map<string, string>();
  /** By room that is wanted: the last of its messages that is not remembered any more. */
  readonly #lost = new Map<string, number>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(nsp: Namespace, options: RecoveryOptions) {
    super(nsp);
    this.#options = options;
    this.#sweeper = setInterval(() => this.#sweep(), Math.max(10, options.windowMs / 4)).unref();
    this.on('delete-room', (room: string) => this.#tell(room));
    nsp.on('connection', (socket) => this.#accepted(socket.id));
  }

  override close(): void {
    clearInterval(this.#sweeper);
  }

  /** Whether a message to this room may still reach somebody. */
  wanted(room: string): boolean {
    return this.rooms.has(room) || this.#awayRooms.has(room);
  }

  /** Sessions for which it holds can no longer be resumed. */
  forget(matches: (data: Record<string, unknown>) => boolean): void {
    for (const [pid, away] of this.#away) if (matches(away.session.data as Record<string, unknown>)) this.#drop(pid, away);
  }

  override broadcast(packet: Packet, options: BroadcastOptions): void {
    if (packet.type === EVENT && packet.id === undefined && options.flags?.volatile === undefined) {
      const offset = this.#next++;
      packet.data.push(String(offset));
      if (this.#options.messages > 0) {
        this.#discard(offset - this.#options.messages);
        this.#messages[offset % this.#options.messages] = { rooms: options.rooms, data: packet.data, at: this.#options.monotonic() };
      }
    }
    super.broadcast(packet, options);
  }

  override persistSession(session: Omit<Session, 'missedPackets'>): void {
    if ((session.data as Data)[LOSSY] === true) return;
    if (this.#away.size >= this.#options.sessions) {
      const [oldest] = this.#away;
      this.#drop(...oldest);
    }
    this.#away.set(session.pid, { session, until: this.#options.monotonic() + this.#options.windowMs, claimed: false });
    for (const room of session.rooms) this.#awayRooms.set(room, (this.#awayRooms.get(room) ?? 0) + 1);
  }

  /** The session's rooms and data; what was missed follows by `resume`, once the middlewares have let the client in. Whoever they refuse leaves the session as it was. */
  override async restoreSession(pid: string, offset: string): Promise<Session> {
    const away = this.#away.get(pid);
    const from = /^\d{1,15}$/.test(offset) ? Number(offset) : 0;
    // The declared type does not say so, but null means "not recoverable".
    if (away === undefined || away.claimed || away.until <= this.#options.monotonic() || !this.#reaches(from, away.session.rooms)) return null as unknown as Session;
    away.claimed = true;
    this.#claims.set(away.session.sid, pid);
    return { ...away.session, data: { ...(away.session.data as object), [RESUME]: from }, missedPackets: [] };
  }

  /** Also how a socket ends that has not been let in. */
  override delAll(id: string): void {
    super.delAll(id);
    const pid = this.#claims.get(id);
    if (pid === undefined) return;
    this.#claims.delete(id);
    const away = this.#away.get(pid);
    if (away !== undefined) away.claimed = false;
  }

  /** Sends a recovered socket what its rooms got while it was away. To be called once, in the `connection` handler. */
  resume(socket: Socket): void {
    const data = socket.data as Data;
    const from = data[RESUME];
    delete data[RESUME];
    const { messages } = this.#options;
    if (!socket.recovered || typeof from !== 'number' || messages === 0) return;
    if (!this.#reaches(from, socket.rooms)) {
      socket.conn.close();
      return;
    }
    for (let offset = Math.max(from + 1, this.#next - messages), end = this.#next; offset < end; offset++) {
      const message = this.#messages[offset % messages];
      if (message === undefined || ![...message.rooms].some((room) => socket.rooms.has(room))) continue;
      super.broadcast({ type: EVENT, data: message.data }, { rooms: new Set([socket.id]), except: new Set(), flags: {} });
    }
  }

  /** Whether everything that these rooms got after message `from` is still there, or need not be. */
  #reaches(from: number, rooms: Iterable<string>): boolean {
    if (this.#options.messages === 0) return true;
    if (from <= 0 || from >= this.#next) return false;
    for (const room of rooms) if ((this.#lost.get(room) ?? 0) > from) return false;
    return true;
  }

  /** Forgets a message, but not that it was there. */
  #discard(offset: number): void {
    if (offset <= 0) return;
    const at = offset % this.#options.messages;
    const message = this.#messages[at];
    if (message === undefined) return;
    this.#messages[at] = undefined;
    for (const room of message.rooms) if (this.wanted(room)) this.#lost.set(room, offset);
  }

  #accepted(id: string): void {
    const pid = this.#claims.get(id);
    if (pid === undefined) return;
    this.#claims.delete(id);
    const away = this.#away.get(pid);
    // Its rooms are wanted all the time: the socket is in them by now.
    if (away !== undefined) this.#drop(pid, away);
  }

  #tell(room: string): void {
    if (this.wanted(room)) return;
    this.#lost.delete(room);
    this.emit(ROOM_UNWANTED, room);
  }

  #drop(pid: string, away: Away): void {
    this.#away.delete(pid);
    this.#release(away.session.rooms);
  }

  #release(rooms: readonly string[]): void {
    for (const room of rooms) {
      const left = (this.#awayRooms.get(room) ?? 1) - 1;
      if (left > 0) this.#awayRooms.set(room, left);
      else {
        this.#awayRooms.delete(room);
        this.#tell(room);
      }
    }
  }

  #sweep(): void {
    const now = this.#options.monotonic();
    for (const [pid, away] of this.#away) {
      if (away.until > now) break;
      this.#drop(pid, away);
    }
    const size = this.#options.messages;
    const oldest = now - this.#options.windowMs - this.#options.unnoticedMs;
    for (let offset = Math.max(1, this.#next - size); offset < this.#next; offset++) {
      const message = this.#messages[offset % size];
      if (message !== undefined && message.at > oldest) break;
      this.#discard(offset);
    }
  }
}

/** From now on the socket cannot be resumed: it has not got everything that its rooms got. */
export function markLossy(socket: Socket): void {
  (socket.data as Data)[LOSSY] = true;
}
