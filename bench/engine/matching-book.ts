/** The engine's book with the least that makes it match: no money, no accounts, no events. What the book alone costs. */
import { Book } from '../../src/engine/book.ts';
import { IntMap } from '../../src/engine/int-map.ts';
import { OrderPool, SELL } from '../../src/engine/pool.ts';
import { MAX_PRICE } from '../../src/engine/price-tree.ts';
import type { Matcher } from './matcher.ts';

export class MatchingBook implements Matcher {
  readonly #pool = new OrderPool();
  readonly #slots = new IntMap();
  readonly #book = new Book(this.#pool);

  get openOrders(): number {
    return this.#pool.live;
  }

  isOpen(id: number): boolean {
    return this.#slots.get(id) >= 0;
  }

  limit(id: number, sell: boolean, price: number, quantity: number): number {
    const traded = this.#take(sell, price, quantity);
    if (traded < quantity) this.#rest(id, sell, price, quantity - traded);
    return traded;
  }

  market(_id: number, sell: boolean, quantity: number): number {
    return this.#take(sell, sell ? 1 : MAX_PRICE, quantity);
  }

  cancel(id: number): void {
    const slot = this.#slots.get(id);
    if (slot < 0) return;
    this.#slots.delete(id);
    this.#book.remove(slot);
    this.#pool.free(slot);
  }

  #rest(id: number, sell: boolean, price: number, quantity: number): void {
    const pool = this.#pool;
    const slot = pool.allocate();
    pool.id[slot] = id;
    pool.price[slot] = price;
    pool.remaining[slot] = quantity;
    pool.flags[slot] = sell ? SELL : 0;
    this.#slots.set(id, slot);
    this.#book.add(slot);
  }

  /** Trades against the other side up to `price`; the lots traded. */
  #take(sell: boolean, price: number, quantity: number): number {
    const pool = this.#pool;
    const book = this.#book;
    const makers = sell ? 'buy' : 'sell';
    let open = quantity;
    while (open > 0) {
      const best = sell ? book.bestBid() : book.bestAsk();
      if (best === 0 || (sell ? best < price : best > price)) break;
      const maker = book.best(makers);
      const lots = Math.min(open, pool.remaining[maker]);
      open -= lots;
      if (lots < pool.remaining[maker]) {
        book.reduce(maker, lots);
      } else {
        book.remove(maker);
        this.#slots.delete(pool.id[maker]);
        pool.free(maker);
      }
    }
    return quantity - open;
  }
}
