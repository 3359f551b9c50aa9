/** The lines of wallets' statements: what an event, or a fill, adds to or takes from their totals. */
import { formatDecimal } from '../engine/decimal.ts';
import type { Event } from '../engine/events.ts';
import type { Bucket } from '../engine/ledger.ts';
import type { Asset, Market } from '../engine/market.ts';
import { forEachPosting } from '../engine/postings.ts';
import { type AccountId, type Amount, assertNever, type AssetId, type WalletType } from '../engine/units.ts';
import type { TradeDoc } from '../models/trades.ts';
import type { Transaction, TransactionDoc, TransactionType } from '../models/transactions.ts';
import { storedAmount } from './amounts.ts';
import { type FoldContext, type ListedMarket, ownerOf } from './context.ts';
import { walletOf } from './wallets.ts';

/** The engine's reader has the lists. */
export interface TransactionContext extends Pick<FoldContext, 'owners' | 'time'> {
  readonly markets: readonly Market[];
  readonly assets: readonly Asset[];
}

interface Line {
  readonly account: AccountId;
  readonly wallet: WalletType;
  readonly asset: AssetId;
  amount: Amount;
}

/** The lines of an event that is no trade, one per account, wallet and asset. For users only. */
export function transactionsOf(event: Event, context: TransactionContext): TransactionDoc[] {
  const type = typeOf(event);
  if (type === undefined) return [];
  const lines: Line[] = [];
  const add = (account: AccountId, bucket: Bucket, asset: AssetId, amount: Amount): void => {
    if (context.owners.kindOf(account) !== 'user') return;
    const wallet = walletOf(bucket);
    const line = lines.find((known) => known.account === account && known.asset === asset && known.wallet === wallet);
    if (line === undefined) lines.push({ account, wallet, asset, amount });
    else line.amount += amount;
  };
  forEachPosting(event, context.markets, (asset, from, fromBucket, to, toBucket, amount) => {
    // Between the buckets of one wallet (locks, margin) no total changes.
    if (from === to && walletOf(fromBucket) === walletOf(toBucket)) return;
    add(from, fromBucket, asset, -amount);
    add(to, toBucket, asset, amount);
  });
  return lines.filter(({ amount }) => amount !== 0).map((line, index) => document(line, index, type, event, context));
}

/** The lines of a user's fill: both assets on spot, realised P&L and fee on a perpetual. */
export function linesOfFill(fill: TradeDoc, { market, base, quote }: ListedMarket): Transaction[] {
  const spot = market.type === 'spot';
  const sign = fill.side === 'buy' ? 1 : -1;
  const quoteAmount = spot ? -sign * storedAmount(fill.quoteQuantity, quote.scale) : storedAmount(fill.realizedPnl ?? '0', quote.scale);
  const legs = [{ asset: quote, amount: quoteAmount }, ...(spot ? [{ asset: base, amount: sign * storedAmount(fill.quantity, base.scale) }] : [])];
  return legs.flatMap(({ asset, amount }, index): Transaction[] => {
    const fee = fill.feeAsset === asset.code ? storedAmount(fill.fee, asset.scale) : 0;
    if (amount === 0 && fee === 0) return [];
    return [{
      id: `${fill.id}${index}`,
      type: 'trade',
      account: spot ? 'spot' : 'futures',
      asset: asset.code,
      amount: formatDecimal(amount - fee, asset.scale),
      fee: formatDecimal(fee, asset.scale),
      ...(!spot && { realizedPnl: fill.realizedPnl ?? '0' }),
      symbol: fill.symbol,
      reference: fill.tradeId,
      status: 'completed',
      timestamp: fill.timestamp,
      seq: fill.seq,
    }];
  });
}

function typeOf(event: Event): Exclude<TransactionType, 'trade'> | undefined {
  switch (event.type) {
    case 'deposited': return 'deposit';
    case 'transferred': return 'transfer';
    case 'funding_paid': return 'funding';
    case 'position_liquidated': return 'liquidation';
    case 'noted':
    case 'asset_created':
    case 'market_created':
    case 'market_updated':
    case 'account_opened':
    case 'insurance_funded':
    case 'order_accepted':
    case 'order_rested':
    case 'order_closed':
    case 'order_reduced':
    case 'order_amended':
    case 'trade':
    case 'leverage_set':
    case 'margin_adjusted':
    case 'cancel_after_set':
    case 'prices_updated':
    case 'margin_called':
    case 'margin_call_cleared':
    case 'funding_started':
    case 'funding_deferred':
    case 'funding_advanced':
    case 'funding_settled':
      return undefined;
    default: return assertNever(event);
  }
}

function document(line: Line, index: number, type: TransactionType, event: Event, context: TransactionContext): TransactionDoc {
  const { code, scale } = context.assets[line.asset]!;
  return {
    id: `${event.seq}0${index}`,
    type,
    account: line.wallet,
    asset: code,
    amount: formatDecimal(line.amount, scale),
    fee: '0',
    symbol: marketOf(event, context.markets)?.symbol ?? null,
    reference: event.type === 'deposited' ? null : String(event.seq),
    status: 'completed',
    timestamp: context.time,
    seq: event.seq,
    userId: ownerOf(line.account, context),
    accountId: line.account,
  };
}

function marketOf(event: Event, markets: readonly Market[]): Market | undefined {
  if (event.type === 'funding_paid') return markets[event.market];
  return event.type === 'position_liquidated' ? markets[event.receipt.market] : undefined;
}
