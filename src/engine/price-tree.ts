/**
 * An ordered map from prices to price levels: a trie of 32-way nodes, each with a bitmap of its used branches. Knows nothing of orders.
 *
 * A price is read five bits at a time from the top; the leaf holds 32 neighbouring prices. The tree remembers the path to the price it
 * touched last, so work near there stays within one leaf; anywhere else it costs at most 7 steps, however many prices are used.
 */
import { doubled } from './pool.ts';
import type { Ticks } from './units.ts';

/** Largest price that a book takes. */
export const MAX_PRICE: Ticks = 2 ** 31 - 1;

const BITS = 5;
const FAN = 1 << BITS;
/** Height of the root: (ROOT + 1) × BITS ≥ 31. Leaves are at height 0. */
const ROOT = 6;
/** Height of the lowest node that covers both of two prices, by the leading zeros of their xor. */
const SHARED_HEIGHT = Int32Array.from({ length: 33 }, (_, zeros) => (zeros === 32 ? 0 : Math.floor((31 - zeros) / BITS)));

export class PriceTree {
  #bits = new Int32Array(8);
  /** FAN per node: nodes, or at height 0 the values. Only those whose bit is set mean anything. */
  #children = new Int32Array(8 * FAN);
  /** Nodes from the root (node 0) down to #low on the way to #finger. */
  readonly #path = new Int32Array(ROOT + 1);
  #finger: Ticks = 0;
  #low = ROOT;
  #free = -1;
  #fresh = 1;
  #nodes = 1;

  /** Nodes in use; 1 (the root) when empty. */
  get nodes(): number {
    return this.#nodes;
  }

  /** The value at `price`; -1 = none. */
  find(price: Ticks): number {
    if (this.#seek(price) > 0) return -1;
    const leaf = this.#path[0];
    const branch = price & (FAN - 1);
    return (this.#bits[leaf] & (1 << branch)) === 0 ? -1 : this.#children[leaf * FAN + branch];
  }

  /** Sets the value (not negative) at a price that has none. Throws RangeError when the price is not in 1 … MAX_PRICE. */
  insert(price: Ticks, value: number): void {
    if (!(price >= 1 && price <= MAX_PRICE)) throw new RangeError(`price out of range: ${price}`);
    for (let height = this.#seek(price); height > 0; height--) {
      const child = this.#allocate();
      this.#attach(this.#path[height], (price >>> (height * BITS)) & (FAN - 1), child);
      this.#path[height - 1] = child;
    }
    this.#low = 0;
    this.#attach(this.#path[0], price & (FAN - 1), value);
  }

  /** Forgets a price that has a value; nodes that this empties are given back. */
  remove(price: Ticks): void {
    let height = this.#seek(price);
    for (;;) {
      const node = this.#path[height];
      const left = this.#bits[node] & ~(1 << ((price >>> (height * BITS)) & (FAN - 1)));
      this.#bits[node] = left;
      if (left !== 0 || height === ROOT) break;
      this.#children[node * FAN] = this.#free;
      this.#free = node;
      this.#nodes--;
      height++;
    }
    this.#low = height;
  }

  /** The smallest used price above `price`; 0 = none. */
  above(price: Ticks): Ticks {
    for (let height = this.#seek(price); height <= ROOT; height++) {
      const branch = (price >>> (height * BITS)) & (FAN - 1);
      const rest = this.#bits[this.#path[height]] & (-2 << branch);
      if (rest !== 0) return this.#descend(price, height, lowest(rest), false);
    }
    return 0;
  }

  /** The largest used price below `price`; 0 = none. */
  below(price: Ticks): Ticks {
    for (let height = this.#seek(price); height <= ROOT; height++) {
      const branch = (price >>> (height * BITS)) & (FAN - 1);
      const rest = this.#bits[this.#path[height]] & ((1 << branch) - 1);
      if (rest !== 0) return this.#descend(price, height, highest(rest), true);
    }
    return 0;
  }

  /** Moves the path as far down towards `price` as nodes exist; the height reached (0 = its leaf exists). */
  #seek(price: Ticks): number {
    let height = SHARED_HEIGHT[Math.clz32(price ^ this.#finger)];
    this.#finger = price;
    if (height <= this.#low) height = this.#low;
    while (height > 0) {
      const node = this.#path[height];
      const branch = (price >>> (height * BITS)) & (FAN - 1);
      if ((this.#bits[node] & (1 << branch)) === 0) break;
      this.#path[--height] = this.#children[node * FAN + branch];
    }
    this.#low = height;
    return height;
  }

  /** From the node at `height` on the path through `branch` to the outermost price under it, taking the path along. */
  #descend(price: Ticks, height: number, branch: number, last: boolean): Ticks {
    let prefix = (price >>> (height * BITS) & -FAN) | branch;
    while (height > 0) {
      const node = this.#children[this.#path[height] * FAN + (prefix & (FAN - 1))];
      this.#path[--height] = node;
      prefix = (prefix << BITS) | (last ? highest(this.#bits[node]) : lowest(this.#bits[node]));
    }
    this.#finger = prefix;
    this.#low = 0;
    return prefix;
  }

  #attach(node: number, branch: number, child: number): void {
    this.#bits[node] |= 1 << branch;
    this.#children[node * FAN + branch] = child;
  }

  #allocate(): number {
    this.#nodes++;
    const node = this.#free;
    if (node >= 0) {
      this.#free = this.#children[node * FAN];
      return node;
    }
    if (this.#fresh === this.#bits.length) {
      this.#bits = doubled(this.#bits);
      this.#children = doubled(this.#children);
    }
    return this.#fresh++;
  }
}

function lowest(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

function highest(bits: number): number {
  return 31 - Math.clz32(bits);
}
