/** What administrators do: list assets and markets, steer markets, set prices by hand, audit the ledger, read the audit log. Every change lands in that log. */
import { formatDecimal } from '../engine/decimal.ts';
import type { AssetInfo } from '../models/assets.ts';
import type { AuditLogDoc } from '../models/auditlogs.ts';
import type { Collection } from '../models/collection.ts';
import type { MarketInfo } from '../models/markets.ts';
import type { UserDoc } from '../models/users.ts';
import { marketInfo } from '../projections/listings.ts';
import type { CommandMeta, Sequencer } from '../sequencer/sequencer.ts';
import type { Principal } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';
import type { AuditLog } from './audit.ts';
import type { Catalog } from './catalog.ts';
import { commit, eventOf } from './commit.ts';
import type { Consistency } from './consistency.ts';
import { auditLedger } from './ledger-audit.ts';
import { marketChanges, marketSpec, type MarketSettings, type NewMarket } from './market-settings.ts';
import type { MarketPrices, MarketService } from './markets.ts';
import { given, pageOf, span, type ListQuery, type Listing } from './paging.ts';
import type { FeedStatus, ManualPrice, PriceFeedService } from './prices.ts';
import { publicUser, type PublicUser } from './sign-in.ts';

/** Who acts, and from where. */
export interface Actor {
  readonly principal: Principal;
  readonly ip: string;
  readonly requestId: string;
  readonly meta?: CommandMeta;
}

/** Decimal strings, all accounts together; `sum` is what must be zero. */
export interface LedgerRow {
  readonly asset: string;
  readonly sum: string;
  readonly external: string;
  /** Available to users and house makers. */
  readonly users: string;
  readonly locked: string;
  /** Of positions, and P&L already realised whose other side is still open. */
  readonly margin: string;
  readonly fees: string;
  readonly insurance: string;
}

export interface LedgerAudit {
  readonly assets: readonly LedgerRow[];
  readonly balanced: boolean;
}

export type AuditEntryInfo = Omit<AuditLogDoc, 'seq'>;

export interface AuditQuery extends ListQuery {
  readonly actor?: string;
  readonly action?: string;
  readonly target?: string;
  readonly from?: number;
  readonly to?: number;
}

export interface UserQuery extends ListQuery {
  readonly email?: string;
  readonly status?: 'active' | 'frozen';
}

export interface AdminServiceParts {
  readonly sequencer: Sequencer;
  readonly consistency: Consistency;
  readonly catalog: Catalog;
  readonly markets: MarketService;
  readonly feeds: Pick<PriceFeedService, 'setManual' | 'status'>;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly auditlogs: Collection<AuditLogDoc>;
  readonly users: Collection<UserDoc>;
}

export class AdminService {
  readonly #parts: AdminServiceParts;

  constructor(parts: AdminServiceParts) {
    this.#parts = parts;
  }

  /** In order of creation. */
  async assets(query: ListQuery): Promise<Listing<AssetInfo>> {
    return pageOf(await this.#parts.consistency.live((state) => state.assets.map(({ code, scale }) => ({ asset: code, scale }))), query);
  }

  /** CONFLICT when there is one of that name. */
  createAsset(actor: Actor, { asset, scale }: AssetInfo): Promise<AssetInfo> {
    return this.#recorded(actor, 'asset.create', asset, undefined, { scale }, async () => {
      await commit(this.#parts.sequencer, { type: 'create_asset', code: asset, scale }, actor.meta);
      return { asset, scale };
    });
  }

  /** What is left out gets its default (market-settings.ts). CONFLICT when there is one of that name; VALIDATION_FAILED when the engine finds it unsound. */
  createMarket(actor: Actor, input: NewMarket): Promise<MarketInfo> {
    const { sequencer, catalog } = this.#parts;
    return this.#recorded(actor, 'market.create', input.symbol, undefined, { ...input }, async () => {
      const spec = marketSpec(input, catalog.asset(input.base, 'base'), catalog.asset(input.quote, 'quote'));
      return commit(sequencer, { type: 'create_market', spec }, actor.meta, ({ events, time }) => {
        const { market, seq } = eventOf(events, 'market_created');
        return marketInfo({ ...catalog.byId(market.id), market }, { createdAt: time, updatedAt: time, seq });
      });
    });
  }

  /** Changes what is given. NOT_FOUND for an unknown market. */
  async updateMarket(actor: Actor, symbol: string, input: MarketSettings): Promise<MarketInfo> {
    const { sequencer, catalog, markets } = this.#parts;
    const listed = catalog.at(symbol);
    const before = await markets.get(symbol);
    const changed = Object.fromEntries((Object.keys(input) as (keyof MarketSettings)[]).map((setting) => [setting, before[setting]]));
    return this.#recorded(actor, 'market.update', symbol, changed, { ...input }, async () => {
      const changes = marketChanges(input, listed.units, listed.quote);
      return commit(sequencer, { type: 'update_market', market: listed.market.id, changes }, actor.meta, ({ events, time }) => {
        const { market, seq } = eventOf(events, 'market_updated');
        return marketInfo({ ...listed, market }, { createdAt: before.createdAt, updatedAt: time, seq });
      });
    });
  }

  /** To the nearest tick. Resolves when everything that follows from the prices has happened. CONFLICT unless prices are set by hand. */
  setPrices(actor: Actor, prices: readonly ManualPrice[]): Promise<MarketPrices[]> {
    const { feeds, markets } = this.#parts;
    const symbols = prices.map(({ symbol }) => symbol);
    const set = (after: readonly MarketPrices[]) => ({ prices: after.map(({ symbol, index, mark }, i) => ({ symbol, index, ...(prices[i]?.mark !== undefined && { mark }) })) });
    const act = () => feeds.setManual(prices, actor.meta, ({ events }) => symbols.map((symbol) => markets.pricesAfter(symbol, events)));
    return this.#recorded(actor, 'prices.set', symbols.length === 1 ? (symbols[0] as string) : '', undefined, { prices }, act, set);
  }

  feeds(): FeedStatus {
    return this.#parts.feeds.status();
  }

  /** From the live state. */
  async ledgerAudit(): Promise<LedgerAudit> {
    const { rows } = await this.#parts.consistency.live((state) => auditLedger(state));
    const assets = rows.map((row) => {
      const { code, scale } = this.#parts.catalog.assetById(row.asset);
      const text = (amount: number): string => formatDecimal(amount, scale);
      return {
        asset: code,
        sum: text(row.sum),
        external: text(row.external),
        users: text(row.users),
        locked: text(row.locked),
        margin: text(row.margin),
        fees: text(row.fees),
        insurance: text(row.insurance),
      };
    });
    return { assets, balanced: rows.every((row) => row.sum === 0) };
  }

  /** Newest first. */
  async auditLog(query: AuditQuery): Promise<Listing<AuditEntryInfo>> {
    const { actor, action, target, limit, cursor, offset } = query;
    const where = given({ actor, action, target, timestamp: span(query) });
    const page = await this.#parts.auditlogs.find({ where, sort: { seq: -1 }, limit, cursor, offset });
    return { ...page, items: page.items.map(({ seq: _seq, ...entry }) => entry) };
  }

  /** Newest first. */
  async users(query: UserQuery): Promise<Listing<PublicUser>> {
    const { email, status, limit, cursor, offset } = query;
    const page = await this.#parts.users.find({ where: given({ email, status }), sort: { createdAt: -1 }, limit, cursor, offset });
    return { ...page, items: page.items.map(publicUser) };
  }

  /**
   * Does it and writes down who did what, also when it is refused. What cannot be written down fails, although it has happened: the journal has it.
   * @param after what is asked for; `done` tells it as it came about, where that may differ.
   */
  async #recorded<T>(
    { principal, ip, requestId }: Actor,
    action: string,
    target: string,
    before: Readonly<Record<string, unknown>> | undefined,
    after: Readonly<Record<string, unknown>>,
    act: () => Promise<T>,
    done: (result: T) => Readonly<Record<string, unknown>> = () => after,
  ): Promise<T> {
    const entry = { actor: principal.userId, action, target, before, ip, requestId };
    try {
      const result = await act();
      await this.#parts.audit.record({ ...entry, after: done(result), outcome: 'ok' });
      return result;
    } catch (error) {
      if (error instanceof Refusal) await this.#parts.audit.record({ ...entry, after, outcome: 'refused' });
      throw error;
    }
  }
}
