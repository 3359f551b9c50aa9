/** What each event does to the ledger, in one place: the engine applies these transfers, and projections of wallets and their history follow the same ones. */
import { CLEARING, EXTERNAL, FEES, FUTURES_AVAILABLE, FUTURES_LOCKED, MARGIN, SPOT_AVAILABLE, SPOT_LOCKED } from './ledger.ts';
import type { Bucket } from './ledger.ts';
import type { Event, EventOf, FillSide } from './events.ts';
import type { Market } from './market.ts';
import { assertNever, INSURANCE, VENUE } from './units.ts';
import type { AccountId, Amount, AssetId, Side, WalletType } from './units.ts';

/** `amount` > 0 goes from one account's bucket to another's. */
export type PostingSink = (asset: AssetId, from: AccountId, fromBucket: Bucket, to: AccountId, toBucket: Bucket, amount: Amount) => void;

/** Calls `sink` for each transfer, in an order in which no balance passes below zero. Allocates nothing. */
export function forEachPosting(event: Event, markets: readonly Market[], sink: PostingSink): void {
  switch (event.type) {
    case 'order_accepted':
      return locked(markets[event.order.market], event.order.side, event.account, event.lock, sink);
    case 'order_closed':
    case 'order_reduced':
      return locked(markets[event.market], event.side, event.account, 0 - event.unlocked, sink);
    case 'trade':
      return markets[event.market].type === 'spot' ? spotTrade(event, markets[event.market], sink) : perpetualTrade(event, markets[event.market], sink);
    case 'order_amended':
      return locked(markets[event.market], event.side, event.account, event.lockDelta, sink);
    case 'deposited':
      return sink(event.asset, VENUE, EXTERNAL, event.account, availableOf(event.wallet), event.amount);
    case 'transferred':
      return sink(event.asset, event.account, availableOf(event.from), event.account, availableOf(event.to), event.amount);
    case 'insurance_funded':
      return sink(event.asset, VENUE, EXTERNAL, INSURANCE, FUTURES_AVAILABLE, event.amount);
    case 'leverage_set':
    case 'margin_adjusted':
      return margined(markets[event.market].quoteAsset, event.account, event.marginDelta, sink);
    case 'position_liquidated':
      if (event.toFund === 0) return;
      return sink(markets[event.receipt.market].quoteAsset, event.receipt.account, FUTURES_AVAILABLE, INSURANCE, FUTURES_AVAILABLE, event.toFund);
    case 'funding_paid':
      return fundingPaid(event, markets[event.market].quoteAsset, sink);
    case 'funding_settled':
      if (event.residue !== 0) sink(markets[event.market].quoteAsset, VENUE, CLEARING, VENUE, FEES, event.residue);
      return;
    case 'noted':
    case 'asset_created':
    case 'market_created':
    case 'market_updated':
    case 'account_opened':
    case 'order_rested':
    case 'cancel_after_set':
    case 'prices_updated':
    case 'margin_called':
    case 'margin_call_cleared':
    case 'funding_started':
    case 'funding_deferred':
    case 'funding_advanced':
      return;
    default:
      return assertNever(event);
  }
}

function availableOf(wallet: WalletType): Bucket {
  return wallet === 'spot' ? SPOT_AVAILABLE : FUTURES_AVAILABLE;
}

/** `delta` > 0 locks, < 0 unlocks, in the asset that an order of this side locks. */
function locked(market: Market, side: Side, account: AccountId, delta: Amount, sink: PostingSink): void {
  if (delta === 0) return;
  const spot = market.type === 'spot';
  const asset = spot && side === 'sell' ? market.baseAsset : market.quoteAsset;
  const available = spot ? SPOT_AVAILABLE : FUTURES_AVAILABLE;
  const lock = spot ? SPOT_LOCKED : FUTURES_LOCKED;
  if (delta > 0) sink(asset, account, available, account, lock, delta);
  else sink(asset, account, lock, account, available, -delta);
}

function margined(asset: AssetId, account: AccountId, delta: Amount, sink: PostingSink): void {
  if (delta > 0) sink(asset, account, FUTURES_AVAILABLE, account, MARGIN, delta);
  else if (delta < 0) sink(asset, account, MARGIN, account, FUTURES_AVAILABLE, -delta);
}

function charged(asset: AssetId, account: AccountId, bucket: Bucket, fee: Amount, sink: PostingSink): void {
  if (fee > 0) sink(asset, account, bucket, VENUE, FEES, fee);
  else if (fee < 0) sink(asset, VENUE, FEES, account, bucket, -fee);
}

function spotTrade(event: EventOf<'trade'>, market: Market, sink: PostingSink): void {
  const buyer = event.takerSide === 'buy' ? event.taker : event.maker;
  const seller = event.takerSide === 'buy' ? event.maker : event.taker;
  const base = market.baseAsset;
  const quote = market.quoteAsset;
  locked(market, 'buy', buyer.account, 0 - buyer.unlocked, sink);
  locked(market, 'sell', seller.account, 0 - seller.unlocked, sink);
  sink(quote, buyer.account, SPOT_AVAILABLE, seller.account, SPOT_AVAILABLE, event.notional);
  sink(base, seller.account, SPOT_AVAILABLE, buyer.account, SPOT_AVAILABLE, event.quantity * market.basePerLot);
  charged(base, buyer.account, SPOT_AVAILABLE, buyer.fee, sink);
  charged(quote, seller.account, SPOT_AVAILABLE, seller.fee, sink);
}

function perpetualTrade(event: EventOf<'trade'>, market: Market, sink: PostingSink): void {
  perpetualSide(event.maker, market, event.takerSide === 'buy' ? 'sell' : 'buy', sink);
  perpetualSide(event.taker, market, event.takerSide, sink);
}

/** First what comes in, then what goes out. */
function perpetualSide(side: FillSide, market: Market, direction: Side, sink: PostingSink): void {
  const asset = market.quoteAsset;
  const { account, pnl, fee, marginDelta } = side;
  locked(market, direction, account, 0 - side.unlocked, sink);
  if (marginDelta < 0) margined(asset, account, marginDelta, sink);
  if (pnl > 0) sink(asset, VENUE, CLEARING, account, FUTURES_AVAILABLE, pnl);
  if (fee < 0) charged(asset, account, FUTURES_AVAILABLE, fee, sink);
  if (pnl < 0) sink(asset, account, FUTURES_AVAILABLE, VENUE, CLEARING, -pnl);
  if (fee > 0) charged(asset, account, FUTURES_AVAILABLE, fee, sink);
  if (marginDelta > 0) margined(asset, account, marginDelta, sink);
}

function fundingPaid(event: EventOf<'funding_paid'>, asset: AssetId, sink: PostingSink): void {
  if (event.amount > 0) return sink(asset, VENUE, CLEARING, event.account, FUTURES_AVAILABLE, event.amount);
  const fromAvailable = -event.amount - event.fromMargin;
  if (fromAvailable > 0) sink(asset, event.account, FUTURES_AVAILABLE, VENUE, CLEARING, fromAvailable);
  if (event.fromMargin > 0) sink(asset, event.account, MARGIN, VENUE, CLEARING, event.fromMargin);
}
