/** The source that FEEDS asks for. */
import type { Logger } from '../observability/logger.ts';
import type { Clock } from '../utils/clock.ts';
import { AutoSource } from './auto.ts';
import type { ClientFactory } from './live/client.ts';
import { LiveSource } from './live/source.ts';
import type { FeedsMode } from './mode.ts';
import { ReplaySource } from './replay/source.ts';
import { SimulatedSource } from './simulated.ts';
import type { PriceSource } from './source.ts';

export interface SourceParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** By base, in dollars: where simulated prices begin. */
  readonly startPrices: Readonly<Record<string, number>>;
  /** Replaced in tests. */
  readonly factory?: ClientFactory;
}

/** The seed of `auto` when it has to simulate. */
const AUTO_SEED = 1;

/** undefined: manual, there is no source. */
export function createSource(mode: FeedsMode, { clock, logger, startPrices, factory }: SourceParts): PriceSource | undefined {
  switch (mode.mode) {
    case 'manual': return undefined;
    case 'live': return new LiveSource({ clock, logger, factory });
    case 'simulated': return new SimulatedSource({ seed: mode.seed, clock, startPrices });
    case 'replay': return new ReplaySource({ mode, clock, logger });
    case 'auto': return new AutoSource({
      live: new LiveSource({ clock, logger, factory }), simulated: new SimulatedSource({ seed: AUTO_SEED, clock, startPrices }), clock, logger,
    });
  }
}
