/** One side of a public order book: open quantity per price, best first. Any change costs the same, however many levels there are. Knows no events. */
import { PriceTree } from '../engine/price-tree.ts';
import type { Lots, Side, Ticks } from '../engine/units.ts';
import type { MarketUnits } from '../types/market-units.ts';

export type LevelText = readonly [price: string, quantity: string];

/** One price and its open quantity; the strings are made when first sent. */
export class Level {
  readonly price: Ticks;
  readonly lots: Lots;
  readonly #units: MarketUnits;
  #text: LevelText | undefined;

  constructor(price: Ticks, lots: Lots, units: MarketUnits) {
    this.price = price;
    this.lots = lots;
    this.#units = units;
  }

  get text(): LevelText {
    return (this.#text ??= [this.#units.formatPrice(this.price), this.#units.formatQuantity(this.lots)]);
  }
}

export class Ladder {
  readonly #tree = new PriceTree();
  /** By the value that the tree has for a price. */
  readonly #levels: (Level | undefined)[] = [];
  /** Places in `#levels` that are not used. */
  readonly #free: number[] = [];
  readonly #bids: boolean;
  readonly #units: MarketUnits;
  /** 0 = no level. */
  #best: Ticks = 0;

  constructor(side: Side, units: MarketUnits) {
    this.#bids = side === 'buy';
    this.#units = units;
  }

  /** Adds `lots` (may be negative) to the level at `price`. Throws when less than nothing would be left. */
  change(price: Ticks, lots: Lots): void {
    const at = this.#tree.find(price);
    const left = (at < 0 ? 0 : this.#level(at).lots) + lots;
    if (left < 0) throw new Error(`order book level ${price} would hold ${left} lots`);
    if (left > 0) this.#levels[at < 0 ? this.#open(price) : at] = new Level(price, left, this.#units);
    else if (at >= 0) this.#remove(price, at);
  }

  /** Best first, at most `depth`. */
  top(depth: number): Level[] {
    const top: Level[] = [];
    for (let price = this.#best; price !== 0 && top.length < depth; price = this.#worse(price)) top.push(this.#level(this.#tree.find(price)));
    return top;
  }

  #level(at: number): Level {
    return this.#levels[at] as Level;
  }

  #open(price: Ticks): number {
    const at = this.#free.pop() ?? this.#levels.length;
    this.#tree.insert(price, at);
    if (this.#best === 0 || (this.#bids ? price > this.#best : price < this.#best)) this.#best = price;
    return at;
  }

  #remove(price: Ticks, at: number): void {
    this.#tree.remove(price);
    this.#levels[at] = undefined;
    this.#free.push(at);
    if (price === this.#best) this.#best = this.#worse(price);
  }

  #worse(price: Ticks): Ticks {
    return this.#bids ? this.#tree.below(price) : this.#tree.above(price);
  }
}
