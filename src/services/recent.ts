/** The last entries of something that goes on happening, and the topic that tells them all. */
import { Slots } from '../utils/slots.ts';
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
  readonly #slots: Slots;

  constructor(size: number) {
    this.#slots = new Slots(size);
  }

  get count(): number {
    return this.#slots.count;
  }

  push(entry: T): void {
    this.#entries[this.#slots.next()] = entry;
  }

  slice(from: number, to: number): T[] {
    return this.#slots.between(from, to).map((slot) => this.#entries[slot]);
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
