/** Prices and sizes in what venues send, and what counts as one. */

/** Of one tick; absent or undefined: it says nothing of it. */
export interface Figures {
  readonly bid?: number | undefined;
  readonly ask?: number | undefined;
  readonly bidSize?: number | undefined;
  readonly askSize?: number | undefined;
  readonly last?: number | undefined;
}

/** Far above any price or size, and far below what sums of a few could overflow. */
const MAX_FIGURE = 1e15;

/** A number above zero that a price or a size can be, else undefined. */
export function positive(value: number | string | null | undefined): number | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const number = Number(value);
  return number > 0 && number <= MAX_FIGURE ? number : undefined;
}
