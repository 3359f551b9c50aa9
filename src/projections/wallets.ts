/** Balances as the postings of events leave them, and the documents that show them. The same postings make the engine's ledger. */
import { formatDecimal } from '../engine/decimal.ts';
import { type Bucket, SPOT_LOCKED } from '../engine/ledger.ts';
import type { Asset } from '../engine/market.ts';
import type { AccountId, Amount, AssetId, Millis, Seq, WalletType } from '../engine/units.ts';
import type { InsuranceDoc } from '../models/insurance.ts';
import type { WalletDoc } from '../models/wallets.ts';
import { storedAmount } from './amounts.ts';

/** The wallet that a user's bucket is part of. */
export function walletOf(bucket: Bucket): WalletType {
  return bucket <= SPOT_LOCKED ? 'spot' : 'futures';
}

/** One account's money in one asset. */
export interface Balance {
  readonly account: AccountId;
  readonly asset: AssetId;
  /** By the ledger's bucket: spot available, spot locked, futures available, futures locked, margin. */
  readonly amounts: [Amount, Amount, Amount, Amount, Amount];
  /** Last change of the spot and of the futures wallet; seq 0 = never touched. */
  readonly spot: Touched;
  readonly futures: Touched;
}

interface Touched {
  seq: Seq;
  time: Millis;
}

export function post(balance: Balance, bucket: Bucket, delta: Amount, seq: Seq, time: Millis): void {
  (balance.amounts as number[])[bucket]! += delta;
  const touched = balance[walletOf(bucket)];
  touched.seq = seq;
  touched.time = time;
}

export function walletId(account: AccountId, wallet: WalletType, asset: string): string {
  return `${account}:${wallet}:${asset}`;
}

/** The wallets that were ever touched. */
export function walletDocuments({ account, amounts, spot, futures }: Balance, userId: string, { code, scale }: Asset): WalletDoc[] {
  const text = (amount: Amount): string => formatDecimal(amount, scale);
  const [spotAvailable, spotLocked, available, locked, margin] = amounts;
  const docs: WalletDoc[] = [];
  const common = { userId, accountId: account, asset: code };
  if (spot.seq > 0) {
    docs.push({
      ...common, id: walletId(account, 'spot', code), account: 'spot', total: text(spotAvailable + spotLocked), available: text(spotAvailable), locked: text(spotLocked),
      seq: spot.seq, updatedAt: spot.time,
    });
  }
  if (futures.seq > 0) {
    docs.push({
      ...common, id: walletId(account, 'futures', code), account: 'futures', total: text(available + locked + margin), available: text(available), locked: text(locked),
      margin: text(margin), seq: futures.seq, updatedAt: futures.time,
    });
  }
  return docs;
}

/** The balance that wallets were made of. */
export function storedBalance(account: AccountId, { id, scale }: Asset, spot: WalletDoc | undefined, futures: WalletDoc | undefined): Balance {
  const amount = (text: string | undefined): Amount => (text === undefined ? 0 : storedAmount(text, scale));
  return {
    account,
    asset: id,
    amounts: [amount(spot?.available), amount(spot?.locked), amount(futures?.available), amount(futures?.locked), amount(futures?.margin)],
    spot: { seq: spot?.seq ?? 0, time: spot?.updatedAt ?? 0 },
    futures: { seq: futures?.seq ?? 0, time: futures?.updatedAt ?? 0 },
  };
}

/** All that the insurance fund's account holds in the asset. */
export function insuranceDocument({ amounts, spot, futures }: Balance, { code, scale }: Asset): InsuranceDoc {
  const last = spot.seq > futures.seq ? spot : futures;
  return { id: code, asset: code, balance: formatDecimal(amounts.reduce((sum, amount) => sum + amount, 0), scale), updatedAt: last.time, seq: last.seq };
}
