/**
 * Namespace /user: orders come in through the same service and the same schemas as in REST, private events go out. Private events are never left
 * out: whoever does not read them is disconnected, and resumes or takes a new snapshot.
 */
import type { Namespace, Socket } from 'socket.io';
import type { Logger } from '../observability/logger.ts';
import type { Tally } from '../observability/counter.ts';
import type { Metrics } from '../observability/metrics.ts';
import { ACCOUNT_CHANNELS, type AccountChannel, type AccountStream } from '../services/account-stream.ts';
import type { OrderService } from '../services/orders.ts';
import type { Permission, Principal } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';
import { costOfBatch, newOrder, orderBatch } from '../validators/order.ts';
import { amendCall, cancelCall } from '../validators/sockets.ts';
import { backlogOf, Stalls, terminate, type BacklogLimits } from './backlog.ts';
import { call, type Calls } from './calls.ts';
import { channelCalls } from './channels.ts';
import { principalOf } from './handshake.ts';
import { ROOM_UNWANTED, type RecoverableAdapter } from './recovery.ts';
import { roomName } from './rooms.ts';
import type { Waiting } from './waiting.ts';

export interface UserParts {
  readonly orders: Pick<OrderService, 'place' | 'amend' | 'cancel' | 'placeBatch'>;
  readonly accounts: AccountStream;
  readonly backlog: BacklogLimits;
  readonly waiting: Pick<Waiting, 'of'>;
  readonly watchMs: number;
  readonly serve: (socket: Socket, calls: Calls) => void;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'socketMessages' | 'socketStalled'>;
}

/** Returns how to stop. */
export function serveUser(nsp: Namespace, { orders, accounts, backlog, waiting, watchMs, serve, logger, metrics }: UserParts): () => void {
  const adapter = nsp.adapter as RecoverableAdapter;
  /** Of the accounts that have a socket, or may come back to one. */
  const known = new Map<number, AccountRooms>();
  const accountOf = new Map<string, number>();
  const roomsOf = (account: number): AccountRooms => known.get(account) ?? roomsFor(account);
  /** The channels that a socket of the account is in, or may come back to. */
  const listen = (account: number): Promise<number> => accounts.follow(account, ACCOUNT_CHANNELS.filter((channel) => adapter.wanted(roomsOf(account)[channel])));
  /** Whoever cannot be told what happens is disconnected. */
  const follow = async (socket: Socket): Promise<number> => {
    try {
      return await listen(principalOf(socket).account);
    } catch (error) {
      logger.error('the private events of a socket could not begin', { error });
      socket.conn.close();
      throw error;
    }
  };
  const chosen = (socket: Socket): AccountChannel[] => {
    const rooms = roomsOf(principalOf(socket).account);
    return ACCOUNT_CHANNELS.filter((channel) => socket.rooms.has(rooms[channel]));
  };
  const choose = async (socket: Socket, channels: readonly AccountChannel[]): Promise<{ readonly channels: readonly AccountChannel[] }> => {
    const rooms = roomsOf(permitted(socket, 'read').account);
    for (const channel of ACCOUNT_CHANNELS) {
      if (channels.includes(channel)) void socket.join(rooms[channel]);
      else void socket.leave(rooms[channel]);
    }
    await follow(socket);
    return { channels };
  };

  const calls: Calls = new Map([
    ['order:place', call(newOrder, (socket, order) => orders.place(permitted(socket, 'trade'), order))],
    ['order:amend', call(amendCall, (socket, { id, ...change }) => orders.amend(permitted(socket, 'trade'), id, change))],
    ['order:cancel', call(cancelCall, (socket, { id }) => orders.cancel(permitted(socket, 'trade'), id))],
    ['orders:batch', call(orderBatch, (socket, { orders: items }) => orders.placeBatch(permitted(socket, 'trade'), items), costOfBatch)],
    ...channelCalls({ channels: ACCOUNT_CHANNELS, chosen, choose }),
  ]);

  nsp.on('connection', (socket) => {
    const { account } = principalOf(socket);
    serve(socket, calls);
    const rooms = roomsOf(account);
    known.set(account, rooms);
    for (const room of Object.values(rooms)) accountOf.set(room, account);
    if (!socket.recovered) void socket.join(Object.values(rooms));
    adapter.resume(socket);
    follow(socket).then((seq) => socket.emit('ready', { seq, recovered: socket.recovered }), () => undefined);
  });

  adapter.on(ROOM_UNWANTED, (room: string) => {
    const account = accountOf.get(room);
    if (account === undefined) return;
    const rooms = roomsOf(account);
    // Nothing begins by that, so a journal that fails at this moment is nobody's loss.
    if (room !== rooms.all) return void listen(account).catch(() => undefined);
    for (const one of Object.values(rooms)) accountOf.delete(one);
    known.delete(account);
    accounts.unfollow(account);
  });

  const sent = Object.fromEntries(ACCOUNT_CHANNELS.map((channel) => [channel, metrics.socketMessages.tally({ namespace: nsp.name, event: channel })])) as Record<AccountChannel, Tally>;
  const stop = accounts.onMessage((account, channel, message) => {
    const room = known.get(account)?.[channel];
    if (room === undefined || !adapter.wanted(room)) return;
    nsp.to(room).emit(channel, message);
    sent[channel].inc(adapter.rooms.get(room)?.size ?? 0);
  });

  const stalls = new Stalls(backlog);
  const watch = setInterval(() => {
    for (const socket of waiting.of(nsp)) {
      const bytes = backlogOf(socket);
      if (!stalls.hopeless(socket, bytes, performance.now())) continue;
      logger.warn('closing a connection that does not read', { namespace: nsp.name, bytes });
      metrics.socketStalled.inc({ namespace: nsp.name });
      terminate(socket);
    }
  }, watchMs);
  return () => {
    clearInterval(watch);
    stop();
  };
}

/** `all`: every socket of the account; the others: those who listen to the channel. */
type AccountRooms = Readonly<Record<AccountChannel | 'all', string>>;

function roomsFor(account: number): AccountRooms {
  const rooms = ACCOUNT_CHANNELS.map((channel) => [channel, roomName(`user:${account}:${channel}`)]);
  return Object.fromEntries([['all', roomName(`user:${account}`)], ...rooms]) as AccountRooms;
}

function permitted(socket: Socket, permission: Exclude<Permission, 'public' | 'admin'>): Principal {
  const principal = principalOf(socket);
  if (!principal.permissions.includes(permission)) throw new Refusal('FORBIDDEN', `this credential has no permission to ${permission}`);
  return principal;
}
