/** What one connection and one address may use: messages per second, subscriptions, connections. Counts only; what happens at the limit is for the callers. */

export interface SocketLimits {
  readonly connectionsPerAddress: number;
  readonly messagesPerSecond: number;
  /** Messages that may come at once after a pause. */
  readonly messageBurst: number;
  /** Messages over the budget, and subscriptions over their limit, before the connection is closed. */
  readonly refusalsBeforeClose: number;
  readonly subscriptionsPerConnection: number;
}

export const DEFAULT_LIMITS: SocketLimits = {
  connectionsPerAddress: 2_000,
  messagesPerSecond: 100,
  messageBurst: 200,
  refusalsBeforeClose: 200,
  subscriptionsPerConnection: 200,
};

/** The part of an address's connections that may be sockets: the server drops what is beyond all of them, and those who are refused are to be told so first. */
const SOCKET_SHARE = 0.9;

/**
 * Messages are limited as requests are: so many a minute, and twice what comes in a second at once. Not enabled (load tests): only connections and subscriptions are.
 * `connectionsPerAddress` counts connections of any kind.
 */
export function socketLimits({ enabled, perMinute }: { readonly enabled: boolean; readonly perMinute: number }, connectionsPerAddress: number): SocketLimits {
  const messagesPerSecond = enabled ? perMinute / 60 : Infinity;
  return { ...DEFAULT_LIMITS, connectionsPerAddress: Math.max(1, Math.floor(connectionsPerAddress * SOCKET_SHARE)), messagesPerSecond, messageBurst: Math.max(10, 2 * messagesPerSecond) };
}

/** A token bucket, and how often the connection was refused something since it last kept within its limits for as long as an empty bucket takes to fill. */
export class MessageBudget {
  refusals = 0;
  readonly #limits: SocketLimits;
  #tokens: number;
  #at: number;
  #refusedAt = -Infinity;

  constructor(limits: SocketLimits, now: number) {
    this.#limits = limits;
    this.#tokens = limits.messageBurst;
    this.#at = now;
  }

  /** Whether one more message is within the budget at `now` (ms, any monotonic origin). One that counts for more than is left is, and those that follow wait for it. */
  take(now: number, cost = 1): boolean {
    const { messagesPerSecond, messageBurst } = this.#limits;
    if (messagesPerSecond === Infinity) return true;
    this.#tokens = Math.min(messageBurst, this.#tokens + ((now - this.#at) / 1000) * messagesPerSecond);
    this.#at = now;
    if (this.#tokens === messageBurst && now - this.#refusedAt >= ((messageBurst - 1) / messagesPerSecond) * 1_000) this.refusals = 0;
    if (this.#tokens < 1) {
      this.refuse(now);
      return false;
    }
    this.#tokens -= cost;
    return true;
  }

  /** Also of what is no message, where the connection has as much as it may have. */
  refuse(now: number): void {
    this.refusals++;
    this.#refusedAt = now;
  }

  get exhausted(): boolean {
    return this.refusals >= this.#limits.refusalsBeforeClose;
  }
}

/**
 * For packets of any kind: messages, and what is none and has no answer to refuse it with, such as joining a namespace that there is not, acknowledgements
 * and pongs. Wide enough that messages come to the end of their own budget first.
 */
export function packetLimits(limits: SocketLimits): SocketLimits {
  const { messagesPerSecond, messageBurst, refusalsBeforeClose } = limits;
  return { ...limits, messagesPerSecond: 2 * messagesPerSecond, messageBurst: 2 * messageBurst + refusalsBeforeClose, refusalsBeforeClose: 1 };
}

/** Open connections per address. */
export class ConnectionCounts {
  readonly #open = new Map<string, number>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts one more; false when that is over the limit (it counts all the same, until `close`). */
  open(address: string): boolean {
    const count = (this.#open.get(address) ?? 0) + 1;
    this.#open.set(address, count);
    return count <= this.#limit;
  }

  close(address: string): void {
    const left = (this.#open.get(address) ?? 1) - 1;
    if (left > 0) this.#open.set(address, left);
    else this.#open.delete(address);
  }
}
