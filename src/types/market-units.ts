/** Between the decimal strings of clients and the integers of one market. Both directions are exact. */
import { formatDecimal, parseDecimal, parseStep } from '../engine/decimal.ts';
import type { Asset, Market } from '../engine/market.ts';
import type { Amount, Lots, Ppm, Ticks } from '../engine/units.ts';

interface Step {
  readonly units: number;
  readonly scale: number;
}

export class MarketUnits {
  readonly #tick: Step;
  readonly #lot: Step;
  readonly #quoteScale: number;
  readonly #baseScale: number;

  constructor(market: Pick<Market, 'symbol' | 'tickSize' | 'lotSize'>, base: Asset, quote: Asset) {
    const tick = parseStep(market.tickSize);
    const lot = parseStep(market.lotSize);
    if (tick === undefined || lot === undefined) throw new Error(`market ${market.symbol} has no valid tick or lot size`);
    this.#tick = tick;
    this.#lot = lot;
    this.#quoteScale = quote.scale;
    this.#baseScale = base.scale;
  }

  /** undefined: not a decimal or not a multiple of the tick size. */
  price(text: string): Ticks | undefined {
    return multiple(text, this.#tick);
  }

  /** undefined: not a decimal or not a multiple of the lot size. */
  quantity(text: string): Lots | undefined {
    return multiple(text, this.#lot);
  }

  /** Nearest tick of a price that comes from outside, at least 1; undefined: not a positive decimal number. */
  nearestTick(price: number): Ticks | undefined {
    if (!Number.isFinite(price) || price <= 0) return undefined;
    const ticks = Math.max(1, Math.round((price * 10 ** this.#tick.scale) / this.#tick.units));
    return Number.isSafeInteger(ticks) ? ticks : undefined;
  }

  formatPrice(ticks: Ticks): string {
    return formatDecimal(ticks * this.#tick.units, this.#tick.scale);
  }

  /** A price between ticks, given as cost over lots (both integers), rounded half up at two decimals below the tick. */
  formatAverage(cost: Amount | bigint, lots: Lots | bigint, quotePerTickLot: Amount): string {
    if (lots === 0) return '0';
    const scale = this.#tick.scale + 2;
    const doubled = 200 * Number(cost) * this.#tick.units;
    const divisor = 2 * Number(lots) * quotePerTickLot;
    // Numbers are exact as long as these are safe; beyond that, and rarely, it takes larger ones.
    const dividend = doubled + divisor / 2;
    if (Number.isSafeInteger(dividend) && Number.isSafeInteger(divisor)) return formatDecimal((dividend - (dividend % divisor)) / divisor, scale);
    const numerator = BigInt(cost) * BigInt(this.#tick.units) * 100n;
    const denominator = BigInt(lots) * BigInt(quotePerTickLot);
    return formatDecimal(Number((2n * numerator + denominator) / (2n * denominator)), scale);
  }

  formatQuantity(lots: Lots): string {
    return formatDecimal(lots * this.#lot.units, this.#lot.scale);
  }

  formatQuote(amount: Amount): string {
    return formatDecimal(amount, this.#quoteScale);
  }

  formatBase(amount: Amount): string {
    return formatDecimal(amount, this.#baseScale);
  }
}

export function formatRate(rate: Ppm): string {
  return formatDecimal(rate, 6);
}

function multiple(text: string, step: Step): number | undefined {
  const value = parseDecimal(text, step.scale);
  return value === undefined || value % step.units !== 0 ? undefined : value / step.units;
}
