/** The assets and markets known so far, folded from events. Seeded from the engine's state or from the stored collections. */
import type { Event } from '../engine/events.ts';
import type { Asset, Market } from '../engine/market.ts';
import type { AssetId, MarketId } from '../engine/units.ts';
import { MarketUnits } from '../types/market-units.ts';
import type { ListedMarket } from './context.ts';

export class CommittedCatalog {
  readonly #assets: Asset[] = [];
  readonly #markets: Market[] = [];
  readonly #listed: ListedMarket[] = [];
  readonly #bySymbol = new Map<string, ListedMarket>();

  constructor(seed: { readonly assets: readonly Asset[]; readonly markets: readonly Market[] } = { assets: [], markets: [] }) {
    for (const asset of seed.assets) this.#assets[asset.id] = asset;
    for (const market of seed.markets) this.#list(market);
  }

  /** Takes what the event says about assets and markets; of all other events nothing. */
  evolve(event: Event): void {
    if (event.type === 'asset_created') this.#assets[event.asset.id] = event.asset;
    else if (event.type === 'market_created' || event.type === 'market_updated') this.#list(event.market);
  }

  byId(id: MarketId): ListedMarket {
    const listed = this.#listed[id];
    if (listed === undefined) throw new Error(`market ${id} is not known`);
    return listed;
  }

  find(symbol: string): ListedMarket | undefined {
    return this.#bySymbol.get(symbol);
  }

  assetById(id: AssetId): Asset {
    const asset = this.#assets[id];
    if (asset === undefined) throw new Error(`asset ${id} is not known`);
    return asset;
  }

  /** By id. */
  get assets(): readonly Asset[] {
    return this.#assets;
  }

  /** By id. */
  get markets(): readonly Market[] {
    return this.#markets;
  }

  /** In order of creation. */
  get listed(): readonly ListedMarket[] {
    return this.#listed;
  }

  #list(market: Market): void {
    const base = this.assetById(market.baseAsset);
    const quote = this.assetById(market.quoteAsset);
    const units = this.#listed[market.id]?.units ?? new MarketUnits(market, base, quote);
    const listed = { market, base, quote, units };
    this.#markets[market.id] = market;
    this.#listed[market.id] = listed;
    this.#bySymbol.set(market.symbol, listed);
  }
}
