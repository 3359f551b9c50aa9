/** Namespace /admin: figures, health, feeds, liquidations and alerts, for administrators from allowed addresses. */
import type { Namespace, Socket } from 'socket.io';
import { ADMIN_CHANNELS, type AdminChannel, type AdminStream } from '../services/admin-stream.ts';
import type { Calls } from './calls.ts';
import { channelCalls } from './channels.ts';
import type { RecoverableAdapter } from './recovery.ts';
import type { TopicPublisher } from './topics.ts';

export interface AdminParts {
  readonly admin: Pick<AdminStream, 'topic'>;
  readonly topics: TopicPublisher;
  readonly serve: (socket: Socket, calls: Calls) => void;
}

export function serveAdmin(nsp: Namespace, { admin, topics, serve }: AdminParts): void {
  const chosen = (socket: Socket): readonly AdminChannel[] => (socket.data as { channels?: readonly AdminChannel[] }).channels ?? [];
  /** What each of them says now, by channel. */
  const choose = async (socket: Socket, channels: readonly AdminChannel[]): Promise<Record<string, unknown>> => {
    socket.data.channels = channels;
    const wanted = channels.map((channel) => [channel, admin.topic(channel)] as const);
    await Promise.all(wanted.map(([, topic]) => topics.ready(topic)));
    // Nothing is to be opened for who has left meanwhile, or has chosen again.
    if (!socket.connected || socket.data.channels !== channels) return {};
    for (const { id } of topics.followed(socket)) if (!wanted.some(([, topic]) => topic.id === id)) topics.unfollow(socket, id);
    return Object.fromEntries(wanted.map(([channel, topic]) => [channel, topics.follow(socket, topic)]));
  };
  const calls: Calls = new Map(channelCalls({ channels: ADMIN_CHANNELS, chosen, choose }));

  nsp.on('connection', (socket) => {
    serve(socket, calls);
    socket.on('disconnect', () => topics.left(socket));
    (nsp.adapter as RecoverableAdapter).resume(socket);
  });
}
