/**
 * How far a venue's clock is from ours, from the only thing that can be seen: receive time − event time = offset + delay, with delay ≥ 0. The least difference
 * of the last minutes that a second message confirms is the offset (plus the shortest way); what a message has above it is its delay. A clock that is off by seconds
 * thus costs nothing, and a message that waited somewhere is known to be old.
 *
 * Beyond seconds one venue alone is not believed: it may as well send what is old. Where several are behind by much, each steadily, it is our clock that is ahead.
 */

/** Differences are looked at over the current and the previous window. */
const WINDOW_MS = 60_000;
/** Event times further ahead than this are no times. Less than the age at which a price may be stale: wrong ones cannot make a fresh price stale. */
const MAX_AHEAD_MS = 4_000;
/** A venue's clock that seems further behind the others than this is not: the message is old (the last trade of a quiet market). */
const MAX_BEHIND_MS = 5_000;
/** So long a venue has to be behind by the same before that says something of our clock, … */
const STEADY_MS = 10_000;
/** … give or take this. */
const STEADY_WITHIN_MS = 1_000;
/** ms a ms: more than clocks drift apart, and far less than messages get late that wait in a queue which grows. */
const DRIFT = 0.001;
/** Venues that have to agree that our clock is ahead. */
const WITNESSES = 2;

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

/**
 * For how long the least difference has been the same. What was held up together does not look so: what was buffered comes in a burst, a queue that grows makes
 * differences grow, one that is worked off lets them fall, and the times of a frozen feed stand still. It can only fall but for drift, until our clock jumps.
 */
class Steadiness {
  #least = Infinity;
  /** The least when it began to be the same. */
  #begun = Infinity;
  #sinceMs = 0;
  #seenMs = 0;

  take(difference: number, nowMs: number): void {
    const drift = Math.max(0, nowMs - this.#seenMs) * DRIFT;
    const least = this.#least + drift;
    if (difference > least + STEADY_WITHIN_MS) return;
    this.#least = Math.min(difference, least);
    this.#begun = Math.max(this.#least, this.#begun - drift);
    this.#seenMs = nowMs;
    if (this.#least >= this.#begun - STEADY_WITHIN_MS) return;
    this.#begun = this.#least;
    this.#sinceMs = nowMs;
  }

  /** undefined: not for long enough, or not lately. */
  leastMs(nowMs: number): number | undefined {
    return this.#seenMs - this.#sinceMs >= STEADY_MS && nowMs - this.#seenMs <= WINDOW_MS ? this.#least : undefined;
  }
}

export class ClockOffset {
  readonly #aheadMs: (nowMs: number) => number;
  #windowStart = -Infinity;
  #current = new Least();
  #previous = new Least();
  #steadiness = new Steadiness();
  #receivedMs = 0;

  /** `aheadMs`: how far our clock is ahead of all venues', as far as is known, ≥ 0. */
  constructor(aheadMs: (nowMs: number) => number = () => 0) {
    this.#aheadMs = aheadMs;
  }

  /** ms that the message took beyond the shortest way, ≥ 0. Times in ms; the event's must be one. */
  delayOf(eventTimeMs: number, receivedTimeMs: number): number {
    if (receivedTimeMs - this.#windowStart >= WINDOW_MS) {
      this.#previous = receivedTimeMs - this.#windowStart >= 2 * WINDOW_MS ? new Least() : this.#current;
      this.#current = new Least();
      this.#windowStart = receivedTimeMs;
    }
    const difference = receivedTimeMs - eventTimeMs;
    this.#current.take(difference);
    this.#steadiness.take(difference, receivedTimeMs);
    this.#receivedMs = receivedTimeMs;
    return Math.max(0, difference - this.offsetMs);
  }

  /** Our clock has jumped: what was learnt of the venue's says nothing of it any more. */
  forget(): void {
    this.#windowStart = -Infinity;
    this.#current = new Least();
    this.#previous = new Least();
    this.#steadiness = new Steadiness();
  }

  /** Our clock − the venue's, ms, shortest delay included; 0 before the first message. */
  get offsetMs(): number {
    const all = new Least();
    for (const { first, second } of [this.#previous, this.#current]) {
      all.take(first);
      all.take(second);
    }
    const confirmed = all.second === Infinity ? all.first : all.second;
    if (confirmed === Infinity) return 0;
    return confirmed <= MAX_BEHIND_MS ? confirmed : Math.min(confirmed, this.#aheadMs(this.#receivedMs) + MAX_BEHIND_MS);
  }

  /** The same, where it has not changed for a while; else undefined. */
  steadyMs(nowMs: number): number | undefined {
    return this.#steadiness.leastMs(nowMs);
  }
}

/** The clocks of all venues, and ours against them. */
export class VenueClocks {
  readonly #clocks = new Map<string, ClockOffset>();

  of(source: string): ClockOffset {
    const known = this.#clocks.get(source);
    if (known !== undefined) return known;
    const made = new ClockOffset((nowMs) => this.aheadMs(nowMs));
    this.#clocks.set(source, made);
    return made;
  }

  /** How far our clock is ahead of those of all venues, ms, ≥ 0: of those that are steadily behind it the least. One that is not behind speaks for our clock. */
  aheadMs(nowMs: number): number {
    let witnesses = 0;
    let least = Infinity;
    for (const clock of this.#clocks.values()) {
      const behindMs = clock.steadyMs(nowMs);
      if (behindMs === undefined) continue;
      witnesses++;
      least = Math.min(least, behindMs);
    }
    return witnesses < WITNESSES ? 0 : Math.max(0, least);
  }

  /** 0 for one that is not known. */
  offsetMs(source: string): number {
    return this.#clocks.get(source)?.offsetMs ?? 0;
  }

  /** Our clock has jumped. */
  forget(): void {
    for (const clock of this.#clocks.values()) clock.forget();
  }

  clear(): void {
    this.#clocks.clear();
  }
}
