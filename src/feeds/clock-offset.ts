/**
 * How far a venue's clock is from ours, from the only thing that can be seen: receive time − event time = offset + delay, with delay ≥ 0. The least difference
 * of the last minutes is the offset (plus the shortest way); what a message has above it is its delay. A clock that is off by seconds thus costs nothing, and
 * a message that waited somewhere is known to be old.
 */

/** The minimum is taken over the current and the previous window. */
const WINDOW_MS = 60_000;
/** Event times further ahead than this are not times. */
const MAX_AHEAD_MS = 60_000;
/** A venue's clock that seems further behind than this is not: the message is old (the last trade of a quiet market). */
const MAX_BEHIND_MS = 5_000;

export class ClockOffset {
  #windowStart = -Infinity;
  #current = Infinity;
  #previous = Infinity;

  /** ms that the message took beyond the shortest way, ≥ 0. Times in ms. */
  delayOf(eventTimeMs: number, receivedTimeMs: number): number {
    const difference = receivedTimeMs - eventTimeMs;
    if (difference < -MAX_AHEAD_MS) return 0;
    if (receivedTimeMs - this.#windowStart >= WINDOW_MS) {
      this.#previous = receivedTimeMs - this.#windowStart >= 2 * WINDOW_MS ? Infinity : this.#current;
      this.#current = Infinity;
      this.#windowStart = receivedTimeMs;
    }
    this.#current = Math.min(this.#current, difference);
    return difference - this.offsetMs;
  }

  /** Our clock has jumped: what was learnt of the venue's says nothing of it any more. */
  forget(): void {
    this.#windowStart = -Infinity;
    this.#current = Infinity;
    this.#previous = Infinity;
  }

  /** Our clock − the venue's, ms, shortest delay included; 0 before the first message. */
  get offsetMs(): number {
    const least = Math.min(this.#current, this.#previous);
    return least === Infinity ? 0 : Math.min(least, MAX_BEHIND_MS);
  }
}
