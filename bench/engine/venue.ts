/** The whole engine behind the face of a matcher: accounts with money, a spot or a perpetual market, fees, margin checks, ledger and events. */
import { Engine } from '../../src/engine/engine.ts';
import type { Command, NewOrder } from '../../src/engine/commands.ts';
import type { Event, Outcome } from '../../src/engine/events.ts';
import type { MarketSpec } from '../../src/engine/market.ts';
import type { PositionView } from '../../src/engine/reader.ts';
import type { AccountId, Lots, OrderId, Ticks } from '../../src/engine/units.ts';
import type { Matcher } from './matcher.ts';
import { START_PRICE } from './stream.ts';

export type VenueKind = 'spot' | 'perpetual';

export const HOUSE_MAKERS = 4;
/** Of all orders; the rest is spread over the users. */
const HOUSE_SHARE = 0.3;
/** Minor units of each asset: for a house maker, for a user at most, and for all users together (the engine takes no more than 2^52 in all). */
const HOUSE_MONEY = 1e13;
const USER_MONEY = 1e12;
const USERS_MONEY = 4e15;
const START_TIME = 1_700_000_000_000;
const COMMANDS_PER_MS = 1000;
const MARKET = 0;
/** Those before it are the venue's own. */
const FIRST_ACCOUNT: AccountId = 2;

/** Notional of one lot at one tick is one minor unit, so that a million orders fit into the money there is. */
const SPOT: MarketSpec = {
  symbol: 'BTC-USDT', type: 'spot', base: 'BTC', quote: 'USDT', tickSize: '0.1', lotSize: '0.001', status: 'open',
  makerFee: 200, takerFee: 500, minQuantity: 1, maxQuantity: 0, maxMarketQuantity: 0, minNotional: 0, priceBand: 0, maxOpenOrders: 100_000,
  maxPosition: 0, maxLeverage: 1, riskTiers: [], fundingIntervalMs: 0, interestRate: 0, fundingCap: 0, impactNotional: 0,
  liquidationFeeRate: 0, liquidationSurplus: 'fund', house: false,
};
const PERPETUAL: MarketSpec = {
  ...SPOT, symbol: 'BTC-USDT-PERP', type: 'perpetual', maxLeverage: 20,
  riskTiers: [
    { notionalFloor: 0, initialMarginRate: 50_000, maintenanceMarginRate: 25_000 },
    { notionalFloor: 1e14, initialMarginRate: 100_000, maintenanceMarginRate: 50_000 },
  ],
  fundingIntervalMs: 28_800_000, interestRate: 100, fundingCap: 7500, impactNotional: 1e8, liquidationFeeRate: 5000,
};

export class Venue implements Matcher {
  readonly engine = new Engine();
  readonly #accounts: number;
  readonly #orderIds: Float64Array;
  #executed = 0;

  /** `commands`: length of the stream that it will be fed. */
  constructor(kind: VenueKind, accounts: number, commands: number) {
    this.#accounts = accounts;
    this.#orderIds = new Float64Array(commands);
    this.execute({ type: 'create_asset', code: 'USDT', scale: 4 });
    this.execute({ type: 'create_asset', code: 'BTC', scale: 3 });
    this.execute({ type: 'create_market', spec: kind === 'spot' ? SPOT : PERPETUAL });
    this.mark(START_PRICE);
    const userMoney = Math.floor(Math.min(USER_MONEY, USERS_MONEY / accounts));
    for (let i = 0; i < accounts; i++) this.#open(i, kind === 'spot' ? 'spot' : 'futures', i < HOUSE_MAKERS ? HOUSE_MONEY : userMoney);
  }

  limit(id: number, sell: boolean, price: number, quantity: number): number {
    return this.#place(id, this.#limitOrder(sell, price, quantity));
  }

  market(id: number, sell: boolean, quantity: number): number {
    return this.#place(id, {
      market: MARKET, side: sell ? 'sell' : 'buy', type: 'market', price: 0, quantity, timeInForce: 'IOC',
      postOnly: false, reduceOnly: false, selfTradePrevention: 'none', clientOrderId: '',
    });
  }

  cancel(id: number): void {
    this.execute({ type: 'cancel_order', account: this.accountOf(id), order: this.#orderIds[id] });
  }

  /** Sets index and mark; its events. */
  mark(price: number): readonly Event[] {
    return this.execute({ type: 'set_prices', prices: [{ market: MARKET, index: price, mark: price }] });
  }

  /** A position of `quantity` lots of account number `i`, opened against an order of the first house maker at the start price. */
  openPosition(i: number, sell: boolean, quantity: number): void {
    this.execute({ type: 'place_order', account: FIRST_ACCOUNT, order: this.#limitOrder(!sell, START_PRICE, quantity) });
    this.execute({ type: 'place_order', account: FIRST_ACCOUNT + i, order: this.#limitOrder(sell, START_PRICE, quantity) });
  }

  /** The position of account number `i`, if it has one. */
  position(i: number): PositionView | undefined {
    return this.engine.position(FIRST_ACCOUNT + i, MARKET);
  }

  /** The account that sends command `id`. */
  accountOf(id: number): AccountId {
    const draw = (Math.imul(id + 1, 0x9e3779b1) ^ Math.imul(id + 1, 0x85ebca77) >>> 15) >>> 0;
    const among = draw < HOUSE_SHARE * 2 ** 32 ? HOUSE_MAKERS : this.#accounts;
    return FIRST_ACCOUNT + (draw % among);
  }

  execute(command: Command): readonly Event[] {
    const outcome: Outcome = this.engine.execute(command, START_TIME + Math.floor(this.#executed++ / COMMANDS_PER_MS));
    if (!outcome.ok) throw new Error(`${command.type} refused: ${outcome.code}: ${outcome.detail}`);
    return outcome.events;
  }

  #place(id: number, order: NewOrder): number {
    const events = this.execute({ type: 'place_order', account: this.accountOf(id), order });
    this.#orderIds[id] = events[0].seq satisfies OrderId;
    let traded = 0;
    for (let i = 1; i < events.length; i++) {
      const event = events[i];
      if (event.type === 'trade') traded += event.quantity;
    }
    return traded;
  }

  /** Each has had an order before anything is measured. */
  #open(i: number, wallet: 'spot' | 'futures', amount: number): void {
    const account = FIRST_ACCOUNT + i;
    const [opened] = this.execute({ type: 'open_account', userId: `user-${i}`, kind: i < HOUSE_MAKERS ? 'house' : 'user' });
    if (opened.type !== 'account_opened' || opened.account !== account) throw new Error(`unexpected ${opened.type}`);
    this.execute({ type: 'deposit', account, asset: 'USDT', amount, wallet });
    if (wallet === 'spot') this.execute({ type: 'deposit', account, asset: 'BTC', amount, wallet });
    const [accepted] = this.execute({ type: 'place_order', account, order: this.#limitOrder(false, 1, 1) });
    this.execute({ type: 'cancel_order', account, order: accepted.seq });
  }

  #limitOrder(sell: boolean, price: Ticks, quantity: Lots): NewOrder {
    return {
      market: MARKET, side: sell ? 'sell' : 'buy', type: 'limit', price, quantity, timeInForce: 'GTC',
      postOnly: false, reduceOnly: false, selfTradePrevention: 'none', clientOrderId: '',
    };
  }
}
