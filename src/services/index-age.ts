/** How old the index of each market is, for the metrics: prices that stop coming show here before a market is made safe. */
import type { EngineReader } from '../engine/reader.ts';
import type { Millis } from '../engine/units.ts';
import type { Metrics } from '../observability/metrics.ts';

/** A market without an index has no series. `clock`: ms since the epoch. */
export function measureIndexAge({ indexAge }: Pick<Metrics, 'indexAge'>, state: Pick<EngineReader, 'markets' | 'prices'>, clock: () => Millis): void {
  indexAge.measuredBy(() => {
    for (const { id, symbol } of state.markets) {
      const { index, updatedAt } = state.prices(id);
      if (index > 0) indexAge.set({ symbol }, Math.max(0, clock() - updatedAt) / 1_000);
    }
  });
}
