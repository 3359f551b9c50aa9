/** Copies of the state for those who read it: nothing they hold changes, and nothing they do changes the state. */
import { adlRank } from './adl.ts';
import type { Core } from './core.ts';
import { CLEARING, EXTERNAL, FEES, FUTURES_AVAILABLE, FUTURES_LOCKED, MARGIN, PAGE_ACCOUNTS, SPOT_AVAILABLE, SPOT_LOCKED } from './ledger.ts';
import type { LedgerSums } from './ledger.ts';
import { valuation } from './margin.ts';
import { POST_ONLY, REDUCE_ONLY, selfTradePreventionOf, sideOf, timeInForceOf, typeOf } from './pool.ts';
import { exposureOf } from './positions.ts';
import type { Audit, AuditRow, BalanceView, OrderView, PositionView, PricesView } from './reader.ts';
import { VENUE } from './units.ts';
import type { AccountId, AssetId, MarketId } from './units.ts';

export function orderView({ pool }: Core, slot: number): OrderView {
  const flags = pool.flags[slot];
  return {
    id: pool.id[slot], account: pool.account[slot], market: pool.market[slot], side: sideOf(flags), type: typeOf(flags), price: pool.price[slot], quantity: pool.quantity[slot],
    filled: pool.filled[slot], remaining: pool.remaining[slot], filledQuote: pool.filledQuote[slot], filledFee: pool.filledFee[slot], lock: pool.lock[slot],
    timeInForce: timeInForceOf(flags), postOnly: (flags & POST_ONLY) !== 0, reduceOnly: (flags & REDUCE_ONLY) !== 0, selfTradePrevention: selfTradePreventionOf(flags),
    clientOrderId: pool.clientOrderId(slot), createdAt: pool.createdAt[slot], updatedAt: pool.updatedAt[slot], seq: pool.seq[slot],
  };
}

export function openOrderViews(core: Core, account: AccountId, market: MarketId | undefined): OrderView[] {
  const views: OrderView[] = [];
  if (account >= core.kinds.length || account < 0) return views;
  for (let slot = core.newestOrder[account]; slot >= 0; slot = core.pool.nextOfAccount[slot]) {
    if (market === undefined || core.pool.market[slot] === market) views.push(orderView(core, slot));
  }
  return views;
}

export function positionView(core: Core, account: AccountId, id: MarketId): PositionView | undefined {
  const { standings } = core;
  const market = core.marketStates[id];
  const standing = standings.find(account, id);
  if (market === undefined || standing < 0 || standings.size[standing] === 0) return undefined;
  return {
    size: standings.size[standing], cost: standings.cost[standing], margin: standings.margin[standing], realized: standings.realized[standing],
    leverage: core.leverageOf(market, standing), account, market: id,
    ...valuation(market.risk, exposureOf(core, standing), market.market.quotePerTickLot, market.valuation),
    adlRank: adlRank(core, market, standing), updatedAt: standings.updatedAt[standing], seq: standings.seq[standing],
  };
}

export function balanceView({ ledger }: Core, account: AccountId, asset: AssetId): BalanceView {
  if (account === VENUE) return { asset, spotAvailable: 0, spotLocked: 0, futuresAvailable: 0, futuresLocked: 0, margin: 0 };
  return {
    asset,
    spotAvailable: ledger.get(asset, account, SPOT_AVAILABLE),
    spotLocked: ledger.get(asset, account, SPOT_LOCKED),
    futuresAvailable: ledger.get(asset, account, FUTURES_AVAILABLE),
    futuresLocked: ledger.get(asset, account, FUTURES_LOCKED),
    margin: ledger.get(asset, account, MARGIN),
  };
}

export function pricesView(core: Core, id: MarketId): PricesView {
  const market = core.marketStates[id];
  if (market === undefined) throw new RangeError(`there is no market ${id}`);
  return {
    index: market.index, mark: market.mark, last: market.last, bestBid: market.book.bestBid(), bestAsk: market.book.bestAsk(), fundingRate: market.fundingRate,
    nextFundingTime: market.nextFundingTime, openInterest: market.openInterest, updatedAt: market.updatedAt,
  };
}

/** One asset's money by what it is for. */
function auditRow(asset: AssetId, { traders, insurance: fund, venue }: LedgerSums): AuditRow {
  const users = traders[SPOT_AVAILABLE] + traders[FUTURES_AVAILABLE];
  const locked = traders[SPOT_LOCKED] + traders[FUTURES_LOCKED];
  const positionMargin = traders[MARGIN];
  const insurance = fund.reduce((sum, balance) => sum + balance, 0);
  const [external, fees, clearing] = [venue[EXTERNAL], venue[FEES], venue[CLEARING]];
  const margin = positionMargin + clearing;
  return { asset, sum: external + users + locked + margin + fees + insurance, external, users, locked, margin, positionMargin, clearing, fees, insurance };
}

export function auditNow(core: Core): AuditRow[] {
  const audit = beginAudit(core);
  audit.step(Infinity);
  return audit.rows();
}

/** Of the ledger as it stands now. */
export function beginAudit(core: Core): Audit {
  const cut = core.ledger.cut();
  const assets = core.assets.map(({ id }) => id);
  return {
    seq: core.seq,
    step: (accounts) => cut.step(Math.ceil(accounts / PAGE_ACCOUNTS)),
    rows: () => assets.map((asset) => auditRow(asset, cut.sums(asset))),
  };
}
