/** Decides whether an order may enter: every check in the order of precedence, the first that fails names the code. Changes nothing. */
import type { NewOrder } from './commands.ts';
import type { Core } from './core.ts';
import { FUTURES_AVAILABLE, SPOT_AVAILABLE } from './ledger.ts';
import { certainTaker } from './certainty.ts';
import { MAX_NOTIONAL } from './fill.ts';
import { openingLoss, perpetualLock, spotLock } from './locks.ts';
import type { MarketState } from './market-state.ts';
import { allowedLeverage, bandLimit, checkBand, checkPriced, checkStatus, exceedsPosition } from './market-rules.ts';
import { clientKey } from './open-orders.ts';
import { isPrevention } from './pool.ts';
import { MAX_PRICE } from './price-tree.ts';
import { reject } from './reject.ts';
import type { Reject } from './reject.ts';
import { MAX_LOOKS, walkBook, walkCertain } from './walk.ts';
import type { Walk, WalkRequest } from './walk.ts';
import type { AccountId, Amount, Lots, Ticks } from './units.ts';

/** What an admitted order may do. One object for all admissions: read it before the next one. */
export interface Admission {
  /** May be less than asked for: a reduce-only order is cut down to what it can close. */
  quantity: Lots;
  lock: Amount;
  /** Worst price at which it may trade. */
  limit: Ticks;
  /** Whether it meets the other side of the book. */
  crosses: boolean;
  /** What is certain to fill of a fill-or-kill order, where its lock has asked for that already. */
  ahead: Walk | undefined;
}

export const admission: Admission = { quantity: 0, lock: 0, limit: 0, crosses: false, ahead: undefined };

/** Lots and lock of an open order that the new one replaces (an amendment). */
export interface Replaced {
  readonly lots: Lots;
  readonly lock: Amount;
}
const NOTHING: Replaced = { lots: 0, lock: 0 };

const CLIENT_ORDER_ID = /^[A-Za-z0-9._-]{1,36}$/;

/** Writes `admission`, or says why not. */
export function admit(core: Core, account: AccountId, order: NewOrder): Reject | undefined {
  const malformed = checkForm(order);
  if (malformed !== undefined) return malformed;
  if (account >= core.kinds.length || account < 1) return reject('NOT_FOUND', `There is no account ${account}.`);
  if (order.clientOrderId !== '' && core.orderByClientId.has(clientKey(account, order.clientOrderId))) {
    return reject('DUPLICATE_CLIENT_ORDER_ID', `An open order already has the clientOrderId ${order.clientOrderId}.`);
  }
  const market = core.marketStates[order.market];
  if (market === undefined) return reject('UNKNOWN_SYMBOL', 'There is no such market.');
  if (order.reduceOnly && !market.perpetual) return reject('VALIDATION_FAILED', 'reduceOnly is for perpetuals.');
  return checkMarket(market, order) ?? checkEntry(core, market, account, order, NOTHING);
}

/** The part that a new order and an amended one share: limits of the account, money, book. `replaced` is what it frees. */
export function checkEntry(core: Core, market: MarketState, account: AccountId, order: NewOrder, replaced: Replaced): Reject | undefined {
  const limit = order.type === 'market' ? bandLimit(market, order.side) : order.price;
  const touch = order.side === 'buy' ? market.book.bestAsk() : market.book.bestBid();
  admission.quantity = order.quantity;
  admission.limit = limit;
  admission.ahead = undefined;
  admission.crosses = touch !== 0 && (order.side === 'buy' ? touch <= limit : touch >= limit);
  const standing = core.standings.find(account, order.market);
  const refused = order.reduceOnly ? reduce(core, market, standing, order, replaced) : undefined;
  if (refused !== undefined) return refused;
  // What never rests may come at any time: with many orders in the book a position can still be closed.
  if (replaced === NOTHING && order.timeInForce === 'GTC' && standing >= 0 && core.standings.openOrders[standing] >= market.market.maxOpenOrders) {
    return reject('MAX_OPEN_ORDERS', `At most ${market.market.maxOpenOrders} open orders are allowed in ${market.market.symbol}.`);
  }
  return (market.perpetual ? fundPerpetual(core, market, account, standing, order, replaced) : fundSpot(core, market, account, order, replaced)) ?? checkBook(core, market, account, order);
}

function checkForm(order: NewOrder): Reject | undefined {
  const { type, side, price, timeInForce, postOnly } = order;
  if (side !== 'buy' && side !== 'sell') return reject('VALIDATION_FAILED', 'The side must be buy or sell.');
  if (type !== 'limit' && type !== 'market') return reject('VALIDATION_FAILED', 'The type must be limit or market.');
  if (timeInForce !== 'GTC' && timeInForce !== 'IOC' && timeInForce !== 'FOK') return reject('VALIDATION_FAILED', 'The time in force must be GTC, IOC or FOK.');
  if (type === 'market' && (price !== 0 || postOnly || timeInForce === 'GTC')) return reject('VALIDATION_FAILED', 'A market order has no price, takes, and is IOC or FOK.');
  if (!isPrevention(order.selfTradePrevention)) return reject('VALIDATION_FAILED', 'Self-trade prevention is expire_taker, expire_maker, expire_both or none.');
  if (postOnly && timeInForce !== 'GTC') return reject('VALIDATION_FAILED', 'A post-only order rests, so it must be GTC.');
  if (order.clientOrderId !== '' && !CLIENT_ORDER_ID.test(order.clientOrderId)) return reject('VALIDATION_FAILED', 'A clientOrderId has 1 to 36 of A-Z a-z 0-9 . _ -');
  return undefined;
}

/** Status, tick, lot, notional and band. */
export function checkMarket(market: MarketState, order: NewOrder): Reject | undefined {
  return checkStatus(market.market, order.reduceOnly) ?? checkPriced(market) ?? checkSize(market, order) ?? (order.type === 'limit' ? checkBand(market, order.price) : undefined);
}

/** Tick, lot and notional. An order that only closes may be as small as what is left to close. */
export function checkSize(market: MarketState, order: NewOrder): Reject | undefined {
  const { market: rules, words } = market;
  const { price, quantity, type, reduceOnly } = order;
  if (type === 'limit' && !(Number.isSafeInteger(price) && price >= 1 && price <= MAX_PRICE)) return reject('INVALID_TICK', `The price must be a multiple of ${rules.tickSize}, from ${words.price(1)} to ${words.price(MAX_PRICE)}.`);
  const most = type === 'limit' ? rules.maxQuantity : rules.maxMarketQuantity;
  if (!Number.isSafeInteger(quantity) || quantity < 1) return reject('INVALID_LOT', `The quantity must be a multiple of ${rules.lotSize}.`);
  if (quantity < rules.minQuantity && !reduceOnly) return reject('INVALID_LOT', `The quantity must be at least ${words.quantity(rules.minQuantity)}.`);
  if (most !== 0 && quantity > most) return reject('INVALID_LOT', `The quantity must be at most ${words.quantity(most)}.`);
  if (quantity * rules.basePerLot > MAX_NOTIONAL) return reject('INVALID_LOT', 'The quantity is too large.');
  const reference = type === 'limit' ? price : touchOf(market, order);
  const notional = reference * quantity * rules.quotePerTickLot;
  if (notional > MAX_NOTIONAL) return reject('INVALID_LOT', 'Price × quantity is too large.');
  if (reference !== 0 && notional < rules.minNotional && !reduceOnly) return reject('MIN_NOTIONAL', `Price × quantity must be at least ${words.quote(rules.minNotional)}.`);
  return undefined;
}

function touchOf(market: MarketState, order: NewOrder): Ticks {
  return order.side === 'buy' ? market.book.bestAsk() : market.book.bestBid();
}

/** All resting reduce-only orders together never exceed the position: a new one gets what they leave. One that never rests may close all of it: they are cut down as it fills. */
function reduce(core: Core, market: MarketState, standing: number, order: NewOrder, replaced: Replaced): Reject | undefined {
  const size = standing < 0 ? 0 : core.standings.size[standing];
  const opposite = order.side === 'buy' ? size < 0 : size > 0;
  if (!opposite) return reject('REDUCE_ONLY_WOULD_INCREASE', 'There is no position on the other side that this order could reduce.');
  const resting = order.side === 'buy' ? core.standings.reducingBuy[standing] : core.standings.reducingSell[standing];
  const closable = order.timeInForce === 'GTC' ? Math.abs(size) - (resting - replaced.lots) : Math.abs(size);
  if (closable <= 0) return reject('REDUCE_ONLY_WOULD_INCREASE', 'Other reduce-only orders already close the whole position.');
  if (closable < order.quantity && order.timeInForce === 'FOK') return reject('REDUCE_ONLY_WOULD_INCREASE', `Only ${market.words.quantity(closable)} are left to close.`);
  admission.quantity = Math.min(order.quantity, closable);
  return undefined;
}

function fundSpot(core: Core, market: MarketState, account: AccountId, order: NewOrder, replaced: Replaced): Reject | undefined {
  const { market: rules, words } = market;
  const sells = order.side === 'sell';
  const asset = sells ? rules.baseAsset : rules.quoteAsset;
  const available = core.ledger.get(asset, account, SPOT_AVAILABLE) + replaced.lock;
  if (order.type === 'limit' || sells) {
    admission.lock = spotLock(rules, sells, order.price, order.quantity);
  } else {
    admission.ahead = walkBook(core, market, request(account, order, 0, available + 1));
    admission.lock = admission.ahead.openedNotional;
  }
  if (admission.lock <= available) return undefined;
  return reject('INSUFFICIENT_BALANCE', sells
    ? `The order needs ${words.base(admission.lock)} in the spot wallet; ${words.base(available)} is available.`
    : `The order needs ${atLeast(order)}${words.quote(admission.lock)} in the spot wallet; ${words.quote(available)} is available.`);
}

/** A market order's lock is reckoned only up to where it cannot be paid. */
function atLeast({ type }: NewOrder): string {
  return type === 'market' ? 'at least ' : '';
}

function request(account: AccountId, order: NewOrder, closing: Lots, unpayable: Amount): WalkRequest {
  const looks = order.timeInForce === 'FOK' ? MAX_LOOKS : Infinity;
  return { account, side: order.side, quantity: admission.quantity, limit: admission.limit, prevention: order.selfTradePrevention, closing, unpayable, looks };
}

/** Lots of the order that close what no resting order closes already. */
function closingLots(core: Core, standing: number, order: NewOrder, replaced: Replaced): Lots {
  if (standing < 0) return 0;
  if (order.reduceOnly) return admission.quantity;
  const { standings } = core;
  const size = standings.size[standing];
  const free = order.side === 'buy' ? -size - (standings.restingBuy[standing] - replaced.lots) : size - (standings.restingSell[standing] - replaced.lots);
  return Math.min(admission.quantity, Math.max(0, free));
}

function fundPerpetual(core: Core, market: MarketState, account: AccountId, standing: number, order: NewOrder, replaced: Replaced): Reject | undefined {
  const { market: rules, words } = market;
  const closing = closingLots(core, standing, order, replaced);
  const opening = admission.quantity - closing;
  admission.lock = 0;
  if (opening === 0) return undefined;
  const exposed = checkExposure(core, market, standing, order, replaced);
  if (exposed !== undefined) return exposed;
  const sells = order.side === 'sell';
  const leverage = core.leverageOf(market, standing);
  const available = core.ledger.get(rules.quoteAsset, account, FUTURES_AVAILABLE) + replaced.lock;
  if (order.type === 'market') {
    const asked = request(account, order, closing, Math.min(available * leverage, MAX_NOTIONAL) + 1);
    let { openedNotional, openedLoss } = walkBook(core, market, asked);
    if (order.timeInForce === 'FOK') {
      // Where uncertain makers drop out, it has to pay the prices of those behind them.
      admission.ahead = walkCertain(core, market, asked);
      openedNotional = Math.max(openedNotional, admission.ahead.openedNotional);
      openedLoss = Math.max(openedLoss, admission.ahead.openedLoss);
    }
    if (openedNotional > MAX_NOTIONAL) return reject('MAX_POSITION', 'At the prices in the book the order is too large.');
    admission.lock = openedNotional === 0 ? 0 : perpetualLock(rules, openedNotional, openedLoss, leverage);
  } else {
    // A sale that takes is filled at bids above its price, and then needs the margin of those.
    const price = sells && admission.crosses ? market.book.bestBid() : order.price;
    admission.lock = perpetualLock(rules, price * opening * rules.quotePerTickLot, openingLoss(rules, sells, order.price, opening, market.valuation), leverage);
  }
  if (admission.lock <= available) return undefined;
  return reject('INSUFFICIENT_MARGIN', `The order needs ${atLeast(order)}${words.quote(admission.lock)} in the futures wallet; ${words.quote(available)} is available.`);
}

/** The largest position that this order and the resting ones of its side can lead to must fit the tier's leverage and the limits. */
function checkExposure(core: Core, market: MarketState, standing: number, order: NewOrder, replaced: Replaced): Reject | undefined {
  const { market: rules, words } = market;
  const { standings } = core;
  const buys = order.side === 'buy';
  const size = standing < 0 ? 0 : standings.size[standing];
  const resting = standing < 0 ? 0 : (buys ? standings.restingBuy[standing] : standings.restingSell[standing]) - replaced.lots;
  const largest = (buys ? size : 0 - size) + resting + admission.quantity;
  const price = Math.max(order.type === 'market' || (!buys && admission.crosses) ? touchOf(market, order) : order.price, market.valuation);
  const notional = largest * price * rules.quotePerTickLot;
  if (exceedsPosition(rules, notional)) {
    return reject('MAX_POSITION', `With open orders the position could reach a notional of more than ${words.quote(rules.maxPosition === 0 ? MAX_NOTIONAL : Math.min(MAX_NOTIONAL, rules.maxPosition))}.`);
  }
  const allowed = allowedLeverage(market, notional);
  const leverage = core.leverageOf(market, standing);
  return leverage <= allowed ? undefined : reject('LEVERAGE_TOO_HIGH', `A position of this size allows a leverage of at most ${allowed}; it is ${leverage}.`);
}

function checkBook(core: Core, market: MarketState, account: AccountId, order: NewOrder): Reject | undefined {
  if (order.postOnly && admission.crosses) return reject('POST_ONLY_WOULD_TAKE', 'The order would trade at once; a post-only order may not.');
  if (order.timeInForce === 'FOK') {
    const { lots, worst, looks } = admission.ahead ?? (market.perpetual ? walkCertain : walkBook)(core, market, request(account, order, 0, Infinity));
    if (lots < admission.quantity) return admission.crosses ? notFillable(market, lots, looks) : noLiquidity(market, order);
    if (market.perpetual && !certainTaker(core, market, account, order.side, admission.quantity, worst, admission.lock)) {
      return reject('INSUFFICIENT_MARGIN', 'At the worst price it would meet, the wallet may not carry all of it.');
    }
  }
  return order.type === 'market' && !admission.crosses ? noLiquidity(market, order) : undefined;
}

function notFillable({ perpetual, words }: MarketState, lots: Lots, looks: number): Reject {
  return reject('FOK_NOT_FILLABLE', looks < MAX_LOOKS
    ? `The book holds only ${words.quantity(lots)} for it.`
    : `It may meet at most ${MAX_LOOKS} ${perpetual ? 'orders' : 'price levels'}, and those hold only ${words.quantity(lots)} for it.`);
}

function noLiquidity({ market }: MarketState, order: NewOrder): Reject {
  if (order.type === 'limit') return reject('FOK_NOT_FILLABLE', 'Nobody trades at that price.');
  return reject('NO_LIQUIDITY', `Nobody is on the other side of the book${market.priceBand === 0 ? '' : ' within the price band'}.`);
}
