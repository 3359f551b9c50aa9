/** The people of a simulated venue and its prices: what they might ask for next. Reads the state to ask for things that exist, and sometimes for things that do not. */
import type { Command, CommandOf, NewOrder } from '../../src/engine/commands.ts';
import type { MarketSpec } from '../../src/engine/market.ts';
import type { EngineReader, OrderView } from '../../src/engine/reader.ts';
import type { AccountId, MarketId, Ticks } from '../../src/engine/units.ts';
import type { Random } from './random.ts';

type Changes = CommandOf<'update_market'>['changes'];

const USERS = 20;
const USDT = 1_000_000;
const BTC = 100_000_000;

const spot: MarketSpec = {
  symbol: 'BTC-USDT', type: 'spot', base: 'BTC', quote: 'USDT', tickSize: '0.1', lotSize: '0.001', status: 'open', makerFee: 50, takerFee: 400,
  minQuantity: 1, maxQuantity: 0, maxMarketQuantity: 0, minNotional: 0, priceBand: 0, maxOpenOrders: 6, maxPosition: 0, maxLeverage: 1, riskTiers: [],
  fundingIntervalMs: 0, interestRate: 0, fundingCap: 0, impactNotional: 0, liquidationFeeRate: 0, liquidationSurplus: 'fund', house: false,
};
const perpetual: MarketSpec = {
  ...spot, symbol: 'BTC-USDT-PERP', type: 'perpetual', makerFee: 200, takerFee: 500, maxLeverage: 100, fundingIntervalMs: 28_800_000,
  interestRate: 100, fundingCap: 7_500, impactNotional: 1_000 * USDT, liquidationFeeRate: 5_000,
  riskTiers: [
    { notionalFloor: 0, initialMarginRate: 10_000, maintenanceMarginRate: 5_000 },
    { notionalFloor: 20_000 * USDT, initialMarginRate: 20_000, maintenanceMarginRate: 10_000 },
    { notionalFloor: 60_000 * USDT, initialMarginRate: 100_000, maintenanceMarginRate: 50_000 },
  ],
};
const returning: MarketSpec = { ...perpetual, symbol: 'ETH-USDT-PERP', base: 'ETH', makerFee: -100, lotSize: '0.01', priceBand: 100_000, liquidationSurplus: 'user', minNotional: 5 * USDT };

/** Assets, markets, people, their first money, and the first prices. */
export function founding(): Command[] {
  const people = Array.from({ length: USERS }, (_, index): Command => ({ type: 'open_account', userId: `user-${index}`, kind: index < 2 ? 'house' : 'user' }));
  const money = people.flatMap((_, index): Command[] => {
    const deposit = { type: 'deposit', account: index + 2 } as const;
    return [
      { ...deposit, asset: 'USDT', amount: 50_000 * USDT, wallet: 'spot' },
      { ...deposit, asset: 'USDT', amount: (index < 2 ? 200_000 : 3_000) * USDT, wallet: 'futures' },
      { ...deposit, asset: 'BTC', amount: 2 * BTC, wallet: 'spot' },
    ];
  });
  return [
    { type: 'create_asset', code: 'USDT', scale: 6 },
    { type: 'create_asset', code: 'BTC', scale: 8 },
    { type: 'create_asset', code: 'ETH', scale: 8 },
    ...[spot, perpetual, returning].map((spec): Command => ({ type: 'create_market', spec })),
    ...people,
    ...money,
    { type: 'fund_insurance', asset: 'USDT', amount: 500 * USDT },
    { type: 'set_prices', prices: [{ market: 0, index: 300_000 }, { market: 1, index: 300_000 }, { market: 2, index: 20_000 }] },
  ];
}

export class World {
  readonly #random: Random;
  readonly #state: () => EngineReader;
  #nextId = 0;

  constructor(random: Random, state: () => EngineReader) {
    this.#random = random;
    this.#state = state;
  }

  /** What somebody asks for next. */
  command(): Command {
    return this.#random.weighted<() => Command>([
      [40, () => ({ type: 'place_order', account: this.#account(), order: this.#order() })],
      [5, () => ({ type: 'place_orders', account: this.#account(), orders: this.#orders(8) })],
      [5, () => this.#replace()],
      [10, () => this.#cancel()],
      [2, () => this.#cancelMany()],
      [8, () => this.#amend()],
      [3, () => ({ type: 'set_leverage', account: this.#account(), market: this.#market(), leverage: this.#random.pick([1, 2, 5, 10, 25, 50, 100, 101]) })],
      [3, () => ({ type: 'adjust_margin', account: this.#account(), market: this.#market(), amount: this.#random.between(-200, 200) * USDT })],
      [3, () => this.#transfer()],
      [1, () => ({ type: 'deposit', account: this.#account(), asset: this.#random.pick(['USDT', 'BTC', 'NONE']), amount: this.#random.between(0, 500) * USDT, wallet: this.#random.pick(['spot', 'futures']) })],
      [1, () => ({ type: 'cancel_after', account: this.#account(), timeoutMs: this.#random.pick([0, 500, 5_000, 60_000]), market: this.#random.chance(0.5) ? this.#market() : undefined })],
      [16, () => this.#prices()],
      [0.6, () => ({ type: 'set_safety', market: this.#market(), safety: this.#random.weighted([[12, 'normal'], [1, 'reduce_only'], [1, 'halted']]), reason: 'simulated' })],
      [0.6, () => ({ type: 'update_market', market: this.#market(), changes: this.#changes() })],
      [0.2, () => ({ type: 'fund_insurance', asset: 'USDT', amount: this.#random.between(1, 300) * USDT })],
      [0.1, () => ({ type: 'open_account', userId: `user-${this.#random.between(0, USERS + 10)}`, kind: 'user' })],
      [1, () => ({ type: 'advance_time' })],
      [0.5, () => ({ type: 'note' })],
    ])();
  }

  #account(): AccountId {
    return this.#random.chance(0.005) ? this.#random.pick([0, 1, 999, -1]) : this.#random.between(2, USERS + 1);
  }

  #market(): MarketId {
    return this.#random.chance(0.003) ? 7 : this.#random.weighted([[3, 0], [6, 1], [3, 2]] as const);
  }

  #orders(most: number): NewOrder[] {
    return Array.from({ length: this.#random.between(1, most) }, () => this.#order());
  }

  #order(): NewOrder {
    const random = this.#random;
    const market = this.#market();
    const type = random.weighted([[4, 'limit'], [1, 'market']] as const);
    const side = random.pick(['buy', 'sell'] as const);
    return {
      market, side, type,
      price: type === 'market' ? 0 : this.#price(market),
      quantity: random.chance(0.02) ? random.pick([0, -5, 2 ** 52]) : random.weighted([[6, random.between(1, 50)], [3, random.between(50, 800)], [1, random.between(800, 5_000)]]),
      timeInForce: type === 'market' ? random.pick(['IOC', 'FOK'] as const) : random.weighted([[6, 'GTC'], [2, 'IOC'], [1, 'FOK']] as const),
      postOnly: type === 'limit' && random.chance(0.15),
      reduceOnly: random.chance(0.12),
      selfTradePrevention: random.pick(['expire_taker', 'expire_maker', 'expire_both', 'none'] as const),
      clientOrderId: random.chance(0.7) ? `c-${this.#nextId++}` : '',
    };
  }

  /** Near the index, now and then far from it. */
  #price(market: MarketId): Ticks {
    const around = this.#state().markets[market] === undefined ? 300_000 : this.#state().prices(market).index;
    const spread = this.#random.weighted([[8, 0.002], [3, 0.02], [1, 0.5]] as const);
    return Math.max(0, Math.round(around * (1 + (this.#random.next() * 2 - 1) * spread)));
  }

  #openOrder(account: AccountId): OrderView | undefined {
    const open = this.#state().userOf(account) === undefined ? [] : this.#state().openOrders(account);
    return open.length === 0 ? undefined : this.#random.pick(open);
  }

  #changes(): Changes {
    const random = this.#random;
    return random.weighted<Changes>([
      [12, { status: 'open' }], [1, { status: 'cancel_only' }], [3, { takerFee: random.between(200, 1_000) }], [1, { fundingIntervalMs: random.pick([3_600_000, 28_800_000]) }],
      [1, { maxLeverage: random.pick([5, 20, 100]) }],
    ]);
  }

  #cancel(): Command {
    const account = this.#account();
    // Now and then somebody else's order, or one that is long gone.
    const order = this.#random.chance(0.05) ? this.#random.between(1, this.#state().seq) : this.#openOrder(account)?.id ?? 1;
    return { type: 'cancel_order', account, order };
  }

  #cancelMany(): Command {
    const account = this.#account();
    const orders = this.#random.chance(0.5) ? [this.#openOrder(account)?.id ?? 1, this.#random.between(1, this.#state().seq)] : undefined;
    return { type: 'cancel_orders', account, orders, market: orders === undefined && this.#random.chance(0.5) ? this.#market() : undefined };
  }

  #replace(): Command {
    const account = this.#account();
    const order = this.#openOrder(account);
    return { type: 'replace_orders', account, cancel: order === undefined ? [] : [order.id], place: this.#orders(4) };
  }

  #amend(): Command {
    const account = this.#account();
    const order = this.#openOrder(account);
    const price = this.#random.chance(0.5) ? this.#price(order?.market ?? 0) : undefined;
    const quantity = price === undefined || this.#random.chance(0.5) ? this.#random.between(0, 2 * (order?.quantity ?? 10)) : undefined;
    return { type: 'amend_order', account, order: order?.id ?? 1, price, quantity };
  }

  #transfer(): Command {
    const [from, to] = this.#random.pick([['spot', 'futures'], ['futures', 'spot'], ['spot', 'spot']] as const);
    return { type: 'transfer', account: this.#account(), asset: 'USDT', amount: this.#random.between(0, 2_000) * USDT, from, to };
  }

  /** Small steps, sometimes a crash or a gap, and a pull back to where it began, so that a run stays alive. */
  #prices(): Command {
    const random = this.#random;
    const market = this.#market();
    if (this.#state().markets[market] === undefined) return { type: 'set_prices', prices: [{ market, index: 1 }] };
    const home = market === 2 ? 20_000 : 300_000;
    const { index } = this.#state().prices(market);
    const size = random.weighted([[90, 0.001], [9, 0.01], [1, 0.15]] as const);
    const pull = (Math.log(home / index) * size) / 2;
    const next = Math.max(1, Math.round(index * Math.exp(pull + (random.next() * 2 - 1) * size)));
    return { type: 'set_prices', prices: [{ market, index: next, mark: random.chance(0.02) ? next : undefined }] };
  }
}
