/** Priority queues over slots, with O(log n) update and removal of any slot. Equal keys are ordered by tie, so that the order depends on content alone. */
import { doubled } from './pool.ts';

/** Where each slot stands. One index may serve many heaps, as long as a slot is in at most one of them at a time. */
export class HeapIndex {
  key = new Float64Array(16);
  tie = new Float64Array(16);
  /** Place in its heap; -1 = in none. */
  place = new Int32Array(16).fill(-1);

  /** Makes room for slots below `capacity`. */
  reserve(capacity: number): void {
    while (this.place.length < capacity) {
      const used = this.place.length;
      this.key = doubled(this.key);
      this.tie = doubled(this.tie);
      this.place = doubled(this.place);
      this.place.fill(-1, used);
    }
  }
}

export class IndexedHeap {
  readonly #index: HeapIndex;
  /** 1: the least key is on top; -1: the greatest. */
  readonly #direction: 1 | -1;
  #slots = new Int32Array(16);
  #size = 0;

  constructor(index: HeapIndex, order: 'least first' | 'greatest first') {
    this.#index = index;
    this.#direction = order === 'least first' ? 1 : -1;
  }

  get size(): number {
    return this.#size;
  }

  /** Slot on top; -1 when empty. */
  top(): number {
    return this.#size === 0 ? -1 : this.#slots[0];
  }

  has(slot: number): boolean {
    const place = this.#index.place[slot];
    return place >= 0 && place < this.#size && this.#slots[place] === slot;
  }

  /** Inserts the slot, or moves it when it is already here. */
  set(slot: number, key: number, tie: number): void {
    const index = this.#index;
    let place = index.place[slot];
    index.key[slot] = key;
    index.tie[slot] = tie;
    if (place < 0) {
      place = this.#size++;
      if (place === this.#slots.length) this.#slots = doubled(this.#slots);
      this.#slots[place] = slot;
      index.place[slot] = place;
    }
    this.#down(this.#up(place));
  }

  /** Does nothing when the slot is in no heap. */
  remove(slot: number): void {
    const place = this.#index.place[slot];
    if (place < 0) return;
    this.#index.place[slot] = -1;
    const last = this.#slots[--this.#size];
    if (place === this.#size) return;
    this.#slots[place] = last;
    this.#index.place[last] = place;
    this.#down(this.#up(place));
  }

  /** Throws when a slot stands before its parent or the index disagrees. */
  check(): void {
    for (let place = 0; place < this.#size; place++) {
      if (this.#index.place[this.#slots[place]] !== place) throw new Error(`heap index disagrees at ${place}`);
      if (place > 0 && this.#before(this.#slots[place], this.#slots[(place - 1) >> 1])) throw new Error(`heap is out of order at ${place}`);
    }
  }

  #before(a: number, b: number): boolean {
    const { key, tie } = this.#index;
    return key[a] === key[b] ? tie[a] < tie[b] : (key[a] - key[b]) * this.#direction < 0;
  }

  #up(place: number): number {
    const slots = this.#slots;
    const slot = slots[place];
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!this.#before(slot, slots[above])) break;
      slots[place] = slots[above];
      this.#index.place[slots[place]] = place;
      place = above;
    }
    slots[place] = slot;
    this.#index.place[slot] = place;
    return place;
  }

  #down(place: number): void {
    const slots = this.#slots;
    const slot = slots[place];
    for (;;) {
      let below = place * 2 + 1;
      if (below >= this.#size) break;
      if (below + 1 < this.#size && this.#before(slots[below + 1], slots[below])) below++;
      if (!this.#before(slots[below], slot)) break;
      slots[place] = slots[below];
      this.#index.place[slots[place]] = place;
      place = below;
    }
    slots[place] = slot;
    this.#index.place[slot] = place;
  }
}
