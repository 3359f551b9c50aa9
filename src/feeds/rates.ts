/**
 * What one US dollar is worth in another (USDT in USD), from what the sources quote. Pure. A rate multiplies every price that is converted with it, so one quoter alone is
 * believed only near the last rate that two agreed on, or near par before there was one; a rate that cannot be believed is never replaced by par.
 */
import { median } from './median.ts';
import { withoutOutliers } from './outliers.ts';

export interface RateLimits {
  /** Fraction beyond which two rates disagree. */
  readonly outlierLimit: number;
  /** A rate further than this from 1 is not believed, whoever quotes it. */
  readonly maxDepeg: number;
}

export interface Rate {
  readonly rate: number;
  /** Whether somebody quotes it now; otherwise it is the last one, or par. */
  readonly quoted: boolean;
}

interface Known {
  /** Two quoters agreed on it last. */
  agreed: number;
  /** What was said last could not be believed. */
  doubted: boolean;
}

export class DollarRates {
  readonly #limits: RateLimits;
  /** By `FROM-TO`. */
  readonly #known = new Map<string, Known>();

  constructor(limits: RateLimits) {
    this.#limits = limits;
  }

  /** By what the sources quote now. undefined: it is doubtful. */
  of(from: string, to: string, quotes: readonly number[]): Rate | undefined {
    const known = this.#of(`${from}-${to}`);
    const { outlierLimit, maxDepeg } = this.#limits;
    // Silence proves nothing: what was doubtful stays so, and what was away from par is not known any more.
    if (quotes.length === 0) return known.doubted || Math.abs(known.agreed - 1) > outlierLimit ? undefined : { rate: known.agreed, quoted: false };
    const witness = { price: known.agreed };
    const kept = withoutOutliers([...quotes.map((price) => ({ price })), witness], outlierLimit);
    const believed = kept.filter((quote) => quote !== witness).map(({ price }) => price);
    const rate = believed.length > 0 && kept.length > 1 ? median(believed) : undefined;
    known.doubted = rate === undefined || Math.abs(rate - 1) > maxDepeg;
    if (rate === undefined || known.doubted) return undefined;
    if (believed.length > 1) known.agreed = rate;
    return { rate, quoted: true };
  }

  clear(): void {
    this.#known.clear();
  }

  #of(pair: string): Known {
    const known = this.#known.get(pair);
    if (known !== undefined) return known;
    const made = { agreed: 1, doubted: false };
    this.#known.set(pair, made);
    return made;
  }
}
