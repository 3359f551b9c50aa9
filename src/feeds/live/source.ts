/** The live exchanges as one source. */
import type { Logger } from '../../observability/logger.ts';
import type { Clock } from '../../utils/clock.ts';
import type { PriceSource, SourceListener, Venue } from '../source.ts';
import { ccxtClient, type ClientFactory } from './client.ts';
import { LiveExchange, type ExchangeTimes } from './exchange.ts';

export interface LiveOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly exchanges?: readonly string[];
  /** Replaced in tests. */
  readonly factory?: ClientFactory;
  readonly times?: Partial<ExchangeTimes>;
}

export const LIVE_EXCHANGES = ['binance', 'coinbase', 'kraken', 'bybit', 'okx'] as const;

export class LiveSource implements PriceSource {
  readonly name = 'live';
  readonly #options: LiveOptions;
  #exchanges: readonly LiveExchange[] = [];
  #bases: readonly string[] = [];

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  venues(base: string): readonly Venue[] {
    return this.#exchanges.flatMap((exchange) => exchange.venues(base));
  }

  async start(listener: SourceListener): Promise<void> {
    const { exchanges = LIVE_EXCHANGES, factory = ccxtClient, clock, logger, times } = this.#options;
    this.#exchanges = exchanges.map((exchange) => new LiveExchange({ exchange, factory, clock, logger, listener, times }));
    for (const exchange of this.#exchanges) {
      exchange.follow(this.#bases);
      exchange.start();
    }
  }

  follow(bases: readonly string[]): void {
    this.#bases = bases;
    for (const exchange of this.#exchanges) exchange.follow(bases);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#exchanges.map((exchange) => exchange.stop()));
  }
}
