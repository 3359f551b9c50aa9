/**
 * The ids of the last 24 hours, each a 64-bit hash and the seq it led to, in flat arrays (32 bytes an id). It finds suspects only: the caller
 * looks at what stands at the seq, so hashes that collide cost a look-up and nothing else. Bounded: when full, the oldest id goes early.
 */
import type { Millis, Seq } from '../engine/units.ts';

/** A 64-bit hash as two unsigned halves. */
export interface IdHash {
  readonly low: number;
  readonly high: number;
}

export const WINDOW_MS: Millis = 24 * 60 * 60 * 1000;
const FIRST_CAPACITY = 1_024;
const HEADER_BYTES = 16;
const ENTRY_BYTES = 24;

/** `scope` keeps equal texts of different kinds or accounts apart. */
export function hashId(scope: number, text: string): IdHash {
  let low = Math.imul(scope ^ 0x811c9dc5, 0x01000193);
  let high = Math.imul(scope ^ 0x9e3779b9, 0x85ebca6b);
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul((high ^ code) + (low >>> 15), 0xcc9e2d51);
  }
  return { low: mix(low ^ high), high: mix(high + Math.imul(low, 0x1b873593)) };
}

function mix(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export class IdWindow {
  readonly #limit: number;
  // A ring in order of arrival: entry n lives at n & mask.
  #low = new Uint32Array(FIRST_CAPACITY);
  #high = new Uint32Array(FIRST_CAPACITY);
  #seqs = new Float64Array(FIRST_CAPACITY);
  #times = new Float64Array(FIRST_CAPACITY);
  #first = 0;
  #size = 0;
  /** Open addressing, linear probing, at most half full: ring position + 1, or 0. */
  #table = new Int32Array(FIRST_CAPACITY * 2);
  #early = 0;

  /** `limit`: most ids held, rounded up to a power of two of at least 1,024. */
  constructor(limit: number) {
    this.#limit = Math.max(FIRST_CAPACITY, 2 ** Math.ceil(Math.log2(limit)));
  }

  get size(): number {
    return this.#size;
  }

  /** Ids that went before their 24 hours were over, because the window was full. */
  get droppedEarly(): number {
    return this.#early;
  }

  /** `time` must not decrease from one call to the next. */
  add(hash: IdHash, seq: Seq, time: Millis): void {
    this.expire(time);
    if (this.#size === this.#low.length) {
      if (this.#size < this.#limit) this.#grow();
      else {
        this.#dropOldest();
        this.#early++;
      }
    }
    const at = (this.#first + this.#size++) & (this.#low.length - 1);
    this.#low[at] = hash.low;
    this.#high[at] = hash.high;
    this.#seqs[at] = seq;
    this.#times[at] = time;
    this.#link(at);
  }

  has(hash: IdHash): boolean {
    const mask = this.#table.length - 1;
    for (let slot = hash.low & mask; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const at = this.#table[slot]! - 1;
      if (this.#low[at] === hash.low && this.#high[at] === hash.high) return true;
    }
    return false;
  }

  /** The seqs of all ids with this hash. */
  find(hash: IdHash): Seq[] {
    const found: Seq[] = [];
    const mask = this.#table.length - 1;
    for (let slot = hash.low & mask; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const at = this.#table[slot]! - 1;
      if (this.#low[at] === hash.low && this.#high[at] === hash.high) found.push(this.#seqs[at]!);
    }
    return found;
  }

  /** Lets go of what is older than 24 hours at `time`. */
  expire(time: Millis): void {
    while (this.#size > 0 && this.#times[this.#first]! <= time - WINDOW_MS) this.#dropOldest();
  }

  encode(): Uint8Array {
    const bytes = new Uint8Array(HEADER_BYTES + this.#size * ENTRY_BYTES);
    const view = new DataView(bytes.buffer);
    view.setFloat64(0, this.#size, true);
    view.setFloat64(8, this.#early, true);
    for (let n = 0, to = HEADER_BYTES; n < this.#size; n++, to += ENTRY_BYTES) {
      const at = (this.#first + n) & (this.#low.length - 1);
      view.setUint32(to, this.#low[at]!, true);
      view.setUint32(to + 4, this.#high[at]!, true);
      view.setFloat64(to + 8, this.#seqs[at]!, true);
      view.setFloat64(to + 16, this.#times[at]!, true);
    }
    return bytes;
  }

  static decode(bytes: Uint8Array, limit: number): IdWindow {
    const window = new IdWindow(limit);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const size = view.getFloat64(0, true);
    if (bytes.length !== HEADER_BYTES + size * ENTRY_BYTES) throw new Error('the window of ids has the wrong length');
    window.#early = view.getFloat64(8, true);
    for (let n = 0, from = HEADER_BYTES; n < size; n++, from += ENTRY_BYTES) {
      const hash = { low: view.getUint32(from, true), high: view.getUint32(from + 4, true) };
      window.add(hash, view.getFloat64(from + 8, true), view.getFloat64(from + 16, true));
    }
    return window;
  }

  #link(at: number): void {
    const mask = this.#table.length - 1;
    let slot = this.#low[at]! & mask;
    while (this.#table[slot] !== 0) slot = (slot + 1) & mask;
    this.#table[slot] = at + 1;
  }

  #dropOldest(): void {
    this.#unlink(this.#first);
    this.#first = (this.#first + 1) & (this.#low.length - 1);
    this.#size--;
  }

  /** Removes and closes the gap, so that no probe ends early (Knuth 6.4, algorithm R). */
  #unlink(at: number): void {
    const mask = this.#table.length - 1;
    let gap = this.#low[at]! & mask;
    while (this.#table[gap] !== at + 1) gap = (gap + 1) & mask;
    for (let slot = (gap + 1) & mask; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#low[this.#table[slot]! - 1]! & mask;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      this.#table[gap] = this.#table[slot]!;
      gap = slot;
    }
    this.#table[gap] = 0;
  }

  #grow(): void {
    const { length } = this.#low;
    const order = (from: Uint32Array | Float64Array, to: Uint32Array | Float64Array): void => {
      for (let n = 0; n < length; n++) to[n] = from[(this.#first + n) & (length - 1)]!;
    };
    const [low, high] = [new Uint32Array(length * 2), new Uint32Array(length * 2)];
    const [seqs, times] = [new Float64Array(length * 2), new Float64Array(length * 2)];
    order(this.#low, low);
    order(this.#high, high);
    order(this.#seqs, seqs);
    order(this.#times, times);
    this.#low = low;
    this.#high = high;
    this.#seqs = seqs;
    this.#times = times;
    this.#first = 0;
    this.#table = new Int32Array(length * 4);
    for (let at = 0; at < length; at++) this.#link(at);
  }
}
