/**
 * Private data as it happens, for the accounts that are followed: orders, fills, positions, balances, margin calls, liquidations, funding.
 * Orders and fills are folded from committed records; positions and balances are read from the live state and told once that is durable.
 */
import type { Event, EventOf, FillSide, PositionState } from '../engine/events.ts';
import { type AccountId, assertNever, type AssetId, type MarketId, type OrderId, type Seq, type Side, type WalletType } from '../engine/units.ts';
import { publicOrder, type OrderDoc } from '../models/orders.ts';
import { ownTrade } from '../models/trades.ts';
import type { FoldContext } from '../projections/context.ts';
import { evolveOrder, forEachOrder, orderFromView } from '../projections/orders.ts';
import { liquidationDocument } from '../projections/records.ts';
import { fillOf } from '../projections/trades.ts';
import type { CommittedRecord, Sequencer } from '../sequencer/sequencer.ts';
import { formatRate } from '../types/market-units.ts';
import { AccountState } from './account-state.ts';
import type { Catalog } from './catalog.ts';
import { namedLiquidation } from './liquidations.ts';

export const ACCOUNT_CHANNELS = ['order', 'fill', 'position', 'balance', 'marginCall', 'liquidation', 'funding'] as const;
export type AccountChannel = (typeof ACCOUNT_CHANNELS)[number];

/** Every message carries its seq. Those of one channel come in order of seq. */
export interface AccountMessage {
  readonly seq: Seq;
}

export interface MarginCall extends AccountMessage {
  readonly symbol: string;
  /** `called` when the margin ratio has risen to 80 %, `cleared` when it has fallen again. */
  readonly status: 'called' | 'cleared';
  readonly markPrice: string;
  /** null once cleared. */
  readonly marginRatio: string | null;
  readonly timestamp: number;
}

export interface FundingPayment extends AccountMessage {
  readonly symbol: string;
  readonly side: 'long' | 'short';
  readonly quantity: string;
  readonly rate: string;
  readonly markPrice: string;
  /** Negative: paid. */
  readonly amount: string;
  readonly asset: string;
  readonly timestamp: number;
}

export interface AccountStreamParts {
  readonly sequencer: Pick<Sequencer, 'state' | 'barrier'>;
  readonly catalog: Pick<Catalog, 'byId'>;
}

export type AccountListener = (account: AccountId, channel: AccountChannel, message: AccountMessage) => void;

/** One account that somebody listens to. */
interface Followed {
  readonly account: AccountId;
  /** The channels that somebody listens to; what happened up to the seq was known when that began. */
  readonly from: Map<AccountChannel, Seq>;
  /** The open ones, while somebody listens to orders. */
  readonly orders: Map<OrderId, OrderDoc>;
}

export class AccountStream {
  readonly #parts: AccountStreamParts;
  /** Those of whom somebody listens to at least one channel. */
  readonly #followed = new Map<AccountId, Followed>();
  readonly #state: AccountState;
  readonly #listeners = new Set<AccountListener>();

  constructor(parts: AccountStreamParts) {
    this.#parts = parts;
    this.#state = new AccountState({ ...parts, emit: (account, channel, message) => this.#emit(account, channel, message) });
  }

  /** Returns how to stop. */
  onMessage(listener: AccountListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * From now on the account's events of these channels are emitted, and of no others. Resolves with the seq from which on, once all before is
   * durable. Rejects when that fails; channels that would have begun do not.
   */
  async follow(account: AccountId, channels: readonly AccountChannel[] = ACCOUNT_CHANNELS): Promise<Seq> {
    const { sequencer } = this.#parts;
    const followed = this.#followed.get(account) ?? { account, from: new Map(), orders: new Map() };
    this.#followed.set(account, followed);
    const begun = this.#listen(followed, channels);
    const { seq } = sequencer.state;
    try {
      await sequencer.barrier();
    } catch (error) {
      // Who has left meanwhile has ended everything.
      if (this.#followed.get(account) === followed) this.#listen(followed, [...followed.from.keys()].filter((channel) => !begun.includes(channel)));
      throw error;
    }
    return seq;
  }

  unfollow(account: AccountId): void {
    this.#followed.delete(account);
    this.#state.unfollow(account);
  }

  /** Takes the next committed record. */
  apply(record: CommittedRecord): void {
    if (this.#followed.size === 0) return;
    const context: FoldContext = { catalog: this.#parts.catalog, owners: this.#parts.sequencer.state, time: record.time };
    const changed = new Map<OrderId, Followed>();
    for (const event of record.events) {
      forEachOrder(event, (id, account) => {
        const followed = this.#listening(account, 'order', event);
        if (followed === undefined) return;
        const order = evolveOrder(followed.orders.get(id), event, id, context);
        if (order !== undefined) followed.orders.set(id, order);
        // Last, so that orders are told in the order in which they changed last.
        changed.delete(id);
        changed.set(id, followed);
      });
      this.#tell(event, context);
    }
    for (const [id, followed] of changed) this.#tellOrder(id, followed);
    this.#state.tell();
  }

  #emit(account: AccountId, channel: AccountChannel, message: AccountMessage): void {
    for (const listener of this.#listeners) listener(account, channel, message);
  }

  /** Returns the channels that begin. */
  #listen(followed: Followed, channels: readonly AccountChannel[]): AccountChannel[] {
    for (const channel of ACCOUNT_CHANNELS) if (!channels.includes(channel)) this.#end(followed, channel);
    const begun = channels.filter((channel) => !followed.from.has(channel));
    for (const channel of begun) this.#begin(followed, channel);
    if (followed.from.size === 0) this.#followed.delete(followed.account);
    return begun;
  }

  #begin({ account, from, orders }: Followed, channel: AccountChannel): void {
    const { sequencer: { state }, catalog } = this.#parts;
    from.set(channel, state.seq);
    if (channel === 'order') for (const view of state.openOrders(account)) orders.set(view.id, orderFromView(view, { catalog, owners: state }));
    if (channel === 'position') this.#state.followPositions(account);
  }

  #end({ account, from, orders }: Followed, channel: AccountChannel): void {
    if (!from.delete(channel)) return;
    if (channel === 'order') orders.clear();
    if (channel === 'position') this.#state.unfollowPositions(account);
    if (channel === 'balance') this.#state.unfollowBalances(account);
  }

  /** The account, if the event is news to somebody who listens to its channel. */
  #listening(account: AccountId, channel: AccountChannel, { seq }: Event): Followed | undefined {
    const followed = this.#followed.get(account);
    const from = followed?.from.get(channel);
    return from === undefined || seq <= from ? undefined : followed;
  }

  #tellOrder(id: OrderId, followed: Followed): void {
    const order = followed.orders.get(id);
    if (order === undefined) return;
    if (order.status !== 'new' && order.status !== 'partially_filled') followed.orders.delete(id);
    this.#emit(followed.account, 'order', publicOrder(order));
  }

  /** Everything that the event means to those who listen, but for their orders. */
  #tell(event: Event, context: FoldContext): void {
    switch (event.type) {
      case 'trade':
        this.#tellFill(event, 'maker', context);
        this.#tellFill(event, 'taker', context);
        return;
      case 'deposited':
        return this.#touchWallets(event, event.account, event.asset, event.wallet);
      case 'transferred':
        return this.#touchWallets(event, event.account, event.asset, 'spot', 'futures');
      case 'order_accepted':
        return this.#touchLock(event, event.account, event.order.market, event.order.side);
      case 'order_closed':
      case 'order_reduced':
      case 'order_amended':
        return this.#touchLock(event, event.account, event.market, event.side);
      case 'leverage_set':
      case 'margin_adjusted':
        return this.#touchMarket(event, event.account, event.market, event.position);
      case 'margin_called':
      case 'margin_call_cleared':
        return this.#tellMarginCall(event, context);
      case 'position_liquidated': {
        const { account, market } = event.receipt;
        this.#touchMarket(event, account, market);
        if (this.#listening(account, 'liquidation', event) === undefined) return;
        return this.#emit(account, 'liquidation', namedLiquidation(liquidationDocument(event, context)));
      }
      case 'funding_paid':
        return this.#tellFunding(event, context);
      case 'noted':
      case 'asset_created':
      case 'market_created':
      case 'market_updated':
      case 'account_opened':
      case 'insurance_funded':
      case 'order_rested':
      case 'cancel_after_set':
      case 'prices_updated':
      case 'funding_started':
      case 'funding_deferred':
      case 'funding_advanced':
      case 'funding_settled':
        // Nobody's own: markets, prices, the venue's money; and orders, which are told apart.
        return;
      default:
        return assertNever(event);
    }
  }

  #tellFill(event: EventOf<'trade'> & { readonly seq: Seq }, role: 'maker' | 'taker', context: FoldContext): void {
    const side: FillSide = event[role];
    if (this.#listening(side.account, 'fill', event) !== undefined) this.#emit(side.account, 'fill', ownTrade(fillOf(event, role, context)));
    this.#touchMarket(event, side.account, event.market, side.position);
  }

  #tellMarginCall(event: Extract<Event, { type: 'margin_called' | 'margin_call_cleared' }>, { catalog, time }: FoldContext): void {
    if (this.#listening(event.account, 'marginCall', event) === undefined) return;
    const { market, units } = catalog.byId(event.market);
    const call: MarginCall = {
      seq: event.seq,
      symbol: market.symbol,
      status: event.type === 'margin_called' ? 'called' : 'cleared',
      markPrice: units.formatPrice(event.mark),
      marginRatio: event.type === 'margin_called' ? formatRate(event.marginRatio) : null,
      timestamp: time,
    };
    this.#emit(event.account, 'marginCall', call);
  }

  #tellFunding(event: EventOf<'funding_paid'> & { readonly seq: Seq }, { catalog, time }: FoldContext): void {
    // Paid when the position had closed already: what it closed with stands.
    this.#touchMarket(event, event.account, event.market, event.position.size === 0 ? undefined : event.position);
    if (this.#listening(event.account, 'funding', event) === undefined) return;
    const { market, quote, units } = catalog.byId(event.market);
    const payment: FundingPayment = {
      seq: event.seq,
      symbol: market.symbol,
      side: event.size < 0 ? 'short' : 'long',
      quantity: units.formatQuantity(Math.abs(event.size)),
      rate: formatRate(event.rate),
      markPrice: units.formatPrice(event.mark),
      amount: units.formatQuote(event.amount),
      asset: quote.code,
      timestamp: time,
    };
    this.#emit(event.account, 'funding', payment);
  }

  /** What an event in a market may change: on spot both assets' wallets, else the futures wallet and, where given, the position. */
  #touchMarket(event: Event, account: AccountId, market: MarketId, position?: PositionState): void {
    if (position !== undefined && this.#listening(account, 'position', event) !== undefined) this.#state.touchPosition(account, market, position);
    if (this.#listening(account, 'balance', event) === undefined) return;
    const { type, baseAsset, quoteAsset } = this.#parts.catalog.byId(market).market;
    this.#state.touchBalance(account, quoteAsset, type === 'spot' ? 'spot' : 'futures');
    if (type === 'spot') this.#state.touchBalance(account, baseAsset, 'spot');
  }

  /** What an order locks: base where spot is sold, else quote. */
  #touchLock(event: Event, account: AccountId, market: MarketId, side: Side): void {
    const { type, baseAsset, quoteAsset } = this.#parts.catalog.byId(market).market;
    this.#touchWallets(event, account, type === 'spot' && side === 'sell' ? baseAsset : quoteAsset, type === 'spot' ? 'spot' : 'futures');
  }

  #touchWallets(event: Event, account: AccountId, asset: AssetId, ...wallets: readonly WalletType[]): void {
    if (this.#listening(account, 'balance', event) === undefined) return;
    for (const wallet of wallets) this.#state.touchBalance(account, asset, wallet);
  }
}
