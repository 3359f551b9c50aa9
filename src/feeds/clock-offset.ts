/**
 * How far a venue's clock is from ours, from the only thing that can be seen: receive time − event time = offset + delay, with delay ≥ 0. The least difference
 * of the last minutes that a second message confirms is the offset (plus the shortest way); what a message has above it is its delay. A clock that is off by seconds
 * thus costs nothing, and a message that waited somewhere is known to be old.
 */

/** Differences are looked at over the current and the previous window. */
const WINDOW_MS = 60_000;
/** Event times further ahead than this are no times. Less than the age at which a price may be stale: wrong ones cannot make a fresh price stale. */
const MAX_AHEAD_MS = 4_000;
/** A venue's clock that seems further behind than this is not: the message is old (the last trade of a quiet market). */
const MAX_BEHIND_MS = 5_000;

/** Whether what a venue says is a time at all. */
export function isTime(eventTimeMs: number | undefined, receivedTimeMs: number): eventTimeMs is number {
  return eventTimeMs !== undefined && eventTimeMs - receivedTimeMs <= MAX_AHEAD_MS;
}

/** The two least differences of a window. */
class Least {
  first = Infinity;
  second = Infinity;

  take(difference: number): void {
    if (difference < this.first) {
      this.second = this.first;
      this.first = difference;
    } else if (difference < this.second) this.second = difference;
  }
}

export class ClockOffset {
  #windowStart = -Infinity;
  #current = new Least();
  #previous = new Least();

  /** ms that the message took beyond the shortest way, ≥ 0. Times in ms; the event's must be one. */
  delayOf(eventTimeMs: number, receivedTimeMs: number): number {
    if (receivedTimeMs - this.#windowStart >= WINDOW_MS) {
      this.#previous = receivedTimeMs - this.#windowStart >= 2 * WINDOW_MS ? new Least() : this.#current;
      this.#current = new Least();
      this.#windowStart = receivedTimeMs;
    }
    const difference = receivedTimeMs - eventTimeMs;
    this.#current.take(difference);
    return Math.max(0, difference - this.offsetMs);
  }

  /** Our clock has jumped: what was learnt of the venue's says nothing of it any more. */
  forget(): void {
    this.#windowStart = -Infinity;
    this.#current = new Least();
    this.#previous = new Least();
  }

  /** Our clock − the venue's, ms, shortest delay included; 0 before the first message. */
  get offsetMs(): number {
    const all = new Least();
    for (const { first, second } of [this.#previous, this.#current]) {
      all.take(first);
      all.take(second);
    }
    const confirmed = all.second === Infinity ? all.first : all.second;
    return confirmed === Infinity ? 0 : Math.min(confirmed, MAX_BEHIND_MS);
  }
}
