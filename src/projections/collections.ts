/**
 * The collections as a fold of committed events: `apply` takes events in order and changes documents in memory, `flush` writes what changed.
 * Orders, positions, fills and statements are kept for users; the house and the insurance fund have wallets only.
 */
import type { Event } from '../engine/events.ts';
import type { Bucket } from '../engine/ledger.ts';
import { forEachPosting } from '../engine/postings.ts';
import { type AccountId, type Amount, type AssetId, assertNever, INSURANCE, type MarketId, type Millis, type OrderId, VENUE } from '../engine/units.ts';
import { type AccountDoc, accounts } from '../models/accounts.ts';
import { assets } from '../models/assets.ts';
import type { CollectionSpec } from '../models/collection.ts';
import { funding } from '../models/funding.ts';
import { insurance } from '../models/insurance.ts';
import { type KlineInterval, klines } from '../models/klines.ts';
import { liquidations } from '../models/liquidations.ts';
import { markets } from '../models/markets.ts';
import { type OrderDoc, orders } from '../models/orders.ts';
import { type PositionDoc, positions } from '../models/positions.ts';
import { priceticks } from '../models/priceticks.ts';
import type { SqliteDatabase } from '../models/sqlite.ts';
import { trades } from '../models/trades.ts';
import { transactions } from '../models/transactions.ts';
import { wallets } from '../models/wallets.ts';
import { type Bar, BarBuilder, barDocument, barId, storedBar } from './bars.ts';
import { CommittedCatalog } from './committed-catalog.ts';
import { type FoldContext, ownerOf } from './context.ts';
import { accountDocument, assetDocument, marketDocument, storedAsset, storedMarket } from './listings.ts';
import { evolveOrder, forEachOrder } from './orders.ts';
import { evolvePosition, positionChanges } from './positions.ts';
import { fundingDocument, liquidationDocument, priceTickDocument, priceTickId } from './records.ts';
import { type TradeEvent, isPublic, storedFills } from './trades.ts';
import { type TransactionContext, transactionsOf } from './transactions.ts';
import { type Balance, insuranceDocument, post, storedBalance, walletDocuments, walletId } from './wallets.ts';
import { Outbox, WorkingSet } from './working-set.ts';

/** Entries of each working set. */
const CAPACITY = 50_000;
/** Makes one number of an account and a market or asset. */
const PER_ACCOUNT = 65_536;
const PAGE = 500;

type Context = FoldContext & TransactionContext;

export class Collections {
  readonly #outboxes;
  readonly #accounts: WorkingSet<AccountId, AccountDoc>;
  readonly #orders: WorkingSet<OrderId, OrderDoc>;
  readonly #positions: WorkingSet<number, PositionDoc>;
  readonly #balances: WorkingSet<number, Balance>;
  /** As balances and orders, candles become documents once per flush, however often they change. */
  readonly #changedBars = new Map<Bar, { readonly market: MarketId; readonly interval: KlineInterval }>();
  readonly #bars: BarBuilder[] = [];
  readonly #createdAt: Millis[] = [];
  /** Id of each market's last price tick. */
  readonly #lastTick: string[] = [];
  readonly #owners: FoldContext['owners'];
  #catalog = new CommittedCatalog();

  constructor(database: Pick<SqliteDatabase, 'table'>) {
    const outbox = <T extends { readonly id: string }>(spec: CollectionSpec<T>): Outbox<T> => new Outbox(database.table(spec));
    this.#outboxes = {
      assets: outbox(assets), markets: outbox(markets), accounts: outbox(accounts), orders: outbox(orders), trades: outbox(trades),
      positions: outbox(positions), wallets: outbox(wallets), transactions: outbox(transactions), liquidations: outbox(liquidations),
      priceticks: outbox(priceticks), funding: outbox(funding), insurance: outbox(insurance), klines: outbox(klines),
    };
    this.#accounts = new WorkingSet(CAPACITY, (account) => this.#outboxes.accounts.table.get(String(account)));
    this.#orders = new WorkingSet(CAPACITY, (id) => this.#outboxes.orders.table.get(String(id)));
    this.#positions = new WorkingSet(CAPACITY, (key) => this.#loadPosition(Math.floor(key / PER_ACCOUNT), key % PER_ACCOUNT));
    this.#balances = new WorkingSet(CAPACITY, (key) => this.#loadBalance(Math.floor(key / PER_ACCOUNT), key % PER_ACCOUNT));
    this.#owners = {
      userOf: (account) => this.#accounts.get(account)?.userId,
      kindOf: (account) => (account <= INSURANCE ? 'venue' : (this.#accounts.get(account)?.kind ?? 'venue')),
    };
    this.reset();
  }

  /** Forgets what is not written and starts from what is. */
  reset(): void {
    for (const outbox of Object.values(this.#outboxes)) outbox.clear();
    for (const set of [this.#accounts, this.#orders, this.#positions, this.#balances]) set.clear();
    this.#changedBars.clear();
    for (const list of [this.#bars, this.#createdAt, this.#lastTick]) list.length = 0;
    const listed = allOf(this.#outboxes.markets);
    for (const doc of listed) this.#createdAt[doc.marketId] = doc.createdAt;
    this.#catalog = new CommittedCatalog({ assets: allOf(this.#outboxes.assets).map(storedAsset), markets: listed.map(storedMarket) });
  }

  /** Removes every document, for building all of them anew. */
  clear(): void {
    for (const { table } of Object.values(this.#outboxes)) table.clear();
    this.reset();
  }

  /** @param time of the record that the event is part of. */
  apply(event: Event, time: Millis): void {
    this.#catalog.evolve(event);
    const context: Context = { catalog: this.#catalog, markets: this.#catalog.markets, assets: this.#catalog.assets, owners: this.#owners, time };
    this.#applyRecord(event, context);
    this.#applyOrders(event, context);
    this.#applyPositions(event, context);
    this.#applyPostings(event, context);
  }

  /** Writes everything that changed; the caller holds the transaction. */
  flush(): void {
    for (const balance of this.#balances.settle()) this.#putBalance(balance);
    this.#outboxes.accounts.table.put(this.#accounts.settle());
    this.#outboxes.orders.table.put(this.#orders.settle());
    // Each position that was held meanwhile is in its outbox, those that have ended among them.
    this.#positions.settle();
    for (const [bar, { market, interval }] of this.#changedBars) this.#outboxes.klines.put(barDocument(bar, interval, this.#catalog.byId(market)));
    this.#changedBars.clear();
    for (const outbox of Object.values(this.#outboxes)) outbox.flush();
  }

  #applyRecord(event: Event, context: Context): void {
    const { time, seq } = { time: context.time, seq: event.seq };
    switch (event.type) {
      case 'asset_created':
        return this.#outboxes.assets.put(assetDocument(event.asset, time, seq));
      case 'market_created':
      case 'market_updated': {
        const createdAt = (this.#createdAt[event.market.id] ??= time);
        return this.#outboxes.markets.put(marketDocument(this.#catalog.byId(event.market.id), createdAt, time, seq));
      }
      case 'account_opened':
        return this.#accounts.set(event.account, accountDocument(event, time));
      case 'trade':
        return this.#applyTrade(event, context);
      case 'prices_updated':
        return this.#applyPrices(event, context);
      case 'position_liquidated':
        return this.#outboxes.liquidations.put(liquidationDocument(event, context));
      case 'funding_settled':
        return this.#outboxes.funding.put(fundingDocument(event, context));
      case 'noted':
      case 'deposited':
      case 'transferred':
      case 'insurance_funded':
      case 'order_accepted':
      case 'order_rested':
      case 'order_closed':
      case 'order_reduced':
      case 'order_amended':
      case 'leverage_set':
      case 'margin_adjusted':
      case 'cancel_after_set':
      case 'margin_called':
      case 'margin_call_cleared':
      case 'funding_paid':
      case 'funding_started':
      case 'funding_deferred':
      case 'funding_advanced':
        return;
      default:
        return assertNever(event);
    }
  }

  #applyTrade(event: TradeEvent, context: Context): void {
    for (const doc of storedFills(event, context)) this.#outboxes.trades.put(doc);
    if (!isPublic(event)) return;
    const { market } = event;
    const builder = (this.#bars[market] ??= new BarBuilder());
    builder.add(event, context.time, (interval, openTime) => this.#loadBar(market, interval, openTime), (interval, bar) => {
      if (!this.#changedBars.has(bar)) this.#changedBars.set(bar, { market, interval });
    });
  }

  /** The first of each second is kept. */
  #applyPrices(event: Event & { readonly type: 'prices_updated' }, context: Context): void {
    const id = priceTickId(this.#catalog.byId(event.market).market.symbol, context.time);
    if (this.#lastTick[event.market] === id) return;
    this.#lastTick[event.market] = id;
    if (this.#outboxes.priceticks.get(id) === undefined) this.#outboxes.priceticks.put(priceTickDocument(event, context));
  }

  #applyOrders(event: Event, context: Context): void {
    forEachOrder(event, (id, account) => {
      if (this.#owners.kindOf(account) !== 'user') return;
      const order = evolveOrder(event.type === 'order_accepted' ? undefined : this.#orders.get(id), event, id, context);
      if (order === undefined) return;
      this.#orders.set(id, order);
    });
  }

  #applyPositions(event: Event, context: Context): void {
    for (const change of positionChanges(event)) {
      if (this.#owners.kindOf(change.account) !== 'user') continue;
      const key = change.account * PER_ACCOUNT + change.market;
      for (const position of evolvePosition(this.#positions.get(key), change, context)) {
        this.#positions.set(key, position.status === 'open' ? position : undefined);
        this.#outboxes.positions.put(position);
      }
    }
  }

  #applyPostings(event: Event, context: Context): void {
    forEachPosting(event, context.markets, (asset, from, fromBucket, to, toBucket, amount) => {
      this.#post(asset, from, fromBucket, -amount, event.seq, context.time);
      this.#post(asset, to, toBucket, amount, event.seq, context.time);
    });
    for (const line of transactionsOf(event, context)) this.#outboxes.transactions.put(line);
  }

  #post(asset: AssetId, account: AccountId, bucket: Bucket, delta: Amount, seq: number, time: Millis): void {
    if (account === VENUE) return;
    const key = account * PER_ACCOUNT + asset;
    const balance = this.#balances.get(key)!;
    post(balance, bucket, delta, seq, time);
    this.#balances.set(key, balance);
  }

  #putBalance(balance: Balance): void {
    const asset = this.#catalog.assetById(balance.asset);
    for (const doc of walletDocuments(balance, ownerOf(balance.account, { owners: this.#owners }), asset)) this.#outboxes.wallets.put(doc);
    if (balance.account === INSURANCE) this.#outboxes.insurance.put(insuranceDocument(balance, asset));
  }

  #loadBalance(account: AccountId, asset: AssetId): Balance {
    const found = this.#catalog.assetById(asset);
    const stored = (wallet: 'spot' | 'futures') => this.#outboxes.wallets.get(walletId(account, wallet, found.code));
    return storedBalance(account, found, stored('spot'), stored('futures'));
  }

  #loadPosition(account: AccountId, market: MarketId): PositionDoc | undefined {
    const userId = ownerOf(account, { owners: this.#owners });
    const { symbol } = this.#catalog.byId(market).market;
    return this.#outboxes.positions.table.find({ where: { userId, status: 'open', symbol }, limit: 1 })[0];
  }

  #loadBar(market: MarketId, interval: KlineInterval, openTime: Millis): Bar | undefined {
    const listed = this.#catalog.byId(market);
    const doc = this.#outboxes.klines.table.get(barId(listed.market.symbol, interval, openTime));
    return doc === undefined ? undefined : storedBar(doc, listed);
  }
}

/** Every document of a small table. */
function allOf<T extends { readonly id: string }>({ table }: Outbox<T>): T[] {
  const docs: T[] = [];
  for (;;) {
    const page = table.find({ limit: PAGE, offset: docs.length });
    docs.push(...page);
    if (page.length < PAGE) return docs;
  }
}
