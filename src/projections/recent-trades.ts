/** The last public trades of one market. */
import type { Seq } from '../engine/units.ts';
import type { PublicTrade } from '../models/trades.ts';

export const RECENT_TRADES = 1_000;

/** A trade that is written only when somebody asks for it. */
export interface RecentTrade {
  readonly seq: Seq;
  readonly text: () => PublicTrade;
}

export class RecentTrades {
  readonly #ring: RecentTrade[] = [];
  /** Index of the next to be replaced once the ring is full. */
  #next = 0;
  #lastSeq: Seq = 0;

  /** Trades come in order; one that is already here is left out. */
  add(trade: RecentTrade): void {
    if (trade.seq <= this.#lastSeq) return;
    this.#lastSeq = trade.seq;
    if (this.#ring.length < RECENT_TRADES) this.#ring.push(trade);
    else this.#ring[this.#next] = trade;
    this.#next = (this.#next + 1) % RECENT_TRADES;
  }

  /** Newest first. */
  latest(limit: number): PublicTrade[] {
    const size = this.#ring.length;
    const count = Math.min(limit, size);
    return Array.from({ length: count }, (_, i) => this.#ring[(this.#next - 1 - i + 2 * size) % size]!.text());
  }
}
