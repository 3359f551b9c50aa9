/**
 * The trading rules a second time, as naively as they can be written: lists that are searched from end to end, BigInt for every figure, the whole state copied to try something out.
 * Slow on purpose. Shares nothing with the engine but the types of its commands, so that an error would have to be made twice to go unnoticed.
 */
import type { NewOrder } from '../../src/engine/commands.ts';
import { maintenanceMargin, tierOf, valued } from './model-margin.ts';
import type { ModelFunding, ModelMarket, ModelOrder, ModelPosition, ModelResult, ModelState, ModelWallet } from './model-state.ts';
import { ceilDiv, floorDiv, max, min } from './rational.ts';

const MILLION = 1_000_000n;

/** What one fill does to one side's position and wallet. */
interface Effect {
  readonly unlocked: bigint;
  readonly fee: bigint;
  readonly available: bigint;
  readonly position: ModelPosition;
}

/** 10, or the market's maximum. */
function defaultLeverage(maxLeverage: number): bigint {
  return BigInt(Math.min(10, maxLeverage));
}

export class ReferenceModel {
  readonly markets: readonly ModelMarket[];
  readonly accounts: number;
  state: ModelState = { nextId: 1, nextArrival: 1, orders: [], positions: new Map(), wallets: new Map(), leverages: new Map(), marks: [], trades: [], funding: undefined };

  /** `accounts`: how many there are, the venue among them. */
  constructor(markets: readonly ModelMarket[], accounts: number) {
    this.markets = markets;
    this.accounts = accounts;
    this.state.marks = markets.map(() => 0n);
  }

  // ---- what is held

  wallet(account: number, asset: string): ModelWallet {
    const key = `${account}:${asset}`;
    const known = this.state.wallets.get(key);
    if (known !== undefined) return known;
    const wallet = { spotAvailable: 0n, spotLocked: 0n, futuresAvailable: 0n, futuresLocked: 0n, margin: 0n };
    this.state.wallets.set(key, wallet);
    return wallet;
  }

  position(account: number, market: number): ModelPosition {
    return this.state.positions.get(`${account}:${market}`) ?? { size: 0n, cost: 0n, margin: 0n, realized: 0n };
  }

  leverage(account: number, market: number): bigint {
    return this.state.leverages.get(`${account}:${market}`) ?? defaultLeverage(this.markets[market].spec.maxLeverage);
  }

  order(id: number): ModelOrder | undefined {
    return this.state.orders.find((order) => order.id === id);
  }

  /** Best first: price, then time. */
  makers(market: number, sign: bigint): ModelOrder[] {
    const side = this.state.orders.filter((order) => order.market === market && order.sign === sign);
    return side.sort((a, b) => (a.price === b.price ? a.arrival - b.arrival : Number(sign * (b.price - a.price))));
  }

  // ---- orders

  place(account: number, wish: NewOrder): ModelResult {
    const id = this.state.nextId;
    const order: ModelOrder = {
      id, account, market: wish.market, sign: wish.side === 'buy' ? 1n : -1n, wish, price: BigInt(wish.price), quantity: BigInt(wish.quantity), remaining: BigInt(wish.quantity), filled: 0n, lock: 0n,
      arrival: 0,
    };
    const code = this.#enter(order, undefined);
    if (code !== undefined) return code;
    this.state.nextId++;
    return id;
  }

  cancel(account: number, id: number): ModelResult {
    const order = this.order(id);
    if (order === undefined || order.account !== account) return 'ORDER_NOT_OPEN';
    this.#close(order);
    return id;
  }

  amend(account: number, id: number, price: bigint | undefined, quantity: bigint | undefined): ModelResult {
    const old = this.order(id);
    if (old === undefined || old.account !== account) return 'ORDER_NOT_OPEN';
    if (price === undefined && quantity === undefined) return 'VALIDATION_FAILED';
    const newPrice = price ?? old.price;
    const total = quantity ?? old.filled + old.remaining;
    const remaining = total - old.filled;
    const amended: ModelOrder = { ...old, price: newPrice, quantity: total, remaining, arrival: 0 };
    const malformed = this.#checkSize(amended);
    if (malformed !== undefined) return malformed;
    if (remaining < 1n) return 'QUANTITY_BELOW_FILLED';
    if (newPrice === old.price && remaining <= old.remaining) {
      const lock = ceilDiv(old.lock * remaining, old.remaining);
      const kept = this.#perpetual(old) ? lock : this.#spotLock(old, newPrice, remaining);
      this.#move(old, kept - old.lock);
      old.quantity = total;
      old.remaining = remaining;
      return id;
    }
    return this.#enter(amended, old) ?? id;
  }

  /** Checks, locks, trades and rests. Changes nothing when it returns a code. */
  #enter(order: ModelOrder, replaced: ModelOrder | undefined): string | undefined {
    const before = structuredClone(this.state);
    const code = this.#tryEnter(order, replaced);
    if (code !== undefined) this.state = before;
    return code;
  }

  #tryEnter(order: ModelOrder, replaced: ModelOrder | undefined): string | undefined {
    const { wish } = order;
    const { spec } = this.markets[order.market];
    const perpetual = this.#perpetual(order);
    if (wish.clientOrderId !== '' && replaced === undefined && this.state.orders.some(({ account, wish: other }) => account === order.account && other.clientOrderId === wish.clientOrderId)) return 'DUPLICATE_CLIENT_ORDER_ID';
    const malformed = this.#checkSize(order);
    if (malformed !== undefined) return malformed;
    if (replaced !== undefined) this.#close(replaced);
    if (wish.reduceOnly) {
      const room = this.#reducible(order);
      if (room <= 0n) return 'REDUCE_ONLY_WOULD_INCREASE';
      if (order.remaining > room) {
        if (wish.timeInForce === 'FOK') return 'REDUCE_ONLY_WOULD_INCREASE';
        order.quantity -= order.remaining - room;
        order.remaining = room;
      }
    }
    if (replaced === undefined && wish.timeInForce === 'GTC' && this.state.orders.filter(({ account, market }) => account === order.account && market === order.market).length >= spec.maxOpenOrders) return 'MAX_OPEN_ORDERS';
    if (perpetual && this.#opening(order) > 0n) {
      const code = this.#checkPosition(order);
      if (code !== undefined) return code;
    }
    order.lock = perpetual ? this.#perpetualLock(order) : this.#spotLockOfNew(order);
    if (!this.#canLock(order)) return perpetual ? 'INSUFFICIENT_MARGIN' : 'INSUFFICIENT_BALANCE';
    const crosses = this.#opposite(order).some((maker) => this.#matches(order, maker));
    if (wish.postOnly && crosses) return 'POST_ONLY_WOULD_TAKE';
    if (wish.type === 'market' && !crosses) return 'NO_LIQUIDITY';
    this.#move(order, order.lock, order.lock);
    this.state.orders.push(order);
    const ended = this.#match(order);
    if (wish.timeInForce === 'FOK' && order.remaining > 0n) return 'FOK_NOT_FILLABLE';
    if (!ended) {
      if (wish.timeInForce === 'GTC') order.arrival = this.state.nextArrival++;
      else this.#close(order);
    }
    return undefined;
  }

  /** Of the whole order, whatever is filled of it. A market order is worth what the best maker asks. */
  #checkSize({ wish, market, price, quantity, sign }: ModelOrder): string | undefined {
    const { spec, unit } = this.markets[market];
    if (wish.type === 'limit' && price < 1n) return 'INVALID_TICK';
    if (quantity < 1n || (quantity < BigInt(spec.minQuantity) && !wish.reduceOnly)) return 'INVALID_LOT';
    const reference = wish.type === 'limit' ? price : (this.makers(market, -sign)[0]?.price ?? 0n);
    return reference > 0n && reference * quantity * unit < BigInt(spec.minNotional) && !wish.reduceOnly ? 'MIN_NOTIONAL' : undefined;
  }

  #perpetual(order: ModelOrder): boolean {
    return this.markets[order.market].spec.type === 'perpetual';
  }

  #opposite(order: ModelOrder): ModelOrder[] {
    return this.makers(order.market, -order.sign).filter(({ arrival }) => arrival > 0);
  }

  #matches(order: ModelOrder, maker: ModelOrder): boolean {
    return order.wish.type === 'market' || order.sign * (order.price - maker.price) >= 0n;
  }

  /** Resting orders of the account that would close its position, or all of that side. */
  #resting(order: ModelOrder, reduceOnly: boolean): bigint {
    const own = this.state.orders.filter(({ id, account, market, sign }) => id !== order.id && account === order.account && market === order.market && sign === order.sign);
    return own.filter(({ wish }) => !reduceOnly || wish.reduceOnly).reduce((sum, { remaining }) => sum + remaining, 0n);
  }

  /** What never rests may close all of the position: the resting ones give way as it fills. */
  #reducible(order: ModelOrder): bigint {
    const against = -order.sign * this.position(order.account, order.market).size;
    return max(0n, against) - (order.wish.timeInForce === 'GTC' ? this.#resting(order, true) : 0n);
  }

  #spotLock(order: ModelOrder, price: bigint, quantity: bigint): bigint {
    const { unit, basePerLot } = this.markets[order.market];
    return order.sign < 0n ? quantity * basePerLot : price * quantity * unit;
  }

  #spotLockOfNew(order: ModelOrder): bigint {
    if (order.wish.type === 'limit' || order.sign < 0n) return this.#spotLock(order, order.price, order.remaining);
    return this.#walk(order).reduce((sum, [price, quantity]) => sum + this.#spotLock(order, price, quantity), 0n);
  }

  /** What the order would trade, makers' prices and lots, did every maker carry its side. */
  #walk(order: ModelOrder): [bigint, bigint][] {
    const walk: [bigint, bigint][] = [];
    let left = order.remaining;
    for (const maker of this.#opposite(order)) {
      if (left === 0n || !this.#matches(order, maker)) break;
      if (maker.account === order.account && order.wish.selfTradePrevention !== 'none') {
        if (order.wish.selfTradePrevention === 'expire_maker') continue;
        break;
      }
      const traded = min(left, maker.remaining);
      walk.push([maker.price, traded]);
      left -= traded;
    }
    return walk;
  }

  /** Lots beyond those that close what no resting order closes already. */
  #opening(order: ModelOrder): bigint {
    if (order.wish.reduceOnly) return 0n;
    const against = -order.sign * this.position(order.account, order.market).size - this.#resting(order, false);
    return order.remaining - min(order.remaining, max(0n, against));
  }

  /** N ÷ leverage + worst-case opening loss against the mark + the dearer fee, of the part that opens. A market order's at the prices that it meets, a sale's at the best bid it may get. */
  #perpetualLock(order: ModelOrder): bigint {
    const { spec, unit } = this.markets[order.market];
    const opening = this.#opening(order);
    if (opening === 0n) return 0n;
    const mark = this.state.marks[order.market];
    let notional = 0n;
    let loss = 0n;
    if (order.wish.type === 'limit') {
      const best = this.#opposite(order).find((maker) => this.#matches(order, maker));
      notional = (order.sign < 0n && best !== undefined ? best.price : order.price) * opening * unit;
      loss = max(0n, order.sign * (order.price - mark)) * opening * unit;
    } else {
      let closing = order.remaining - opening;
      for (const [price, quantity] of this.#walk(order)) {
        const closed = min(closing, quantity);
        closing -= closed;
        notional += price * (quantity - closed) * unit;
        loss += max(0n, order.sign * (price - mark)) * (quantity - closed) * unit;
      }
    }
    const rate = BigInt(Math.max(spec.takerFee, spec.makerFee, 0));
    return ceilDiv(notional, this.leverage(order.account, order.market)) + loss + ceilDiv(notional * rate, MILLION);
  }

  /** Leverage and size of what this order and the resting ones of its side can lead to, at the worse of its own price and the mark. */
  #checkPosition(order: ModelOrder): string | undefined {
    const { spec, unit } = this.markets[order.market];
    const largest = order.sign * this.position(order.account, order.market).size + this.#resting(order, false) + order.remaining;
    const best = this.#opposite(order)[0];
    const meets = best !== undefined && this.#matches(order, best);
    const own = order.wish.type === 'market' || (order.sign < 0n && meets) ? (best?.price ?? 0n) : order.price;
    const notional = largest * max(own, this.state.marks[order.market]) * unit;
    if (spec.maxPosition > 0 && notional > BigInt(spec.maxPosition)) return 'MAX_POSITION';
    return this.#tooHigh(order.market, this.leverage(order.account, order.market), notional) ? 'LEVERAGE_TOO_HIGH' : undefined;
  }

  /** Beyond the market's limit or the tier's. */
  #tooHigh(market: number, leverage: bigint, notional: bigint): boolean {
    return leverage > BigInt(this.markets[market].spec.maxLeverage) || this.#aboveTier(market, leverage, notional);
  }

  /** A margin rate of 1 ÷ leverage, in whole ppm, below the tier's. */
  #aboveTier(market: number, leverage: bigint, notional: bigint): boolean {
    return ceilDiv(MILLION, leverage) < tierOf(this.markets[market], notional).imr;
  }

  /** What rests keeps its leverage when the market's limit is lowered: only its tier counts. */
  #beyondLimits({ account, market }: ModelOrder, price: bigint, size: bigint): boolean {
    const { spec, unit } = this.markets[market];
    const notional = max(size, -size) * max(price, this.state.marks[market]) * unit;
    return (spec.maxPosition > 0 && notional > BigInt(spec.maxPosition)) || this.#aboveTier(market, this.leverage(account, market), notional);
  }

  #lockAsset(order: ModelOrder): string {
    const { spec } = this.markets[order.market];
    return !this.#perpetual(order) && order.sign < 0n ? spec.base : spec.quote;
  }

  #canLock(order: ModelOrder): boolean {
    const wallet = this.wallet(order.account, this.#lockAsset(order));
    return (this.#perpetual(order) ? wallet.futuresAvailable : wallet.spotAvailable) >= order.lock;
  }

  /** Moves `delta` from available to the order's lock. */
  #move(order: ModelOrder, delta: bigint, lock = order.lock + delta): void {
    const wallet = this.wallet(order.account, this.#lockAsset(order));
    if (this.#perpetual(order)) {
      wallet.futuresAvailable -= delta;
      wallet.futuresLocked += delta;
    } else {
      wallet.spotAvailable -= delta;
      wallet.spotLocked += delta;
    }
    order.lock = lock;
  }

  #close(order: ModelOrder): void {
    this.#move(order, -order.lock);
    this.state.orders = this.state.orders.filter(({ id }) => id !== order.id);
  }

  // ---- matching

  /** True when the order ended on the way. */
  #match(taker: ModelOrder): boolean {
    for (;;) {
      if (this.order(taker.id) === undefined) return true;
      const maker = this.#opposite(taker)[0];
      if (maker === undefined || !this.#matches(taker, maker)) return false;
      if (maker.account === taker.account && taker.wish.selfTradePrevention !== 'none') {
        const mode = taker.wish.selfTradePrevention;
        if (mode !== 'expire_taker') this.#close(maker);
        if (mode !== 'expire_maker') {
          this.#close(taker);
          return true;
        }
        continue;
      }
      if (!this.#trade(taker, maker)) return true;
    }
  }

  /** False when the taker ended for want of margin. */
  #trade(taker: ModelOrder, maker: ModelOrder): boolean {
    const quantity = min(taker.remaining, maker.remaining);
    const { spec } = this.markets[taker.market];
    for (const { account } of [maker, taker]) this.#payFirst(account, taker.market);
    const fees = this.#perpetual(taker) ? this.#tradePerpetual(taker, maker, quantity) : this.#tradeSpot(taker, maker, quantity);
    if (fees === 'maker') {
      this.#close(maker);
      return true;
    }
    if (fees === 'taker') {
      this.#close(taker);
      return false;
    }
    this.state.trades.push({ market: taker.market, price: maker.price, quantity, taker: taker.id, maker: maker.id, takerFee: fees.taker, makerFee: fees.maker });
    for (const order of [maker, taker]) {
      order.remaining -= quantity;
      order.filled += quantity;
      if (order.remaining === 0n) this.#close(order);
    }
    if (spec.type === 'perpetual') for (const { account } of [maker, taker]) this.#cutReduceOnly(account, taker.market);
    return true;
  }

  #tradeSpot(taker: ModelOrder, maker: ModelOrder, quantity: bigint): { readonly taker: bigint; readonly maker: bigint } {
    const { spec, unit, basePerLot } = this.markets[taker.market];
    const notional = maker.price * quantity * unit;
    const base = quantity * basePerLot;
    const charge = (order: ModelOrder, rate: number): bigint => {
      const receives = order.sign > 0n ? base : notional;
      const pays = order.sign > 0n ? notional : base;
      const fee = ceilDiv(receives * BigInt(rate), MILLION);
      const unlocked = order.wish.type === 'market' && order.sign > 0n ? notional : this.#spotLock(order, order.price, quantity);
      this.#move(order, -unlocked);
      this.wallet(order.account, order.sign > 0n ? spec.quote : spec.base).spotAvailable -= pays;
      this.wallet(order.account, order.sign > 0n ? spec.base : spec.quote).spotAvailable += receives - fee;
      return fee;
    };
    const makerFee = charge(maker, spec.makerFee);
    return { maker: makerFee, taker: charge(taker, spec.takerFee) };
  }

  #tradePerpetual(taker: ModelOrder, maker: ModelOrder, quantity: bigint): { readonly taker: bigint; readonly maker: bigint } | 'maker' | 'taker' {
    const { spec } = this.markets[taker.market];
    const makerWallet = this.wallet(maker.account, spec.quote);
    const before = structuredClone(this.state);
    const makerEffect = this.#effect(maker, maker.price, quantity, BigInt(spec.makerFee));
    if (makerEffect === undefined) return 'maker';
    this.#settle(maker, makerWallet, makerEffect);
    const takerEffect = this.#effect(taker, maker.price, quantity, BigInt(spec.takerFee));
    if (takerEffect === undefined) {
      this.#restore(before, [maker, taker]);
      return 'taker';
    }
    this.#settle(taker, this.wallet(taker.account, spec.quote), takerEffect);
    return { maker: makerEffect.fee, taker: takerEffect.fee };
  }

  #restore(before: ModelState, orders: readonly ModelOrder[]): void {
    for (const order of orders) order.lock = before.orders.find(({ id }) => id === order.id)!.lock;
    this.state.wallets = before.wallets;
    this.state.positions = before.positions;
  }

  #settle(order: ModelOrder, wallet: ModelWallet, { unlocked, available, position }: Effect): void {
    const old = this.position(order.account, order.market);
    wallet.futuresLocked -= unlocked;
    order.lock -= unlocked;
    wallet.futuresAvailable = available;
    wallet.margin += position.margin - old.margin;
    const key = `${order.account}:${order.market}`;
    if (position.size === 0n) this.state.positions.delete(key);
    else this.state.positions.set(key, position);
  }

  /** undefined: the account cannot carry it. */
  #effect(order: ModelOrder, price: bigint, quantity: bigint, rate: bigint): Effect | undefined {
    const { spec, unit } = this.markets[order.market];
    const old = this.position(order.account, order.market);
    const held = old.size < 0n ? -old.size : old.size;
    const closing = old.size * order.sign < 0n ? min(held, quantity) : 0n;
    const opening = quantity - closing;
    const available = this.wallet(order.account, spec.quote).futuresAvailable;

    // The part that closes, at the average entry.
    const rounded = old.size > 0n ? ceilDiv : floorDiv;
    const closedCost = closing === 0n ? 0n : rounded(old.cost * closing, held);
    const released = closing === 0n ? 0n : floorDiv(old.margin * closing, held);
    const closedNotional = price * closing * unit;
    const pnl = old.size > 0n ? closedNotional - closedCost : closedCost - closedNotional;
    // The part that opens.
    const openedNotional = price * opening * unit;
    const flat = held === closing;
    const position: ModelPosition = {
      size: old.size + order.sign * quantity,
      cost: old.cost - closedCost + openedNotional,
      margin: old.margin - released + floorDiv(openedNotional, this.leverage(order.account, order.market)),
      realized: flat && opening > 0n ? 0n : old.realized + pnl,
    };
    // An order in the book opens within the limits of now, whatever position it was checked with when it came.
    if (opening > 0n && (order.arrival > 0 || order.lock === 0n) && this.#beyondLimits(order, price, position.size)) return undefined;
    if (opening > 0n && this.#called(order.market, position)) {
      const mark = this.state.marks[order.market];
      position.margin += max(0n, order.sign * (price - mark)) * opening * unit;
      if (this.#due(order.market, position)) return undefined;
    }
    const unlocked = quantity === order.remaining ? order.lock : opening === 0n ? 0n : floorDiv(order.lock * opening, order.remaining - closing);
    const rest = available + unlocked + pnl - (position.margin - old.margin);
    const fee = ceilDiv(price * quantity * unit * rate, MILLION);
    const least = floorDiv(price * quantity * unit * rate, MILLION);
    if (rest >= fee) return { unlocked, fee, available: rest - fee, position };
    return rest >= least ? { unlocked, fee: least, available: rest - least, position } : undefined;
  }

  #called(market: number, position: ModelPosition): boolean {
    return this.#crossed(market, position, 5n);
  }

  #due(market: number, position: ModelPosition): boolean {
    return this.#crossed(market, position, 4n);
  }

  /** MM ≥ equity × 4 ÷ quarters, at the mark. */
  #crossed(market: number, position: ModelPosition, quarters: bigint): boolean {
    const mark = this.state.marks[market];
    if (mark === 0n) return false;
    const { notional, equity } = valued(this.markets[market], position, mark);
    return 4n * equity <= quarters * maintenanceMargin(this.markets[market], notional);
  }

  /** The newest reduce-only orders give way first. */
  #cutReduceOnly(account: number, market: number): void {
    const { size } = this.position(account, market);
    for (const sign of [1n, -1n]) {
      const own = this.state.orders.filter((order) => order.account === account && order.market === market && order.sign === sign && order.wish.reduceOnly && order.arrival > 0);
      let excess = own.reduce((sum, { remaining }) => sum + remaining, 0n) - max(0n, -sign * size);
      for (const order of own.sort((a, b) => b.id - a.id)) {
        if (excess <= 0n) break;
        const by = min(excess, order.remaining);
        excess -= by;
        order.remaining -= by;
        if (order.remaining === 0n) this.#close(order);
      }
    }
  }

  // ---- funding

  /** An interval has ended at this rate. With more positions than a page has, pages follow; else the residue comes back at once. */
  beginFunding(market: number, rate: bigint, page: number): bigint | undefined {
    const held = [...this.state.positions].filter(([key, { size }]) => key.endsWith(`:${market}`) && size !== 0n).map(([key, { size }]) => [Number(key.split(':')[0]), size] as const);
    const unpaid = held.filter(([, size]) => size * rate > 0n).map(([account]) => account);
    this.state.funding = { market, rate, mark: this.state.marks[market], sizes: new Map(held), unpaid: new Set(unpaid), receiving: false, nextAccount: 1, collected: 0n, paidOut: 0n };
    return held.length > page ? undefined : this.fundingPage(Number.MAX_SAFE_INTEGER);
  }

  /** Goes through accounts, each of which costs a look, and one that pays or receives ten more; a page has ten for each of its positions. The residue when that was all. */
  fundingPage(page: number): bigint | undefined {
    const { funding } = this.state;
    if (funding === undefined) return undefined;
    let looks = 10 * page;
    for (;;) {
      if (funding.nextAccount === this.accounts && funding.receiving) break;
      if (funding.nextAccount === this.accounts) {
        funding.receiving = true;
        funding.nextAccount = 1;
      }
      if (looks <= 0) return undefined;
      const account = funding.nextAccount++;
      looks -= 1;
      if (funding.receiving ? this.#receive(funding, account) : this.#pay(funding, account)) looks -= 10;
    }
    this.state.funding = undefined;
    return funding.collected - funding.paidOut;
  }

  /** Before a position changes: it pays on what it was. What others are to receive on what theirs were is not lost, whatever becomes of them. */
  #payFirst(account: number, market: number): void {
    const { funding } = this.state;
    if (funding !== undefined && funding.market === market && !funding.receiving) this.#pay(funding, account);
  }

  /** Whether it was its turn. From available, then from margin. */
  #pay(funding: ModelFunding, account: number): boolean {
    if (!funding.unpaid.delete(account)) return false;
    const { market } = funding;
    const wallet = this.wallet(account, this.markets[market].spec.quote);
    const position = this.position(account, market);
    const due = ceilDiv(this.#fundingProduct(funding, account), MILLION);
    const fromAvailable = min(due, wallet.futuresAvailable);
    const fromMargin = min(due - fromAvailable, position.margin);
    wallet.futuresAvailable -= fromAvailable;
    wallet.margin -= fromMargin;
    position.margin -= fromMargin;
    funding.collected += fromAvailable + fromMargin;
    return true;
  }

  #receive(funding: ModelFunding, account: number): boolean {
    const due = (who: number) => floorDiv(this.#fundingProduct(funding, who), MILLION);
    const receivers = [...funding.sizes].filter(([, size]) => size * funding.rate < 0n).map(([who]) => who);
    if (!receivers.includes(account)) return false;
    const owed = receivers.reduce((sum, who) => sum + due(who), 0n);
    const amount = funding.collected < owed ? floorDiv(due(account) * funding.collected, owed) : due(account);
    this.wallet(account, this.markets[funding.market].spec.quote).futuresAvailable += amount;
    funding.paidOut += amount;
    return true;
  }

  /** Lots × mark × rate, unsigned. */
  #fundingProduct({ market, rate, mark, sizes }: ModelFunding, account: number): bigint {
    const product = (sizes.get(account) ?? 0n) * mark * this.markets[market].unit * rate;
    return product < 0n ? -product : product;
  }

  // ---- leverage, margin, money

  setLeverage(account: number, market: number, leverage: bigint): string | undefined {
    const { spec } = this.markets[market];
    const position = this.position(account, market);
    const { notional } = valued(this.markets[market], position, this.state.marks[market]);
    if (this.#tooHigh(market, leverage, notional)) return 'LEVERAGE_TOO_HIGH';
    if (this.state.orders.some((order) => order.account === account && order.market === market && order.lock > 0n)) return 'CONFLICT';
    if (position.size !== 0n) {
      const needed = floorDiv(position.cost, leverage);
      const target = needed < position.margin ? min(position.margin, max(needed, this.#least(market, position, leverage))) : needed;
      const wallet = this.wallet(account, spec.quote);
      if (target - position.margin > wallet.futuresAvailable) return 'INSUFFICIENT_MARGIN';
      this.#addMargin(account, market, target - position.margin);
    }
    this.state.leverages.set(`${account}:${market}`, leverage);
    return undefined;
  }

  /** Where that moves the default, whoever holds a position or an order there keeps the old one. */
  setMaxLeverage(market: number, maxLeverage: number): void {
    const { spec } = this.markets[market];
    const before = defaultLeverage(spec.maxLeverage);
    if (defaultLeverage(maxLeverage) !== before) {
      const involved = [
        ...[...this.state.positions].filter(([key, { size }]) => key.endsWith(`:${market}`) && size !== 0n).map(([key]) => key),
        ...this.state.orders.filter((order) => order.market === market).map(({ account }) => `${account}:${market}`),
      ];
      for (const key of involved) if (!this.state.leverages.has(key)) this.state.leverages.set(key, before);
    }
    this.markets[market].spec = { ...spec, maxLeverage };
  }

  /** The margin that must stay: initial margin at entry, and at the mark on top of what has been lost. */
  #least(market: number, position: ModelPosition, leverage: bigint): bigint {
    const { notional, equity } = valued(this.markets[market], position, this.state.marks[market]);
    const pnl = equity - position.margin;
    return max(ceilDiv(position.cost, leverage), ceilDiv(notional, leverage) + max(0n, -pnl));
  }

  adjustMargin(account: number, market: number, amount: bigint): string | undefined {
    const position = this.position(account, market);
    if (position.size === 0n) return 'NOT_FOUND';
    if (amount > this.wallet(account, this.markets[market].spec.quote).futuresAvailable) return 'INSUFFICIENT_BALANCE';
    if (amount < 0n && position.margin + amount < this.#least(market, position, this.leverage(account, market))) return 'INSUFFICIENT_MARGIN';
    this.#addMargin(account, market, amount);
    return undefined;
  }

  #addMargin(account: number, market: number, amount: bigint): void {
    const wallet = this.wallet(account, this.markets[market].spec.quote);
    const position = this.position(account, market);
    wallet.futuresAvailable -= amount;
    wallet.margin += amount;
    position.margin += amount;
  }

  transfer(account: number, asset: string, amount: bigint, from: 'spot' | 'futures'): string | undefined {
    const wallet = this.wallet(account, asset);
    if (amount > (from === 'spot' ? wallet.spotAvailable : wallet.futuresAvailable)) return 'INSUFFICIENT_BALANCE';
    const delta = from === 'spot' ? amount : -amount;
    wallet.spotAvailable -= delta;
    wallet.futuresAvailable += delta;
    return undefined;
  }
}
