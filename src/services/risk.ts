/** What a user has at stake, from the live state. Pre-trade limits are the engine's; this only shows. */
import { formatDecimal } from '../engine/decimal.ts';
import type { EngineReader, PositionView } from '../engine/reader.ts';
import type { AccountId, AssetId } from '../engine/units.ts';
import { formatRate } from '../types/market-units.ts';
import type { Principal } from '../types/principal.ts';
import type { Catalog } from './catalog.ts';
import type { Consistency } from './consistency.ts';

/** Per asset in which futures are margined. */
export interface AssetRisk {
  readonly asset: string;
  /** Futures wallet plus unrealised P&L. */
  readonly equity: string;
  readonly available: string;
  readonly locked: string;
  readonly margin: string;
  readonly unrealizedPnl: string;
  readonly maintenanceMargin: string;
  /** Sum of the positions' notional at mark. */
  readonly exposure: string;
  /** Exposure ÷ equity; "0" without equity. */
  readonly effectiveLeverage: string;
}

export interface PositionRisk {
  readonly symbol: string;
  readonly side: 'long' | 'short';
  readonly notional: string;
  readonly leverage: number;
  readonly marginRatio: string;
  readonly liquidationPrice: string | null;
  readonly adlRank: number;
}

export interface RiskSummary {
  readonly assets: readonly AssetRisk[];
  /** Closest to liquidation first. */
  readonly positions: readonly PositionRisk[];
  /** Of the position closest to liquidation; 1 and above liquidates. */
  readonly worstMarginRatio: string;
  readonly openOrders: number;
  readonly seq: number;
}

export interface RiskServiceParts {
  readonly consistency: Consistency;
  readonly catalog: Catalog;
}

export class RiskService {
  readonly #parts: RiskServiceParts;

  constructor(parts: RiskServiceParts) {
    this.#parts = parts;
  }

  summary({ account }: Principal): Promise<RiskSummary> {
    return this.#parts.consistency.live((state) => {
      const positions = state.positions(account).toSorted((a, b) => b.marginRatio - a.marginRatio);
      return {
        assets: this.#assets(state, account, positions),
        positions: positions.map((view) => this.#position(view)),
        worstMarginRatio: formatRate(positions[0]?.marginRatio ?? 0),
        openOrders: state.openOrders(account).length,
        seq: state.seq,
      };
    });
  }

  #assets(state: EngineReader, account: AccountId, positions: readonly PositionView[]): AssetRisk[] {
    const { catalog } = this.#parts;
    const quoted = new Set<AssetId>(catalog.all().filter(({ market }) => market.type === 'perpetual').map(({ quote }) => quote.id));
    return state
      .balances(account)
      .filter(({ asset }) => quoted.has(asset))
      .map((balance) => {
        const { code, scale } = catalog.assetById(balance.asset);
        const text = (amount: number): string => formatDecimal(amount, scale);
        const own = positions.filter((view) => catalog.byId(view.market).quote.id === balance.asset);
        const unrealizedPnl = sum(own, (view) => view.unrealizedPnl);
        const exposure = sum(own, (view) => view.notional);
        const equity = balance.futuresAvailable + balance.futuresLocked + balance.margin + unrealizedPnl;
        return {
          asset: code,
          equity: text(equity),
          available: text(balance.futuresAvailable),
          locked: text(balance.futuresLocked),
          margin: text(balance.margin),
          unrealizedPnl: text(unrealizedPnl),
          maintenanceMargin: text(sum(own, (view) => view.maintenanceMargin)),
          exposure: text(exposure),
          effectiveLeverage: equity <= 0 ? '0' : formatRate(Number((BigInt(exposure) * 1_000_000n) / BigInt(equity))),
        };
      });
  }

  #position(view: PositionView): PositionRisk {
    const { market, units } = this.#parts.catalog.byId(view.market);
    return {
      symbol: market.symbol,
      side: view.size < 0 ? 'short' : 'long',
      notional: units.formatQuote(view.notional),
      leverage: view.leverage,
      marginRatio: formatRate(view.marginRatio),
      liquidationPrice: view.liquidationPrice === 0 ? null : units.formatPrice(view.liquidationPrice),
      adlRank: view.adlRank,
    };
  }
}

function sum(views: readonly PositionView[], of: (view: PositionView) => number): number {
  return views.reduce((total, view) => total + of(view), 0);
}
