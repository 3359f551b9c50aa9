/** The seeded command stream that every implementation gets: limit and market orders and cancels around a moving touch. Knows no implementation but the reference that tells which orders are still open. */
import { random } from '../../src/utils/random.ts';
import { MatchingBook } from './matching-book.ts';

export const LIMIT = 0;
export const MARKET_ORDER = 1;
export const CANCEL = 2;

/** Commands as columns. An order's id is the index of the command that places it. */
export interface Stream {
  readonly length: number;
  /** The first so many commands only fill the book. */
  readonly prefill: number;
  readonly kind: Uint8Array;
  /** 1 = sell. */
  readonly sell: Uint8Array;
  /** Ticks; 0 for market orders and cancels. */
  readonly price: Int32Array;
  /** Lots; 0 for cancels. */
  readonly quantity: Int32Array;
  /** The order to cancel; -1 otherwise. */
  readonly target: Int32Array;
  readonly counts: { readonly limit: number; readonly market: number; readonly cancel: number };
}

export interface StreamOptions {
  readonly seed: number;
  /** After the prefill. */
  readonly commands: number;
  /** Open orders that the book starts with and hovers around. */
  readonly resting: number;
  /** Part of the commands that touch a random place in the whole depth; the others stay near the touch. Default 0.1. */
  readonly deepShare?: number;
}

/** Ticks. */
export const START_PRICE = 1_000_000;
/** Orders at one price of the book it starts with, on average and whatever its size, so that bigger books are deeper and trade the same. */
const ORDERS_PER_LEVEL = 10;
/** Cancels near the touch mostly hit young orders, as market makers' quotes live shortly. */
const RECENT = 256;

/** Every cancel hits an order that is open at that moment. */
export function makeStream({ seed, commands, resting, deepShare = 0.1 }: StreamOptions): Stream {
  const generator = new Generator(seed, resting, commands, deepShare);
  for (let i = 0; i < resting; i++) generator.placeDeep();
  for (let i = 0; i < commands; i++) generator.step();
  return generator.stream;
}

/** Orders of which random ones get canceled; those that ended otherwise are dropped when drawn. */
class Population {
  readonly #ids: number[] = [];
  readonly #random: () => number;
  readonly #book: MatchingBook;

  constructor(random: () => number, book: MatchingBook) {
    this.#random = random;
    this.#book = book;
  }

  add(id: number): void {
    this.#ids.push(id);
  }

  /** One of the `among` youngest that is still open; -1 = not found. */
  draw(among: number): number {
    const ids = this.#ids;
    while (ids.length > 0) {
      const at = ids.length - 1 - Math.floor(this.#random() * Math.min(among, ids.length));
      const id = ids[at];
      const last = ids.pop() ?? -1;
      if (at < ids.length) ids[at] = last;
      if (this.#book.isOpen(id)) return id;
    }
    return -1;
  }
}

class Generator {
  readonly stream: Stream;
  readonly #counts = { limit: 0, market: 0, cancel: 0 };
  readonly #random: () => number;
  readonly #resting: number;
  readonly #deepest: number;
  readonly #deepShare: number;
  readonly #book = new MatchingBook();
  readonly #near: Population;
  readonly #deep: Population;
  #fair = START_PRICE;
  #next = 0;

  constructor(seed: number, resting: number, commands: number, deepShare: number) {
    const length = resting + commands;
    this.#random = random(seed).next;
    this.#near = new Population(this.#random, this.#book);
    this.#deep = new Population(this.#random, this.#book);
    this.#resting = resting;
    this.#deepShare = deepShare;
    this.#deepest = Math.max(50, Math.ceil(resting / 2 / ORDERS_PER_LEVEL));
    this.stream = {
      length, prefill: resting, counts: this.#counts,
      kind: new Uint8Array(length), sell: new Uint8Array(length), price: new Int32Array(length), quantity: new Int32Array(length), target: new Int32Array(length).fill(-1),
    };
  }

  /** An order anywhere in the depth of the book. */
  placeDeep(): void {
    this.#limit(this.#random() < 0.5, 1 + this.#below(this.#deepest), this.#deep);
  }

  /** Near the touch about one half limit orders, 3 % market orders, the rest cancels: more of them when the book is fuller than it should be. */
  step(): void {
    this.#moveTouch();
    if (this.#random() < this.#deepShare) {
      if (this.#random() < 0.5 || !this.#cancel(this.#deep.draw(Number.POSITIVE_INFINITY))) this.placeDeep();
      return;
    }
    const draw = this.#random();
    const sell = this.#random() < 0.5;
    if (draw < (this.#book.openOrders > this.#resting ? 0.5 : 0.28) && this.#cancel(this.#near.draw(RECENT))) return;
    if (draw > 0.97) this.#market(sell);
    else this.#limit(sell, this.#distance(), this.#near);
  }

  #moveTouch(): void {
    const draw = this.#random();
    if (draw < 0.02) this.#fair += draw < 0.01 ? 1 : -1;
    else if (draw > 0.9999) this.#fair += this.#below(41) - 20;
  }

  /** Ticks behind the fair price: 8 % cross it, most stand near. */
  #distance(): number {
    if (this.#random() < 0.08) return -this.#below(3);
    return 1 + Math.floor(-Math.log(1 - this.#random()) * 12);
  }

  #limit(sell: boolean, distance: number, population: Population): void {
    const price = this.#fair + (sell ? distance : -distance);
    const quantity = 1 + this.#below(100);
    const id = this.#push(LIMIT, sell, price, quantity, -1);
    this.#counts.limit++;
    this.#book.limit(id, sell, price, quantity);
    if (this.#book.isOpen(id)) population.add(id);
  }

  #market(sell: boolean): void {
    const quantity = 1 + this.#below(150);
    const id = this.#push(MARKET_ORDER, sell, 0, quantity, -1);
    this.#counts.market++;
    this.#book.market(id, sell, quantity);
  }

  #cancel(target: number): boolean {
    if (target < 0) return false;
    this.#push(CANCEL, false, 0, 0, target);
    this.#counts.cancel++;
    this.#book.cancel(target);
    return true;
  }

  #push(kind: number, sell: boolean, price: number, quantity: number, target: number): number {
    const at = this.#next++;
    this.stream.kind[at] = kind;
    this.stream.sell[at] = sell ? 1 : 0;
    this.stream.price[at] = price;
    this.stream.quantity[at] = quantity;
    this.stream.target[at] = target;
    return at;
  }

  /** Uniform integer in 0 … limit - 1. */
  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}
