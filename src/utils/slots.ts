/** Where the last of something that goes on happening is kept: entries are numbered from 0 and take turns in a fixed number of slots. */
export class Slots {
  /** How many entries there ever were. */
  count = 0;
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  /** The slot of the next entry: once all are used, the oldest one's. */
  next(): number {
    return this.count++ % this.#size;
  }

  /** The slots of the entries from number `from` up to and without number `to`, oldest first, as far as they are kept. */
  between(from: number, to: number): number[] {
    const first = Math.max(from, this.count - this.#size, 0);
    return Array.from({ length: Math.max(0, to - first) }, (_, i) => (first + i) % this.#size);
  }
}
