/** Collection `funding`: the rates at which funding was settled, per market. What a user paid or got is a line of `transactions`. */
import type { CollectionSpec } from './collection.ts';

/** As the API shows it. */
export interface FundingRate {
  readonly symbol: string;
  readonly rate: string;
  readonly markPrice: string;
  readonly timestamp: number;
  readonly seq: number;
}

export interface FundingDoc extends FundingRate {
  /** `<symbol>:<time>` */
  readonly id: string;
}

export const funding: CollectionSpec<FundingDoc> = {
  name: 'funding',
  indexes: [{ fields: { symbol: 1, timestamp: -1 } }],
  projected: true,
  decimals: ['rate', 'markPrice'],
  dates: ['timestamp'],
};
