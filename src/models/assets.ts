/** Collection `assets`: what can be held. Folded from `asset_created`. */
import type { CollectionSpec } from './collection.ts';

/** As the API shows it. */
export interface AssetInfo {
  readonly asset: string;
  /** Decimals of one unit. */
  readonly scale: number;
}

export interface AssetDoc extends AssetInfo {
  /** The asset's code. */
  readonly id: string;
  /** The engine's index of the asset. */
  readonly assetId: number;
  readonly createdAt: number;
  readonly seq: number;
}

export const assets: CollectionSpec<AssetDoc> = {
  name: 'assets',
  indexes: [{ fields: { assetId: 1 } }],
  projected: true,
  dates: ['createdAt'],
};
