/** A venue's book as far as its best prices need it: levels per side, sorted, the best at the end. Keeps sizes; decides nothing. */

/** Levels kept a side; worse ones are dropped. A venue that sends more than this has lost its framing. */
const MAX_LEVELS = 10_000;

class SideLevels {
  readonly #prices: number[] = [];
  readonly #sizes: number[] = [];
  readonly #sign: 1 | -1;

  /** Bids ascend (sign 1), asks descend (sign −1), so that changes near the touch move few elements. */
  constructor(sign: 1 | -1) {
    this.#sign = sign;
  }

  set(price: number, size: number): void {
    const at = this.#find(price);
    const present = this.#prices[at] === price;
    if (size === 0) {
      if (present) this.#remove(at);
    } else if (present) {
      this.#sizes[at] = size;
    } else {
      this.#prices.splice(at, 0, price);
      this.#sizes.splice(at, 0, size);
      if (this.#prices.length > MAX_LEVELS) this.#remove(0);
    }
  }

  clear(): void {
    this.#prices.length = 0;
    this.#sizes.length = 0;
  }

  /** Keeps the best `depth` levels. */
  trim(depth: number): void {
    const excess = this.#prices.length - depth;
    if (excess <= 0) return;
    this.#prices.splice(0, excess);
    this.#sizes.splice(0, excess);
  }

  get price(): number | undefined {
    return this.#prices.at(-1);
  }

  get size(): number | undefined {
    return this.#sizes.at(-1);
  }

  #find(price: number): number {
    const prices = this.#prices;
    const sign = this.#sign;
    let low = 0;
    let high = prices.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sign * (prices[middle] - price) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #remove(at: number): void {
    this.#prices.splice(at, 1);
    this.#sizes.splice(at, 1);
  }
}

export class TopOfBook {
  readonly bids = new SideLevels(1);
  readonly asks = new SideLevels(-1);

  clear(): void {
    this.bids.clear();
    this.asks.clear();
  }

  get crossed(): boolean {
    const { price: bid } = this.bids;
    const { price: ask } = this.asks;
    return bid !== undefined && ask !== undefined && bid >= ask;
  }
}
