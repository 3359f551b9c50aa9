/** A clock for tests that moves only to the next timer, at once: hours pass in milliseconds, in the right order. */
import type { Clock } from '../../src/utils/clock.ts';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Turns of the event loop without progress after which a run is given up. */
const PATIENCE = 200_000;

export class JumpClock implements Clock {
  readonly leadMs = 0;
  #now: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(start = 1_700_000_000_000) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** It has no wall clock beside it. */
  onJump(): () => void {
    return () => undefined;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { dueMs: this.#now + ms, order: this.#order++, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves to the earliest timer and runs it; false when there is none. */
  jump(): boolean {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (next === undefined || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order)) next = timer;
    }
    if (next === undefined) return false;
    this.#timers.delete(next);
    this.#now = Math.max(this.#now, next.dueMs);
    next.run();
    return true;
  }

  /**
   * Lets time pass until `done`. `sleepers`: how many parties must be waiting on this clock before it moves, so that one that reads a file meanwhile is not left behind.
   * Throws when nothing happens any more.
   */
  async until(done: () => boolean, sleepers = () => 1): Promise<void> {
    for (let idle = 0; !done(); idle++) {
      if (idle > PATIENCE) throw new Error(`the clock stands still at ${this.#now} with ${this.#timers.size} timers`);
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#timers.size >= sleepers() && !done() && this.jump()) idle = 0;
    }
  }

  /** Lets this much time pass. */
  async pass(ms: number, sleepers = () => 1): Promise<void> {
    let over = false;
    this.after(ms, () => { over = true; });
    await this.until(() => over, sleepers);
  }
}
