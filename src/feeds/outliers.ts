/** Which prices lie apart from the others. Pure. */
import { median } from './median.ts';

/** How far apart two prices are, as a fraction of the lower one: half is as far as double. */
export function distance(a: number, b: number): number {
  return Math.max(a / b, b / a) - 1;
}

/**
 * Drops what is no price, then, one at a time, the one furthest from the median of the others while it is beyond the limit. Two that disagree both go: nobody can tell
 * which is right.
 */
export function withoutOutliers<T extends { readonly price: number }>(pool: readonly T[], limit: number): T[] {
  let kept = pool.filter(({ price }) => price > 0 && price < Infinity);
  while (kept.length >= 2) {
    const deviations = kept.map((item, at) => distance(item.price, median(kept.filter((_, other) => other !== at).map(({ price }) => price))));
    const worst = Math.max(...deviations);
    if (worst <= limit) return kept;
    if (kept.length === 2) return [];
    // One goes each time, also where middles overflow and nothing can be compared.
    const at = Math.max(0, deviations.indexOf(worst));
    kept = kept.filter((_, other) => other !== at);
  }
  return kept;
}
