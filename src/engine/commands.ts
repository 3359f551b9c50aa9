/** What the engine can be asked to do. Imperative, readonly, discriminated on `type`. Integers in engine units; the edge converts. Time comes in beside the command. */
import type { AccountId, Amount, Lots, MarketId, Millis, OrderId, Side, Ticks, WalletType } from './units.ts';
import type { MarketSpec, Safety } from './market.ts';

export type OrderType = 'limit' | 'market';
export type TimeInForce = 'GTC' | 'IOC' | 'FOK';
export type SelfTradePrevention = 'expire_taker' | 'expire_maker' | 'expire_both' | 'none';

export interface NewOrder {
  readonly market: MarketId;
  readonly side: Side;
  readonly type: OrderType;
  /** 0 for a market order. */
  readonly price: Ticks;
  readonly quantity: Lots;
  readonly timeInForce: TimeInForce;
  readonly postOnly: boolean;
  readonly reduceOnly: boolean;
  readonly selfTradePrevention: SelfTradePrevention;
  /** Empty string = none. */
  readonly clientOrderId: string;
}

export type Command =
  | { readonly type: 'create_asset'; readonly code: string; readonly scale: number }
  | { readonly type: 'create_market'; readonly spec: MarketSpec }
  | { readonly type: 'update_market'; readonly market: MarketId; readonly changes: Partial<Omit<MarketSpec, 'symbol' | 'type' | 'base' | 'quote' | 'tickSize' | 'lotSize'>> }
  | { readonly type: 'open_account'; readonly userId: string; readonly kind: 'user' | 'house' }
  | { readonly type: 'deposit'; readonly account: AccountId; readonly asset: string; readonly amount: Amount; readonly wallet: WalletType }
  | { readonly type: 'transfer'; readonly account: AccountId; readonly asset: string; readonly amount: Amount; readonly from: WalletType; readonly to: WalletType }
  | { readonly type: 'place_order'; readonly account: AccountId; readonly order: NewOrder }
  /** Items run in order as one journaled unit; each has its own result; one refused item refuses no other. */
  | { readonly type: 'place_orders'; readonly account: AccountId; readonly orders: readonly NewOrder[] }
  | { readonly type: 'cancel_order'; readonly account: AccountId; readonly order: OrderId }
  /** `orders` given: those, each with its own result. Else all open orders of the account (in `market`, where given). */
  | { readonly type: 'cancel_orders'; readonly account: AccountId; readonly market?: MarketId; readonly orders?: readonly OrderId[] }
  /** Absent = unchanged. `quantity` is the new total. */
  | { readonly type: 'amend_order'; readonly account: AccountId; readonly order: OrderId; readonly price?: Ticks; readonly quantity?: Lots }
  /** For market makers: cancels, then places, in one unit. Results: the cancels', then the places'. */
  | { readonly type: 'replace_orders'; readonly account: AccountId; readonly cancel: readonly OrderId[]; readonly place: readonly NewOrder[] }
  | { readonly type: 'set_leverage'; readonly account: AccountId; readonly market: MarketId; readonly leverage: number }
  /** Moves margin from the futures wallet to the position (positive) or back (negative). */
  | { readonly type: 'adjust_margin'; readonly account: AccountId; readonly market: MarketId; readonly amount: Amount }
  /** Dead-man switch: all open orders (in `market`, where given) are canceled when journaled time reaches now + timeoutMs; 0 disarms. */
  | { readonly type: 'cancel_after'; readonly account: AccountId; readonly timeoutMs: Millis; readonly market?: MarketId }
  /** `index` alone lets the mark follow its formula; `mark` sets it outright (manual prices) and it stays until set again. */
  | { readonly type: 'set_prices'; readonly prices: readonly { readonly market: MarketId; readonly index: Ticks; readonly mark?: Ticks }[] }
  /** The price feed's verdict on its own health. */
  | { readonly type: 'set_safety'; readonly market: MarketId; readonly safety: Safety; readonly reason: string }
  | { readonly type: 'fund_insurance'; readonly asset: string; readonly amount: Amount }
  /** Puts an event into the log that changes nothing, for whoever has to remember that something came to nothing. */
  | { readonly type: 'note' }
  /** Lets everything happen whose time has come: dead-man switches, funding. */
  | { readonly type: 'advance_time' };

export type CommandType = Command['type'];
export type CommandOf<T extends CommandType> = Extract<Command, { readonly type: T }>;
