/** Puts the services of the venue together. They share one catalogue and one notion of what may be read. */
import type { Cache } from '../cache/cache.ts';
import { auditlogs } from '../models/auditlogs.ts';
import type { Store } from '../models/collection.ts';
import { funding } from '../models/funding.ts';
import { insurance } from '../models/insurance.ts';
import { liquidations } from '../models/liquidations.ts';
import { orders } from '../models/orders.ts';
import { positions } from '../models/positions.ts';
import { trades } from '../models/trades.ts';
import { transactions } from '../models/transactions.ts';
import { users } from '../models/users.ts';
import type { Sequencer } from '../sequencer/sequencer.ts';
import { AdminService, type AdminServiceParts } from './admin.ts';
import { Catalog } from './catalog.ts';
import { Consistency, type ProjectionProgress } from './consistency.ts';
import { InsuranceService } from './insurance.ts';
import { LiquidationService } from './liquidations.ts';
import { MarketService, type MarketServiceParts } from './markets.ts';
import { OrderHistory } from './order-history.ts';
import { OrderService } from './orders.ts';
import { PositionService } from './positions.ts';
import { RiskService } from './risk.ts';
import { Statement } from './statement.ts';
import { TradeService } from './trades.ts';
import { WalletService } from './wallets.ts';

export interface TradingParts {
  readonly sequencer: Sequencer;
  /** Shared with the price feed and the sockets. */
  readonly catalog: Catalog;
  readonly store: Store;
  readonly projections: ProjectionProgress;
  readonly data: MarketServiceParts['data'];
  readonly books: MarketServiceParts['books'];
  readonly feeds: MarketServiceParts['feeds'] & AdminServiceParts['feeds'];
  readonly cache: Cache;
  readonly audit: AdminServiceParts['audit'];
  /** DEPOSITS. */
  readonly deposits: 'simulated' | 'closed';
}

export interface Trading {
  readonly orders: OrderService;
  readonly positions: PositionService;
  readonly wallets: WalletService;
  readonly trades: TradeService;
  readonly liquidations: LiquidationService;
  readonly insurance: InsuranceService;
  readonly risk: RiskService;
  readonly markets: MarketService;
  readonly admin: AdminService;
}

export function createTrading({ sequencer, catalog, store, projections, data, books, feeds, cache, audit, deposits }: TradingParts): Trading {
  const consistency = new Consistency(sequencer, projections);
  const common = { sequencer, consistency, catalog };
  const fills = store.collection(trades);
  const history = new OrderHistory({ ...common, orders: store.collection(orders), trades: fills });
  const statement = new Statement({ ...common, transactions: store.collection(transactions), trades: fills });
  const orderService = new OrderService({ ...common, history });
  const marketService = new MarketService({ ...common, funding: store.collection(funding), data, books, feeds, cache });
  return {
    orders: orderService,
    positions: new PositionService({ ...common, orders: orderService, history: store.collection(positions) }),
    wallets: new WalletService({ ...common, statement, deposits }),
    trades: new TradeService({ ...common, trades: fills }),
    liquidations: new LiquidationService({ ...common, liquidations: store.collection(liquidations) }),
    insurance: new InsuranceService({ ...common, insurance: store.collection(insurance) }),
    risk: new RiskService(common),
    markets: marketService,
    admin: new AdminService({ ...common, markets: marketService, feeds, audit, auditlogs: store.collection(auditlogs), users: store.collection(users) }),
  };
}
