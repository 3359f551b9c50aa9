/**
 * Positions and balances of followed accounts, told when they change: read from the live state, held back until what was read is durable. The `seq`
 * of a message is that of the state it was read from.
 */
import type { PositionState } from '../engine/events.ts';
import type { AccountId, AssetId, MarketId, WalletType } from '../engine/units.ts';
import type { Wallet } from '../models/wallets.ts';
import type { Sequencer } from '../sequencer/sequencer.ts';
import type { Catalog } from './catalog.ts';
import { closedPosition, positionInfo, type Position } from './positions.ts';
import { walletsOf } from './wallets.ts';

export interface AccountStateParts {
  readonly sequencer: Pick<Sequencer, 'state' | 'barrier'>;
  readonly catalog: Pick<Catalog, 'byId'>;
  readonly emit: (account: AccountId, channel: 'position' | 'balance', message: Position | Wallet) => void;
}

interface Touched {
  /** As the last event left them. */
  positions: Map<MarketId, PositionState>;
  balances: Map<AssetId, Set<WalletType>>;
}

interface Followed extends Touched {
  readonly account: AccountId;
  /** As last told, or as found when following began: a closed position has no view any more. */
  last: Map<MarketId, Position>;
}

export class AccountState {
  readonly #parts: AccountStateParts;
  readonly #followed = new Map<AccountId, Followed>();
  /** Those with something to tell. */
  readonly #dirty = new Set<Followed>();
  #telling = false;

  constructor(parts: AccountStateParts) {
    this.#parts = parts;
  }

  /** From now on; to be called before the first touch of a position. */
  followPositions(account: AccountId): void {
    const { sequencer, catalog } = this.#parts;
    const { last } = this.#of(account);
    for (const view of sequencer.state.positions(account)) last.set(view.market, positionInfo(view, catalog.byId(view.market)));
  }

  unfollowPositions(account: AccountId): void {
    const followed = this.#of(account);
    followed.positions.clear();
    // Another one: a round that is about to tell them knows by it that nobody listens any more.
    followed.last = new Map();
  }

  unfollowBalances(account: AccountId): void {
    this.#of(account).balances.clear();
  }

  unfollow(account: AccountId): void {
    const followed = this.#followed.get(account);
    if (followed !== undefined) this.#dirty.delete(followed);
    this.#followed.delete(account);
  }

  touchBalance(account: AccountId, asset: AssetId, wallet: WalletType): void {
    const followed = this.#of(account);
    this.#dirty.add(followed);
    addWallet(followed, asset, wallet);
  }

  touchPosition(account: AccountId, market: MarketId, state: PositionState): void {
    const followed = this.#of(account);
    this.#dirty.add(followed);
    followed.positions.set(market, state);
  }

  #of(account: AccountId): Followed {
    let followed = this.#followed.get(account);
    if (followed === undefined) this.#followed.set(account, (followed = { account, last: new Map(), positions: new Map(), balances: new Map() }));
    return followed;
  }

  /** Tells what was touched, once it is durable. One round at a time, so that nothing overtakes. */
  tell(): void {
    if (!this.#telling && this.#dirty.size > 0) void this.#tellAll();
  }

  async #tellAll(): Promise<void> {
    this.#telling = true;
    // The other records of the same commit come first.
    await Promise.resolve();
    for (let durable = true; durable && this.#dirty.size > 0; ) {
      const round = [...this.#dirty].map((followed) => ({ followed, touched: take(followed), messages: [] as (() => void)[] }));
      this.#dirty.clear();
      for (const { followed, touched, messages } of round) messages.push(...this.#positions(followed, touched), ...this.#balances(followed, touched));
      durable = await this.#durable();
      for (const { followed, touched, messages } of round) {
        if (this.#followed.get(followed.account) !== followed) continue;
        if (durable) for (const send of messages) send();
        else this.#giveBack(followed, touched);
      }
    }
    this.#telling = false;
  }

  /** false: what was read was lost before it was durable. What is true then is told with the next record. */
  async #durable(): Promise<boolean> {
    try {
      await this.#parts.sequencer.barrier();
      return true;
    } catch {
      return false;
    }
  }

  #positions(followed: Followed, touched: Touched): (() => void)[] {
    const { account, last } = followed;
    const { sequencer: { state }, catalog, emit } = this.#parts;
    const { seq, time } = state;
    return [...touched.positions].flatMap(([market, { size, realized }]) => {
      const listed = catalog.byId(market);
      const view = state.position(account, market);
      const before = last.get(market);
      const open = view !== undefined && view.size !== 0;
      // Opened and closed before it was ever told.
      if (!open && before === undefined) return [];
      // Closed by an event that is still to come: only that one knows what it closed with.
      if (!open && size !== 0) return [];
      const now = open ? positionInfo(view, listed) : closedPosition({ ...(before as Position), realizedPnl: listed.units.formatQuote(realized), updatedAt: time });
      return [() => {
        if (followed.last !== last) return;
        if (open) last.set(market, now);
        else last.delete(market);
        emit(account, 'position', { ...now, seq });
      }];
    });
  }

  #balances({ account }: Followed, touched: Touched): (() => void)[] {
    const { sequencer: { state }, emit } = this.#parts;
    return [...touched.balances].flatMap(([asset, changed]) => {
      const wallets = walletsOf(state.balance(account, asset), state.assets[asset], state.seq);
      return wallets.filter((wallet) => changed.has(wallet.account)).map((wallet) => () => emit(account, 'balance', wallet));
    });
  }

  #giveBack(followed: Followed, touched: Touched): void {
    this.#dirty.add(followed);
    for (const [market, change] of touched.positions) if (!followed.positions.has(market)) followed.positions.set(market, change);
    for (const [asset, wallets] of touched.balances) for (const wallet of wallets) addWallet(followed, asset, wallet);
  }
}

function take(followed: Followed): Touched {
  const { positions, balances } = followed;
  followed.positions = new Map();
  followed.balances = new Map();
  return { positions, balances };
}

function addWallet({ balances }: Touched, asset: AssetId, wallet: WalletType): void {
  const wallets = balances.get(asset);
  if (wallets === undefined) balances.set(asset, new Set([wallet]));
  else wallets.add(wallet);
}
