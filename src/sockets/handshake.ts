/** The way into a namespace: connection limits, then who it is. Also what ends a socket early: its token's expiry, its session's revocation. */
import type { ExtendedError, Namespace, Socket } from 'socket.io';
import type { Revocation } from '../services/sessions.ts';
import type { Principal } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';
import { disconnect, failureOf, type CallContext } from './calls.ts';
import type { Connections } from './connections.ts';
import type { RecoverableAdapter } from './recovery.ts';

export interface SocketAuth {
  /** Throws (or rejects with) a Refusal for a token that is no good. */
  authenticate(token: string): Principal | Promise<Principal>;
  /** Called when sessions end before their tokens do: logout, freeze, new roles or password. Returns how to stop. */
  onRevoked(listener: (revocation: Revocation) => void): () => void;
}

const MAX_TOKEN = 4_096;
const SESSION_ENDED = { code: 'UNAUTHENTICATED', message: 'this session has ended' } as const;
/** A timer stands still with the machine, a token's time does not: it is looked at this often. */
const LOOK_MS = 60_000;

/** Lets everybody in whom the limits allow. */
export function openToAll(nsp: Namespace, connections: Connections, context: CallContext): void {
  guard(nsp, context, (socket) => connections.admit(socket));
}

/** Lets nobody in. NOT_FOUND. */
export function openToNobody(nsp: Namespace, connections: Connections, context: CallContext): void {
  guard(nsp, context, (socket) => {
    connections.admit(socket);
    throw new Refusal('NOT_FOUND', 'choose /prices, /market, /user or /admin');
  });
}

/** Who a namespace is for. */
export interface Membership {
  readonly auth: SocketAuth;
  readonly connections: Connections;
  readonly context: CallContext;
  /** ms since the epoch, as tokens have them. */
  readonly clock: () => number;
  readonly allowed: (principal: Principal, address: string) => boolean;
}

/** Lets users in, with `auth: { token }`. A recovered socket must be of the same account as before. Returns how to stop watching for revocations. */
export function usersOnly(nsp: Namespace, membership: Membership): () => void {
  guard(nsp, membership.context, async (socket) => {
    membership.connections.admit(socket);
    const principal = await identify(socket, membership);
    const before = socket.data as { principal?: Principal };
    if (before.principal !== undefined && before.principal.account !== principal.account) throw new Refusal('UNAUTHENTICATED', 'this session was somebody else\'s');
    before.principal = principal;
  });
  nsp.on('connection', (socket) => {
    closeAtExpiry(socket, membership.clock);
    // A session that was revoked while its socket was being let in was not yet among the sockets to look at again.
    void recheck(socket, membership);
  });
  return membership.auth.onRevoked((revocation) => {
    const concerned = ({ principal }: { principal?: Principal }): boolean =>
      principal?.userId === revocation.userId && (revocation.sessionId === undefined || revocation.sessionId === principal.sessionId);
    (nsp.adapter as RecoverableAdapter).forget(concerned);
    for (const socket of nsp.sockets.values()) if (concerned(socket.data as { principal?: Principal })) void recheck(socket, membership);
  });
}

/** Who the socket of a `usersOnly` namespace belongs to. */
export function principalOf(socket: Socket): Principal {
  return (socket.data as { principal: Principal }).principal;
}

/** Closes the connection when the token ends. The client may come back with a new one and resume. */
function closeAtExpiry(socket: Socket, clock: () => number): void {
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const left = principalOf(socket).expiresAt - clock();
    if (left > 0) timer = setTimeout(look, Math.min(LOOK_MS, left));
    else {
      socket.emit('closing', { code: 'TOKEN_EXPIRED', message: 'the access token has expired; connect with a new one' });
      socket.conn.close();
    }
  };
  look();
  socket.once('disconnect', () => clearTimeout(timer));
}

/** Looks again at who it is and what they may do; whoever may not be here any more is disconnected, and so is everybody when that cannot be found out. */
async function recheck(socket: Socket, membership: Membership): Promise<void> {
  try {
    (socket.data as { principal: Principal }).principal = await identify(socket, membership);
  } catch {
    disconnect(socket, SESSION_ENDED);
  }
}

async function identify(socket: Socket, { auth, connections, allowed }: Membership): Promise<Principal> {
  const principal = await auth.authenticate(tokenOf(socket));
  if (!allowed(principal, connections.of(socket).address)) throw new Refusal('FORBIDDEN', 'this is for administrators');
  return principal;
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
