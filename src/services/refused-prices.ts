/**
 * Markets whose prices the engine does not take (open positions would be worth more than can be counted, or the price is none that a book takes). Such a market is made
 * safe as if it had no price: reduce_only, halted when that lasts, and normal again once its prices have been taken for a while.
 */
import type { Safety } from '../feeds/aggregator.ts';
import type { MarketId } from '../engine/units.ts';

export interface RefusedPricesOptions {
  /** reduce_only turns to halted after this. */
  readonly haltAfterMs: number;
  /** How long prices must be taken before the market is normal again. */
  readonly rejoinAfterMs: number;
}

interface Trouble {
  readonly sinceMs: number;
  readonly reason: string;
  /** Prices are taken again since; undefined = they are not. */
  readonly takenSinceMs: number | undefined;
}

export class RefusedPrices {
  readonly #options: RefusedPricesOptions;
  readonly #troubles = new Map<MarketId, Trouble>();

  constructor(options: RefusedPricesOptions) {
    this.#options = options;
  }

  has(market: MarketId): boolean {
    return this.#troubles.has(market);
  }

  refused(market: MarketId, reason: string, nowMs: number): void {
    this.#troubles.set(market, { sinceMs: this.#troubles.get(market)?.sinceMs ?? nowMs, reason, takenSinceMs: undefined });
  }

  taken(market: MarketId, nowMs: number): void {
    const trouble = this.#troubles.get(market);
    if (trouble !== undefined && trouble.takenSinceMs === undefined) this.#troubles.set(market, { ...trouble, takenSinceMs: nowMs });
  }

  /** What they ask for now, and why; undefined where they are taken, and have been for long enough. */
  safety(market: MarketId, nowMs: number): { readonly safety: Safety; readonly reason: string } | undefined {
    const trouble = this.#troubles.get(market);
    if (trouble === undefined) return undefined;
    const { sinceMs, takenSinceMs, reason } = trouble;
    if (takenSinceMs === undefined) return { safety: nowMs - sinceMs >= this.#options.haltAfterMs ? 'halted' : 'reduce_only', reason: `its prices are refused: ${reason}` };
    if (nowMs - takenSinceMs < this.#options.rejoinAfterMs) return { safety: 'reduce_only', reason: 'its prices are taken again' };
    this.#troubles.delete(market);
    return undefined;
  }
}
