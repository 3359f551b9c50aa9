/** Collection `priceticks`: index and mark of a market, the first of each second; kept for a day. */
import type { CollectionSpec } from './collection.ts';

export interface PriceTickDoc {
  /** `<symbol>:<second since the epoch>` */
  readonly id: string;
  readonly symbol: string;
  readonly index: string;
  readonly mark: string;
  readonly fundingRate: string;
  readonly timestamp: number;
  readonly seq: number;
}

export const priceticks: CollectionSpec<PriceTickDoc> = {
  name: 'priceticks',
  indexes: [{ fields: { symbol: 1, timestamp: -1 } }],
  ttl: { field: 'timestamp', seconds: 86_400 },
  projected: true,
  decimals: ['index', 'mark', 'fundingRate'],
  dates: ['timestamp'],
};
