/** All of the engine's state. Only `apply` (and restoring a snapshot) writes it; everything else reads. */
import { HeapIndex, IndexedHeap } from './heap.ts';
import { IntMap } from './int-map.ts';
import { Ledger } from './ledger.ts';
import type { Bucket } from './ledger.ts';
import type { Asset, Market } from './market.ts';
import type { MarketState } from './market-state.ts';
import { doubled, OrderPool } from './pool.ts';
import type { Settlement } from './settlement.ts';
import { Standings } from './standings.ts';
import { Deadlines } from './deadlines.ts';
import { INSURANCE } from './units.ts';
import type { AccountId, Amount, AssetId, Millis, OrderId, Seq } from './units.ts';

export type AccountKind = 'venue' | 'user' | 'house';

export class State {
  seq: Seq = 0;
  time: Millis = 0;
  readonly assets: Asset[] = [];
  readonly assetByCode = new Map<string, Asset>();
  /** The markets as they are now, by id; `marketStates` beside them. */
  readonly markets: Market[] = [];
  readonly marketStates: MarketState[] = [];
  readonly marketBySymbol = new Map<string, Market>();
  /** By account; the venue and the insurance fund have no user. */
  readonly userIds: string[] = ['', ''];
  readonly kinds: AccountKind[] = ['venue', 'venue'];
  readonly accountByUser = new Map<string, AccountId>();
  readonly ledger = new Ledger();
  readonly pool = new OrderPool();
  readonly slotByOrder = new IntMap(1024);
  /** Newest open order of each account; -1 = none. */
  newestOrder = new Int32Array(16).fill(-1);
  /** `account:clientOrderId` of open orders. */
  readonly orderByClientId = new Map<string, OrderId>();
  readonly standings = new Standings();
  readonly deadlines = new Deadlines();
  /** Set when a position may have become due for a margin call or liquidation without a price update. */
  atRisk = false;
  /** Whether positions may be due that no command has visited. False only after a look at all markets that found none. */
  unvisited = true;
  /** Markets whose funding is under way in pages, in order of its beginning. */
  readonly settling: MarketState[] = [];
  readonly #fundingTimes = new HeapIndex();
  /** Perpetuals by their next funding, as slots of `#fundingTimes`; not those whose last one is under way. */
  readonly #fundings = new IndexedHeap(this.#fundingTimes, 'least first');

  /** Bound once: the sink of postings. */
  readonly post = (asset: AssetId, from: AccountId, fromBucket: Bucket, to: AccountId, toBucket: Bucket, amount: Amount): void => {
    this.ledger.transfer(asset, from, fromBucket, to, toBucket, amount);
  };

  /** The perpetual whose funding is due soonest; of several the first one listed. One whose last funding is under way has to wait for its end. */
  get nextFunding(): MarketState | undefined {
    const market = this.#fundings.top();
    return market < 0 ? undefined : this.marketStates[market];
  }

  setNextFunding(market: MarketState, time: Millis): void {
    const { id } = market.market;
    market.nextFundingTime = time;
    this.#fundingTimes.reserve(id + 1);
    if (market.settlement === undefined) this.#fundings.set(id, time, id);
    else this.#fundings.remove(id);
  }

  /** Funding is under way from here on. */
  beginSettlement(market: MarketState, settlement: Settlement, nextFundingTime: Millis): void {
    market.settlement = settlement;
    this.settling.push(market);
    this.setNextFunding(market, nextFundingTime);
  }

  endSettlement(market: MarketState): void {
    market.settlement = undefined;
    this.settling.splice(this.settling.indexOf(market), 1);
  }

  /** A position may be due. */
  alarm(): void {
    this.atRisk = true;
    this.unvisited = true;
  }

  /** Users and house makers; the venue and the fund do not count. */
  isTrader(account: AccountId): boolean {
    return Number.isInteger(account) && account > INSURANCE && account < this.kinds.length;
  }

  openAccount(userId: string, kind: AccountKind): void {
    const account = this.kinds.length;
    this.userIds.push(userId);
    this.kinds.push(kind);
    this.accountByUser.set(userId, account);
    if (account >= this.newestOrder.length) {
      const used = this.newestOrder.length;
      this.newestOrder = doubled(this.newestOrder).fill(-1, used);
    }
  }

  /** For when nobody waits: of the tables that take longest to grow, with a million entries a tenth of a second and more, those that are nearly full grow now. The others would take up memory for nothing. */
  makeRoom(): void {
    this.pool.makeRoom();
    this.slotByOrder.makeRoom();
    this.standings.makeRoom();
  }

  /** -1 = not open. */
  slotOf(order: OrderId): number {
    return this.slotByOrder.get(order);
  }
}
