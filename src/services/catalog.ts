/** The listed markets with their units, made once per market. Says in one place how an unknown symbol is answered. */
import type { Asset, Market } from '../engine/market.ts';
import type { EngineReader } from '../engine/reader.ts';
import type { AssetId, MarketId } from '../engine/units.ts';
import type { ListedMarket } from '../projections/context.ts';
import { MarketUnits } from '../types/market-units.ts';
import { Refusal } from '../types/refusal.ts';

export class Catalog {
  readonly #state: EngineReader;
  readonly #listed: ListedMarket[] = [];

  constructor(state: EngineReader) {
    this.#state = state;
  }

  find(symbol: string): ListedMarket | undefined {
    const market = this.#state.market(symbol);
    return market === undefined ? undefined : this.#of(market);
  }

  byId(id: MarketId): ListedMarket {
    const market = this.#state.markets[id];
    if (market === undefined) throw new Error(`no market ${id}`);
    return this.#of(market);
  }

  assetById(id: AssetId): Asset {
    const asset = this.#state.assets[id];
    if (asset === undefined) throw new Error(`no asset ${id}`);
    return asset;
  }

  /** Every market, in order of creation. */
  all(): ListedMarket[] {
    return this.#state.markets.map((market) => this.#of(market));
  }

  /** Of a symbol in a request's body or query: UNKNOWN_SYMBOL when there is none. */
  named(symbol: string): ListedMarket {
    const listed = this.find(symbol);
    if (listed === undefined) throw new Refusal('UNKNOWN_SYMBOL', unknownSymbol(symbol));
    return listed;
  }

  /** As `named`, where a symbol may narrow something down; undefined when it does not. */
  narrowed(symbol: string | undefined): Market | undefined {
    return symbol === undefined ? undefined : this.named(symbol).market;
  }

  /** Of a symbol in a path: NOT_FOUND when there is none. */
  at(symbol: string): ListedMarket {
    const listed = this.find(symbol);
    if (listed === undefined) throw new Refusal('NOT_FOUND', unknownSymbol(symbol));
    return listed;
  }

  /** As `at`, for what only perpetuals have: NOT_FOUND says so where the market is a spot market. */
  perpetualAt(symbol: string, what: 'positions' | 'funding' = 'positions'): ListedMarket {
    const listed = this.at(symbol);
    if (listed.market.type !== 'perpetual') throw new Refusal('NOT_FOUND', `${symbol} is a spot market; only perpetuals have ${what}`);
    return listed;
  }

  /** Of an asset in a body, at `path`: VALIDATION_FAILED when there is none. */
  asset(code: string, path = 'asset'): Asset {
    const asset = this.#state.asset(code);
    if (asset === undefined) throw Refusal.field(path, `there is no asset ${code}`);
    return asset;
  }

  #of(market: Market): ListedMarket {
    const known = this.#listed[market.id];
    if (known?.market === market) return known;
    const base = this.assetById(market.baseAsset);
    const quote = this.assetById(market.quoteAsset);
    const listed = { market, units: known?.units ?? new MarketUnits(market, base, quote), base, quote };
    this.#listed[market.id] = listed;
    return listed;
  }
}

export function unknownSymbol(symbol: string): string {
  return `there is no market ${symbol.slice(0, 40)}`;
}
