/** Funding of one market that is settled in pages, because it has too many positions for one command: its terms, how far it has come, and whose position has changed meanwhile. Decides nothing. */
import type { EventOf } from './events.ts';
import { INSURANCE } from './units.ts';
import type { AccountId, Amount, Lots, Millis, Ppm, Ticks } from './units.ts';

/** Accounts are gone through in ascending order, first for what they pay, then for what they receive. */
export class Settlement {
  readonly rate: Ppm;
  readonly mark: Ticks;
  /** When it was due. */
  readonly time: Millis;
  /** Lots held long (= short) when it began. */
  readonly openInterest: Lots;
  /** Until all who pay have paid. */
  paying = true;
  /** Those before it have been gone through. */
  nextAccount: AccountId = INSURANCE;
  /** What payers have paid, and what of it receivers have got: the difference lies in clearing. */
  collected: Amount = 0;
  paid: Amount = 0;
  /** What receivers are due in all; 0 as long as it is not known. */
  owed: Amount = 0;
  /** What those are due that have been gone through. */
  counted: Amount = 0;
  /** Of positions that have changed since it began: the signed lots that something is still to be received on. 0 = none: they have paid, or are newer than it. */
  readonly changed = new Map<AccountId, Lots>();

  constructor({ rate, mark, time }: Pick<EventOf<'funding_started'>, 'rate' | 'mark' | 'time'>, openInterest: Lots) {
    this.rate = rate;
    this.mark = mark;
    this.time = time;
    this.openInterest = openInterest;
  }

  /** Longs pay at a positive rate, shorts at a negative one. */
  pays(size: Lots): boolean {
    return size * this.rate > 0;
  }

  /** Signed lots on which the account has yet to pay or to receive; `size` are those that it has now. 0 = it is through. */
  open(account: AccountId, size: Lots): Lots {
    const held = this.changed.get(account) ?? size;
    const ahead = account >= this.nextAccount;
    return this.pays(held) ? (this.paying && ahead ? held : 0) : this.paying || ahead ? held : 0;
  }

  /** The account's position changes: what it holds from now on is no concern of this settlement. */
  change(account: AccountId): void {
    if (!this.changed.has(account)) this.changed.set(account, 0);
  }

  /** A payment; negative: the account has paid. */
  book({ account, amount, ahead }: EventOf<'funding_paid'>): void {
    if (amount < 0) this.collected -= amount;
    else this.paid += amount;
    if (ahead === true) this.changed.set(account, 0);
  }

  advance({ phase, nextAccount, owed, counted }: EventOf<'funding_advanced'>): void {
    this.paying = phase === 'paying';
    this.nextAccount = nextAccount;
    this.owed = owed;
    this.counted = counted;
  }
}
