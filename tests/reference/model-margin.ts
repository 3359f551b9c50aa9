/** Margin by the closed formulas of the trading rules, in exact rationals. */
import type { ModelMarket, ModelPosition } from './model-state.ts';
import { ceilDiv, floorDiv, max, min } from './rational.ts';

const MILLION = 1_000_000n;

export function tierOf(market: ModelMarket, notional: bigint): { readonly mmr: bigint; readonly imr: bigint; readonly cum: bigint; readonly floor: bigint } {
  let cum = 0n;
  let found = { mmr: 0n, imr: 0n, cum: 0n, floor: 0n };
  let previous = 0n;
  for (const [k, { notionalFloor, initialMarginRate, maintenanceMarginRate }] of market.spec.riskTiers.entries()) {
    if (BigInt(notionalFloor) > notional && k > 0) break;
    if (k > 0) cum += floorDiv(BigInt(notionalFloor) * (BigInt(maintenanceMarginRate) - previous), MILLION);
    previous = BigInt(maintenanceMarginRate);
    found = { mmr: previous, imr: BigInt(initialMarginRate), cum, floor: BigInt(notionalFloor) };
  }
  return found;
}

export function maintenanceMargin(market: ModelMarket, notional: bigint): bigint {
  const { mmr, cum } = tierOf(market, notional);
  return ceilDiv(notional * mmr, MILLION) - cum;
}

/** N and margin + unrealised P&L at a price. */
export function valued(market: ModelMarket, position: ModelPosition, price: bigint): { readonly notional: bigint; readonly equity: bigint } {
  const size = position.size < 0n ? -position.size : position.size;
  const notional = size * price * market.unit;
  const pnl = position.size > 0n ? notional - position.cost : position.cost - notional;
  return { notional, equity: position.margin + pnl };
}

/**
 * LP = (WB + cum − s·q·entry) ÷ (q·mmr − s·q) (Binance) with TMM = UPNL = 0, in each tier whose notional at LP lies in it; to the first tick, in the direction that hurts, that has
 * reached it. Rational: numerator and denominator in quote minor units and lots. undefined: no price reaches it.
 */
export function liquidationPrice(market: ModelMarket, { size, cost, margin }: ModelPosition): bigint | undefined {
  const { spec, unit } = market;
  const s = size > 0n ? 1n : -1n;
  const q = size * s;
  const found: bigint[] = [];
  for (const [k, { notionalFloor }] of spec.riskTiers.entries()) {
    const floor = BigInt(notionalFloor);
    const ceiling = k + 1 < spec.riskTiers.length ? BigInt(spec.riskTiers[k + 1].notionalFloor) : undefined;
    const { mmr, cum } = tierOf(market, floor);
    const numerator = (margin + cum - s * cost) * MILLION;
    const denominator = (mmr - s * MILLION) * q * unit;
    if (denominator === 0n) continue;
    const [above, below] = denominator < 0n ? [-numerator, -denominator] : [numerator, denominator];
    if (above <= 0n) continue;
    const tick = s > 0n ? floorDiv(above, below) : ceilDiv(above, below);
    const notional = tick * q * unit;
    if (tick >= 1n && notional >= floor && (ceiling === undefined || notional < ceiling)) found.push(tick);
  }
  if (found.length === 0) return undefined;
  return found.reduce(s > 0n ? max : min);
}
