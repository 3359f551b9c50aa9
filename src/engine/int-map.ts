/** Hash table from non-negative safe integers (order ids, accounts) to int32 slots, in typed arrays: no allocation per entry. Knows nothing of what it maps. */

const EMPTY = -1;
const MIN_CAPACITY = 16;
/** Keys that share all but their last 3 bits share a cache line: look-ups of neighbouring ids stay near each other. */
const BLOCK_BITS = 3;
const BLOCK_MASK = (1 << BLOCK_BITS) - 1;
/** 2^32 / golden ratio: consecutive blocks land far apart, evenly (Knuth, TAOCP 6.4). */
const GOLDEN = 0x9e3779b1;
const HIGH_WORD = 2 ** -32;

/** Open addressing with linear probing, at most half full, deletion by shifting back (no tombstones): the cost of a look-up does not depend on history. */
export class IntMap {
  #keys: Float64Array;
  #values: Int32Array;
  #mask: number;
  #shift: number;
  #size = 0;

  /** `capacity`: entries it holds before it first grows. */
  constructor(capacity = MIN_CAPACITY / 2) {
    let slots = MIN_CAPACITY;
    while (slots < capacity * 2) slots *= 2;
    this.#keys = new Float64Array(slots).fill(EMPTY);
    this.#values = new Int32Array(slots);
    this.#mask = slots - 1;
    this.#shift = shiftFor(slots);
  }

  get size(): number {
    return this.#size;
  }

  /** Grows now when it would soon: from four fifths of what it holds before that. */
  makeRoom(): void {
    if (this.#size * 2 * 5 > (this.#mask + 1) * 4) this.#grow();
  }

  /** -1 = absent. */
  get(key: number): number {
    const keys = this.#keys;
    const mask = this.#mask;
    let at = this.#home(key);
    for (;;) {
      const found = keys[at];
      if (found === key) return this.#values[at];
      if (found === EMPTY) return -1;
      at = (at + 1) & mask;
    }
  }

  /** Throws RangeError for a key that is not a non-negative safe integer. */
  set(key: number, value: number): void {
    if (!Number.isSafeInteger(key) || key < 0) throw new RangeError(`not a non-negative safe integer: ${key}`);
    const mask = this.#mask;
    let at = this.#home(key);
    for (;;) {
      const found = this.#keys[at];
      if (found === key) {
        this.#values[at] = value;
        return;
      }
      if (found === EMPTY) break;
      at = (at + 1) & mask;
    }
    this.#keys[at] = key;
    this.#values[at] = value;
    this.#size++;
    if (this.#size * 2 > mask + 1) this.#grow();
  }

  /** Whether it was there. */
  delete(key: number): boolean {
    const keys = this.#keys;
    const mask = this.#mask;
    let at = this.#home(key);
    while (keys[at] !== key) {
      if (keys[at] === EMPTY) return false;
      at = (at + 1) & mask;
    }
    this.#size--;
    this.#shiftBack(at);
    return true;
  }

  /** In no particular order; the map must not change meanwhile. */
  forEach(visit: (key: number, value: number) => void): void {
    const keys = this.#keys;
    for (let at = 0; at < keys.length; at++) {
      if (keys[at] !== EMPTY) visit(keys[at], this.#values[at]);
    }
  }

  #home(key: number): number {
    const block = (key >>> BLOCK_BITS) ^ Math.imul(key * HIGH_WORD, GOLDEN);
    return ((Math.imul(block, GOLDEN) >>> this.#shift) << BLOCK_BITS) | (key & BLOCK_MASK);
  }

  /** Closes the hole: moves back each following entry of the run that may stand there. */
  #shiftBack(hole: number): void {
    const keys = this.#keys;
    const mask = this.#mask;
    let at = (hole + 1) & mask;
    while (keys[at] !== EMPTY) {
      const distance = (at - this.#home(keys[at])) & mask;
      if (distance >= ((at - hole) & mask)) {
        keys[hole] = keys[at];
        this.#values[hole] = this.#values[at];
        hole = at;
      }
      at = (at + 1) & mask;
    }
    keys[hole] = EMPTY;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    const slots = keys.length * 2;
    this.#keys = new Float64Array(slots).fill(EMPTY);
    this.#values = new Int32Array(slots);
    this.#mask = slots - 1;
    this.#shift = shiftFor(slots);
    for (let from = 0; from < keys.length; from++) {
      if (keys[from] === EMPTY) continue;
      let at = this.#home(keys[from]);
      while (this.#keys[at] !== EMPTY) at = (at + 1) & this.#mask;
      this.#keys[at] = keys[from];
      this.#values[at] = values[from];
    }
  }
}

/** Leaves log2(slots) - BLOCK_BITS bits of a 32-bit hash. */
function shiftFor(slots: number): number {
  return Math.clz32(slots) + 1 + BLOCK_BITS;
}
