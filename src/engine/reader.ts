/** What may be read of the engine's state by those who do not change it. Views are copies; nothing here mutates. */
import type { AccountId, Amount, AssetId, Lots, MarketId, Millis, OrderId, Ppm, Seq, Side, Ticks } from './units.ts';
import type { Asset, Market } from './market.ts';
import type { OrderType, SelfTradePrevention, TimeInForce } from './commands.ts';
import type { PositionState } from './events.ts';
import type { Valuation } from './margin.ts';

/** An open order. */
export interface OrderView {
  readonly id: OrderId;
  readonly account: AccountId;
  readonly market: MarketId;
  readonly side: Side;
  readonly type: OrderType;
  readonly price: Ticks;
  readonly quantity: Lots;
  readonly filled: Lots;
  readonly remaining: Lots;
  readonly filledQuote: Amount;
  readonly filledFee: Amount;
  readonly lock: Amount;
  readonly timeInForce: TimeInForce;
  readonly postOnly: boolean;
  readonly reduceOnly: boolean;
  readonly selfTradePrevention: SelfTradePrevention;
  readonly clientOrderId: string;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
  /** Seq of the last event that touched it. */
  readonly seq: Seq;
}

export interface PositionView extends PositionState, Valuation {
  readonly account: AccountId;
  readonly market: MarketId;
  /** 1…5, 5 = first in line. */
  readonly adlRank: number;
  readonly updatedAt: Millis;
  readonly seq: Seq;
}

/** One account's money in one asset. Total = sum of all five. */
export interface BalanceView {
  readonly asset: AssetId;
  readonly spotAvailable: Amount;
  readonly spotLocked: Amount;
  readonly futuresAvailable: Amount;
  readonly futuresLocked: Amount;
  /** Held by positions. */
  readonly margin: Amount;
}

export interface PricesView {
  /** 0 = not known yet. */
  readonly index: Ticks;
  readonly mark: Ticks;
  readonly last: Ticks;
  readonly bestBid: Ticks;
  readonly bestAsk: Ticks;
  readonly fundingRate: Ppm;
  /** 0 on spot. */
  readonly nextFundingTime: Millis;
  /** Lots held long (= short). */
  readonly openInterest: Lots;
  readonly updatedAt: Millis;
}

/** Per asset, over all accounts. `sum` = external + users + locked + margin + fees + insurance, and is zero. */
export interface AuditRow {
  readonly asset: AssetId;
  readonly sum: Amount;
  readonly external: Amount;
  /** Available of users and house makers. */
  readonly users: Amount;
  readonly locked: Amount;
  /** positionMargin + clearing. */
  readonly margin: Amount;
  readonly positionMargin: Amount;
  /** Counterpart of P&L realised while the other side is still open; funding on its way from payers to receivers. */
  readonly clearing: Amount;
  readonly fees: Amount;
  /** All of the insurance fund's account. */
  readonly insurance: Amount;
}

/** Of the ledger as it stood at `seq`, however the state goes on. It must be taken to the end. */
export interface Audit {
  readonly seq: Seq;
  /** Adds up about so many accounts more; whether all are added up. */
  step(accounts: number): boolean;
  /** Complete once `step` has said so. */
  rows(): AuditRow[];
}

export interface EngineReader {
  /** Of the last event. */
  readonly seq: Seq;
  /** Of the last command. */
  readonly time: Millis;
  readonly assets: readonly Asset[];
  readonly markets: readonly Market[];
  readonly accountCount: number;
  readonly openOrderCount: number;
  asset(code: string): Asset | undefined;
  market(symbol: string): Market | undefined;
  accountOf(userId: string): AccountId | undefined;
  userOf(account: AccountId): string | undefined;
  kindOf(account: AccountId): 'user' | 'house' | 'venue';
  balance(account: AccountId, asset: AssetId): BalanceView;
  /** Assets in which the account ever held something. */
  balances(account: AccountId): BalanceView[];
  order(id: OrderId): OrderView | undefined;
  orderByClientId(account: AccountId, clientOrderId: string): OrderView | undefined;
  /** Newest first. */
  openOrders(account: AccountId, market?: MarketId): OrderView[];
  position(account: AccountId, market: MarketId): PositionView | undefined;
  positions(account: AccountId): PositionView[];
  leverage(account: AccountId, market: MarketId): number;
  prices(market: MarketId): PricesView;
  /** Best first, at most `levels` a side. */
  depth(market: MarketId, levels: number): { readonly bids: readonly (readonly [Ticks, Lots])[]; readonly asks: readonly (readonly [Ticks, Lots])[] };
  audit(): AuditRow[];
  /** The same in parts, for who must not stop everything else meanwhile. */
  beginAudit(): Audit;
  /** When `advance_time` next has something to do; undefined = never. */
  nextTimer(): Millis | undefined;
  /** Hash of the whole logical state, 16 hex digits: equal state, equal hash, whatever way led there. */
  stateHash(): string;
}
