/** Namespace /admin: figures, health, feeds, liquidations and alerts, for administrators from allowed addresses. */
import type { Namespace, Socket } from 'socket.io';
import { ADMIN_CHANNELS, type AdminStream } from '../services/admin-stream.ts';
import { channelChoice } from '../validators/sockets.ts';
import { call, type Calls } from './calls.ts';
import type { RecoverableAdapter } from './recovery.ts';
import type { TopicPublisher } from './topics.ts';

export interface AdminParts {
  readonly admin: Pick<AdminStream, 'topic'>;
  readonly topics: TopicPublisher;
  readonly serve: (socket: Socket, calls: Calls) => void;
}

export function serveAdmin(nsp: Namespace, { admin, topics, serve }: AdminParts): void {
  /** The chosen channels, and no others; what each of them says now, by channel. */
  const subscribe = call(channelChoice(ADMIN_CHANNELS), async (socket, { channels }) => {
    const chosen = channels.map((channel) => [channel, admin.topic(channel)] as const);
    await Promise.all(chosen.map(([, topic]) => topics.ready(topic)));
    // Nothing is to be opened for who has left meanwhile.
    if (!socket.connected) return {};
    for (const { id } of topics.followed(socket)) if (!chosen.some(([, topic]) => topic.id === id)) topics.unfollow(socket, id);
    return Object.fromEntries(chosen.map(([channel, topic]) => [channel, topics.follow(socket, topic)]));
  });
  const calls: Calls = new Map([['subscribe', subscribe]]);

  nsp.on('connection', (socket) => {
    serve(socket, calls);
    socket.on('disconnect', () => topics.left(socket));
    (nsp.adapter as RecoverableAdapter).resume(socket);
  });
}
