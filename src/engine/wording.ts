/** Prices, quantities and amounts as people write them, for the sentences of refusals. Never used for money itself. */
import { formatDecimal, parseStep } from './decimal.ts';
import type { Asset, Market } from './market.ts';
import type { Amount, Lots, Ticks } from './units.ts';

function written(value: number, scale: number): string {
  return Number.isSafeInteger(value) ? formatDecimal(value, scale) : 'more than can be counted';
}

/** '1.5 USDT'. */
export function money(asset: Asset, amount: Amount): string {
  return `${written(amount, asset.scale)} ${asset.code}`;
}

/** How one market's figures are written. */
export class Wording {
  readonly #tick: { readonly units: number; readonly scale: number };
  readonly #lot: { readonly units: number; readonly scale: number };
  readonly #base: Asset;
  readonly #quote: Asset;

  /** Throws for steps that are no decimals: no such market is ever created. */
  constructor(market: Market, assets: readonly Asset[]) {
    const tick = parseStep(market.tickSize);
    const lot = parseStep(market.lotSize);
    if (tick === undefined || lot === undefined) throw new Error(`market ${market.symbol} has no tick or lot size`);
    this.#tick = tick;
    this.#lot = lot;
    this.#base = assets[market.baseAsset];
    this.#quote = assets[market.quoteAsset];
  }

  price(ticks: Ticks): string {
    return written(ticks * this.#tick.units, this.#tick.scale);
  }

  quantity(lots: Lots): string {
    return `${written(lots * this.#lot.units, this.#lot.scale)} ${this.#base.code}`;
  }

  base(amount: Amount): string {
    return money(this.#base, amount);
  }

  quote(amount: Amount): string {
    return money(this.#quote, amount);
  }
}
