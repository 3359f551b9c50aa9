/** Collection `liquidations`: the receipt of each liquidation step. */
import type { CollectionSpec } from './collection.ts';

export interface LiquidationFill {
  readonly tradeId: string;
  readonly price: string;
  readonly quantity: string;
  readonly cause: 'order' | 'liquidation' | 'takeover' | 'adl';
}

/** As the API shows it to everybody; `userId` is added for its owner and for admins. */
export interface Liquidation {
  readonly id: string;
  readonly symbol: string;
  readonly side: 'long' | 'short';
  readonly quantity: string;
  readonly entryPrice: string;
  readonly markPrice: string;
  readonly indexPrice: string;
  readonly tier: number;
  readonly marginBefore: string;
  readonly maintenanceMargin: string;
  readonly unrealizedPnl: string;
  readonly bankruptcyPrice: string;
  readonly fills: readonly LiquidationFill[];
  readonly fee: string;
  readonly fundDelta: string;
  readonly fundAfter: string;
  /** The fills that were closed against deleveraged positions. */
  readonly adl: readonly LiquidationFill[];
  readonly timestamp: number;
  readonly seq: number;
}

export interface LiquidationDoc extends Liquidation {
  readonly userId: string;
  readonly accountId: number;
}

export const liquidations: CollectionSpec<LiquidationDoc> = {
  name: 'liquidations',
  indexes: [
    { fields: { timestamp: -1 } },
    { fields: { symbol: 1, timestamp: -1 } },
    { fields: { userId: 1, timestamp: -1 } },
  ],
  filters: ['seq'],
  projected: true,
  decimals: [
    'quantity', 'entryPrice', 'markPrice', 'indexPrice', 'marginBefore', 'maintenanceMargin', 'unrealizedPnl', 'bankruptcyPrice', 'fee', 'fundDelta', 'fundAfter',
  ],
  dates: ['timestamp'],
};

/** Newest first; for `Find.sort`. */
export const NEWEST_LIQUIDATIONS = { timestamp: -1, seq: -1 } as const;

export function publicLiquidation(doc: LiquidationDoc): Liquidation {
  const { userId: _user, accountId: _account, ...liquidation } = doc;
  return liquidation;
}
