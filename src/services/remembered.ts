/** Fills the streams with what happened before this process began: whoever follows liquidations is shown the last ones, also right after a restart. */
import type { Store } from '../models/collection.ts';
import { liquidations, NEWEST_LIQUIDATIONS, publicLiquidation, type LiquidationDoc } from '../models/liquidations.ts';
import type { AdminStream } from './admin-stream.ts';
import { namedLiquidation } from './liquidations.ts';
import type { MarketStream } from './market-stream.ts';

/** Of all markets together. */
const LIQUIDATIONS = 500;

/** Newest first. Throws what the store throws. */
export async function lastLiquidations(store: Pick<Store, 'collection'>): Promise<readonly LiquidationDoc[]> {
  return (await store.collection(liquidations).find({ sort: NEWEST_LIQUIDATIONS, limit: LIQUIDATIONS })).items;
}

export interface Past {
  readonly symbols: readonly string[];
  /** Newest first. */
  readonly liquidations: readonly LiquidationDoc[];
}

/** In the turn in which the streams are made, before their first record. */
export function remember({ symbols, liquidations }: Past, markets: Pick<MarketStream, 'remember'>, admin: Pick<AdminStream, 'remember'>): void {
  const oldestFirst = liquidations.toReversed();
  admin.remember(oldestFirst.map(namedLiquidation));
  for (const symbol of symbols) markets.remember(symbol, oldestFirst.filter((doc) => doc.symbol === symbol).map(publicLiquidation));
}
