/** The venue without its network: the real engine and leader on a disk in memory, collections written as records are committed, prices set by hand. Time is the test's. */
import { MemoryCache } from '../../src/cache/cache.ts';
import { MemoryDisk } from './memory-journal.ts';
import { SqliteStore } from '../../src/models/sqlite.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { Collections } from '../../src/projections/collections.ts';
import { createMarketData } from '../../src/projections/market-data.ts';
import { OrderBooks } from '../../src/projections/order-books.ts';
import { Clock, openMemoryLeader } from './fixture.ts';
import { AuditLog } from '../../src/services/audit.ts';
import { Catalog } from '../../src/services/catalog.ts';
import { commit, eventOf } from '../../src/services/commit.ts';
import { createPriceFeed } from '../../src/services/prices.ts';
import { createTrading, type TradingParts } from '../../src/services/trading.ts';
import type { Principal } from '../../src/types/principal.ts';
import { SteadyClock } from '../../src/utils/clock.ts';

export interface VenueOptions {
  readonly deposits?: TradingParts['deposits'];
  /** Whether the collections keep up, or are as good as empty; default yes. */
  readonly caughtUp?: () => boolean;
  /** Where actions are recorded: one log per store. */
  readonly audit?: TradingParts['audit'];
}

/** No assets and no markets yet. */
export async function openVenue({ deposits = 'simulated', caughtUp = () => true, audit }: VenueOptions = {}) {
  const clock = new Clock();
  const disk = new MemoryDisk();
  const leader = await openMemoryLeader(disk, clock);
  const store = new SqliteStore(':memory:');
  const metrics = createMetrics();
  const collections = new Collections(store);
  const books = new OrderBooks(leader.state);
  leader.onCommitted((record) => {
    books.apply(record);
    for (const event of record.events) collections.apply(event, record.time);
    collections.flush();
  });
  const projections = {
    get checkpoint() {
      return leader.committedSeq;
    },
    reached: async (seq: number) => seq === 0 || caughtUp(),
  };
  const catalog = new Catalog(leader.state);
  const data = await createMarketData({ store, sequencer: leader, projections, readJournal: async () => [], books, clock: clock.now });
  const feeds = createPriceFeed({ mode: { mode: 'manual' }, sequencer: leader, catalog, logger: silentLogger, metrics, clock: new SteadyClock() });
  const trading = createTrading({ sequencer: leader, catalog, store, projections, data, books, feeds, cache: new MemoryCache(metrics), audit: audit ?? new AuditLog(store, clock.now), deposits });

  /** Opens an account for a user of this name. */
  const user = async (userId: string, roles: Principal['roles'] = ['user']): Promise<Principal> => {
    const { events } = await commit(leader, { type: 'open_account', userId, kind: 'user' });
    return { userId, account: eventOf(events, 'account_opened').account, roles, permissions: ['read', 'trade', 'withdraw'], sessionId: `session of ${userId}`, expiresAt: Number.MAX_SAFE_INTEGER };
  };
  const close = async (): Promise<void> => {
    trading.markets.close();
    data.close();
    await leader.close();
    await store.close();
  };
  return { clock, disk, leader, store, metrics, catalog, books, data, feeds, trading, user, close, ...trading };
}

export type Venue = Awaited<ReturnType<typeof openVenue>>;

/** BTC-USDT and BTC-USDT-PERP: tick 0.1, lot 0.001, maker 0.02 %, taker 0.05 %; the perpetual with leverage up to 20. */
export async function listMarkets({ admin, user }: Venue): Promise<Principal> {
  const principal = await user('admin', ['user', 'admin']);
  const actor = { principal, ip: '127.0.0.1', requestId: 'r' };
  await admin.createAsset(actor, { asset: 'USDT', scale: 6 });
  await admin.createAsset(actor, { asset: 'BTC', scale: 8 });
  const common = { base: 'BTC', quote: 'USDT', tickSize: '0.1', lotSize: '0.001', makerFee: '0.0002', takerFee: '0.0005' };
  await admin.createMarket(actor, { ...common, symbol: 'BTC-USDT', type: 'spot' });
  await admin.createMarket(actor, { ...common, symbol: 'BTC-USDT-PERP', type: 'perpetual' });
  return principal;
}
