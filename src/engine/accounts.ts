/** Opening accounts and moving money in and between wallets. */
import type { Core } from './core.ts';
import { CLEARING, EXTERNAL, FUTURES_AVAILABLE, SPOT_AVAILABLE } from './ledger.ts';
import type { CommandOf } from './commands.ts';
import type { Asset } from './market.ts';
import { reject } from './reject.ts';
import type { Reject } from './reject.ts';
import { VENUE } from './units.ts';
import { money } from './wording.ts';
import type { AccountId, Amount, AssetId, WalletType } from './units.ts';

/** Most that may come in from outside, per asset: leaves room for P&L that is realised on one side only. */
export const MAX_SUPPLY: Amount = 2 ** 52;
const MAX_ACCOUNTS = 2 ** 31 - 1;
const USER_ID = /^[\x21-\x7e]{1,128}$/;

export function openAccount(core: Core, { userId, kind }: CommandOf<'open_account'>): Reject | undefined {
  if (typeof userId !== 'string' || !USER_ID.test(userId)) return reject('VALIDATION_FAILED', 'A user id has 1 to 128 printable ASCII characters.');
  if (kind !== 'user' && kind !== 'house') return reject('VALIDATION_FAILED', 'An account is of a user or of the house.');
  if (core.accountByUser.has(userId)) return reject('CONFLICT', `User ${userId} already has an account.`);
  if (core.kinds.length >= MAX_ACCOUNTS) return reject('RISK_REJECTED', 'No more accounts can be opened.');
  core.emit({ seq: core.nextSeq, type: 'account_opened', account: core.kinds.length, userId, kind });
  return undefined;
}

export function checkTrader(core: Core, account: AccountId): Reject | undefined {
  return core.isTrader(account) ? undefined : reject('NOT_FOUND', `There is no account ${account}.`);
}

export function deposit(core: Core, { account, asset: code, amount, wallet }: CommandOf<'deposit'>): Reject | undefined {
  const asset = core.assetByCode.get(code);
  const refused = checkWallet(wallet) ?? checkAmount(amount) ?? checkTrader(core, account) ?? checkSupply(core, asset, code, amount);
  if (refused !== undefined || asset === undefined) return refused;
  core.emit({ seq: core.nextSeq, type: 'deposited', account, asset: asset.id, amount, wallet });
  return undefined;
}

export function transfer(core: Core, { account, asset: code, amount, from, to }: CommandOf<'transfer'>): Reject | undefined {
  const asset = core.assetByCode.get(code);
  const refused = checkWallet(from) ?? checkWallet(to) ?? checkAmount(amount) ?? checkTrader(core, account);
  if (refused !== undefined) return refused;
  if (from === to) return reject('VALIDATION_FAILED', 'A transfer goes from one wallet to the other.');
  if (asset === undefined) return unknownAsset(code);
  const available = core.ledger.get(asset.id, account, from === 'spot' ? SPOT_AVAILABLE : FUTURES_AVAILABLE);
  if (available < amount) return reject('INSUFFICIENT_BALANCE', `The ${from} wallet has ${money(asset, available)} available; ${money(asset, amount)} is wanted.`);
  core.emit({ seq: core.nextSeq, type: 'transferred', account, asset: asset.id, amount, from, to });
  return undefined;
}

export function fundInsurance(core: Core, { asset: code, amount }: CommandOf<'fund_insurance'>): Reject | undefined {
  const asset = core.assetByCode.get(code);
  const refused = checkAmount(amount) ?? checkSupply(core, asset, code, amount);
  if (refused !== undefined || asset === undefined) return refused;
  core.emit({ seq: core.nextSeq, type: 'insurance_funded', asset: asset.id, amount });
  return undefined;
}

function checkWallet(wallet: WalletType): Reject | undefined {
  return wallet === 'spot' || wallet === 'futures' ? undefined : reject('VALIDATION_FAILED', 'A wallet is spot or futures.');
}

function checkAmount(amount: Amount): Reject | undefined {
  return Number.isSafeInteger(amount) && amount > 0 ? undefined : reject('VALIDATION_FAILED', 'The amount must be positive, and no finer than its asset.');
}

function unknownAsset(code: string): Reject {
  return reject('NOT_FOUND', `There is no asset ${code}.`);
}

function checkSupply(core: Core, asset: Asset | undefined, code: string, amount: Amount): Reject | undefined {
  if (asset === undefined) return unknownAsset(code);
  return supplyOf(core, asset.id) + amount <= MAX_SUPPLY ? undefined : reject('VALIDATION_FAILED', `No more than ${money(asset, MAX_SUPPLY)} can be held in all.`);
}

/** What came in from outside, and what clearing owes beyond it. */
function supplyOf(core: Core, asset: AssetId): Amount {
  return Math.max(0, 0 - core.ledger.get(asset, VENUE, EXTERNAL)) + Math.max(0, 0 - core.ledger.get(asset, VENUE, CLEARING));
}
