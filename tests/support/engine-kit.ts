/** What tests of the engine build on: a small exchange with round numbers. One USDT is 10^6 minor units, one BTC 10^8. */
import type { Command, NewOrder } from '../../src/engine/commands.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { Event, EventOf, EventType, ItemResult } from '../../src/engine/events.ts';
import type { MarketSpec } from '../../src/engine/market.ts';
import type { AccountId, MarketId, Millis } from '../../src/engine/units.ts';

export const USDT = 1_000_000;
export const BTC = 100_000_000;
export const SPOT: MarketId = 0;
export const PERP: MarketId = 1;
export const START: Millis = 1_700_000_000_000;

/** Tick 0.1 USDT, lot 0.001 BTC: one tick × lot is 100 minor units. Maker 0.02 %, taker 0.05 %. */
export function spotSpec(changes: Partial<MarketSpec> = {}): MarketSpec {
  return {
    symbol: 'BTC-USDT', type: 'spot', base: 'BTC', quote: 'USDT', tickSize: '0.1', lotSize: '0.001', status: 'open', makerFee: 200, takerFee: 500, minQuantity: 1, maxQuantity: 0,
    maxMarketQuantity: 0, minNotional: 0, priceBand: 0, maxOpenOrders: 200, maxPosition: 0, maxLeverage: 1, riskTiers: [], fundingIntervalMs: 0, interestRate: 0, fundingCap: 0,
    impactNotional: 0, liquidationFeeRate: 0, liquidationSurplus: 'fund', house: false, ...changes,
  };
}

/** Leverage up to 50; maintenance 1 % up to a notional of 1,000,000 USDT, 2.5 % beyond. */
export function perpSpec(changes: Partial<MarketSpec> = {}): MarketSpec {
  return {
    ...spotSpec(), symbol: 'BTC-USDT-PERP', type: 'perpetual', maxLeverage: 50, fundingIntervalMs: 28_800_000, interestRate: 100, fundingCap: 7_500, liquidationFeeRate: 5_000,
    riskTiers: [
      { notionalFloor: 0, initialMarginRate: 20_000, maintenanceMarginRate: 10_000 },
      { notionalFloor: 1_000_000 * USDT, initialMarginRate: 50_000, maintenanceMarginRate: 25_000 },
    ],
    ...changes,
  };
}

export class Kit {
  engine: Engine;
  /** Every event so far, with the time of its record. */
  readonly log: { readonly event: Event; readonly time: Millis }[] = [];
  time = START;

  constructor(fundingPage?: number) {
    this.engine = Engine.create(fundingPage);
  }

  /** A market each, spot first. */
  static create(changes: { readonly spot?: Partial<MarketSpec>; readonly perp?: Partial<MarketSpec>; readonly fundingPage?: number } = {}): Kit {
    const kit = new Kit(changes.fundingPage);
    kit.do({ type: 'create_asset', code: 'USDT', scale: 6 });
    kit.do({ type: 'create_asset', code: 'BTC', scale: 8 });
    kit.do({ type: 'create_market', spec: spotSpec(changes.spot) });
    kit.do({ type: 'create_market', spec: perpSpec(changes.perp) });
    return kit;
  }

  /** Runs a command that must be accepted. */
  do(command: Command): readonly Event[] {
    const outcome = this.engine.execute(command, this.time);
    if (!outcome.ok) throw new Error(`${command.type} was refused: ${outcome.code} ${outcome.detail}`);
    this.#record(outcome.events);
    return outcome.events;
  }

  /** Runs a batch and gives the results of its items. */
  batch(command: Command): readonly ItemResult[] {
    const outcome = this.engine.execute(command, this.time);
    if (!outcome.ok) throw new Error(`${command.type} was refused: ${outcome.code}`);
    this.#record(outcome.events);
    return outcome.results ?? [];
  }

  /** The code of a command that must be refused, which must leave everything as it was. */
  refused(command: Command): string {
    const before = this.engine.stateHash();
    const outcome = this.engine.execute(command, this.time);
    if (outcome.ok) throw new Error(`${command.type} was accepted`);
    if (this.engine.stateHash() !== before) throw new Error(`refusing ${command.type} changed the state`);
    return outcome.code;
  }

  #record(events: readonly Event[]): void {
    for (const event of events) this.log.push({ event, time: this.engine.time });
  }

  /** A user with that many USDT in each wallet and BTC in the spot wallet. */
  user(name: string, usdt = 0, btc = 0, kind: 'user' | 'house' = 'user'): AccountId {
    this.do({ type: 'open_account', userId: name, kind });
    const account = this.engine.accountOf(name)!;
    if (usdt > 0) {
      this.do({ type: 'deposit', account, asset: 'USDT', amount: usdt * USDT, wallet: 'spot' });
      this.do({ type: 'deposit', account, asset: 'USDT', amount: usdt * USDT, wallet: 'futures' });
    }
    if (btc > 0) this.do({ type: 'deposit', account, asset: 'BTC', amount: btc * BTC, wallet: 'spot' });
    return account;
  }

  place(account: AccountId, order: Partial<NewOrder>): readonly Event[] {
    return this.do({ type: 'place_order', account, order: newOrder(order) });
  }

  /** Places an order that must be accepted and gives its id. */
  order(account: AccountId, order: Partial<NewOrder>): number {
    return ofType(this.place(account, order), 'order_accepted')[0].seq;
  }

  prices(index: number, mark?: number, market = PERP): readonly Event[] {
    return this.do({ type: 'set_prices', prices: [mark === undefined ? { market, index } : { market, index, mark }] });
  }

  /** A fresh engine that has applied the whole log. */
  replay(): Engine {
    const engine = Engine.create();
    for (const { event, time } of this.log) engine.apply(event, time);
    return engine;
  }
}

/** A limit order of one lot at 100.0 on the spot market, but for what is given. */
export function newOrder(order: Partial<NewOrder>): NewOrder {
  const type = order.type ?? 'limit';
  return {
    market: SPOT, side: 'buy', type, price: type === 'market' ? 0 : 1_000, quantity: 1, timeInForce: type === 'market' ? 'IOC' : 'GTC', postOnly: false, reduceOnly: false,
    selfTradePrevention: 'expire_taker', clientOrderId: '', ...order,
  };
}

export function ofType<T extends EventType>(events: readonly Event[], type: T): EventOf<T>[] {
  return events.filter((event): event is EventOf<T> => event.type === type);
}
