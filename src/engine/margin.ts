/** Margin arithmetic of linear perpetuals: tiers, maintenance and initial margin, the ticks at which a position is called or liquidated, bankruptcy price. Pure. */
import type { RiskTier } from './market.ts';
import { MAX_SAFE, mulDiv } from './mul-div.ts';
import { MAX_PRICE } from './price-tree.ts';
import type { Amount, Lots, Ppm, Ticks } from './units.ts';

export const ONE: Ppm = 1_000_000;

/** A market's tiers, laid out for look-up, with the cumulative amounts that make maintenance margin continuous from tier to tier. */
export interface RiskTable {
  readonly floors: readonly Amount[];
  readonly initialRates: readonly Ppm[];
  readonly maintenanceRates: readonly Ppm[];
  /** cum_0 = 0, cum_k = floor_k × (mmr_k − mmr_{k−1}) + cum_{k−1}, rounded down. */
  readonly cumulative: readonly Amount[];
  readonly leverages: readonly number[];
}

/** What the formulas need to know of a position. `size` signed lots, `cost` and `margin` ≥ 0. */
export interface Exposure {
  readonly size: Lots;
  readonly cost: Amount;
  readonly margin: Amount;
}

export function riskTable(tiers: readonly RiskTier[]): RiskTable {
  const cumulative: Amount[] = [];
  tiers.forEach((tier, k) => {
    const step = k === 0 ? 0 : mulDiv(tier.notionalFloor, tier.maintenanceMarginRate - tiers[k - 1].maintenanceMarginRate, ONE, 'down');
    cumulative.push(k === 0 ? 0 : cumulative[k - 1] + step);
  });
  return {
    floors: tiers.map((tier) => tier.notionalFloor),
    initialRates: tiers.map((tier) => tier.initialMarginRate),
    maintenanceRates: tiers.map((tier) => tier.maintenanceMarginRate),
    cumulative,
    leverages: tiers.map((tier) => leverageFor(tier.initialMarginRate)),
  };
}

/** Whether two lists of tiers say the same, whatever objects they are. */
export function sameTiers(a: readonly RiskTier[], b: readonly RiskTier[]): boolean {
  return a.length === b.length && a.every((tier, k) => {
    const other = b[k];
    return tier.notionalFloor === other.notionalFloor && tier.initialMarginRate === other.initialMarginRate && tier.maintenanceMarginRate === other.maintenanceMarginRate;
  });
}

/** The highest whole leverage whose margin rate 1/leverage, rounded up to a ppm, is at least `rate`. */
export function leverageFor(rate: Ppm): number {
  return rate <= 1 ? ONE : Math.ceil(ONE / (rate - 1)) - 1;
}

export function tierOf(table: RiskTable, notional: Amount): number {
  let tier = table.floors.length - 1;
  while (tier > 0 && notional < table.floors[tier]) tier--;
  return tier;
}

/** MM = N × mmr_k − cum_k, rounded up, where tier k holds N. */
export function maintenanceMargin(table: RiskTable, notional: Amount): Amount {
  const tier = tierOf(table, notional);
  return mulDiv(notional, table.maintenanceRates[tier], ONE, 'up') - table.cumulative[tier];
}

/** s × q × (mark − entry), exactly. */
export function unrealizedPnl(size: Lots, cost: Amount, notional: Amount): Amount {
  return size > 0 ? notional - cost : cost - notional;
}

/** MM / (margin + uPnL) in ppm, rounded up; 0 without maintenance margin; MAX_SAFE when there is no equity left. */
export function marginRatio(maintenance: Amount, equity: Amount): Ppm {
  if (maintenance <= 0) return 0;
  if (equity <= 0 || maintenance / equity > MAX_SAFE / (2 * ONE)) return MAX_SAFE;
  return mulDiv(maintenance, ONE, equity, 'up');
}

/** Parts of a margin ratio of one at which a position is liquidated, and called, in quarters of maintenance margin: MM ≥ equity; MM ≥ 0.8 × equity. */
export const LIQUIDATION_QUARTERS = 4;
export const MARGIN_CALL_QUARTERS = 5;

/** Whether 4 × equity ≤ quarters × MM at this mark. */
export function isCrossed(table: RiskTable, position: Exposure, quotePerTickLot: Amount, mark: Ticks, quarters: number): boolean {
  const { size, cost, margin } = position;
  const notional = mark * Math.abs(size) * quotePerTickLot;
  // Beyond what can be counted: a short is ruined there, a long is rich.
  if (notional > MAX_SAFE / 8) return isCrossedFar(table, position, quotePerTickLot, mark, quarters);
  const equity = margin + unrealizedPnl(size, cost, notional);
  return 4 * equity <= quarters * maintenanceMargin(table, notional);
}

function isCrossedFar(table: RiskTable, { size, cost, margin }: Exposure, quotePerTickLot: Amount, mark: Ticks, quarters: number): boolean {
  const notional = BigInt(mark) * BigInt(Math.abs(size)) * BigInt(quotePerTickLot);
  const tier = notional > BigInt(MAX_SAFE) ? table.floors.length - 1 : tierOf(table, Number(notional));
  const product = notional * BigInt(table.maintenanceRates[tier]);
  const maintenance = (product + BigInt(ONE) - 1n) / BigInt(ONE) - BigInt(table.cumulative[tier]);
  const pnl = size > 0 ? notional - BigInt(cost) : BigInt(cost) - notional;
  return 4n * (BigInt(margin) + pnl) <= BigInt(quarters) * maintenance;
}

/**
 * The first mark, in the direction that hurts, at which `isCrossed` holds: for a long the highest such tick, for a short the lowest; 0 = none that a price can reach.
 * It is the isolated, one-way liquidation price LP = (WB + cum − s·q·entry) / (q·mmr − s·q) (Binance FAQ), recomputed in the tier that holds the notional at LP.
 * The formula gives a first guess in floating point; the exact predicate then settles the tick.
 */
export function thresholdTick(table: RiskTable, position: Exposure, quotePerTickLot: Amount, quarters: number): Ticks {
  const long = position.size > 0;
  const perTick = Math.abs(position.size) * quotePerTickLot;
  const guess = thresholdNotional(table, position, quarters) / perTick;
  let tick = Math.min(Math.max(long ? Math.floor(guess) : Math.ceil(guess), 1), MAX_PRICE);
  if (long) {
    while (tick < MAX_PRICE && isCrossed(table, position, quotePerTickLot, tick + 1, quarters)) tick++;
    while (tick > 0 && !isCrossed(table, position, quotePerTickLot, tick, quarters)) tick--;
    return tick;
  }
  while (tick > 1 && isCrossed(table, position, quotePerTickLot, tick - 1, quarters)) tick--;
  while (tick <= MAX_PRICE && !isCrossed(table, position, quotePerTickLot, tick, quarters)) {
    if (guess > MAX_PRICE) return 0;
    tick++;
  }
  return tick > MAX_PRICE ? 0 : tick;
}

/** The notional N at which 4 × (margin ± (N − cost)) = quarters × MM(N), approximately. */
function thresholdNotional(table: RiskTable, { size, cost, margin }: Exposure, quarters: number): number {
  const factor = quarters / 4;
  const last = table.floors.length - 1;
  for (let tier = 0; ; tier++) {
    const rate = (factor * table.maintenanceRates[tier]) / ONE;
    const cum = factor * table.cumulative[tier];
    const notional = size > 0 ? (cost - margin - cum) / (1 - rate) : (cost + margin + cum) / (1 + rate);
    if (tier === last || notional < table.floors[tier + 1]) return notional;
  }
}

/** What a position comes to at a mark. */
export interface Valuation {
  readonly mark: Ticks;
  readonly notional: Amount;
  readonly unrealizedPnl: Amount;
  readonly maintenanceMargin: Amount;
  /** MM / (margin + uPnL), in ppm; ≥ 1,000,000 liquidates. */
  readonly marginRatio: Ppm;
  /** 0 = none (cannot be liquidated). */
  readonly liquidationPrice: Ticks;
  readonly bankruptcyPrice: Ticks;
  readonly tier: number;
}

export function valuation(table: RiskTable, position: Exposure, quotePerTickLot: Amount, mark: Ticks): Valuation {
  const { size, cost, margin } = position;
  const notional = Math.abs(size) * mark * quotePerTickLot;
  const pnl = unrealizedPnl(size, cost, notional);
  const maintenance = maintenanceMargin(table, notional);
  return {
    mark, notional, unrealizedPnl: pnl, maintenanceMargin: maintenance, marginRatio: marginRatio(maintenance, margin + pnl),
    liquidationPrice: thresholdTick(table, position, quotePerTickLot, LIQUIDATION_QUARTERS), bankruptcyPrice: bankruptcyPrice(position, quotePerTickLot), tier: tierOf(table, notional),
  };
}

/** entry − s·margin/q: where the margin is exactly used up, rounded to the tick that still leaves nothing below zero. At least 1. */
export function bankruptcyPrice({ size, cost, margin }: Exposure, quotePerTickLot: Amount): Ticks {
  const perTick = Math.abs(size) * quotePerTickLot;
  const tick = size > 0 ? mulDiv(cost - margin, 1, perTick, 'up') : mulDiv(cost + margin, 1, perTick, 'down');
  return Math.min(Math.max(tick, 1), MAX_PRICE);
}
