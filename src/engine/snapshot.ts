/** The whole logical state as one canonical stream, and back. What the hash sees is exactly what a snapshot holds; caches, heaps and slots are built anew. */
import { ByteReader, ByteWriter, HashSink } from './codec.ts';
import type { Sink } from './codec.ts';
import type { Market } from './market.ts';
import { MarketState } from './market-state.ts';
import type { Bucket } from './ledger.ts';
import { clientKey, linkNewest, rest } from './open-orders.ts';
import { setCalled, storePosition } from './positions.ts';
import type { AccountKind, State } from './state.ts';
import { RESTING } from './pool.ts';
import { Settlement } from './settlement.ts';

const FORMAT = 1;
const BUCKETS: readonly Bucket[] = [0, 1, 2, 3, 4];
const KINDS: readonly AccountKind[] = ['venue', 'user', 'house'];

export function encodeState(state: State): Uint8Array {
  const writer = new ByteWriter();
  writeState(state, writer);
  return writer.finish();
}

export function hashState(state: State): string {
  const hash = new HashSink();
  writeState(state, hash);
  return hash.finish();
}

function writeState(state: State, sink: Sink): void {
  sink.int(FORMAT);
  sink.int(state.seq);
  sink.int(state.time);
  sink.int(state.assets.length);
  for (const asset of state.assets) {
    sink.text(asset.code);
    sink.int(asset.scale);
  }
  sink.int(state.kinds.length);
  for (let account = 2; account < state.kinds.length; account++) {
    sink.text(state.userIds[account]);
    sink.int(KINDS.indexOf(state.kinds[account]));
  }
  sink.int(state.markets.length);
  for (const market of state.marketStates) writeMarket(market, sink);
  for (const asset of state.assets) writeLedger(state, asset.id, sink);
  writeStandings(state, sink);
  for (const market of state.marketStates) writeOrders(state, market, sink);
  const deadlines = state.deadlines.all();
  sink.int(deadlines.length);
  for (const { account, market, deadline } of deadlines) {
    sink.int(account);
    sink.int(market);
    sink.int(deadline);
  }
  // The end of the stream where nothing is under way, as in snapshots of before.
  if (state.settling.length > 0) writeSettlements(state, sink);
}

function writeMarket(market: MarketState, sink: Sink): void {
  sink.text(JSON.stringify(market.market));
  sink.int(market.index);
  sink.int(market.mark);
  sink.int(market.last);
  sink.int(market.manualMark ? 1 : 0);
  sink.int(market.fundingRate);
  sink.int(market.nextFundingTime);
  sink.int(market.premiumSum);
  sink.int(market.premiumCount);
  sink.int(market.updatedAt);
  sink.int(market.samples.length);
  for (const { time, basis } of market.samples) {
    sink.int(time);
    sink.int(basis);
  }
}

function writeSettlements({ settling }: State, sink: Sink): void {
  sink.int(settling.length);
  for (const { market, settlement } of settling) {
    const { rate, mark, time, openInterest, paying, nextAccount, collected, paid, owed, counted, changed } = settlement!;
    sink.int(market.id);
    for (const value of [rate, mark, time, openInterest, paying ? 1 : 0, nextAccount, collected, paid, owed, counted, changed.size]) sink.int(value);
    for (const [account, size] of [...changed].sort(([a], [b]) => a - b)) {
      sink.int(account);
      sink.int(size);
    }
  }
}

/** Accounts ascend; -1 ends the list. */
function writeLedger(state: State, asset: number, sink: Sink): void {
  state.ledger.forEachAccount(asset, (account) => {
    sink.int(account);
    for (const bucket of BUCKETS) sink.int(state.ledger.get(asset, account, bucket));
  });
  sink.int(-1);
}

function writeStandings(state: State, sink: Sink): void {
  const { standings } = state;
  const slots: number[] = [];
  for (let slot = 0; slot < standings.count; slot++) if (standings.size[slot] !== 0 || standings.leverage[slot] !== 0) slots.push(slot);
  slots.sort((a, b) => standings.keyOf(a) - standings.keyOf(b));
  sink.int(slots.length);
  for (const slot of slots) {
    sink.int(standings.account[slot]);
    sink.int(standings.market[slot]);
    sink.int(standings.leverage[slot]);
    sink.int(standings.size[slot]);
    if (standings.size[slot] === 0) continue;
    sink.int(standings.cost[slot]);
    sink.int(standings.margin[slot]);
    sink.int(standings.realized[slot]);
    sink.int(standings.updatedAt[slot]);
    sink.int(standings.seq[slot]);
    sink.int(standings.called[slot]);
  }
}

/** Bids, then asks, in order of execution; id 0 ends each side. Between commands every open order rests. */
function writeOrders(state: State, { book }: MarketState, sink: Sink): void {
  for (const side of ['buy', 'sell'] as const) {
    for (let price = side === 'buy' ? book.bestBid() : book.bestAsk(); price !== 0; price = book.nextLevel(side, price)) {
      for (let slot = book.firstOf(side, price); slot >= 0; slot = book.next(slot)) writeOrder(state, slot, sink);
    }
    sink.int(0);
  }
}

function writeOrder({ pool }: State, slot: number, sink: Sink): void {
  sink.int(pool.id[slot]);
  sink.int(pool.account[slot]);
  sink.int(pool.price[slot]);
  sink.int(pool.quantity[slot]);
  sink.int(pool.remaining[slot]);
  sink.int(pool.filled[slot]);
  sink.int(pool.filledQuote[slot]);
  sink.int(pool.filledFee[slot]);
  sink.int(pool.lock[slot]);
  sink.int(pool.createdAt[slot]);
  sink.int(pool.updatedAt[slot]);
  sink.int(pool.seq[slot]);
  sink.int(pool.flags[slot]);
  sink.text(pool.clientOrderId(slot));
}

/** Fills an empty state. Throws when the bytes are not a snapshot of this format. */
export function decodeState(state: State, bytes: Uint8Array): void {
  const reader = new ByteReader(bytes);
  const format = reader.int();
  if (format !== FORMAT) throw new Error(`snapshot format ${format} is not ${FORMAT}`);
  const seq = reader.int();
  const time = reader.int();
  for (let id = 0, count = reader.int(); id < count; id++) {
    const asset = { id, code: reader.text(), scale: reader.int() };
    state.assets.push(asset);
    state.assetByCode.set(asset.code, asset);
  }
  for (let account = 2, count = reader.int(); account < count; account++) state.openAccount(reader.text(), KINDS[reader.int()]);
  for (let id = 0, count = reader.int(); id < count; id++) readMarket(state, reader);
  for (const asset of state.assets) readLedger(state, asset.id, reader);
  readStandings(state, reader);
  for (const market of state.marketStates) readOrders(state, market, reader);
  linkOrders(state);
  for (let at = 0, count = reader.int(); at < count; at++) state.deadlines.set(reader.int(), reader.int(), reader.int());
  if (!reader.done) readSettlements(state, reader);
  if (!reader.done) throw new Error('the snapshot is longer than its content');
  state.seq = seq;
  state.time = time;
  state.atRisk = false;
  state.makeRoom();
}

function readMarket(state: State, reader: ByteReader): void {
  const market = JSON.parse(reader.text()) as Market;
  const added = new MarketState(market, state.assets, state.pool, state.standings);
  added.index = reader.int();
  added.mark = reader.int();
  added.last = reader.int();
  added.manualMark = reader.int() === 1;
  added.fundingRate = reader.int();
  const nextFundingTime = reader.int();
  added.premiumSum = reader.int();
  added.premiumCount = reader.int();
  added.updatedAt = reader.int();
  for (let at = 0, count = reader.int(); at < count; at++) added.samples.push({ time: reader.int(), basis: reader.int() });
  state.markets.push(market);
  state.marketStates.push(added);
  if (added.perpetual) state.setNextFunding(added, nextFundingTime);
  state.marketBySymbol.set(market.symbol, market);
}

function readSettlements(state: State, reader: ByteReader): void {
  const count = reader.int();
  if (count === 0) throw new Error('the snapshot is longer than its content');
  for (let at = 0; at < count; at++) {
    const market = state.marketStates[reader.int()];
    const settlement = new Settlement({ rate: reader.int(), mark: reader.int(), time: reader.int() }, reader.int());
    settlement.paying = reader.int() === 1;
    settlement.nextAccount = reader.int();
    settlement.collected = reader.int();
    settlement.paid = reader.int();
    settlement.owed = reader.int();
    settlement.counted = reader.int();
    for (let left = reader.int(); left > 0; left--) {
      const account = reader.int();
      settlement.changed.set(account, reader.int());
      // Whoever has closed a position has an empty standing, which pages look for, and which no other part of a snapshot brings back.
      state.standings.open(account, market.market.id);
    }
    state.beginSettlement(market, settlement, market.nextFundingTime);
  }
}

function readLedger(state: State, asset: number, reader: ByteReader): void {
  for (let account = reader.int(); account >= 0; account = reader.int()) {
    for (const bucket of BUCKETS) state.ledger.restore(asset, account, bucket, reader.int());
  }
}

function readStandings(state: State, reader: ByteReader): void {
  const { standings } = state;
  for (let at = 0, count = reader.int(); at < count; at++) {
    const slot = standings.open(reader.int(), reader.int());
    const leverage = reader.int();
    const size = reader.int();
    standings.leverage[slot] = leverage;
    if (size === 0) continue;
    const market = state.marketStates[standings.market[slot]];
    storePosition(state, market, slot, { size, cost: reader.int(), margin: reader.int(), realized: reader.int(), leverage });
    standings.updatedAt[slot] = reader.int();
    standings.seq[slot] = reader.int();
    if (reader.int() === 1) setCalled(state, market, slot, true);
  }
}

function readOrders(state: State, market: MarketState, reader: ByteReader): void {
  for (let side = 0; side < 2; side++) {
    for (let id = reader.int(); id !== 0; id = reader.int()) readOrder(state, market, id, reader);
  }
}

function readOrder(state: State, market: MarketState, id: number, reader: ByteReader): void {
  const { pool, standings } = state;
  const slot = pool.allocate();
  const account = reader.int();
  const standing = standings.open(account, market.market.id);
  pool.id[slot] = id;
  pool.account[slot] = account;
  pool.market[slot] = market.market.id;
  pool.standing[slot] = standing;
  pool.price[slot] = reader.int();
  pool.quantity[slot] = reader.int();
  pool.remaining[slot] = reader.int();
  pool.filled[slot] = reader.int();
  pool.filledQuote[slot] = reader.int();
  pool.filledFee[slot] = reader.int();
  pool.lock[slot] = reader.int();
  pool.createdAt[slot] = reader.int();
  pool.updatedAt[slot] = reader.int();
  pool.seq[slot] = reader.int();
  pool.flags[slot] = reader.int() & ~RESTING;
  const clientOrderId = reader.text();
  pool.setClientOrderId(slot, clientOrderId);
  if (clientOrderId !== '') state.orderByClientId.set(clientKey(account, clientOrderId), id);
  standings.openOrders[standing]++;
  state.slotByOrder.set(id, slot);
  rest(state, market, slot);
}

/** Account lists go from the newest order to the oldest: ids ascend while linking. */
function linkOrders(state: State): void {
  const ids = new Float64Array(state.pool.live);
  let count = 0;
  state.slotByOrder.forEach((id) => {
    ids[count++] = id;
  });
  ids.sort();
  for (const id of ids) linkNewest(state, state.slotOf(id));
}
