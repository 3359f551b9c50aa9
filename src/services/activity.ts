/** Business figures from committed records: trades, volume, liquidations. Counts and nothing else. */
import type { Metrics } from '../observability/metrics.ts';
import type { CommittedRecord } from '../sequencer/sequencer.ts';
import type { Catalog } from './catalog.ts';

export class Activity {
  readonly #catalog: Pick<Catalog, 'byId'>;
  readonly #metrics: Pick<Metrics, 'trades' | 'volume' | 'liquidations'>;

  constructor(catalog: Pick<Catalog, 'byId'>, metrics: Pick<Metrics, 'trades' | 'volume' | 'liquidations'>) {
    this.#catalog = catalog;
    this.#metrics = metrics;
  }

  /** Takes the next committed record. */
  apply(record: CommittedRecord): void {
    for (const event of record.events) {
      if (event.type === 'trade') {
        const { market, units } = this.#catalog.byId(event.market);
        this.#metrics.trades.inc({ symbol: market.symbol });
        this.#metrics.volume.inc({ symbol: market.symbol }, Number(units.formatQuote(event.notional)));
      } else if (event.type === 'position_liquidated') {
        this.#metrics.liquidations.inc({ symbol: this.#catalog.byId(event.receipt.market).market.symbol });
      }
    }
  }
}
