/**
 * The ids of the last 24 hours, each a 64-bit hash and the seq it led to, in flat arrays (about 32 bytes an id). It finds suspects only: the caller
 * looks at what stands at the seq, so hashes that collide cost a look-up and nothing else. Bounded: when full, the oldest id goes early.
 * No call does much at once: the ring and the tables grow in small pieces, and what is over goes a thousand at a time.
 */
import type { Millis, Seq } from '../engine/units.ts';

/** A 64-bit hash as two unsigned halves. */
export interface IdHash {
  readonly low: number;
  readonly high: number;
}

export const WINDOW_MS: Millis = 24 * 60 * 60 * 1000;
/** Entries of the ring that are made room for at once. */
const PIECE_BITS = 10;
const PIECE = 1 << PIECE_BITS;
const PIECE_MASK = PIECE - 1;
/** Tables, chosen by the highest bits of a hash: each grows by itself. */
const TABLE_BITS = 10;
const FIRST_SLOTS = 8;
/** Takes nothing, and grows with the first id. */
const NO_TABLE = new Int32Array(1);
/** Ids that are over and go with one call. */
const DROPPED_AT_ONCE = 1_000;
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

function newPiece(): Piece {
  return { low: new Uint32Array(PIECE), high: new Uint32Array(PIECE), seqs: new Float64Array(PIECE), times: new Float64Array(PIECE) };
}

interface Table {
  /** Open addressing, linear probing, at most half full: ring position + 1, or 0. */
  slots: Int32Array;
  used: number;
}

/** A part of the ring: one column for each field of its entries. */
interface Piece {
  readonly low: Uint32Array;
  readonly high: Uint32Array;
  readonly seqs: Float64Array;
  readonly times: Float64Array;
}

export class IdWindow {
  readonly #limit: number;
  /** Positions of the ring: one piece more than it holds, so that the newest id is never in the piece of the oldest from behind. */
  readonly #positions: number;
  /** Those with ids in them; by position >> PIECE_BITS. */
  readonly #pieces: Piece[] = [];
  readonly #spare: Piece[] = [];
  #first = 0;
  #size = 0;
  readonly #tables: Table[] = Array.from({ length: 1 << TABLE_BITS }, () => ({ slots: NO_TABLE, used: 0 }));
  #early = 0;
  /** Ids of this time or before are over. */
  #over: Millis = -Infinity;

  /** `limit`: most ids held, rounded up to a power of two of at least 1,024. */
  constructor(limit: number) {
    this.#limit = Math.max(PIECE, 2 ** Math.ceil(Math.log2(limit)));
    this.#positions = this.#limit + PIECE;
  }

  /** With those that are over and have not gone yet. */
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
    if (this.#size === this.#limit) {
      this.#dropOldest();
      this.#early++;
    }
    const at = this.#position(this.#size++);
    if (this.#size === 1 || (at & PIECE_MASK) === 0) this.#pieces[at >> PIECE_BITS] = this.#spare.pop() ?? newPiece();
    const { low, high, seqs, times } = this.#pieces[at >> PIECE_BITS];
    low[at & PIECE_MASK] = hash.low;
    high[at & PIECE_MASK] = hash.high;
    seqs[at & PIECE_MASK] = seq;
    times[at & PIECE_MASK] = time;
    const table = this.#tableOf(hash.high);
    if (++table.used * 2 > table.slots.length) this.#grow(table);
    this.#link(table.slots, at);
  }

  has(hash: IdHash): boolean {
    const { slots } = this.#tableOf(hash.high);
    const mask = slots.length - 1;
    for (let slot = hash.low & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.#is(slots[slot] - 1, hash)) return true;
    }
    return false;
  }

  /** The seqs of all ids with this hash. */
  find(hash: IdHash): Seq[] {
    const found: Seq[] = [];
    const { slots } = this.#tableOf(hash.high);
    const mask = slots.length - 1;
    for (let slot = hash.low & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const at = slots[slot] - 1;
      if (this.#is(at, hash)) found.push(this.#pieces[at >> PIECE_BITS].seqs[at & PIECE_MASK]);
    }
    return found;
  }

  /** From now on, what is older than 24 hours at `time` is not found; of what is not found, a thousand go. */
  expire(time: Millis): void {
    this.#over = Math.max(this.#over, time - WINDOW_MS);
    for (let n = 0; n < DROPPED_AT_ONCE && this.#size > 0 && this.#timeAt(this.#first) <= this.#over; n++) this.#dropOldest();
  }

  encode(): Uint8Array {
    const bytes = new Uint8Array(HEADER_BYTES + this.#size * ENTRY_BYTES);
    const view = new DataView(bytes.buffer);
    view.setFloat64(0, this.#size, true);
    view.setFloat64(8, this.#early, true);
    for (let n = 0, to = HEADER_BYTES; n < this.#size; n++, to += ENTRY_BYTES) {
      const at = this.#position(n);
      const { low, high, seqs, times } = this.#pieces[at >> PIECE_BITS];
      view.setUint32(to, low[at & PIECE_MASK], true);
      view.setUint32(to + 4, high[at & PIECE_MASK], true);
      view.setFloat64(to + 8, seqs[at & PIECE_MASK], true);
      view.setFloat64(to + 16, times[at & PIECE_MASK], true);
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

  /** Of the `n`th oldest id. */
  #position(n: number): number {
    const at = this.#first + n;
    return at < this.#positions ? at : at - this.#positions;
  }

  #is(at: number, hash: IdHash): boolean {
    const { low, high, times } = this.#pieces[at >> PIECE_BITS];
    return low[at & PIECE_MASK] === hash.low && high[at & PIECE_MASK] === hash.high && times[at & PIECE_MASK] > this.#over;
  }

  #lowAt(at: number): number {
    return this.#pieces[at >> PIECE_BITS].low[at & PIECE_MASK];
  }

  #timeAt(at: number): Millis {
    return this.#pieces[at >> PIECE_BITS].times[at & PIECE_MASK];
  }

  #tableOf(high: number): Table {
    return this.#tables[high >>> (32 - TABLE_BITS)];
  }

  #link(slots: Int32Array, at: number): void {
    const mask = slots.length - 1;
    let slot = this.#lowAt(at) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = at + 1;
  }

  #dropOldest(): void {
    const left = this.#first;
    this.#unlink(left);
    this.#first = this.#position(1);
    this.#size--;
    if (this.#size === 0 || (this.#first & PIECE_MASK) === 0) this.#spare.push(this.#pieces[left >> PIECE_BITS]);
  }

  /** Removes and closes the gap, so that no probe ends early (Knuth 6.4, algorithm R). */
  #unlink(at: number): void {
    const table = this.#tableOf(this.#pieces[at >> PIECE_BITS].high[at & PIECE_MASK]);
    table.used--;
    const { slots } = table;
    const mask = slots.length - 1;
    let gap = this.#lowAt(at) & mask;
    while (slots[gap] !== at + 1) gap = (gap + 1) & mask;
    for (let slot = (gap + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#lowAt(slots[slot] - 1) & mask;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      slots[gap] = slots[slot];
      gap = slot;
    }
    slots[gap] = 0;
  }

  #grow(table: Table): void {
    const before = table.slots;
    table.slots = new Int32Array(Math.max(FIRST_SLOTS, before.length * 2));
    for (const entry of before) if (entry !== 0) this.#link(table.slots, entry - 1);
  }
}
