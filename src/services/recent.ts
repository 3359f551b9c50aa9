/** The last entries of something that goes on happening, and the topic that tells them all. */
import type { Topic } from './topic.ts';

/** What a topic tells of: entries that are numbered from 0, of which the last are kept. */
interface Log<T> {
  /** How many there ever were. */
  readonly count: number;
  /** From number `from` up to and without number `to`, oldest first, as far as they are kept. */
  slice(from: number, to: number): T[];
}

/** Keeps the last `size` entries. */
export class Recent<T> implements Log<T> {
  readonly #entries: T[] = [];
  readonly #size: number;
  count = 0;

  constructor(size: number) {
    this.#size = size;
  }

  push(entry: T): void {
    this.#entries[this.count++ % this.#size] = entry;
  }

  slice(from: number, to: number): T[] {
    const first = Math.max(from, this.count - this.#size, 0);
    return Array.from({ length: Math.max(0, to - first) }, (_, i) => this.#entries[(first + i) % this.#size]);
  }
}

/** Of these, how many a new follower is given. */
const SHOWN = 50;

/** Tells each entry once. Who was left out is told what they missed, as far as it is kept. */
export function logTopic<T>(id: string, event: string, everyMs: number, log: Log<T>, message: (entries: readonly T[]) => object): Topic {
  let sent = log.count;
  const since = (from: number): object | undefined => (from === sent ? undefined : message(log.slice(from, sent)));
  return {
    id,
    subject: id,
    event,
    everyMs,
    flush: () => {
      const from = sent;
      sent = log.count;
      return since(from);
    },
    snapshot: () => message(log.slice(sent - SHOWN, sent)),
    mark: () => sent,
    catchUp: (mark) => since(mark as number),
  };
}
