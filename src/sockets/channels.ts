/** The two calls by which a socket chooses among the channels of its namespace: `subscribe` names all that it wants, `unsubscribe` those that it wants no longer. */
import type { Socket } from 'socket.io';
import { channelChoice, channelRemoval } from '../validators/sockets.ts';
import { call, type Call } from './calls.ts';

export interface ChannelParts<C extends string> {
  readonly channels: readonly [C, ...C[]];
  readonly chosen: (socket: Socket) => readonly C[];
  /** From now on these, and no others. Both calls are answered with what it returns. */
  readonly choose: (socket: Socket, channels: readonly C[]) => unknown;
}

export function channelCalls<C extends string>({ channels, chosen, choose }: ChannelParts<C>): [name: string, call: Call][] {
  return [
    ['subscribe', call(channelChoice(channels), (socket, wanted) => choose(socket, wanted.channels))],
    ['unsubscribe', call(channelRemoval(channels), (socket, unwanted) => choose(socket, unwanted?.channels === undefined ? [] : without(chosen(socket), unwanted.channels)))],
  ];
}

function without<C>(channels: readonly C[], removed: readonly C[]): C[] {
  return channels.filter((channel) => !removed.includes(channel));
}
