/** The laws that hold between any two commands. Throws, naming the first that does not. Costs about as much as one look at the whole state. */
import type { Core } from './core.ts';
import { shareOf } from './funding-pages.ts';
import { dueOn } from './funding-payments.ts';
import { CLEARING, FUTURES_LOCKED, MARGIN, SPOT_LOCKED } from './ledger.ts';
import type { Bucket } from './ledger.ts';
import { LIQUIDATION_QUARTERS, MARGIN_CALL_QUARTERS, thresholdTick } from './margin.ts';
import type { MarketState } from './market-state.ts';
import { MARKET, REDUCE_ONLY, RESTING, SELL } from './pool.ts';
import { clientKey } from './open-orders.ts';
import { exposureOf } from './positions.ts';
import type { Settlement } from './settlement.ts';
import type { AuditRow } from './reader.ts';
import { isPending, isWatched } from './risk.ts';
import { VENUE } from './units.ts';
import type { Side } from './units.ts';
import { auditNow } from './views.ts';

function law(holds: boolean, name: string, detail: () => string): void {
  if (!holds) throw new Error(`broken law: ${name} (${detail()})`);
}

/** What hangs on orders and positions, summed for comparing it with what the registers say. */
class Sums {
  readonly #accounts: number;
  /** By asset, then account × BUCKETS + bucket; an asset in which nothing is held has none. */
  readonly #held: Float64Array[] = [];
  readonly #clearing: Float64Array;
  /** By standing × LOTS + which. */
  readonly lots: Float64Array;

  constructor({ kinds, assets, standings }: Core) {
    this.#accounts = kinds.length;
    this.#clearing = new Float64Array(assets.length);
    this.lots = new Float64Array(standings.count * LOTS);
  }

  hold(asset: number, account: number, bucket: Bucket, amount: number): void {
    const held = (this.#held[asset] ??= new Float64Array(this.#accounts * BUCKETS));
    held[account * BUCKETS + bucket] += amount;
  }

  held(asset: number, account: number, bucket: Bucket): number {
    return this.#held[asset]?.[account * BUCKETS + bucket] ?? 0;
  }

  clear(asset: number, amount: number): void {
    this.#clearing[asset] += amount;
  }

  clearing(asset: number): number {
    return this.#clearing[asset];
  }
}

/** Of a user. */
const BUCKETS = 5;
/** Open orders, lots to buy and to sell, lots to buy and to sell of reduce-only orders. */
const LOTS = 5;

export function checkState(core: Core): void {
  const sums = new Sums(core);
  let open = 0;
  for (const market of core.marketStates) {
    open += checkBook(core, market, sums);
    checkPositions(core, market, sums);
    if (market.settlement !== undefined) checkSettlement(core, market, market.settlement, sums);
  }
  law(open === core.pool.live && open === core.slotByOrder.size, 'every open order rests in the book', () => `${open} rest, ${core.pool.live} are open, ${core.slotByOrder.size} have an id`);
  checkTimers(core);
  checkStandings(core, sums);
  for (let account = 0; account < core.kinds.length; account++) {
    law(listedInOrder(core, account), 'an account lists its open orders, newest first', () => `account ${account}`);
  }
  for (const row of auditNow(core)) checkMoney(core, row, sums);
}

/** What is kept so that no command has to go through all markets agrees with them. */
function checkTimers(core: Core): void {
  const times = core.marketStates.filter(({ perpetual, settlement }) => perpetual && settlement === undefined).map(({ nextFundingTime }) => nextFundingTime);
  const next = core.nextFunding?.nextFundingTime ?? Infinity;
  law(next === Math.min(...times), 'the funding that comes next is the soonest', () => `${next} of ${times.join(', ')}`);
  const settling = core.marketStates.filter(({ settlement }) => settlement !== undefined).length;
  law(core.settling.length === settling && core.settling.every(({ settlement }) => settlement !== undefined), 'settlements under way are known', () => `${core.settling.length} of ${settling}`);
  law(core.unvisited || !core.marketStates.some((market) => isPending(core, market)), 'nobody is due unnoticed', () => 'a market has positions that no timer asks for');
}

function checkMoney({ ledger }: Core, { asset, sum }: AuditRow, sums: Sums): void {
  law(sum === 0, 'each asset sums to zero', () => `asset ${asset} sums to ${sum}`);
  const owed = ledger.get(asset, VENUE, CLEARING) + sums.clearing(asset);
  law(owed === 0, 'clearing is the signed cost of positions and the funding that is collected and not paid out', () => `asset ${asset}: ${owed}`);
  ledger.forEachAccount(asset, (account) => {
    if (account === VENUE) return;
    for (const bucket of [0, 1, 2, 3, 4] as const) {
      const balance = ledger.get(asset, account, bucket);
      law(balance >= 0 && Number.isSafeInteger(balance), 'no balance is negative', () => `account ${account}, asset ${asset}, bucket ${bucket}: ${balance}`);
    }
    for (const bucket of [SPOT_LOCKED, FUTURES_LOCKED, MARGIN] as const) {
      const expected = sums.held(asset, account, bucket);
      const balance = ledger.get(asset, account, bucket);
      const name = bucket === MARGIN ? 'the margin bucket is the margin of positions' : 'locks are those of open orders';
      law(balance === expected, name, () => `account ${account}, asset ${asset}: ${balance}, but ${expected}`);
    }
  });
}

/** Returns the number of orders that rest. */
function checkBook(core: Core, market: MarketState, sums: Sums): number {
  const { book, market: { symbol } } = market;
  const bid = book.bestBid();
  const ask = book.bestAsk();
  law(bid === 0 || ask === 0 || bid < ask, 'the book is never crossed', () => `${symbol}: bid ${bid}, ask ${ask}`);
  return checkSide(core, market, 'buy', sums) + checkSide(core, market, 'sell', sums);
}

function checkSide(core: Core, market: MarketState, side: Side, sums: Sums): number {
  const { book, market: { symbol } } = market;
  const { pool } = core;
  let count = 0;
  let before = 0;
  for (let price = side === 'buy' ? book.bestBid() : book.bestAsk(); price !== 0; price = book.nextLevel(side, price)) {
    const [last, here] = [before, price];
    law(last === 0 || (side === 'buy' ? here < last : here > last), 'price levels are in order', () => `${symbol} ${side}: ${here} after ${last}`);
    before = price;
    let total = 0;
    for (let slot = book.firstOf(side, price); slot >= 0; slot = book.next(slot)) {
      checkOrder(core, market, slot, side, price, sums);
      total += pool.remaining[slot];
      count++;
    }
    law(total > 0 && total === book.levelQuantity(side, here), 'a level holds what its orders have left', () => `${symbol} ${side} ${here}: ${book.levelQuantity(side, here)}, but ${total}`);
  }
  return count;
}

function checkOrder(core: Core, market: MarketState, slot: number, side: Side, price: number, sums: Sums): void {
  const { pool } = core;
  const { market: rules } = market;
  const flags = pool.flags[slot];
  const id = pool.id[slot];
  const remaining = pool.remaining[slot];
  const lock = pool.lock[slot];
  law(pool.market[slot] === rules.id && pool.price[slot] === price && ((flags & SELL) !== 0) === (side === 'sell'), 'an order stands where it belongs', () => `order ${id}`);
  law((flags & RESTING) !== 0 && (flags & MARKET) === 0 && core.slotOf(id) === slot, 'an order in the book is open', () => `order ${id}`);
  law(remaining > 0 && pool.filled[slot] >= 0 && pool.filled[slot] + remaining <= pool.quantity[slot], 'quantity = filled + remaining + canceled', () => `order ${id}`);
  const spotLock = side === 'sell' ? remaining * rules.basePerLot : price * remaining * rules.quotePerTickLot;
  law(market.perpetual ? lock >= 0 : lock === spotLock, 'a spot lock is what the order still needs', () => `order ${id} locks ${lock}`);
  const asset = !market.perpetual && side === 'sell' ? rules.baseAsset : rules.quoteAsset;
  sums.hold(asset, pool.account[slot], market.perpetual ? FUTURES_LOCKED : SPOT_LOCKED, lock);
  const at = pool.standing[slot] * LOTS;
  const sells = side === 'sell' ? 1 : 0;
  sums.lots[at] += 1;
  sums.lots[at + 1 + sells] += remaining;
  if ((flags & REDUCE_ONLY) !== 0) sums.lots[at + 3 + sells] += remaining;
  const clientOrderId = pool.clientOrderId(slot);
  law(clientOrderId === '' || core.orderByClientId.get(clientKey(pool.account[slot], clientOrderId)) === id, 'a clientOrderId leads to its open order', () => `order ${id}`);
}

function checkStandings(core: Core, { lots }: Sums): void {
  const { standings } = core;
  for (let standing = 0; standing < standings.count; standing++) {
    const at = standing * LOTS;
    const size = standings.size[standing];
    const who = () => `account ${standings.account[standing]} in market ${standings.market[standing]}`;
    law(standings.openOrders[standing] === lots[at], 'open orders are counted', who);
    law(standings.restingBuy[standing] === lots[at + 1] && standings.restingSell[standing] === lots[at + 2], 'resting lots are summed', who);
    law(standings.reducingBuy[standing] === lots[at + 3] && standings.reducingSell[standing] === lots[at + 4], 'reduce-only lots are summed', who);
    law(standings.reducingBuy[standing] <= Math.max(0, -size) && standings.reducingSell[standing] <= Math.max(0, size), 'reduce-only orders never exceed the position', who);
    law(size !== 0 || (standings.cost[standing] === 0 && standings.margin[standing] === 0), 'without a position there is no cost and no margin', who);
    law((size !== 0) === (standings.listed[standing] >= 0), 'a market lists its positions', who);
  }
}

function listedInOrder({ pool, newestOrder }: Core, account: number): boolean {
  let newer = Infinity;
  for (let slot = newestOrder[account]; slot >= 0; slot = pool.nextOfAccount[slot]) {
    if (pool.account[slot] !== account || pool.id[slot] >= newer) return false;
    newer = pool.id[slot];
  }
  return true;
}

function checkPositions(core: Core, market: MarketState, sums: Sums): void {
  const { standings } = core;
  const { symbol, quoteAsset } = market.market;
  let long = 0;
  let short = 0;
  market.positions.forEach((standing, place) => {
    const size = standings.size[standing];
    const who = () => `account ${standings.account[standing]} in ${symbol}`;
    law(standings.listed[standing] === place && size !== 0, 'a market lists its positions', who);
    law(standings.cost[standing] >= 0 && standings.margin[standing] >= 0, 'cost and margin are not negative', who);
    if (size > 0) long += size;
    else short -= size;
    sums.hold(quoteAsset, standings.account[standing], MARGIN, standings.margin[standing]);
    sums.clear(quoteAsset, size > 0 ? standings.cost[standing] : -standings.cost[standing]);
    checkWatch(core, market, standing);
  });
  law(long === short && long === market.openInterest, 'open interest is the same long and short', () => `${symbol}: ${long} long, ${short} short, ${market.openInterest} counted`);
  for (const heap of [market.adverseLong, market.adverseShort, market.recoveryLong, market.recoveryShort]) heap.check();
  law(!isWatched(market) || isPending(core, market) || nobodyDue(core, market), 'no position outlives its liquidation price', () => symbol);
}

/** Every position of its beginning is settled once: what receivers have been gone through, and what is left of them, is what there was. */
function checkSettlement(core: Core, market: MarketState, settlement: Settlement, sums: Sums): void {
  const { standings } = core;
  const { symbol, quoteAsset } = market.market;
  const { collected, paid, owed, counted, paying, nextAccount } = settlement;
  sums.clear(quoteAsset, paid - collected);
  let lots = 0;
  let left = 0;
  let shares = 0;
  const visit = (account: number, size: number): void => {
    const open = settlement.open(account, size);
    if (open === 0 || settlement.pays(open)) return;
    const due = dueOn(market, settlement, open, false);
    lots += Math.abs(open);
    shares += shareOf(settlement, due);
    if (!paying || account < nextAccount) left += due;
  };
  for (const standing of market.positions) if (!settlement.changed.has(standings.account[standing])) visit(standings.account[standing], standings.size[standing]);
  for (const account of settlement.changed.keys()) {
    const standing = standings.find(account, market.market.id);
    law(standing >= 0 && !settlement.pays(settlement.changed.get(account)!), 'what is put off is to be received', () => `account ${account} in ${symbol}`);
    visit(account, standings.size[standing]);
  }
  law(!paying || lots === settlement.openInterest, 'no receiver is lost before it was paid', () => `${symbol}: ${lots} lots, but ${settlement.openInterest}`);
  law(left === (paying ? counted : owed - counted), 'what receivers are due is counted once', () => `${symbol}: ${left} left, ${counted} of ${owed} counted`);
  law(paid <= collected && (!paying || paid === 0), 'receivers get what payers paid, once all have', () => `${symbol}: ${paid} of ${collected}`);
  law(paying || shares <= collected - paid, 'what is held covers what is still to be paid out', () => `${symbol}: ${shares}, of ${collected - paid}`);
}

/** The heaps know each position by the mark that concerns it next. */
function checkWatch(core: Core, market: MarketState, standing: number): void {
  const { standings } = core;
  if (market.stuck.includes(standing)) return;
  const long = standings.size[standing] > 0;
  const called = standings.called[standing] === 1;
  const tick = thresholdTick(market.risk, exposureOf(core, standing), market.market.quotePerTickLot, called ? LIQUIDATION_QUARTERS : MARGIN_CALL_QUARTERS);
  const heap = long ? market.adverseLong : market.adverseShort;
  const watched = heap.has(standing) ? standings.adverse.key[standing] : 0;
  law(watched === tick, 'a position is watched at its threshold', () => `account ${standings.account[standing]}: ${watched}, but ${tick}`);
  const recovery = long ? market.recoveryLong : market.recoveryShort;
  law(recovery.has(standing) === called, 'a called position is watched for its recovery', () => `account ${standings.account[standing]}`);
}

function nobodyDue({ standings }: Core, market: MarketState): boolean {
  return market.positions.every((standing) => {
    const tick = market.stuck.includes(standing) || !isKeyed(market, standing) ? 0 : standings.adverse.key[standing];
    return tick === 0 || (standings.size[standing] > 0 ? market.mark > tick : market.mark < tick);
  });
}

function isKeyed(market: MarketState, standing: number): boolean {
  return market.adverseLong.has(standing) || market.adverseShort.has(standing);
}
