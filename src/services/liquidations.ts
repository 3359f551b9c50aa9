/** Receipts of liquidations, public but for whose they were. */
import type { Collection } from '../models/collection.ts';
import { NEWEST_LIQUIDATIONS, publicLiquidation, type Liquidation, type LiquidationDoc } from '../models/liquidations.ts';
import type { Principal } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';
import type { Catalog } from './catalog.ts';
import type { Consistency } from './consistency.ts';
import { given, type ListQuery, type Listing } from './paging.ts';

export interface LiquidationQuery extends ListQuery {
  readonly mine?: boolean;
  readonly symbol?: string;
}

/** `userId` only for its owner and for admins. */
export interface ShownLiquidation extends Liquidation {
  readonly userId?: string;
}

export interface LiquidationServiceParts {
  readonly consistency: Consistency;
  readonly catalog: Catalog;
  readonly liquidations: Collection<LiquidationDoc>;
}

export class LiquidationService {
  readonly #parts: LiquidationServiceParts;

  constructor(parts: LiquidationServiceParts) {
    this.#parts = parts;
  }

  /** Newest first. UNAUTHENTICATED when nobody asks for their own. */
  async list(principal: Principal | undefined, query: LiquidationQuery): Promise<Listing<ShownLiquidation>> {
    const { catalog, consistency, liquidations } = this.#parts;
    if (query.mine === true && principal === undefined) throw new Refusal('UNAUTHENTICATED', 'sign in to see your own liquidations');
    const symbol = catalog.narrowed(query.symbol)?.symbol;
    const userId = query.mine === true ? principal?.userId : undefined;
    const { limit, cursor, offset } = query;
    const page = await consistency.find(liquidations, { where: given({ userId, symbol }), sort: NEWEST_LIQUIDATIONS, limit, cursor, offset });
    return { ...page, items: page.items.map((doc) => shown(doc, principal)) };
  }
}

function shown(doc: LiquidationDoc, principal: Principal | undefined): ShownLiquidation {
  const known = principal !== undefined && (principal.userId === doc.userId || principal.roles.includes('admin'));
  return known ? namedLiquidation(doc) : publicLiquidation(doc);
}

/** As its owner and administrators see it. */
export function namedLiquidation(doc: LiquidationDoc): ShownLiquidation {
  return { ...publicLiquidation(doc), userId: doc.userId };
}
