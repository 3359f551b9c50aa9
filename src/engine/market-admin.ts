/** Creating assets and markets and changing them: everything is validated here, so that the rest may rely on it. */
import type { CommandOf } from './commands.ts';
import type { Core } from './core.ts';
import { parseStep } from './decimal.ts';
import { MAX_NOTIONAL } from './fill.ts';
import { MARKET_STATUSES, SAFETIES, type Asset, type Market, type MarketSpec, type RiskTier } from './market.ts';
import { defaultLeverage, nextFunding } from './market-state.ts';
import type { MarketState } from './market-state.ts';
import { isCrossed, leverageFor, LIQUIDATION_QUARTERS, ONE, riskTable, sameTiers } from './margin.ts';
import { MAX_MARKETS } from './standings.ts';
import { exposureOf } from './positions.ts';
import { reject } from './reject.ts';
import type { Reject } from './reject.ts';
import type { Millis } from './units.ts';

const ASSET_CODE = /^[A-Z0-9]{2,12}$/;
const MAX_SCALE = 12;
const MAX_ASSETS = 1024;
const MAX_FEE = 50_000;
const MAX_OPEN_ORDERS = 100_000;
const MAX_LEVERAGE = 1_000;
const MAX_TIERS = 50;
const MAX_MAINTENANCE = 500_000;
const MIN_FUNDING_MS = 1_000;
const MAX_FUNDING_MS = 7 * 86_400_000;

function invalid(detail: string): Reject {
  return reject('VALIDATION_FAILED', detail);
}

function isCount(value: unknown, low: number, high: number): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= low && value <= high;
}

export function createAsset(core: Core, { code, scale }: CommandOf<'create_asset'>): Reject | undefined {
  if (typeof code !== 'string' || !ASSET_CODE.test(code)) return invalid('An asset code has 2 to 12 of A-Z and 0-9.');
  if (!isCount(scale, 0, MAX_SCALE)) return invalid(`The scale must be 0 to ${MAX_SCALE} decimals.`);
  if (core.assetByCode.has(code)) return reject('CONFLICT', `Asset ${code} exists already.`);
  if (core.assets.length >= MAX_ASSETS) return reject('RISK_REJECTED', `At most ${MAX_ASSETS} assets are supported.`);
  core.emit({ seq: core.nextSeq, type: 'asset_created', asset: { id: core.assets.length, code, scale } });
  return undefined;
}

export function createMarket(core: Core, { spec }: CommandOf<'create_market'>): Reject | undefined {
  const base = core.assetByCode.get(spec.base);
  const quote = core.assetByCode.get(spec.quote);
  if (spec.type !== 'spot' && spec.type !== 'perpetual') return invalid('A market is spot or perpetual.');
  if (base === undefined || quote === undefined || base === quote) return invalid('Base and quote must be two assets that exist.');
  const symbol = `${spec.base}-${spec.quote}${spec.type === 'perpetual' ? '-PERP' : ''}`;
  if (spec.symbol !== symbol) return invalid(`The symbol of this market must be ${symbol}.`);
  if (core.marketBySymbol.has(symbol)) return reject('CONFLICT', `Market ${symbol} exists already.`);
  if (core.markets.length >= MAX_MARKETS) return reject('RISK_REJECTED', `At most ${MAX_MARKETS} markets are supported.`);
  const market = derive(core.markets.length, spec, base, quote);
  if ('ok' in market) return market;
  const refused = checkSpec(market) ?? checkRebates(market, undefined);
  if (refused !== undefined) return refused;
  core.emit({ seq: core.nextSeq, type: 'market_created', market });
  return undefined;
}

/** Every field by name: nothing else of what was sent gets into the state. */
function pick(spec: MarketSpec): MarketSpec {
  return {
    symbol: spec.symbol, type: spec.type, base: spec.base, quote: spec.quote, tickSize: spec.tickSize, lotSize: spec.lotSize, status: spec.status, makerFee: spec.makerFee,
    takerFee: spec.takerFee, minQuantity: spec.minQuantity, maxQuantity: spec.maxQuantity, maxMarketQuantity: spec.maxMarketQuantity, minNotional: spec.minNotional,
    priceBand: spec.priceBand, maxOpenOrders: spec.maxOpenOrders, maxPosition: spec.maxPosition, maxLeverage: spec.maxLeverage, riskTiers: pickTiers(spec.riskTiers),
    fundingIntervalMs: spec.fundingIntervalMs, interestRate: spec.interestRate, fundingCap: spec.fundingCap, impactNotional: spec.impactNotional,
    liquidationFeeRate: spec.liquidationFeeRate, liquidationSurplus: spec.liquidationSurplus, house: spec.house,
  };
}

function pickTiers(tiers: readonly RiskTier[]): readonly RiskTier[] {
  return tiers.map(({ notionalFloor, initialMarginRate, maintenanceMarginRate }) => ({ notionalFloor, initialMarginRate, maintenanceMarginRate }));
}

function derive(id: number, spec: MarketSpec, base: Asset, quote: Asset): Market | Reject {
  const tick = parseStep(spec.tickSize);
  const lot = parseStep(spec.lotSize);
  if (tick === undefined || lot === undefined) return invalid('Tick and lot size must be positive decimals.');
  const basePerLot = scaled(lot.units, base.scale - lot.scale);
  if (basePerLot === undefined) return invalid(`The lot size must be a whole number of minor units of ${base.code} (${base.scale} decimals).`);
  const quotePerTickLot = scaled(tick.units * lot.units, quote.scale - tick.scale - lot.scale);
  if (quotePerTickLot === undefined) return invalid(`Tick size × lot size must be a whole number of minor units of ${quote.code} (${quote.scale} decimals).`);
  return { ...pick(spec), id, baseAsset: base.id, quoteAsset: quote.id, quotePerTickLot, basePerLot, safety: 'normal' };
}

/** units × 10^exponent; undefined when that is not a whole number, or too large to be of use. */
function scaled(units: number, exponent: number): number | undefined {
  if (!Number.isSafeInteger(units)) return undefined;
  const value = exponent >= 0 ? units * 10 ** exponent : units / 10 ** -exponent;
  return Number.isSafeInteger(value) && value >= 1 && value <= 2 ** 40 ? value : undefined;
}

function checkSpec(market: Market): Reject | undefined {
  if (!MARKET_STATUSES.includes(market.status)) return invalid(`The status must be one of ${MARKET_STATUSES.join(', ')}.`);
  if (!isCount(market.makerFee, -MAX_FEE, MAX_FEE) || !isCount(market.takerFee, -MAX_FEE, MAX_FEE)) return invalid('A fee must be within ±5 %, in whole ppm.');
  if (market.makerFee + market.takerFee < 0) return invalid('A rebate may not be more than the other side\'s fee.');
  if (!isCount(market.minQuantity, 1, MAX_NOTIONAL)) return invalid('The least quantity must be at least 1 lot.');
  if (!isCount(market.maxQuantity, 0, MAX_NOTIONAL) || (market.maxQuantity !== 0 && market.maxQuantity < market.minQuantity)) return invalid('The largest quantity may not be below the least.');
  if (!isCount(market.maxMarketQuantity, 0, MAX_NOTIONAL) || (market.maxMarketQuantity !== 0 && market.maxMarketQuantity < market.minQuantity)) {
    return invalid('The largest quantity of a market order may not be below the least.');
  }
  if (!isCount(market.minNotional, 0, MAX_NOTIONAL) || !isCount(market.maxPosition, 0, MAX_NOTIONAL)) return invalid('Notional limits must be amounts.');
  if (!isCount(market.priceBand, 0, ONE - 1)) return invalid('The price band must be below 100 %.');
  if (!isCount(market.maxOpenOrders, 1, MAX_OPEN_ORDERS)) return invalid(`The open-order limit must be 1 to ${MAX_OPEN_ORDERS}.`);
  if (typeof market.house !== 'boolean') return invalid('house is true or false.');
  return checkFutures(market) ?? (market.type === 'perpetual' ? checkPerpetual(market) : checkSpot(market));
}

/**
 * On spot the buyer pays its fee in base and the seller in quote: one cannot pay the other's rebate, and the venue has nothing else to pay it from. A market that has had a
 * rebate since before this was checked can still be steered, but gets no other.
 */
function checkRebates({ type, makerFee, takerFee }: Market, before: Market | undefined): Reject | undefined {
  if (type !== 'spot') return undefined;
  const kept = (makerFee >= 0 || makerFee === before?.makerFee) && (takerFee >= 0 || takerFee === before?.takerFee);
  return kept ? undefined : invalid('A spot market pays no rebates: its two fees are taken in different assets, and neither can pay for the other.');
}

function checkSpot({ riskTiers, fundingIntervalMs }: Market): Reject | undefined {
  return riskTiers.length === 0 && fundingIntervalMs === 0 ? undefined : invalid('A spot market has no risk tiers and no funding.');
}

/** What a spot market has no use for, and may hold nothing unheard of in all the same. */
function checkFutures(market: Market): Reject | undefined {
  if (!isCount(market.maxLeverage, 1, MAX_LEVERAGE)) return invalid(`The leverage limit must be 1 to ${MAX_LEVERAGE}.`);
  if (!isCount(market.interestRate, -ONE, ONE) || !isCount(market.fundingCap, 0, ONE)) return invalid('Interest and funding cap must be rates of at most 100 %.');
  if (!isCount(market.impactNotional, 0, MAX_NOTIONAL)) return invalid('The impact notional must be an amount.');
  if (!isCount(market.liquidationFeeRate, 0, MAX_FEE)) return invalid('The liquidation fee must be 0 to 5 %.');
  if (market.liquidationSurplus !== 'fund' && market.liquidationSurplus !== 'user') return invalid('The liquidation surplus goes to the fund or the user.');
  return undefined;
}

function checkPerpetual(market: Market): Reject | undefined {
  if (!isCount(market.fundingIntervalMs, MIN_FUNDING_MS, MAX_FUNDING_MS)) return invalid('The funding interval must be one second to seven days.');
  return checkTiers(market);
}

function checkTiers({ riskTiers, maxLeverage }: Market): Reject | undefined {
  if (riskTiers.length < 1 || riskTiers.length > MAX_TIERS) return invalid(`There must be 1 to ${MAX_TIERS} risk tiers.`);
  for (const [k, tier] of riskTiers.entries()) {
    const before = riskTiers[k - 1];
    if (!isCount(tier.notionalFloor, 0, MAX_NOTIONAL) || (before === undefined ? tier.notionalFloor !== 0 : tier.notionalFloor <= before.notionalFloor)) {
      return invalid('Risk tiers must ascend by notional floor, the first at 0.');
    }
    if (!isCount(tier.initialMarginRate, 1, ONE) || !isCount(tier.maintenanceMarginRate, 1, MAX_MAINTENANCE)) return invalid('Margin rates must be above 0, and maintenance at most 50 %.');
    if (tier.maintenanceMarginRate >= tier.initialMarginRate) return invalid('The maintenance margin rate must be below the initial one.');
    if (before !== undefined && (tier.initialMarginRate < before.initialMarginRate || tier.maintenanceMarginRate < before.maintenanceMarginRate)) {
      return invalid('Margin rates may not fall from tier to tier.');
    }
  }
  const allowed = leverageFor(riskTiers[0].initialMarginRate);
  return maxLeverage <= allowed ? undefined : invalid(`The first tier's initial margin allows a leverage of at most ${allowed}.`);
}

/** Absent changes leave things as they are. Refused where an open position would be liquidated by the new tiers alone. */
export function updateMarket(core: Core, { market: id, changes }: CommandOf<'update_market'>): Reject | undefined {
  const state = core.marketStates[id];
  if (state === undefined) return reject('UNKNOWN_SYMBOL', 'There is no such market.');
  const given = Object.fromEntries(Object.entries(changes).filter(([key, value]) => Object.hasOwn(CHANGEABLE, key) && value !== undefined));
  const market: Market = { ...state.market, ...given, ...(changes.riskTiers === undefined ? {} : { riskTiers: pickTiers(changes.riskTiers) }) };
  const refused = checkSpec(market) ?? checkRebates(market, state.market) ?? checkPositions(core, state, market);
  if (refused !== undefined) return refused;
  core.emit({
    seq: core.nextSeq, type: 'market_updated', market, reason: 'administrator', nextFundingTime: nextFundingAfter(core, state, market),
    keptLeverage: state.perpetual && defaultLeverage(market) !== state.defaultLeverage ? state.defaultLeverage : undefined,
  });
  return undefined;
}

/** With another interval: nobody is spared the funding that is nearly due. */
function nextFundingAfter(core: Core, { market: before, nextFundingTime }: MarketState, { fundingIntervalMs }: Market): Millis | undefined {
  return fundingIntervalMs === before.fundingIntervalMs ? undefined : Math.min(nextFundingTime, nextFunding(core.now, fundingIntervalMs));
}

const CHANGEABLE: Readonly<Record<keyof CommandOf<'update_market'>['changes'], true>> = {
  status: true, makerFee: true, takerFee: true, minQuantity: true, maxQuantity: true, maxMarketQuantity: true, minNotional: true, priceBand: true, maxOpenOrders: true, maxPosition: true,
  maxLeverage: true, riskTiers: true, fundingIntervalMs: true, interestRate: true, fundingCap: true, impactNotional: true, liquidationFeeRate: true, liquidationSurplus: true, house: true,
};

function checkPositions(core: Core, state: MarketState, market: Market): Reject | undefined {
  if (sameTiers(market.riskTiers, state.market.riskTiers) || state.mark === 0) return undefined;
  const table = riskTable(market.riskTiers);
  const ruined = state.positions.filter((standing) => {
    const before = isCrossed(state.risk, exposureOf(core, standing), market.quotePerTickLot, state.mark, LIQUIDATION_QUARTERS);
    return !before && isCrossed(table, exposureOf(core, standing), market.quotePerTickLot, state.mark, LIQUIDATION_QUARTERS);
  });
  return ruined.length === 0 ? undefined : reject('CONFLICT', `The new tiers would liquidate ${ruined.length} open positions.`);
}

/** The price feed moves a market to its safe state and back. */
export function setSafety(core: Core, { market: id, safety, reason }: CommandOf<'set_safety'>): Reject | undefined {
  const state = core.marketStates[id];
  if (state === undefined) return reject('UNKNOWN_SYMBOL', 'There is no such market.');
  if (!SAFETIES.includes(safety)) return invalid('Safety is normal, reduce_only or halted.');
  if (safety === state.market.safety) return undefined;
  core.emit({ seq: core.nextSeq, type: 'market_updated', market: { ...state.market, safety }, reason: String(reason) });
  return undefined;
}
