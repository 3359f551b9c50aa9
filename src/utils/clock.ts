/** Time and timers as a dependency, so that what waits can be tested without waiting; and the one clock of the process. */

export interface Clock {
  /** Whole ms since the epoch. Never goes back. */
  now(): number;
  /** ms by which the last `now` was ahead of the wall clock, not below 0: to be added to a time by somebody else's clock before it is compared with `now`. */
  readonly leadMs: number;
  /** Calls the listener whenever the wall clock is found to have jumped, with the ms (below 0: back). Returns how to stop. */
  onJump(listener: (byMs: number) => void): () => void;
  /** Runs once after `ms`; returns how to cancel it. A pending timer does not keep the process alive. */
  after(ms: number, run: () => void): () => void;
}

/** What a clock is made of; replaced in tests. */
export interface ClockParts {
  /** ms since the epoch as the operating system has them; may jump either way. */
  readonly wall: () => number;
  /** ms since any moment, steadily; stands still while the machine is suspended. */
  readonly monotonic: () => number;
  readonly after: Clock['after'];
}

/** What the machine takes the time to be, ms since the epoch: for what is compared with the records of others. It may jump, so nothing may wait for it or be put in order by it. The clock of the process is never behind it. */
export function wallTime(): number {
  return Date.now();
}

/** For people: seconds, to a tenth. */
export function inSeconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}

/** What the clock makes of a ms while it is ahead of the wall clock. */
const CONVERGING = 0.9;
/** The two clocks of a machine differ in speed by far less than this between two readings. */
const JUMP_MS = 1_000;

/**
 * The clock of the process: the wall clock, as long as that goes forward.
 *
 * Where the wall clock jumps ahead (the machine was suspended, its clock was slow) this one goes along: that time has passed for everybody else. Where it is set back,
 * this one goes on by the monotonic clock, a tenth slower, until the two agree: times in the journal may not go back, waits must end, and in the end the times are true again
 * (of an hour, after ten). A tenth, because it is the waits that protect money: 5 s of a dead-man switch take 5.6 s meanwhile. Half speed would be true sooner and let them take 10.
 */
export class SteadyClock implements Clock {
  readonly after: Clock['after'];
  readonly #wall: () => number;
  readonly #monotonic: () => number;
  readonly #listeners = new Set<(byMs: number) => void>();
  /** The last readings, and what was made of them. */
  #wallAt: number;
  #monotonicAt: number;
  #lead = 0;
  #time: number;

  constructor({ wall = wallTime, monotonic = () => performance.now(), after = afterTimeout }: Partial<ClockParts> = {}) {
    this.#wall = wall;
    this.#monotonic = monotonic;
    this.after = after;
    this.#wallAt = wall();
    this.#monotonicAt = monotonic();
    this.#time = this.#wallAt;
  }

  get leadMs(): number {
    return this.#lead;
  }

  now(): number {
    const wall = this.#wall();
    const monotonic = this.#monotonic();
    const passed = monotonic - this.#monotonicAt;
    const walked = wall - this.#wallAt;
    this.#wallAt = wall;
    this.#monotonicAt = monotonic;
    // Kept as a difference, which is small: what little passes between two readings would be lost in a sum as large as a time.
    this.#lead = Math.max(0, this.#lead + passed * CONVERGING - walked);
    this.#time = Math.max(this.#time, Math.floor(wall + this.#lead));
    if (Math.abs(walked - passed) >= JUMP_MS) for (const listener of this.#listeners) listener(walked - passed);
    return this.#time;
  }

  /** Goes on from `time` if that is later: what has been written down with a time is not followed by an earlier one. */
  reach(time: number): void {
    this.now();
    this.#lead = Math.max(this.#lead, time - this.#wallAt);
  }

  onJump(listener: (byMs: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

function afterTimeout(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  timer.unref();
  return () => clearTimeout(timer);
}

/** Resolves after `ms`, or at once when `signal` aborts. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
