/** A line of the log that may be due with every request, or connection: said once a second, with the count of those that were left out since. */
const EVERY_MS = 1_000;

export class SparseLine {
  readonly #now: () => number;
  #saidMs = -Infinity;
  #leftOut = 0;

  /** `now` in ms, of any origin. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  say(write: (leftOut: number) => void): void {
    const now = this.#now();
    if (now - this.#saidMs < EVERY_MS) {
      this.#leftOut++;
      return;
    }
    write(this.#leftOut);
    this.#saidMs = now;
    this.#leftOut = 0;
  }
}
