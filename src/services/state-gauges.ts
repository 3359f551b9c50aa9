/** What the metrics know of the engine's state: read from it when somebody looks at them. */
import type { AccountId, AssetId, Millis } from '../engine/units.ts';
import { INSURANCE } from '../engine/units.ts';
import type { EngineReader } from '../engine/reader.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Sequencer } from '../sequencer/sequencer.ts';

export interface StateGaugesParts {
  readonly sequencer: Pick<Sequencer, 'status'> & { readonly state: Pick<EngineReader, 'accountCount' | 'assets' | 'balance' | 'markets' | 'openOrderCount' | 'prices'> };
  readonly metrics: Pick<Metrics, 'openOrders' | 'accounts' | 'openInterest' | 'insuranceFund' | 'indexAge'>;
  /** ms since the epoch. */
  readonly clock: () => Millis;
}

/** A market without an index has no age of one. While the state is being rebuilt, what it holds of events that were lost is not shown: only ages go on. */
export function measureState({ sequencer, metrics, clock }: StateGaugesParts): void {
  const { state } = sequencer;
  const leading = (measure: () => void) => () => {
    if (sequencer.status.state === 'leading') measure();
  };
  metrics.openOrders.measuredBy(leading(() => metrics.openOrders.set(state.openOrderCount)));
  metrics.accounts.measuredBy(leading(() => metrics.accounts.set(state.accountCount)));
  metrics.openInterest.measuredBy(leading(() => {
    for (const { id, symbol, type, quote, quoteAsset, quotePerTickLot } of state.markets) {
      const { openInterest, mark } = state.prices(id);
      if (type === 'perpetual') metrics.openInterest.set({ symbol, asset: quote }, (openInterest * mark * quotePerTickLot) / 10 ** state.assets[quoteAsset].scale);
    }
  }));
  metrics.insuranceFund.measuredBy(leading(() => {
    for (const { id, code, scale } of state.assets) metrics.insuranceFund.set({ asset: code }, held(state, INSURANCE, id) / 10 ** scale);
  }));
  metrics.indexAge.measuredBy(() => {
    for (const { id, symbol } of state.markets) {
      const { index, updatedAt } = state.prices(id);
      if (index > 0) metrics.indexAge.set({ symbol }, Math.max(0, clock() - updatedAt) / 1_000);
    }
  });
}

/** All that an account holds of an asset, minor units. */
function held(state: Pick<EngineReader, 'balance'>, account: AccountId, asset: AssetId): number {
  const { spotAvailable, spotLocked, futuresAvailable, futuresLocked, margin } = state.balance(account, asset);
  return spotAvailable + spotLocked + futuresAvailable + futuresLocked + margin;
}
