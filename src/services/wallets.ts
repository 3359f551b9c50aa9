/** Wallets of a user: balances now, the statement, simulated deposits, transfers between spot and futures. */
import { formatDecimal, parseDecimal } from '../engine/decimal.ts';
import type { Asset } from '../engine/market.ts';
import type { BalanceView } from '../engine/reader.ts';
import type { Amount, Seq, WalletType } from '../engine/units.ts';
import { publicTransaction, type Transaction } from '../models/transactions.ts';
import type { Wallet } from '../models/wallets.ts';
import { transactionsOf } from '../projections/transactions.ts';
import type { CommandMeta, Sequencer } from '../sequencer/sequencer.ts';
import type { Principal } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';
import type { Catalog } from './catalog.ts';
import { commit, eventOf } from './commit.ts';
import type { Consistency } from './consistency.ts';
import { pageOf, type ListQuery, type Listing } from './paging.ts';
import type { Statement, TransactionQuery } from './statement.ts';

/** Minor units of one simulated deposit at most: 100 million USDT, a million BTC. Far below 2^53, so that many deposits fit one ledger. */
export const MAX_DEPOSIT: Amount = 100_000_000_000_000;

export interface DepositInput {
  readonly asset: string;
  readonly amount: string;
  readonly account: WalletType;
}

export interface TransferInput {
  readonly asset: string;
  readonly amount: string;
  readonly from: WalletType;
  readonly to: WalletType;
}

export interface Transfer extends TransferInput {
  readonly id: string;
  readonly timestamp: number;
  readonly seq: number;
}

export interface WalletServiceParts {
  readonly sequencer: Sequencer;
  readonly consistency: Consistency;
  readonly catalog: Catalog;
  readonly statement: Statement;
  readonly deposits: 'simulated' | 'closed';
}

export class WalletService {
  readonly #parts: WalletServiceParts;

  constructor(parts: WalletServiceParts) {
    this.#parts = parts;
  }

  /** A spot and a futures wallet for each asset that the user ever held. */
  async list(principal: Principal, query: ListQuery): Promise<Listing<Wallet>> {
    const { catalog, consistency } = this.#parts;
    const wallets = await consistency.live((state) => state.balances(principal.account).flatMap((balance) => walletsOf(balance, catalog.assetById(balance.asset), state.seq)));
    return pageOf(wallets, query);
  }

  /** Both wallets of one asset, empty ones too. NOT_FOUND when there is no such asset. */
  async get(principal: Principal, code: string): Promise<Wallet[]> {
    const wallets = await this.#parts.consistency.live((state) => {
      const asset = state.asset(code);
      return asset === undefined ? undefined : walletsOf(state.balance(principal.account, asset.id), asset, state.seq);
    });
    if (wallets === undefined) throw new Refusal('NOT_FOUND', `there is no asset ${code.slice(0, 40)}`);
    return wallets;
  }

  /** The statement, newest first. */
  transactions({ userId }: Principal, query: TransactionQuery): Promise<Listing<Transaction>> {
    return this.#parts.statement.list(userId, query);
  }

  /** FORBIDDEN where deposits are closed. */
  async deposit(principal: Principal, input: DepositInput, meta?: CommandMeta): Promise<Transaction> {
    if (this.#parts.deposits === 'closed') throw new Refusal('FORBIDDEN', 'simulated deposits are closed on this venue');
    const asset = this.#parts.catalog.asset(input.asset);
    const amount = amountOf(input.amount, asset);
    if (amount > MAX_DEPOSIT) throw Refusal.field('amount', `must be at most ${formatDecimal(MAX_DEPOSIT, asset.scale)} ${asset.code} at once`);
    const { sequencer } = this.#parts;
    const { state } = sequencer;
    const { events, time } = await commit(sequencer, { type: 'deposit', account: principal.account, asset: asset.code, amount, wallet: input.account }, meta);
    const [line] = transactionsOf(eventOf(events, 'deposited'), { assets: state.assets, markets: state.markets, owners: state, time });
    if (line === undefined) throw new Error('a deposit wrote no line in the statement');
    return publicTransaction(line);
  }

  async transfer(principal: Principal, input: TransferInput, meta?: CommandMeta): Promise<Transfer> {
    const asset = this.#parts.catalog.asset(input.asset);
    const { from, to } = input;
    const command = { type: 'transfer' as const, account: principal.account, asset: asset.code, amount: amountOf(input.amount, asset), from, to };
    const { events, time } = await commit(this.#parts.sequencer, command, meta);
    const { seq } = eventOf(events, 'transferred');
    return { id: String(seq), asset: asset.code, amount: formatDecimal(command.amount, asset.scale), from, to, timestamp: time, seq };
  }
}

/** What a balance looks like as wallets. */
export function walletsOf(balance: BalanceView, { code, scale }: Asset, seq: Seq): [Wallet, Wallet] {
  const text = (amount: Amount): string => formatDecimal(amount, scale);
  const { spotAvailable, spotLocked, futuresAvailable, futuresLocked, margin } = balance;
  return [
    { account: 'spot', asset: code, total: text(spotAvailable + spotLocked), available: text(spotAvailable), locked: text(spotLocked), seq },
    {
      account: 'futures',
      asset: code,
      total: text(futuresAvailable + futuresLocked + margin),
      available: text(futuresAvailable),
      locked: text(futuresLocked),
      margin: text(margin),
      seq,
    },
  ];
}

function amountOf(text: string, asset: Asset): Amount {
  const amount = parseDecimal(text, asset.scale);
  if (amount === undefined) throw Refusal.field('amount', `must be an amount of ${asset.code} with at most ${asset.scale} decimals, and not beyond what the ledger can hold`);
  return amount;
}
