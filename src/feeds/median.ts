/** Medians. Pure. */

export interface Weighted {
  readonly value: number;
  /** Above zero. */
  readonly weight: number;
}

/** Middle value; the mean of the two middle ones where their number is even. At least one value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The value at which half of the weight lies on either side; where half ends exactly between two values, their mean. At least one value. */
export function weightedMedian(items: readonly Weighted[]): number {
  const sorted = [...items].sort((a, b) => a.value - b.value);
  const half = sorted.reduce((sum, item) => sum + item.weight, 0) / 2;
  let below = 0;
  for (let at = 0; at < sorted.length - 1; at++) {
    below += sorted[at].weight;
    if (Math.abs(below - half) <= half * 1e-12) return (sorted[at].value + sorted[at + 1].value) / 2;
    if (below > half) return sorted[at].value;
  }
  return sorted[sorted.length - 1].value;
}

/**
 * Keeps any one of three or more from weighing as much as all others together: then the weighted median cannot leave the range of the others,
 * whatever that one says.
 */
export function withoutDictator(weights: readonly number[]): number[] {
  if (weights.length < 3) return [...weights];
  const [first, second, ...rest] = [...weights].sort((a, b) => b - a);
  const small = rest.reduce((sum, weight) => sum + weight, 0);
  // Below all others together, yet not so far below that the second would become what the first was.
  const most = second + small * 0.999;
  return first < second + small ? [...weights] : weights.map((weight) => Math.min(weight, most));
}
