/**
 * What happened. Past tense, readonly, discriminated on `type`; each carries its `seq`. Events hold every figure that was decided,
 * so `apply` and every projection only copy and add: nobody computes a fee twice. Integers in engine units.
 */
import type { AccountId, Amount, Lots, MarketId, Millis, OrderId, Ppm, Seq, Side, Ticks, WalletType } from './units.ts';
import type { Asset, Market } from './market.ts';
import type { NewOrder } from './commands.ts';
import type { Reject } from './reject.ts';

/** A position after an event. Long: size > 0. */
export interface PositionState {
  /** Signed lots. */
  readonly size: Lots;
  /** Notional paid for the open quantity (unsigned): entry price = cost / (|size| × quotePerTickLot). */
  readonly cost: Amount;
  /** Isolated margin. */
  readonly margin: Amount;
  /** P&L realised since the position was opened from zero (fees not included). */
  readonly realized: Amount;
  readonly leverage: number;
}

/** One side of a trade: what it did to one order and one account. */
export interface FillSide {
  /** 0 where no order stood behind it (the liquidated side, takeover by the insurance fund, auto-deleveraging). */
  readonly order: OrderId;
  readonly account: AccountId;
  /** Of the order after this fill: lots filled, lots still open, notional of all fills, fees of all fills. */
  readonly filled: Lots;
  readonly remaining: Lots;
  readonly filledQuote: Amount;
  readonly filledFee: Amount;
  /** Of this fill; negative = rebate. Asset: base for a spot buyer, else quote. */
  readonly fee: Amount;
  /** What this fill takes out of the order's lock (base for a spot seller, else quote): first back to available, from where costs are paid. */
  readonly unlocked: Amount;
  /** Perpetual: P&L realised by this fill, moved between clearing and the futures wallet; margin moved into (+) or out of (−) the position. */
  readonly pnl: Amount;
  readonly marginDelta: Amount;
  readonly position?: PositionState;
}

export const CLOSE_REASONS = [
  // status canceled
  'user', 'admin', 'dead_man_switch', 'self_trade', 'liquidation', 'reduce_only', 'insufficient_margin', 'position_limit',
  // status expired
  'immediate_or_cancel', 'market_order',
] as const;
export type CloseReason = (typeof CLOSE_REASONS)[number];

export type TradeCause = 'order' | 'liquidation' | 'takeover' | 'adl';

/** The receipt of one liquidation step, as published. Prices in ticks, amounts in quote minor units. */
export interface LiquidationReceipt {
  readonly account: AccountId;
  readonly market: MarketId;
  /** Side of the position that was liquidated. */
  readonly side: 'long' | 'short';
  readonly quantity: Lots;
  /** Notional cost of `quantity` at entry. */
  readonly entryCost: Amount;
  readonly mark: Ticks;
  readonly index: Ticks;
  readonly tier: number;
  readonly marginBefore: Amount;
  readonly maintenanceMargin: Amount;
  readonly unrealizedPnl: Amount;
  readonly bankruptcyPrice: Ticks;
  readonly fills: readonly { readonly price: Ticks; readonly quantity: Lots; readonly cause: TradeCause; readonly counterparty: AccountId; readonly trade: Seq }[];
  readonly fee: Amount;
  /** Net effect on the insurance fund, and its balance afterwards. */
  readonly fundDelta: Amount;
  readonly fundAfter: Amount;
}

type Base = { readonly seq: Seq };

export type Event = Base & (
  /** Nothing has changed; something was asked for, and is remembered. */
  | { readonly type: 'noted' }
  | { readonly type: 'asset_created'; readonly asset: Asset }
  | { readonly type: 'market_created'; readonly market: Market }
  /** The whole market afterwards. */
  | {
      readonly type: 'market_updated';
      readonly market: Market;
      readonly reason: string;
      /** Where the interval is another; absent (in journals of before), it is the next multiple of the interval. */
      readonly nextFundingTime?: Millis;
      /** Where another leverage becomes the default: what users keep who have something open at the old one. Absent, they follow. */
      readonly keptLeverage?: number;
    }
  | { readonly type: 'account_opened'; readonly account: AccountId; readonly userId: string; readonly kind: 'user' | 'house' }
  | { readonly type: 'deposited'; readonly account: AccountId; readonly asset: number; readonly amount: Amount; readonly wallet: WalletType }
  | {
      readonly type: 'transferred';
      readonly account: AccountId;
      readonly asset: number;
      readonly amount: Amount;
      readonly from: WalletType;
      readonly to: WalletType;
    }
  | { readonly type: 'insurance_funded'; readonly asset: number; readonly amount: Amount }
  /** `lock` leaves available at once. `resting`: it crosses nothing and stands in the book; otherwise trades, then order_rested or order_closed follow. The order's id is this event's seq. */
  | { readonly type: 'order_accepted'; readonly account: AccountId; readonly order: NewOrder; readonly lock: Amount; readonly resting: boolean }
  /** What is left of a taker (or of an amended order) now stands at the back of its level. */
  | {
      readonly type: 'order_rested';
      readonly order: OrderId;
      readonly account: AccountId;
      readonly market: MarketId;
      readonly side: Side;
      readonly price: Ticks;
      readonly remaining: Lots;
    }
  /** `price`, `remaining` as before closing; `unlocked` = the whole lock. `resting`: it stood in the book. */
  | {
      readonly type: 'order_closed';
      readonly order: OrderId;
      readonly account: AccountId;
      readonly market: MarketId;
      readonly side: Side;
      readonly price: Ticks;
      readonly remaining: Lots;
      readonly resting: boolean;
      readonly unlocked: Amount;
      readonly status: 'canceled' | 'expired';
      readonly reason: CloseReason;
    }
  /** A resting order lost part of its open quantity (reduce-only cut down with its position). */
  | {
      readonly type: 'order_reduced';
      readonly order: OrderId;
      readonly account: AccountId;
      readonly market: MarketId;
      readonly side: Side;
      readonly price: Ticks;
      readonly by: Lots;
      readonly remaining: Lots;
      readonly unlocked: Amount;
      readonly reason: CloseReason;
    }
  /** `resting`: it stands in the book afterwards (in place when `keepsPriority`, else at the back of its level); otherwise trades, then order_rested or order_closed follow. */
  | {
      readonly type: 'order_amended';
      readonly order: OrderId;
      readonly account: AccountId;
      readonly market: MarketId;
      readonly side: Side;
      readonly oldPrice: Ticks;
      readonly oldRemaining: Lots;
      readonly price: Ticks;
      readonly quantity: Lots;
      readonly remaining: Lots;
      readonly lockDelta: Amount;
      readonly keepsPriority: boolean;
      readonly resting: boolean;
    }
  /** The trade's id is this event's seq. `price` is the maker's. The maker's side comes first, which matters where both are the same account. */
  | {
      readonly type: 'trade';
      readonly market: MarketId;
      readonly price: Ticks;
      readonly quantity: Lots;
      readonly notional: Amount;
      readonly takerSide: Side;
      readonly taker: FillSide;
      readonly maker: FillSide;
      readonly cause: TradeCause;
    }
  | {
      readonly type: 'leverage_set';
      readonly account: AccountId;
      readonly market: MarketId;
      readonly leverage: number;
      readonly marginDelta: Amount;
      readonly position?: PositionState;
    }
  | {
      readonly type: 'margin_adjusted';
      readonly account: AccountId;
      readonly market: MarketId;
      readonly marginDelta: Amount;
      readonly position: PositionState;
    }
  /** `market` -1 = all of them; `deadline` 0 = disarmed. */
  | { readonly type: 'cancel_after_set'; readonly account: AccountId; readonly market: MarketId | -1; readonly deadline: Millis }
  /** `sampled`: both sides of a perpetual's book stood, so that `basis` (best bid + best ask − 2 × index) and `premium` (of the impact prices over the index) count in their means. */
  | {
      readonly type: 'prices_updated';
      readonly market: MarketId;
      readonly index: Ticks;
      readonly mark: Ticks;
      readonly manualMark: boolean;
      readonly fundingRate: Ppm;
      readonly sampled: boolean;
      readonly basis: Ticks;
      readonly premium: Ppm;
    }
  | { readonly type: 'margin_called'; readonly account: AccountId; readonly market: MarketId; readonly mark: Ticks; readonly marginRatio: Ppm }
  | { readonly type: 'margin_call_cleared'; readonly account: AccountId; readonly market: MarketId; readonly mark: Ticks }
  /** Moves the closed part's surplus: `toFund` from the liquidated futures wallet to the insurance fund. */
  | { readonly type: 'position_liquidated'; readonly receipt: LiquidationReceipt; readonly toFund: Amount }
  /** One account's funding: `amount` > 0 is received. Payments of one market and time sum to zero with the residue booked to fees. */
  | {
      readonly type: 'funding_paid';
      readonly account: AccountId;
      readonly market: MarketId;
      readonly rate: Ppm;
      readonly mark: Ticks;
      readonly size: Lots;
      readonly amount: Amount;
      readonly fromMargin: Amount;
      readonly position: PositionState;
      /** Where funding is settled in pages: paid before its page came, as the position is about to change. */
      readonly ahead?: true;
    }
  /** A market with too many positions for one command: from here on they are settled a page at a time, until `funding_settled`. On the sizes of now, at this rate and mark. */
  | {
      readonly type: 'funding_started';
      readonly market: MarketId;
      readonly rate: Ppm;
      readonly mark: Ticks;
      readonly time: Millis;
      readonly nextTime: Millis;
    }
  /** A position that is to receive something is about to change: it is paid later, on `size` signed lots. */
  | { readonly type: 'funding_deferred'; readonly account: AccountId; readonly market: MarketId; readonly size: Lots }
  /** The end of a page. `owed`: what all receivers are due, 0 while payers pay; `counted`: what those are due that have been gone through. */
  | {
      readonly type: 'funding_advanced';
      readonly market: MarketId;
      readonly phase: 'paying' | 'receiving';
      readonly nextAccount: AccountId;
      readonly owed: Amount;
      readonly counted: Amount;
    }
  | {
      readonly type: 'funding_settled';
      readonly market: MarketId;
      readonly rate: Ppm;
      readonly mark: Ticks;
      readonly residue: Amount;
      readonly time: Millis;
      readonly nextTime: Millis;
    }
);

export type EventType = Event['type'];
export type EventOf<T extends EventType> = Extract<Event, { readonly type: T }>;

/** What one item of a batch came to. */
export type ItemResult = { readonly ok: true; readonly order: OrderId } | Reject;

/** What a command came to: its events in order, already applied, or a refusal that changed nothing. */
export type Outcome =
  | { readonly ok: true; readonly events: readonly Event[]; readonly results?: readonly ItemResult[] }
  | Reject;
