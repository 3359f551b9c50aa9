/** Business figures from committed records: trades, volume, liquidations. Counts and nothing else. */
import type { Event } from '../engine/events.ts';
import type { MarketId } from '../engine/units.ts';
import type { Tally } from '../observability/counter.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { CommittedRecord } from '../sequencer/sequencer.ts';
import type { Catalog } from './catalog.ts';

interface MarketTallies {
  readonly trades: Tally;
  readonly volume: Tally;
  readonly liquidations: Tally;
}

export class Activity {
  readonly #catalog: Pick<Catalog, 'byId' | 'all'>;
  readonly #metrics: Pick<Metrics, 'trades' | 'volume' | 'liquidations'>;
  readonly #tallies: MarketTallies[] = [];

  constructor(catalog: Pick<Catalog, 'byId' | 'all'>, metrics: Pick<Metrics, 'trades' | 'volume' | 'liquidations'>) {
    this.#catalog = catalog;
    this.#metrics = metrics;
    // So that each market's figures begin at 0.
    for (const { market } of catalog.all()) this.#of(market.id);
  }

  /** Takes the next committed record. */
  apply(record: CommittedRecord): void {
    for (const event of record.events) this.#apply(event);
  }

  #apply(event: Event): void {
    if (event.type === 'trade') {
      const { trades, volume } = this.#of(event.market);
      trades.inc();
      volume.inc(event.notional / 10 ** this.#catalog.byId(event.market).quote.scale);
    } else if (event.type === 'position_liquidated') {
      this.#of(event.receipt.market).liquidations.inc();
    } else if (event.type === 'market_created') {
      this.#of(event.market.id);
    }
  }

  #of(id: MarketId): MarketTallies {
    const { symbol } = this.#catalog.byId(id).market;
    return (this.#tallies[id] ??= { trades: this.#metrics.trades.tally({ symbol }), volume: this.#metrics.volume.tally({ symbol }), liquidations: this.#metrics.liquidations.tally({ symbol }) });
  }
}
