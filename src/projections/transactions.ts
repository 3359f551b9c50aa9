/** The lines that an event writes into the statements of wallets: what its postings add to or take from their totals. */
import { formatDecimal } from '../engine/decimal.ts';
import type { Event } from '../engine/events.ts';
import type { Bucket } from '../engine/ledger.ts';
import type { Asset, Market } from '../engine/market.ts';
import { type PostingKind, forEachPosting } from '../engine/postings.ts';
import type { AccountId, Amount, AssetId } from '../engine/units.ts';
import type { TransactionDoc, TransactionType } from '../models/transactions.ts';
import { type FoldContext, ownerOf } from './context.ts';
import { type WalletName, walletOf } from './wallets.ts';

/** The engine's reader has the lists. */
export interface TransactionContext extends Pick<FoldContext, 'owners' | 'time'> {
  readonly markets: readonly Market[];
  readonly assets: readonly Asset[];
}

interface Line {
  readonly account: AccountId;
  readonly wallet: WalletName;
  readonly asset: AssetId;
  amount: Amount;
  fee: Amount;
  pnl: Amount;
}

/** Gathers the postings of one event into lines, one per account, wallet and asset. For users only. */
export class StatementLines {
  readonly #lines: Line[] = [];
  readonly #owners: FoldContext['owners'];

  constructor(owners: FoldContext['owners']) {
    this.#owners = owners;
  }

  post(asset: AssetId, from: AccountId, fromBucket: Bucket, to: AccountId, toBucket: Bucket, amount: Amount, kind: PostingKind): void {
    // Between the buckets of one wallet (locks, margin) no total changes.
    if (from === to && walletOf(fromBucket) === walletOf(toBucket)) return;
    this.#add(from, walletOf(fromBucket), asset, -amount, kind);
    this.#add(to, walletOf(toBucket), asset, amount, kind);
  }

  /** The lines of the event, which are then forgotten. */
  take(event: Event, context: TransactionContext): TransactionDoc[] {
    if (this.#lines.length === 0) return [];
    const type = typeOf(event);
    const docs = type === undefined ? [] : this.#lines.filter((line) => line.amount !== 0 || line.fee !== 0).map((line) => document(line, type, event, context));
    this.#lines.length = 0;
    return docs;
  }

  #add(account: AccountId, wallet: WalletName, asset: AssetId, amount: Amount, kind: PostingKind): void {
    if (this.#owners.kindOf(account) !== 'user') return;
    let line = this.#lines.find((known) => known.account === account && known.asset === asset && known.wallet === wallet);
    if (line === undefined) this.#lines.push((line = { account, wallet, asset, amount: 0, fee: 0, pnl: 0 }));
    line.amount += amount;
    if (kind === 'fee') line.fee -= amount;
    if (kind === 'realized_pnl') line.pnl += amount;
  }
}

/** For replies and sockets; the projector gathers the same lines on its way through the postings. */
export function transactionsOf(event: Event, context: TransactionContext): TransactionDoc[] {
  const lines = new StatementLines(context.owners);
  forEachPosting(event, context.markets, (asset, from, fromBucket, to, toBucket, amount, kind) => lines.post(asset, from, fromBucket, to, toBucket, amount, kind));
  return lines.take(event, context);
}

function typeOf(event: Event): TransactionType | undefined {
  switch (event.type) {
    case 'deposited': return 'deposit';
    case 'transferred': return 'transfer';
    case 'trade': return 'trade';
    case 'funding_paid': return 'funding';
    case 'position_liquidated': return 'liquidation';
    default: return undefined;
  }
}

function document(line: Line, type: TransactionType, event: Event, context: TransactionContext): TransactionDoc {
  const { code, scale } = context.assets[line.asset]!;
  const market = marketOf(event, context.markets);
  return {
    id: `${event.seq}:${partOf(line, event)}:${code}`,
    type,
    account: line.wallet,
    asset: code,
    amount: formatDecimal(line.amount, scale),
    fee: formatDecimal(line.fee, scale),
    ...(event.type === 'trade' && market?.type === 'perpetual' && { realizedPnl: formatDecimal(line.pnl, scale) }),
    symbol: market?.symbol ?? null,
    reference: event.type === 'deposited' ? null : String(event.seq),
    status: 'completed',
    timestamp: context.time,
    seq: event.seq,
    userId: ownerOf(line.account, context),
    accountId: line.account,
  };
}

/** Tells the lines of one event and asset apart: the two sides of a trade, else the wallets. */
function partOf(line: Line, event: Event): string {
  if (event.type !== 'trade') return line.wallet;
  return line.account === event.taker.account ? 'taker' : 'maker';
}

function marketOf(event: Event, markets: readonly Market[]): Market | undefined {
  if (event.type === 'trade' || event.type === 'funding_paid') return markets[event.market];
  return event.type === 'position_liquidated' ? markets[event.receipt.market] : undefined;
}
