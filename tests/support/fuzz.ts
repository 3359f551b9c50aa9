/** Random but reproducible command streams for the engine's property tests: traders with little money and much leverage, so that every rule is met often. */
import type { Command, NewOrder } from '../../src/engine/commands.ts';
import type { Kit } from './engine-kit.ts';
import { newOrder, PERP, SPOT } from './engine-kit.ts';

/** mulberry32: 32 bits of state, uniform in [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How a stream moves: the mark walks, and sometimes jumps. */
export class Fuzz {
  readonly #random: () => number;
  readonly #kit: Kit;
  readonly #accounts: readonly number[];
  #mark = 1_000;

  constructor(seed: number, kit: Kit, accounts: readonly number[]) {
    this.#random = randomFrom(seed);
    this.#kit = kit;
    this.#accounts = accounts;
  }

  #int(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low + 1));
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)];
  }

  next(): Command {
    this.#kit.time += this.#int(0, 200);
    const dice = this.#random();
    const account = this.#pick(this.#accounts);
    if (dice < 0.55) return { type: 'place_order', account, order: this.#order() };
    if (dice < 0.63) return { type: 'cancel_order', account, order: this.#openOrder(account) };
    if (dice < 0.71) return this.#amend(account);
    if (dice < 0.81) return this.#prices();
    if (dice < 0.84) return { type: 'replace_orders', account, cancel: [this.#openOrder(account), this.#openOrder(account)], place: [this.#order(), this.#order()] };
    if (dice < 0.87 && this.#kit.engine.markets.some(({ status, safety }) => status !== 'open' || safety !== 'normal')) return this.#steer();
    if (dice < 0.86) return { type: 'cancel_orders', account, market: this.#pick([SPOT, PERP, undefined]) };
    return this.#rare(account);
  }

  #rare(account: number): Command {
    const amount = this.#int(1, 2_000_000);
    switch (this.#int(0, 9)) {
      case 0:
        return { type: 'set_leverage', account, market: PERP, leverage: this.#pick([1, 3, 10, 25, 50]) };
      case 1:
      case 2:
        return { type: 'adjust_margin', account, market: PERP, amount: this.#pick([1, -1]) * amount };
      case 3:
        return { type: 'transfer', account, asset: 'USDT', amount, from: 'spot', to: 'futures' };
      case 4:
        return { type: 'transfer', account, asset: 'USDT', amount, from: 'futures', to: 'spot' };
      case 5:
        return { type: 'deposit', account, asset: 'USDT', amount, wallet: this.#pick(['spot', 'futures'] as const) };
      case 6:
        return { type: 'cancel_after', account, timeoutMs: this.#pick([0, 50, 1_000]), market: this.#pick([undefined, SPOT, PERP]) };
      case 7:
        return this.#random() < 0.2 ? { type: 'fund_insurance', asset: 'USDT', amount } : { type: 'advance_time' };
      case 8:
        return this.#steer();
      default:
        return { type: 'cancel_orders', account, orders: [this.#openOrder(account)] };
    }
  }

  /** Markets are halted now and then, and soon opened again. */
  #steer(): Command {
    const disturbed = this.#kit.engine.markets.find(({ status, safety }) => status !== 'open' || safety !== 'normal');
    if (disturbed !== undefined) {
      if (disturbed.safety !== 'normal') return { type: 'set_safety', market: disturbed.id, safety: 'normal', reason: 'fuzz' };
      return { type: 'update_market', market: disturbed.id, changes: { status: 'open' } };
    }
    const market = this.#pick([SPOT, PERP]);
    if (this.#random() < 0.5) return { type: 'update_market', market, changes: { status: this.#pick(['open', 'reduce_only', 'cancel_only', 'halted'] as const) } };
    return { type: 'set_safety', market, safety: this.#pick(['reduce_only', 'halted'] as const), reason: 'fuzz' };
  }

  #order(): NewOrder {
    const type = this.#random() < 0.2 ? 'market' : 'limit';
    return newOrder({
      market: this.#random() < 0.75 ? PERP : SPOT,
      side: this.#pick(['buy', 'sell'] as const),
      type,
      price: type === 'market' ? 0 : Math.max(1, this.#mark + this.#int(-30, 30)),
      quantity: this.#random() < 0.1 ? this.#int(1, 2_000) : this.#int(1, 40),
      timeInForce: type === 'market' ? this.#pick(['IOC', 'FOK'] as const) : this.#pick(['GTC', 'GTC', 'GTC', 'IOC', 'FOK'] as const),
      postOnly: type === 'limit' && this.#random() < 0.1,
      reduceOnly: this.#random() < 0.2,
      selfTradePrevention: this.#pick(['expire_taker', 'expire_maker', 'expire_both', 'none'] as const),
      clientOrderId: this.#random() < 0.1 ? `c${this.#int(1, 20)}` : '',
    });
  }

  #openOrder(account: number): number {
    const open = this.#kit.engine.openOrders(account);
    return open.length === 0 ? this.#int(1, 1_000) : this.#pick(open).id;
  }

  #amend(account: number): Command {
    const open = this.#kit.engine.openOrders(account);
    if (open.length === 0) return { type: 'advance_time' };
    const order = this.#pick(open);
    const price = this.#random() < 0.5 ? undefined : Math.max(1, order.price + this.#int(-20, 20));
    const quantity = price !== undefined && this.#random() < 0.5 ? undefined : this.#int(0, order.quantity + 10);
    return { type: 'amend_order', account, order: order.id, price, quantity };
  }

  #prices(): Command {
    const step = this.#random() < 0.15 ? this.#int(-150, 150) : this.#int(-12, 12);
    this.#mark = Math.min(5_000, Math.max(50, this.#mark + step));
    const manual = this.#random() < 0.5;
    return { type: 'set_prices', prices: [{ market: PERP, index: this.#mark, ...(manual ? { mark: this.#mark } : {}) }, { market: SPOT, index: this.#mark }] };
  }
}
