/**
 * Events as the journal keeps them. Those that come with every order are arrays of values: without the names of their fields and their seq, which follows
 * from their place in the record. All others stay objects. What a row's values mean may only be added to: journals outlive versions.
 */
import type { CloseReason, Event, EventOf, FillSide, PositionState, TradeCause } from '../engine/events.ts';
import type { NewOrder, OrderType, SelfTradePrevention, TimeInForce } from '../engine/commands.ts';
import type { Seq, Side } from '../engine/units.ts';

/** What an event is in the journal; the first value of a row tells its type. */
export type StoredEvent = Row | Event;
type Row = readonly (number | string | readonly number[])[];

const ACCEPTED = 1;
const RESTED = 2;
const CLOSED = 3;
const REDUCED = 4;
const AMENDED = 5;
const TRADE = 6;
const PRICES = 7;

/** The number that stands for each word, for good; the compiler sees to it that no word is left out. */
const SIDES = wordsOf<Side>({ buy: 0, sell: 1 });
const TYPES = wordsOf<OrderType>({ limit: 0, market: 1 });
const TIMES_IN_FORCE = wordsOf<TimeInForce>({ GTC: 0, IOC: 1, FOK: 2 });
const PREVENTIONS = wordsOf<SelfTradePrevention>({ expire_taker: 0, expire_maker: 1, expire_both: 2, none: 3 });
const STATUSES = wordsOf<EventOf<'order_closed'>['status']>({ canceled: 0, expired: 1 });
const CAUSES = wordsOf<TradeCause>({ order: 0, liquidation: 1, takeover: 2, adl: 3 });
const REASONS = wordsOf<CloseReason>({
  user: 0, admin: 1, dead_man_switch: 2, self_trade: 3, liquidation: 4, reduce_only: 5, insufficient_margin: 6, immediate_or_cancel: 7, market_order: 8, position_limit: 9,
});
/** A fill with more values than these has a position. */
const FILL_VALUES = 10;

export function storedEvent(event: Event): StoredEvent {
  switch (event.type) {
    case 'order_accepted': {
      const { account, order, lock, resting } = event;
      return [
        ACCEPTED, account, order.market, numberOf(SIDES, order.side), numberOf(TYPES, order.type), order.price, order.quantity, numberOf(TIMES_IN_FORCE, order.timeInForce),
        bit(order.postOnly), bit(order.reduceOnly), numberOf(PREVENTIONS, order.selfTradePrevention), order.clientOrderId, lock, bit(resting),
      ];
    }
    case 'order_rested':
      return [RESTED, event.order, event.account, event.market, numberOf(SIDES, event.side), event.price, event.remaining];
    case 'order_closed':
      return [
        CLOSED, event.order, event.account, event.market, numberOf(SIDES, event.side), event.price, event.remaining, bit(event.resting), event.unlocked,
        numberOf(STATUSES, event.status), numberOf(REASONS, event.reason),
      ];
    case 'order_reduced':
      return [REDUCED, event.order, event.account, event.market, numberOf(SIDES, event.side), event.price, event.by, event.remaining, event.unlocked, numberOf(REASONS, event.reason)];
    case 'order_amended':
      return [
        AMENDED, event.order, event.account, event.market, numberOf(SIDES, event.side), event.oldPrice, event.oldRemaining, event.price, event.quantity, event.remaining, event.lockDelta,
        bit(event.keepsPriority), bit(event.resting),
      ];
    case 'trade':
      return [TRADE, event.market, event.price, event.quantity, event.notional, numberOf(SIDES, event.takerSide), numberOf(CAUSES, event.cause), fillValues(event.taker), fillValues(event.maker)];
    case 'prices_updated':
      return [PRICES, event.market, event.index, event.mark, bit(event.manualMark), event.fundingRate, bit(event.sampled), event.basis, event.premium];
    default:
      return event;
  }
}

/** Throws an Error for what is no event of this version. */
export function eventFrom(stored: StoredEvent, seq: Seq): Event {
  if (!isRow(stored)) return stored;
  const at = stored as readonly number[];
  switch (stored[0]) {
    case ACCEPTED: {
      const order: NewOrder = {
        market: at[2]!, side: word(SIDES, at[3]), type: word(TYPES, at[4]), price: at[5]!, quantity: at[6]!, timeInForce: word(TIMES_IN_FORCE, at[7]),
        postOnly: at[8] === 1, reduceOnly: at[9] === 1, selfTradePrevention: word(PREVENTIONS, at[10]), clientOrderId: stored[11] as string,
      };
      return { seq, type: 'order_accepted', account: at[1]!, order, lock: at[12]!, resting: at[13] === 1 };
    }
    case RESTED:
      return { seq, type: 'order_rested', order: at[1]!, account: at[2]!, market: at[3]!, side: word(SIDES, at[4]), price: at[5]!, remaining: at[6]! };
    case CLOSED:
      return {
        seq, type: 'order_closed', order: at[1]!, account: at[2]!, market: at[3]!, side: word(SIDES, at[4]), price: at[5]!, remaining: at[6]!, resting: at[7] === 1, unlocked: at[8]!,
        status: word(STATUSES, at[9]), reason: word(REASONS, at[10]),
      };
    case REDUCED:
      return { seq, type: 'order_reduced', order: at[1]!, account: at[2]!, market: at[3]!, side: word(SIDES, at[4]), price: at[5]!, by: at[6]!, remaining: at[7]!, unlocked: at[8]!, reason: word(REASONS, at[9]) };
    case AMENDED:
      return {
        seq, type: 'order_amended', order: at[1]!, account: at[2]!, market: at[3]!, side: word(SIDES, at[4]), oldPrice: at[5]!, oldRemaining: at[6]!, price: at[7]!, quantity: at[8]!, remaining: at[9]!,
        lockDelta: at[10]!, keepsPriority: at[11] === 1, resting: at[12] === 1,
      };
    case TRADE:
      return {
        seq, type: 'trade', market: at[1]!, price: at[2]!, quantity: at[3]!, notional: at[4]!, takerSide: word(SIDES, at[5]),
        taker: fillFrom(stored[7] as readonly number[]), maker: fillFrom(stored[8] as readonly number[]), cause: word(CAUSES, at[6]),
      };
    case PRICES:
      return { seq, type: 'prices_updated', market: at[1]!, index: at[2]!, mark: at[3]!, manualMark: at[4] === 1, fundingRate: at[5]!, sampled: at[6] === 1, basis: at[7]!, premium: at[8]! };
    default:
      throw new Error(`event ${seq} has the unknown form ${String(stored[0])}`);
  }
}

function fillValues({ order, account, filled, remaining, filledQuote, filledFee, fee, unlocked, pnl, marginDelta, position }: FillSide): number[] {
  const values = [order, account, filled, remaining, filledQuote, filledFee, fee, unlocked, pnl, marginDelta];
  if (position !== undefined) values.push(position.size, position.cost, position.margin, position.realized, position.leverage);
  return values;
}

function fillFrom(at: readonly number[]): FillSide {
  return {
    order: at[0]!, account: at[1]!, filled: at[2]!, remaining: at[3]!, filledQuote: at[4]!, filledFee: at[5]!, fee: at[6]!, unlocked: at[7]!, pnl: at[8]!, marginDelta: at[9]!,
    position: at.length > FILL_VALUES ? positionFrom(at) : undefined,
  };
}

function positionFrom(at: readonly number[]): PositionState {
  return { size: at[FILL_VALUES]!, cost: at[FILL_VALUES + 1]!, margin: at[FILL_VALUES + 2]!, realized: at[FILL_VALUES + 3]!, leverage: at[FILL_VALUES + 4]! };
}

function isRow(stored: StoredEvent): stored is Row {
  return Array.isArray(stored);
}

function bit(value: boolean): 0 | 1 {
  return value ? 1 : 0;
}

interface Words<T extends string> {
  readonly numbers: Readonly<Record<T, number>>;
  /** By number. */
  readonly words: readonly T[];
}

function wordsOf<T extends string>(numbers: Readonly<Record<T, number>>): Words<T> {
  const words: T[] = [];
  for (const word of Object.keys(numbers) as T[]) words[numbers[word]] = word;
  return { numbers, words };
}

function numberOf<T extends string>({ numbers }: Words<T>, one: T): number {
  const number = numbers[one];
  if (number === undefined) throw new Error(`the journal has no number for ${one}`);
  return number;
}

function word<T extends string>({ words }: Words<T>, number: number | undefined): T {
  const found = words[number as number];
  if (found === undefined) throw new Error(`the journal has no word with number ${number}; its event was written by a newer version`);
  return found;
}
