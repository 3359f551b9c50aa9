/** Market settings between the decimal strings of administrators and the engine's integers, and the defaults of what is left out. The engine judges the result. */
import { parseDecimal } from '../engine/decimal.ts';
import type { Asset, MarketSpec, MarketStatus, RiskTier } from '../engine/market.ts';
import type { Ppm } from '../engine/units.ts';
import { MarketUnits } from '../types/market-units.ts';
import { Refusal } from '../types/refusal.ts';

/** Decimal strings; rates are fractions. Absent = default at creation, unchanged afterwards. */
export interface MarketSettings {
  readonly makerFee?: string;
  readonly takerFee?: string;
  readonly minQuantity?: string;
  readonly maxQuantity?: string;
  readonly maxMarketQuantity?: string;
  readonly minNotional?: string;
  readonly priceBand?: string;
  readonly maxOpenOrders?: number;
  readonly maxPosition?: string;
  readonly maxLeverage?: number;
  readonly riskTiers?: readonly { readonly notionalFloor: string; readonly initialMarginRate: string; readonly maintenanceMarginRate: string }[];
  readonly fundingIntervalMs?: number;
  readonly interestRate?: string;
  readonly fundingCap?: string;
  readonly impactNotional?: string;
  readonly liquidationFeeRate?: string;
  readonly liquidationSurplus?: 'fund' | 'user';
  readonly house?: boolean;
  readonly status?: MarketStatus;
}

export interface NewMarket extends MarketSettings {
  readonly symbol: string;
  readonly type: 'spot' | 'perpetual';
  readonly base: string;
  readonly quote: string;
  readonly tickSize: string;
  readonly lotSize: string;
  readonly makerFee: string;
  readonly takerFee: string;
}

type Changes = Partial<Omit<MarketSpec, 'symbol' | 'type' | 'base' | 'quote' | 'tickSize' | 'lotSize'>>;

const ONE: Ppm = 1_000_000;
const DEFAULT_MAX_LEVERAGE = 20;
const DEFAULT_IMPACT_NOTIONAL = '10000';

/**
 * What a new market has where nothing is said: open, no minimum but one lot, no limits, no band, 200 open orders per user, house off. A perpetual also has leverage up
 * to 20 in one tier (initial margin 1/leverage, maintenance half of it; with tiers given, the leverage that the first one allows), funding every 8 hours with 0.01 %
 * interest, capped at 0.75 %, on an impact notional of 10,000; liquidation surplus to the fund, liquidation fee 0.5 % (used where the surplus goes to the user).
 */
function defaults(input: NewMarket, quote: Asset): Omit<MarketSpec, keyof NewMarket & ('symbol' | 'type' | 'base' | 'quote' | 'tickSize' | 'lotSize')> {
  const perpetual = input.type === 'perpetual';
  return {
    status: 'open',
    makerFee: 0,
    takerFee: 0,
    minQuantity: 1,
    maxQuantity: 0,
    maxMarketQuantity: 0,
    minNotional: 0,
    priceBand: 0,
    maxOpenOrders: 200,
    maxPosition: 0,
    maxLeverage: perpetual ? defaultLeverage(input) : 1,
    riskTiers: perpetual ? [defaultTier(input.maxLeverage ?? DEFAULT_MAX_LEVERAGE)] : [],
    fundingIntervalMs: perpetual ? 28_800_000 : 0,
    interestRate: perpetual ? 100 : 0,
    fundingCap: perpetual ? 7_500 : 0,
    impactNotional: perpetual ? (parseDecimal(DEFAULT_IMPACT_NOTIONAL, quote.scale) ?? 0) : 0,
    liquidationFeeRate: perpetual ? 5_000 : 0,
    liquidationSurplus: 'fund',
    house: false,
  };
}

function defaultLeverage({ riskTiers }: NewMarket): number {
  const first = riskTiers?.[0];
  const initial = first === undefined ? undefined : parseDecimal(first.initialMarginRate, 6);
  return initial === undefined || initial === 0 ? DEFAULT_MAX_LEVERAGE : Math.max(1, Math.floor(ONE / initial));
}

function defaultTier(leverage: number): RiskTier {
  const initialMarginRate = Math.ceil(ONE / leverage);
  return { notionalFloor: 0, initialMarginRate, maintenanceMarginRate: Math.ceil(initialMarginRate / 2) };
}

/** Throws VALIDATION_FAILED where an amount is finer than its asset or step, or too large. */
export function marketSpec(input: NewMarket, base: Asset, quote: Asset): MarketSpec {
  const { symbol, type, tickSize, lotSize } = input;
  let units: MarketUnits;
  try {
    units = new MarketUnits(input, base, quote);
  } catch {
    throw Refusal.field('tickSize', 'tick and lot size must be positive decimals');
  }
  return { ...defaults(input, quote), ...marketChanges(input, units, quote), symbol, type, base: base.code, quote: quote.code, tickSize, lotSize };
}

/** The settings that are present, in engine units. Throws as `marketSpec`. */
export function marketChanges(input: MarketSettings, units: MarketUnits, quote: Asset): Changes {
  const lots = (path: string, text: string | undefined): number | undefined =>
    text === undefined ? undefined : (units.quantity(text) ?? fail(path, 'must be a multiple of the lot size'));
  const amount = (path: string, text: string | undefined): number | undefined =>
    text === undefined ? undefined : (parseDecimal(text, quote.scale) ?? fail(path, `must be an amount of ${quote.code} with at most ${quote.scale} decimals`));
  const changes: Changes = {
    status: input.status,
    makerFee: ppm('makerFee', input.makerFee),
    takerFee: ppm('takerFee', input.takerFee),
    minQuantity: lots('minQuantity', input.minQuantity),
    maxQuantity: lots('maxQuantity', input.maxQuantity),
    maxMarketQuantity: lots('maxMarketQuantity', input.maxMarketQuantity),
    minNotional: amount('minNotional', input.minNotional),
    priceBand: ppm('priceBand', input.priceBand),
    maxOpenOrders: input.maxOpenOrders,
    maxPosition: amount('maxPosition', input.maxPosition),
    maxLeverage: input.maxLeverage,
    riskTiers: input.riskTiers?.map((tier, index) => ({
      notionalFloor: amount(`riskTiers.${index}.notionalFloor`, tier.notionalFloor) ?? 0,
      initialMarginRate: ppm(`riskTiers.${index}.initialMarginRate`, tier.initialMarginRate) ?? 0,
      maintenanceMarginRate: ppm(`riskTiers.${index}.maintenanceMarginRate`, tier.maintenanceMarginRate) ?? 0,
    })),
    fundingIntervalMs: input.fundingIntervalMs,
    interestRate: ppm('interestRate', input.interestRate),
    fundingCap: ppm('fundingCap', input.fundingCap),
    impactNotional: amount('impactNotional', input.impactNotional),
    liquidationFeeRate: ppm('liquidationFeeRate', input.liquidationFeeRate),
    liquidationSurplus: input.liquidationSurplus,
    house: input.house,
  };
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

/** '0.0004' → 400, '-0.0001' → -100. */
function ppm(path: string, text: string | undefined): Ppm | undefined {
  if (text === undefined) return undefined;
  const negative = text.startsWith('-');
  const value = parseDecimal(negative ? text.slice(1) : text, 6) ?? fail(path, 'must be a fraction with at most six decimals');
  return negative ? 0 - value : value;
}

function fail(path: string, message: string): never {
  throw Refusal.field(path, message);
}
