/** Double-entry ledger: every change is a transfer between two buckets of one asset, so each asset always sums to zero. Decides nothing; who may spend what is checked before. */
import { INSURANCE, VENUE } from './units.ts';
import type { AccountId, Amount, AssetId } from './units.ts';

/** What an account's money in an asset is for. Users, house makers and the insurance fund have the first five, the venue the last three. */
export type Bucket = typeof SPOT_AVAILABLE | typeof SPOT_LOCKED | typeof FUTURES_AVAILABLE | typeof FUTURES_LOCKED | typeof MARGIN | typeof EXTERNAL | typeof FEES | typeof CLEARING;
export const SPOT_AVAILABLE = 0;
export const SPOT_LOCKED = 1;
export const FUTURES_AVAILABLE = 2;
export const FUTURES_LOCKED = 3;
/** Held by positions. */
export const MARGIN = 4;
/** The world outside: minus what came in and has not left. */
export const EXTERNAL = 0;
export const FEES = 1;
/** Counterpart of P&L that one side has realised and the other has not yet; and, while funding is being settled in pages, what payers have paid and receivers have not got yet. */
export const CLEARING = 2;

/** Of an account in an asset. */
const BUCKETS = 5;
const TOUCHED = 5;
const WIDTH = 6;
const PAGE_BITS = 10;
export const PAGE_ACCOUNTS = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_ACCOUNTS - 1;
const NO_PAGE = new Float64Array(0);

/** One asset's balances by bucket, at one moment. */
export interface LedgerSums {
  /** Users and house makers together. */
  readonly traders: Float64Array;
  readonly insurance: Float64Array;
  readonly venue: Float64Array;
}

/** Sums over all accounts at one moment, added up some pages of accounts at a time while the ledger goes on changing: a page that is about to change is added up first. */
export class LedgerCut {
  readonly #pages: readonly (readonly Float64Array[])[];
  /** By asset, then by page: 1 = added up. */
  readonly #seen: readonly Uint8Array[];
  readonly #sums: readonly LedgerSums[];
  readonly #onDone: (cut: LedgerCut) => void;
  #asset: AssetId = 0;
  #page = 0;

  /** `pages` as the ledger keeps them. */
  constructor(pages: readonly (readonly Float64Array[])[], onDone: (cut: LedgerCut) => void) {
    this.#pages = pages;
    this.#seen = pages.map(({ length }) => new Uint8Array(length));
    this.#sums = pages.map(() => ({ traders: new Float64Array(BUCKETS), insurance: new Float64Array(BUCKETS), venue: new Float64Array(BUCKETS) }));
    this.#onDone = onDone;
  }

  /** Adds up at most so many pages more. Whether there are none left. */
  step(pages: number): boolean {
    for (let left = pages; left > 0 && this.#asset < this.#seen.length; left--) {
      if (this.#page < this.#seen[this.#asset].length) this.keep(this.#asset, this.#page++);
      else {
        this.#asset++;
        this.#page = 0;
      }
    }
    if (this.#asset < this.#seen.length) return false;
    this.#onDone(this);
    return true;
  }

  /** Complete once `step` has said so. */
  sums(asset: AssetId): LedgerSums {
    return this.#sums[asset] ?? NO_SUMS;
  }

  /** What the page holds now is what it held at that moment. An asset or page that came later held nothing. */
  keep(asset: AssetId, page: number): void {
    if (asset >= this.#seen.length || page >= this.#seen[asset].length || this.#seen[asset][page] === 1) return;
    this.#seen[asset][page] = 1;
    this.#addUp(this.#pages[asset][page], page, this.#sums[asset]);
  }

  #addUp(balances: Float64Array, page: number, { traders, insurance, venue }: LedgerSums): void {
    for (let row = 0; row < balances.length; row += WIDTH) {
      const account = (page << PAGE_BITS) + row / WIDTH;
      const sums = account === VENUE ? venue : account === INSURANCE ? insurance : traders;
      for (let bucket = 0; bucket < BUCKETS; bucket++) sums[bucket] += balances[row + bucket];
    }
  }
}

const NONE = new Float64Array(BUCKETS);
const NO_SUMS: LedgerSums = { traders: NONE, insurance: NONE, venue: NONE };

export class Ledger {
  /** By asset, then by page of accounts; pages without money do not exist. */
  readonly #pages: Float64Array[][] = [];
  /** That are being added up. */
  #cuts: LedgerCut[] = [];

  /** Moves `amount` ≥ 0. Throws when a balance stops being a safe integer: checks before the command should have refused it. */
  transfer(asset: AssetId, from: AccountId, fromBucket: Bucket, to: AccountId, toBucket: Bucket, amount: Amount): void {
    this.#add(asset, from, fromBucket, 0 - amount);
    this.#add(asset, to, toBucket, amount);
  }

  get(asset: AssetId, account: AccountId, bucket: Bucket): Amount {
    const page = this.#pages[asset]?.[account >> PAGE_BITS];
    return page === undefined || page.length === 0 ? 0 : page[(account & PAGE_MASK) * WIDTH + bucket];
  }

  /** Whether the account ever held the asset. */
  touched(asset: AssetId, account: AccountId): boolean {
    const page = this.#pages[asset]?.[account >> PAGE_BITS];
    return page !== undefined && page.length > 0 && page[(account & PAGE_MASK) * WIDTH + TOUCHED] === 1;
  }

  /** Sets one bucket outright: only for restoring a snapshot. */
  restore(asset: AssetId, account: AccountId, bucket: Bucket, amount: Amount): void {
    this.#add(asset, account, bucket, amount - this.get(asset, account, bucket));
  }

  /** Its sums are of this moment, whenever they are added up. Take it to the end: until then it costs a little with every change. */
  cut(): LedgerCut {
    const cut = new LedgerCut(this.#pages, (done) => {
      this.#cuts = this.#cuts.filter((other) => other !== done);
    });
    this.#cuts.push(cut);
    return cut;
  }

  /** In order of account: those that ever held the asset. */
  forEachAccount(asset: AssetId, visit: (account: AccountId) => void): void {
    const pages = this.#pages[asset] ?? [];
    for (let number = 0; number < pages.length; number++) {
      const page = pages[number];
      for (let at = 0; at < page.length; at += WIDTH) if (page[at + TOUCHED] === 1) visit((number << PAGE_BITS) + at / WIDTH);
    }
  }

  #add(asset: AssetId, account: AccountId, bucket: Bucket, delta: Amount): void {
    const pages = this.#pages[asset];
    const number = account >> PAGE_BITS;
    const page = pages !== undefined && number < pages.length && pages[number].length > 0 ? pages[number] : this.#open(asset, number);
    if (this.#cuts.length > 0) this.#keep(asset, number);
    const at = (account & PAGE_MASK) * WIDTH;
    const after = page[at + bucket] + delta;
    if (!Number.isSafeInteger(after)) throw new Error(`balance of account ${account} in asset ${asset} is out of range: ${after}`);
    if (after < 0 && account !== VENUE) throw new Error(`balance of account ${account} in asset ${asset} would be ${after} in bucket ${bucket}`);
    page[at + bucket] = after;
    page[at + TOUCHED] = 1;
  }

  /** By itself, so that `#add` stays small enough to be inlined. */
  #keep(asset: AssetId, number: number): void {
    for (const cut of this.#cuts) cut.keep(asset, number);
  }

  #open(asset: AssetId, number: number): Float64Array {
    while (this.#pages.length <= asset) this.#pages.push([]);
    const pages = this.#pages[asset];
    while (pages.length <= number) pages.push(NO_PAGE);
    if (pages[number].length === 0) pages[number] = new Float64Array(PAGE_ACCOUNTS * WIDTH);
    return pages[number];
  }
}
