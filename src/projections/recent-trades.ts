/** The last public trades of one market, as columns of numbers: a trade leaves no object behind, and is written only when somebody asks for it. */
import type { Millis, Seq } from '../engine/units.ts';
import type { PublicTrade } from '../models/trades.ts';
import { Slots } from '../utils/slots.ts';
import type { ListedMarket } from './context.ts';
import { type PublicFigures, publicTradeOf } from './trades.ts';

/** What a follower can miss and still be told. */
const KEPT = 4_096;
/** Of these, how many are shown at most to whoever asks for the latest. */
export const RECENT_TRADES = 1_000;

export class RecentTrades {
  readonly #listed: Pick<ListedMarket, 'market' | 'units'>;
  readonly #seq = new Float64Array(KEPT);
  readonly #time = new Float64Array(KEPT);
  readonly #price = new Float64Array(KEPT);
  readonly #quantity = new Float64Array(KEPT);
  readonly #notional = new Float64Array(KEPT);
  /** 1: the taker bought. */
  readonly #bought = new Uint8Array(KEPT);
  readonly #slots = new Slots(KEPT);
  #lastSeq: Seq = 0;

  /** Of the market only what never changes is used: its symbol and its units. */
  constructor(listed: Pick<ListedMarket, 'market' | 'units'>) {
    this.#listed = listed;
  }

  /** How many there ever were. */
  get count(): number {
    return this.#slots.count;
  }

  /** Trades come in order; one that is already here is left out. */
  add(trade: PublicFigures, time: Millis): void {
    if (trade.seq <= this.#lastSeq) return;
    this.#lastSeq = trade.seq;
    const slot = this.#slots.next();
    this.#seq[slot] = trade.seq;
    this.#time[slot] = time;
    this.#price[slot] = trade.price;
    this.#quantity[slot] = trade.quantity;
    this.#notional[slot] = trade.notional;
    this.#bought[slot] = trade.takerSide === 'buy' ? 1 : 0;
  }

  /** From number `from` up to and without number `to`, oldest first, as far as they are kept. */
  slice(from: number, to = this.count): PublicTrade[] {
    return this.#slots.between(from, to).map((slot) => this.#written(slot));
  }

  /** Newest first. */
  latest(limit: number): PublicTrade[] {
    return this.slice(this.count - Math.min(limit, RECENT_TRADES)).reverse();
  }

  #written(slot: number): PublicTrade {
    const trade: PublicFigures = {
      seq: this.#seq[slot]!,
      price: this.#price[slot]!,
      quantity: this.#quantity[slot]!,
      notional: this.#notional[slot]!,
      takerSide: this.#bought[slot] === 1 ? 'buy' : 'sell',
    };
    return publicTradeOf(trade, this.#time[slot]!, this.#listed);
  }
}
