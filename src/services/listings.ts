/** The built-in assets and markets, and their creation at the first start. What an administrator changes afterwards stays changed. */
import type { MarketSpec, RiskTier } from '../engine/market.ts';
import type { Sequencer } from '../sequencer/sequencer.ts';
import { commit } from './commit.ts';

const USDT = 1_000_000;

export const ASSETS = [
  { code: 'USDT', scale: 6 },
  { code: 'BTC', scale: 8 },
  { code: 'ETH', scale: 8 },
  { code: 'SOL', scale: 8 },
] as const;

/**
 * Largest notional, initial and maintenance margin per tier as Binance published them for its BTCUSDT perpetual (“Updates to Leverage and Margin Tiers of
 * Binance Futures Contracts”, 2021-03-18). Check figure there and in its formula: maintenance at 250,000 USDT is 250,000 × 1 % − 1,300.
 */
const MAJOR = tiers([
  [50_000, 0.008, 0.004], [250_000, 0.01, 0.005], [1_000_000, 0.02, 0.01], [10_000_000, 0.05, 0.025], [20_000_000, 0.1, 0.05], [50_000_000, 0.2, 0.1],
  [100_000_000, 0.25, 0.125], [200_000_000, 0.333, 0.15], [300_000_000, 0.5, 0.25], [500_000_000, 1, 0.5],
]);
/** As published there for contracts with a leverage of 50; the last tier is open-ended there and ends here at its market's `maxPosition`. */
const MINOR = tiers([
  [5_000, 0.02, 0.01], [25_000, 0.05, 0.025], [100_000, 0.1, 0.05], [250_000, 0.2, 0.1], [1_000_000, 0.5, 0.125], [10_000_000, 1, 0.5],
]);

/** Each row: largest notional in USDT, initial and maintenance margin rate. */
function tiers(rows: readonly (readonly [number, number, number])[]): readonly RiskTier[] {
  return rows.map(([, initial, maintenance], at) => ({
    notionalFloor: at === 0 ? 0 : rows[at - 1][0] * USDT,
    initialMarginRate: Math.round(initial * 1_000_000),
    maintenanceMarginRate: Math.round(maintenance * 1_000_000),
  }));
}

type Sizes = Pick<MarketSpec, 'base' | 'tickSize' | 'lotSize' | 'maxQuantity' | 'maxMarketQuantity'>;

/** Fees 0.1 % / 0.1 %, no price band. */
function spot(sizes: Sizes): MarketSpec {
  return {
    ...common(sizes), symbol: `${sizes.base}-USDT`, type: 'spot', makerFee: 1_000, takerFee: 1_000, priceBand: 0, maxPosition: 0, maxLeverage: 1, riskTiers: [],
    fundingIntervalMs: 0, interestRate: 0, fundingCap: 0, impactNotional: 0, liquidationFeeRate: 0,
  };
}

/** Fees 0.02 % / 0.05 %, band ± 5 % of the mark, funding every 8 hours with 0.01 % interest, capped at ± 0.75 %, liquidation fee 0.5 %. */
function perpetual(sizes: Sizes, maxLeverage: number, riskTiers: readonly RiskTier[], maxPosition: number): MarketSpec {
  return {
    ...common(sizes), symbol: `${sizes.base}-USDT-PERP`, type: 'perpetual', makerFee: 200, takerFee: 500, priceBand: 50_000, maxPosition: maxPosition * USDT, maxLeverage, riskTiers,
    fundingIntervalMs: 28_800_000, interestRate: 100, fundingCap: 7_500, impactNotional: 20_000 * USDT, liquidationFeeRate: 5_000,
  };
}

function common(sizes: Sizes) {
  return { ...sizes, quote: 'USDT', status: 'open', minQuantity: 1, minNotional: 5 * USDT, maxOpenOrders: 200, liquidationSurplus: 'fund', house: true } as const;
}

/** Tick × lot is a whole number of millionths of a USDT in each. Largest quantities in lots: 1,000 BTC, 10,000 ETH, 100,000 SOL; a tenth of that at market. */
export const MARKETS: readonly MarketSpec[] = [
  spot({ base: 'BTC', tickSize: '0.1', lotSize: '0.00001', maxQuantity: 100_000_000, maxMarketQuantity: 10_000_000 }),
  spot({ base: 'ETH', tickSize: '0.01', lotSize: '0.0001', maxQuantity: 100_000_000, maxMarketQuantity: 10_000_000 }),
  spot({ base: 'SOL', tickSize: '0.01', lotSize: '0.001', maxQuantity: 100_000_000, maxMarketQuantity: 10_000_000 }),
  perpetual({ base: 'BTC', tickSize: '0.1', lotSize: '0.0001', maxQuantity: 10_000_000, maxMarketQuantity: 1_000_000 }, 100, MAJOR, 500_000_000),
  perpetual({ base: 'ETH', tickSize: '0.01', lotSize: '0.001', maxQuantity: 10_000_000, maxMarketQuantity: 1_000_000 }, 100, MAJOR, 500_000_000),
  perpetual({ base: 'SOL', tickSize: '0.01', lotSize: '0.01', maxQuantity: 10_000_000, maxMarketQuantity: 1_000_000 }, 50, MINOR, 10_000_000),
];

/** Creates what is missing; returns the names of what was created. Throws the engine's refusal. */
export async function ensureListings(sequencer: Sequencer): Promise<string[]> {
  const created: string[] = [];
  for (const { code, scale } of ASSETS) {
    if (sequencer.state.asset(code) !== undefined) continue;
    await commit(sequencer, { type: 'create_asset', code, scale });
    created.push(code);
  }
  for (const spec of MARKETS) {
    if (sequencer.state.market(spec.symbol) !== undefined) continue;
    await commit(sequencer, { type: 'create_market', spec });
    created.push(spec.symbol);
  }
  return created;
}
