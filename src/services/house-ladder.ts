/** The quotes a house maker wants, and the fewest changes that lead there from those it has. Pure; prices in ticks, quantities in lots. */
import type { Market } from '../engine/market.ts';
import type { OrderView } from '../engine/reader.ts';
import type { Lots, OrderId, Side, Ticks } from '../engine/units.ts';

export interface LadderConfig {
  /** Of the centre: distance of the best quotes. */
  readonly halfSpread: number;
  /** Per side. */
  readonly levels: number;
  /** Each level's distance from the centre is this many times the one before. */
  readonly distanceGrowth: number;
  /** Of the best level, in dollars; each further level has `sizeStep` times this more. */
  readonly notional: number;
  readonly sizeStep: number;
  /** How far full inventory moves the centre, in half spreads. */
  readonly skew: number;
  /** A quote stays while it is off by less than this share of the gap to the next level: below a half, so that no quote stands for another level. */
  readonly tolerance: number;
  /** … and while at least this share of its size is left. */
  readonly refillBelow: number;
}

/** Quotes from 2 bp to 1.8 % of the centre with some 390,000 dollars a side. */
export const LADDER: LadderConfig = { halfSpread: 0.0002, levels: 16, distanceGrowth: 1.35, notional: 7_500, sizeStep: 0.3, skew: 2, tolerance: 0.45, refillBelow: 0.6 };

export interface Quote {
  readonly side: Side;
  readonly price: Ticks;
  readonly quantity: Lots;
  /** How far off, in ticks, an order may be and still stand for it. */
  readonly slack: number;
}

export interface LadderInput {
  readonly market: Market;
  readonly centre: Ticks;
  /** −1 = as short as it may be, 1 = as long: the centre moves against it, and at the ends only the side that reduces it is quoted. */
  readonly inventory: number;
  /** Minor units of quote per dollar. */
  readonly unitsPerDollar: number;
}

/** Sum of one side's notional, in dollars. */
export function sideNotional({ levels, notional, sizeStep }: LadderConfig): number {
  return notional * (levels + (sizeStep * levels * (levels - 1)) / 2);
}

/** Best first, bids then asks. */
export function ladder(config: LadderConfig, input: LadderInput): Quote[] {
  // In hundredths, so that a few coins more do not move all quotes.
  const inventory = Math.min(1, Math.max(-1, Math.round(input.inventory * 100) / 100));
  const centre = input.centre * (1 - config.skew * config.halfSpread * inventory);
  const bids = inventory >= 1 ? [] : side(config, input, centre, 'buy');
  const asks = inventory <= -1 ? [] : side(config, input, centre, 'sell');
  return [...bids, ...asks];
}

function side(config: LadderConfig, { market, unitsPerDollar }: LadderInput, centre: number, of: Side): Quote[] {
  const quotes: Quote[] = [];
  for (let level = 0; level < config.levels; level++) {
    const distance = centre * config.halfSpread * config.distanceGrowth ** level;
    const wished = of === 'buy' ? Math.floor(centre - distance) : Math.ceil(centre + distance);
    const price = apart(wished, quotes.at(-1)?.price, of);
    if (price < 1) break;
    const units = config.notional * (1 + config.sizeStep * level) * unitsPerDollar;
    const quantity = clampQuantity(market, Math.round(units / (price * market.quotePerTickLot)));
    if (price * quantity * market.quotePerTickLot < market.minNotional) continue;
    quotes.push({ side: of, price, quantity, slack: config.tolerance * distance * (1 - 1 / config.distanceGrowth) });
  }
  return quotes;
}

/** At least one tick further than the level before. */
function apart(wished: number, before: number | undefined, of: Side): number {
  if (before === undefined) return wished;
  return of === 'buy' ? Math.min(wished, before - 1) : Math.max(wished, before + 1);
}

function clampQuantity({ minQuantity, maxQuantity }: Market, quantity: number): number {
  return Math.max(minQuantity, maxQuantity === 0 ? quantity : Math.min(maxQuantity, quantity));
}

export interface Change {
  readonly cancel: readonly OrderId[];
  readonly place: readonly Quote[];
}

/** Keeps each order that stands near enough to a wanted quote and has enough left; the others are canceled, and quotes without an order are placed. */
export function changes(config: LadderConfig, wanted: readonly Quote[], orders: readonly Pick<OrderView, 'id' | 'side' | 'price' | 'remaining'>[]): Change {
  const free = new Set(orders);
  const place: Quote[] = [];
  for (const quote of wanted) {
    let best: (typeof orders)[number] | undefined;
    for (const order of free) {
      const serves = order.side === quote.side && Math.abs(order.price - quote.price) <= quote.slack && order.remaining >= config.refillBelow * quote.quantity;
      if (serves && (best === undefined || Math.abs(order.price - quote.price) < Math.abs(best.price - quote.price))) best = order;
    }
    if (best === undefined) place.push(quote);
    else free.delete(best);
  }
  return { cancel: [...free].map(({ id }) => id), place };
}
