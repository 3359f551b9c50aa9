/**
 * The exchange's state machine: takes a command, decides, emits events. Deterministic: it reads no clock, no randomness, no environment. A command either changes the
 * state by the events it returns, or is refused and changes nothing.
 */
import { checkTrader, deposit, fundInsurance, openAccount, transfer } from './accounts.ts';
import { apply } from './apply.ts';
import type { Command, NewOrder } from './commands.ts';
import { Core } from './core.ts';
import type { Event, ItemResult, Outcome } from './events.ts';
import { checkState } from './laws.ts';
import { adjustMargin, setLeverage } from './leverage.ts';
import type { Asset, Market } from './market.ts';
import { createAsset, createMarket, setSafety, updateMarket } from './market-admin.ts';
import { clientKey } from './open-orders.ts';
import { amendOrder, cancelAll, cancelOrder, cancelOrders, placeOrder, placeOrders } from './orders.ts';
import { setPrices } from './price-updates.ts';
import type { Audit, AuditRow, BalanceView, EngineReader, OrderView, PositionView, PricesView } from './reader.ts';
import { reject } from './reject.ts';
import type { Reject } from './reject.ts';
import { checkAllRisk } from './risk.ts';
import { checkShape } from './shape.ts';
import { decodeState, encodeState, hashState } from './snapshot.ts';
import { cancelAfter, nextTimer, runPending, runTimers } from './timers.ts';
import { assertNever } from './units.ts';
import type { AccountId, AssetId, Lots, MarketId, Millis, OrderId, Seq, Ticks } from './units.ts';
import { auditNow, balanceView, beginAudit, openOrderViews, orderView, positionView, pricesView } from './views.ts';

/** Items of one batch. */
const MAX_BATCH = 1_000;

/** Undefined: done, without results of items. */
type Decision = Reject | readonly ItemResult[] | undefined;

export class Engine implements EngineReader {
  readonly #core: Core;

  /** `fundingPage`: positions whose funding one command settles, where tests want fewer. */
  constructor(fundingPage?: number) {
    this.#core = new Core(fundingPage);
  }

  static create(fundingPage?: number): Engine {
    return new Engine(fundingPage);
  }

  /** Throws when the bytes are not a snapshot. */
  static restore(bytes: Uint8Array, fundingPage?: number): Engine {
    const engine = new Engine(fundingPage);
    decodeState(engine.#core, bytes);
    return engine;
  }

  /** The whole logical state; compact bytes, for `restore`. */
  snapshot(): Uint8Array {
    return encodeState(this.#core);
  }

  /**
   * `time` never runs backwards: an earlier one counts as that of the last command. What became due by then happens in the same unit, after an accepted command, so whoever
   * orders commands lets `advance_time` go first when `nextTimer` has passed; of what is too much for one command the rest is due at once. Throws when an invariant is broken: the state is then not to be trusted.
   */
  execute(command: Command, time: Millis): Outcome {
    const core = this.#core;
    if (!Number.isSafeInteger(time) || time < 0) return reject('VALIDATION_FAILED', 'The time of a command is a whole number of milliseconds.');
    const malformed = checkShape(command);
    if (malformed !== undefined) return malformed;
    core.now = Math.max(time, core.time);
    core.events = [];
    const decision = this.#decide(command);
    if (decision !== undefined && 'ok' in decision) {
      if (core.events.length > 0) throw new Error(`a refused ${command.type} changed the state`);
      return decision;
    }
    runTimers(core, command.type === 'advance_time');
    checkAllRisk(core);
    return decision === undefined ? { ok: true, events: core.events } : { ok: true, events: core.events, results: decision };
  }

  /** Takes an event of the log as it is; `time` is that of its record. Throws when it does not follow the state. */
  apply(event: Event, time: Millis): void {
    apply(this.#core, event, time);
    this.#core.atRisk = false;
  }

  /** Throws an Error that names the broken law, if any is. */
  check(): void {
    checkState(this.#core);
  }

  #decide(command: Command): Decision {
    const core = this.#core;
    switch (command.type) {
      case 'place_order':
        return refusal(checkTrader(core, command.account) ?? placeOrder(core, command.account, command.order));
      case 'cancel_order':
        return refusal(cancelOrder(core, command.account, command.order));
      case 'amend_order':
        return this.#amend(command.account, command.order, command.price, command.quantity);
      case 'place_orders':
        return this.#batch(command.account, [], command.orders);
      case 'cancel_orders':
        return command.orders === undefined ? this.#cancelAll(command.account, command.market) : this.#batch(command.account, command.orders, []);
      case 'replace_orders':
        return this.#batch(command.account, command.cancel, command.place);
      case 'set_prices':
        return setPrices(core, command);
      case 'deposit':
        return deposit(core, command);
      case 'transfer':
        return transfer(core, command);
      case 'set_leverage':
        return setLeverage(core, command);
      case 'adjust_margin':
        return adjustMargin(core, command);
      case 'cancel_after':
        return cancelAfter(core, command);
      case 'open_account':
        return openAccount(core, command);
      case 'create_asset':
        return createAsset(core, command);
      case 'create_market':
        return createMarket(core, command);
      case 'update_market':
        return updateMarket(core, command);
      case 'set_safety':
        return setSafety(core, command);
      case 'fund_insurance':
        return fundInsurance(core, command);
      case 'note':
        core.emit({ seq: core.nextSeq, type: 'noted' });
        return undefined;
      case 'advance_time':
        runPending(core);
        return undefined;
      default:
        return assertNever(command);
    }
  }

  #amend(account: AccountId, order: OrderId, price: Ticks | undefined, quantity: Lots | undefined): Reject | undefined {
    if (price === undefined && quantity === undefined) return reject('VALIDATION_FAILED', 'Give a new price or a new quantity.');
    return refusal(amendOrder(this.#core, account, order, price, quantity));
  }

  #cancelAll(account: AccountId, market: MarketId | undefined): Reject | undefined {
    const core = this.#core;
    const unknown = checkTrader(core, account);
    if (unknown !== undefined) return unknown;
    if (market !== undefined && core.marketStates[market] === undefined) return reject('UNKNOWN_SYMBOL', 'There is no such market.');
    cancelAll(core, account, market ?? -1, 'user');
    return undefined;
  }

  #batch(account: AccountId, cancel: readonly OrderId[], place: readonly NewOrder[]): Decision {
    const core = this.#core;
    const unknown = checkTrader(core, account);
    if (unknown !== undefined) return unknown;
    if (cancel.length > MAX_BATCH || place.length > MAX_BATCH) return reject('VALIDATION_FAILED', `A batch has at most ${MAX_BATCH} items.`);
    return [...cancelOrders(core, account, cancel), ...placeOrders(core, account, place)];
  }

  get seq(): Seq {
    return this.#core.seq;
  }

  get time(): Millis {
    return this.#core.time;
  }

  get assets(): readonly Asset[] {
    return this.#core.assets;
  }

  get markets(): readonly Market[] {
    return this.#core.markets;
  }

  get accountCount(): number {
    return this.#core.kinds.length;
  }

  get openOrderCount(): number {
    return this.#core.pool.live;
  }

  asset(code: string): Asset | undefined {
    return this.#core.assetByCode.get(code);
  }

  market(symbol: string): Market | undefined {
    return this.#core.marketBySymbol.get(symbol);
  }

  accountOf(userId: string): AccountId | undefined {
    return this.#core.accountByUser.get(userId);
  }

  userOf(account: AccountId): string | undefined {
    return this.#core.isTrader(account) ? this.#core.userIds[account] : undefined;
  }

  kindOf(account: AccountId): 'user' | 'house' | 'venue' {
    return this.#core.kinds[account] ?? 'user';
  }

  balance(account: AccountId, asset: AssetId): BalanceView {
    return balanceView(this.#core, account, asset);
  }

  balances(account: AccountId): BalanceView[] {
    const core = this.#core;
    return core.assets.filter(({ id }) => core.ledger.touched(id, account)).map(({ id }) => balanceView(core, account, id));
  }

  order(id: OrderId): OrderView | undefined {
    const slot = Number.isSafeInteger(id) && id > 0 ? this.#core.slotOf(id) : -1;
    return slot < 0 ? undefined : orderView(this.#core, slot);
  }

  orderByClientId(account: AccountId, clientOrderId: string): OrderView | undefined {
    const id = this.#core.orderByClientId.get(clientKey(account, clientOrderId));
    return id === undefined ? undefined : this.order(id);
  }

  openOrders(account: AccountId, market?: MarketId): OrderView[] {
    return openOrderViews(this.#core, account, market);
  }

  position(account: AccountId, market: MarketId): PositionView | undefined {
    return positionView(this.#core, account, market);
  }

  positions(account: AccountId): PositionView[] {
    return this.#core.markets.flatMap(({ id }) => positionView(this.#core, account, id) ?? []);
  }

  /** Throws RangeError for a market that does not exist. */
  leverage(account: AccountId, market: MarketId): number {
    const state = this.#core.marketStates[market];
    if (state === undefined) throw new RangeError(`there is no market ${market}`);
    return this.#core.leverageOf(state, this.#core.standings.find(account, market));
  }

  /** Throws RangeError for a market that does not exist. */
  prices(market: MarketId): PricesView {
    return pricesView(this.#core, market);
  }

  /** Throws RangeError for a market that does not exist. */
  depth(market: MarketId, levels: number): { readonly bids: readonly (readonly [Ticks, Lots])[]; readonly asks: readonly (readonly [Ticks, Lots])[] } {
    const state = this.#core.marketStates[market];
    if (state === undefined) throw new RangeError(`there is no market ${market}`);
    return { bids: state.book.depth('buy', levels), asks: state.book.depth('sell', levels) };
  }

  audit(): AuditRow[] {
    return auditNow(this.#core);
  }

  beginAudit(): Audit {
    return beginAudit(this.#core);
  }

  nextTimer(): Millis | undefined {
    return nextTimer(this.#core);
  }

  stateHash(): string {
    return hashState(this.#core);
  }
}

function refusal(outcome: OrderId | Reject | undefined): Reject | undefined {
  return typeof outcome === 'number' ? undefined : outcome;
}
