/** Armed dead-man switches, soonest first. One per account and market (-1 = all markets). Decides nothing. */
import { HeapIndex, IndexedHeap } from './heap.ts';
import { IntMap } from './int-map.ts';
import { MAX_MARKETS } from './standings.ts';
import type { AccountId, MarketId, Millis } from './units.ts';

const WIDTH = MAX_MARKETS + 1;

export class Deadlines {
  readonly #slots = new IntMap();
  readonly #keys: number[] = [];
  readonly #index = new HeapIndex();
  readonly #heap = new IndexedHeap(this.#index, 'least first');

  /** 0 = disarmed. */
  get(account: AccountId, market: MarketId | -1): Millis {
    const slot = this.#slots.get(account * WIDTH + market + 1);
    return slot >= 0 && this.#heap.has(slot) ? this.#index.key[slot] : 0;
  }

  set(account: AccountId, market: MarketId | -1, deadline: Millis): void {
    const key = account * WIDTH + market + 1;
    let slot = this.#slots.get(key);
    if (slot < 0) {
      if (deadline === 0) return;
      slot = this.#keys.push(key) - 1;
      this.#slots.set(key, slot);
      this.#index.reserve(this.#keys.length);
    }
    if (deadline === 0) this.#heap.remove(slot);
    else this.#heap.set(slot, deadline, key);
  }

  /** The soonest; undefined when none is armed. */
  first(): { readonly account: AccountId; readonly market: MarketId | -1; readonly deadline: Millis } | undefined {
    const slot = this.#heap.top();
    if (slot < 0) return undefined;
    const key = this.#keys[slot];
    return { account: Math.floor(key / WIDTH), market: (key % WIDTH) - 1, deadline: this.#index.key[slot] };
  }

  /** Armed switches in order of account and market. */
  all(): { readonly account: AccountId; readonly market: MarketId | -1; readonly deadline: Millis }[] {
    const armed = this.#keys.map((key, slot) => ({ key, slot })).filter(({ slot }) => this.#heap.has(slot));
    armed.sort((a, b) => a.key - b.key);
    return armed.map(({ key, slot }) => ({ account: Math.floor(key / WIDTH), market: (key % WIDTH) - 1, deadline: this.#index.key[slot] }));
  }
}
