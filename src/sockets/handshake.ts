/** The way into a namespace: connection limits, then who it is. Also what ends a socket early: its token's expiry, its session's revocation. */
import type { ExtendedError, Namespace, Socket } from 'socket.io';
import type { Principal } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';
import { disconnect, failureOf, type CallContext } from './calls.ts';
import type { Connections } from './connections.ts';
import type { RecoverableAdapter } from './recovery.ts';

/** Which logins have ended: one session, or all of a user. */
export interface Revocation {
  readonly userId: string;
  /** Absent: all of them. */
  readonly sessionId?: string;
}

export interface SocketAuth {
  /** Throws (or rejects with) a Refusal for a token that is no good. */
  authenticate(token: string): Principal | Promise<Principal>;
  /** Called when sessions end before their tokens do: logout, freeze, new roles or password. Returns how to stop. */
  onRevoked(listener: (revocation: Revocation) => void): () => void;
}

const MAX_TOKEN = 4_096;
const SESSION_ENDED = { code: 'UNAUTHENTICATED', message: 'this session has ended' } as const;
/** Timers take no more than this many ms. */
const MAX_DELAY = 2 ** 31 - 1;

/** Lets everybody in whom the limits allow. */
export function openToAll(nsp: Namespace, connections: Connections, context: CallContext): void {
  guard(nsp, context, (socket) => connections.admit(socket));
}

/** Lets users in, with `auth: { token }`. A recovered socket must be of the same account as before. */
export function usersOnly(nsp: Namespace, connections: Connections, auth: SocketAuth, context: CallContext, allowed: (principal: Principal, address: string) => boolean): void {
  guard(nsp, context, async (socket) => {
    connections.admit(socket);
    const principal = await auth.authenticate(tokenOf(socket));
    if (!allowed(principal, connections.of(socket).address)) throw new Refusal('FORBIDDEN', 'this is for administrators');
    const before = socket.data as { principal?: Principal };
    if (before.principal !== undefined && before.principal.account !== principal.account) throw new Refusal('UNAUTHENTICATED', 'this session was somebody else\'s');
    before.principal = principal;
  });
}

/** Who the socket of a `usersOnly` namespace belongs to. */
export function principalOf(socket: Socket): Principal {
  return (socket.data as { principal: Principal }).principal;
}

/** Closes the connection when the token ends. The client may come back with a new one and resume. To be called on connection. */
export function closeAtExpiry(socket: Socket, auth: SocketAuth): void {
  // A session that was revoked while its socket was being let in was not among the sockets that revocation closed.
  void (async () => auth.authenticate(tokenOf(socket)))().catch(() => disconnect(socket, SESSION_ENDED));
  const timer = setTimeout(
    () => {
      socket.emit('closing', { code: 'TOKEN_EXPIRED', message: 'the access token has expired; connect with a new one' });
      socket.conn.close();
    },
    Math.min(MAX_DELAY, Math.max(0, principalOf(socket).expiresAt - Date.now())),
  );
  socket.once('disconnect', () => clearTimeout(timer));
}

/** Disconnects the sockets of revoked sessions, and lets none of them resume. Returns how to stop. */
export function closeRevoked(nsp: Namespace, auth: SocketAuth): () => void {
  return auth.onRevoked(({ userId, sessionId }) => {
    const revoked = (principal: Principal | undefined): boolean => principal?.userId === userId && (sessionId === undefined || principal.sessionId === sessionId);
    (nsp.adapter as RecoverableAdapter).forget((data) => revoked(data.principal as Principal | undefined));
    for (const socket of nsp.sockets.values()) {
      if (revoked(principalOf(socket))) disconnect(socket, SESSION_ENDED);
    }
  });
}

function tokenOf(socket: Socket): string {
  const token: unknown = (socket.handshake.auth as { token?: unknown }).token;
  if (typeof token !== 'string' || token === '' || token.length > MAX_TOKEN) throw new Refusal('UNAUTHENTICATED', 'connect with auth: { token: <access token> }');
  return token;
}

function guard(nsp: Namespace, context: CallContext, check: (socket: Socket) => void | Promise<void>): void {
  nsp.use((socket, next) => {
    void (async () => check(socket))().then(
      () => next(),
      (error: unknown) => {
        const { code, message } = failureOf(error, context);
        next(Object.assign(new Error(message), { data: { code, message } }) as ExtendedError);
      },
    );
  });
}
