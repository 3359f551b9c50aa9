/** Collection `insurance`: what the insurance fund holds, per asset. */
import type { CollectionSpec } from './collection.ts';

/** As the API shows it. */
export interface InsuranceBalance {
  readonly asset: string;
  readonly balance: string;
  readonly updatedAt: number;
}

export interface InsuranceDoc extends InsuranceBalance {
  /** The asset's code. */
  readonly id: string;
  readonly seq: number;
}

export const insurance: CollectionSpec<InsuranceDoc> = {
  name: 'insurance',
  indexes: [],
  projected: true,
  decimals: ['balance'],
  dates: ['updatedAt'],
};
