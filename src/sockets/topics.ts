/**
 * Sends topics to those who follow them: one encoding per topic and message, however many follow, and in JSON one frame, which is not compressed.
 * Whoever reads too slowly is left out until the queue has drained, and is then brought up to date in one message.
 */
import type { Namespace, Socket } from 'socket.io';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Topic } from '../services/topic.ts';
import { Refusal } from '../types/refusal.ts';
import { Stalls, terminate, watchBacklogs, type BacklogLimits, type Watched } from './backlog.ts';
import { markLossy, ROOM_UNWANTED, type RecoverableAdapter } from './recovery.ts';
import { roomName } from './rooms.ts';
import type { Waiting } from './waiting.ts';

export interface TopicOptions {
  /** How often topics are looked at, ms; each is sent no more often than it wants to be. */
  readonly tickMs: number;
  readonly backlog: BacklogLimits;
  readonly waiting: Pick<Waiting, 'of'>;
  readonly subscriptionsPerConnection: number;
  /** ms since any moment, steadily: what is due must not wait for a wall clock that was set back. */
  readonly monotonic: () => number;
  readonly metrics: Pick<Metrics, 'socketMessages' | 'socketDropped' | 'socketStalled'>;
  readonly logger: Logger;
}

interface Entry {
  readonly topic: Topic;
  sentAt: number;
  /** Slow ones that follow it. */
  behind: number;
}

/** Where a slow one stood in a topic when it was left out. */
interface Behind {
  readonly entry: Entry;
  mark: unknown;
}

export class TopicPublisher {
  readonly #nsp: Namespace;
  readonly #options: TopicOptions;
  /** By room. Only topics that somebody follows, or may come back to. */
  readonly #open = new Map<string, Entry>();
  /** What the slow ones follow. */
  readonly #behind = new Map<Socket, Behind[]>();
  readonly #watched: Watched;
  readonly #timer: NodeJS.Timeout;

  constructor(nsp: Namespace, options: TopicOptions) {
    this.#nsp = nsp;
    this.#options = options;
    this.#watched = { slow: new Set(), stalls: new Stalls(options.backlog) };
    options.metrics.socketDropped.inc({ namespace: nsp.name }, 0);
    nsp.adapter.on(ROOM_UNWANTED, (room: string) => this.#release(room));
    this.#timer = setInterval(() => this.tick(), options.tickMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** From now on the socket gets the topic's messages; what it starts from. RATE_LIMITED when it follows too many already. */
  follow(socket: Socket, topic: Topic): unknown {
    const room = roomOf(topic);
    const behind = this.#behind.get(socket);
    // Each socket is in a room of its own besides.
    const following = socket.rooms.size - 1 + (behind?.length ?? 0);
    if (!this.follows(socket, topic) && following >= this.#options.subscriptionsPerConnection) {
      throw new Refusal('RATE_LIMITED', `at most ${this.#options.subscriptionsPerConnection} subscriptions on a connection`);
    }
    const entry = this.#entry(topic);
    this.#sendIfDue(room, entry, this.#options.monotonic());
    if (behind === undefined) void socket.join(room);
    else leaveBehind(behind, entry);
    return entry.topic.snapshot();
  }

  /** Resolves when followers of the topic have something to start from. */
  async ready(topic: Topic): Promise<void> {
    await (this.#open.get(roomOf(topic))?.topic ?? topic).ready?.();
  }

  unfollow(socket: Socket, topicId: string): void {
    void socket.leave(roomName(topicId));
    const behind = this.#behind.get(socket) ?? [];
    const at = behind.findIndex(({ entry }) => entry.topic.id === topicId);
    if (at < 0) return;
    const [{ entry }] = behind.splice(at, 1);
    entry.behind--;
    this.#release(roomName(topicId));
  }

  follows(socket: Socket, topic: Topic): boolean {
    return socket.rooms.has(roomOf(topic)) || (this.#behind.get(socket)?.some(({ entry }) => entry.topic.id === topic.id) ?? false);
  }

  /** The topics that the socket follows. */
  followed(socket: Socket): Topic[] {
    const behind = this.#behind.get(socket);
    if (behind !== undefined) return behind.map(({ entry }) => entry.topic);
    return [...socket.rooms].flatMap((room) => this.#open.get(room)?.topic ?? []);
  }

  /** To be called when a socket has gone. */
  left(socket: Socket): void {
    const behind = this.#behind.get(socket) ?? [];
    this.#behind.delete(socket);
    this.#watched.slow.delete(socket);
    for (const { entry } of behind) {
      entry.behind--;
      this.#release(roomOf(entry.topic));
    }
  }

  /** Sends what is due. The timer calls it; tests may. */
  tick(): void {
    const now = this.#options.monotonic();
    for (const [room, entry] of this.#open) this.#sendIfDue(room, entry, now);
    watchBacklogs(this.#options.waiting.of(this.#nsp), this.#watched, this.#options.backlog, {
      slow: (socket) => this.#leaveOut(socket),
      caughtUp: (socket) => this.#bringBack(socket),
      hopeless: (socket, bytes) => {
        this.#options.logger.warn('closing a connection that does not read', { namespace: this.#nsp.name, bytes });
        this.#options.metrics.socketStalled.inc({ namespace: this.#nsp.name });
        terminate(socket);
      },
    }, now);
  }

  #entry(topic: Topic): Entry {
    const room = roomOf(topic);
    const open = this.#open.get(room);
    if (open !== undefined) return open;
    const entry = { topic, sentAt: -Infinity, behind: 0 };
    this.#open.set(room, entry);
    return entry;
  }

  /** Forgets a topic when nobody follows it, slow ones included, or may come back to it. */
  #release(room: string): void {
    if ((this.#nsp.adapter as RecoverableAdapter).wanted(room)) return;
    if (this.#open.get(room)?.behind === 0) this.#open.delete(room);
  }

  /** Also when somebody joins, so that a topic is sent no more often however many do. */
  #sendIfDue(room: string, entry: Entry, now: number): void {
    // Half a tick early is on time: timers are late, and lateness would add up.
    if (now - entry.sentAt >= entry.topic.everyMs - this.#options.tickMs / 2) this.#send(room, entry, now);
  }

  #send(room: string, entry: Entry, now: number): void {
    const message = entry.topic.flush();
    entry.sentAt = now;
    const followers = this.#nsp.adapter.rooms.get(room)?.size ?? 0;
    if (message === undefined) return;
    this.#nsp.to(room).compress(false).emit(entry.topic.event, message);
    if (followers > 0) this.#options.metrics.socketMessages.inc({ namespace: this.#nsp.name, event: entry.topic.event }, followers);
  }

  #leaveOut(socket: Socket): void {
    const entries = [...socket.rooms].flatMap((room) => this.#open.get(room) ?? []);
    const behind: Behind[] = [];
    this.#behind.set(socket, behind);
    for (const entry of entries) {
      leaveBehind(behind, entry);
      void socket.leave(roomOf(entry.topic));
    }
    markLossy(socket);
    this.#options.metrics.socketDropped.inc({ namespace: this.#nsp.name });
  }

  #bringBack(socket: Socket): void {
    const behind = this.#behind.get(socket) ?? [];
    this.#behind.delete(socket);
    for (const { entry, mark } of behind) {
      const { topic } = entry;
      const room = roomOf(topic);
      this.#sendIfDue(room, entry, this.#options.monotonic());
      void socket.join(room);
      entry.behind--;
      const missed = topic.catchUp(mark);
      if (missed !== undefined) socket.emit(topic.event, missed);
    }
  }
}

/** From where the topic stands now. */
function leaveBehind(behind: Behind[], entry: Entry): void {
  const mark = entry.topic.mark();
  const known = behind.find((one) => one.entry === entry);
  if (known !== undefined) {
    known.mark = mark;
    return;
  }
  behind.push({ entry, mark });
  entry.behind++;
}

function roomOf(topic: Topic): string {
  return roomName(topic.id);
}
