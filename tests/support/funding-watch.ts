/**
 * Follows a log of events and judges the funding in it by the rule alone, in BigInt: whoever holds a position when a settlement begins pays or receives on the size of then, once; payers
 * from available, then from margin, never more than both hold; receivers their due, or their share of what was collected; the rest is the residue.
 */
import assert from 'node:assert/strict';
import { Engine } from '../../src/engine/engine.ts';
import type { Event, EventOf } from '../../src/engine/events.ts';
import { forEachPosting } from '../../src/engine/postings.ts';

const MILLION = 1_000_000n;

interface Watched {
  readonly rate: number;
  readonly mark: number;
  readonly time: number;
  /** Signed lots at the beginning, of all who held any. */
  readonly sizes: ReadonlyMap<number, number>;
  readonly amounts: Map<number, number>;
  /** Who could pay nothing when its turn came. */
  readonly broke: Set<number>;
}

export class FundingWatch {
  /** A second engine, which knows the state between two events. */
  readonly engine = Engine.create();
  /** Settlements that have come to their end. */
  settled = 0;
  readonly #open = new Map<number, Watched>();

  follow(events: readonly Event[], time: number): void {
    for (const event of events) {
      if (event.type === 'funding_started') assert.ok(event.nextTime > time, 'an interval is settled once');
      this.#before(event);
      this.engine.apply(event, time);
    }
  }

  #before(event: Event): void {
    switch (event.type) {
      case 'funding_started':
        assert.ok(!this.#open.has(event.market), 'one at a time');
        this.#open.set(event.market, { rate: event.rate, mark: event.mark, time: event.time, sizes: this.#sizes(event.market), amounts: new Map(), broke: new Set() });
        return;
      case 'funding_paid':
        return this.#pay(event);
      case 'trade':
        for (const { account } of [event.maker, event.taker]) this.#mustHavePaid(event.market, account);
        return;
      case 'funding_advanced':
        if (event.phase === 'receiving') for (const account of this.#open.get(event.market)!.sizes.keys()) this.#mustHavePaid(event.market, account);
        return;
      case 'funding_settled':
        return this.#settle(event);
      default:
    }
  }

  #sizes(market: number): Map<number, number> {
    const sizes = new Map<number, number>();
    for (let account = 1; account < this.engine.accountCount; account++) {
      const size = this.engine.position(account, market)?.size ?? 0;
      if (size !== 0) sizes.set(account, size);
    }
    return sizes;
  }

  #due(market: number, { rate, mark }: Watched, size: number): bigint {
    const owed = BigInt(Math.abs(size)) * BigInt(mark) * BigInt(this.engine.markets[market].quotePerTickLot) * BigInt(Math.abs(rate));
    return size * rate > 0 ? (owed + MILLION - 1n) / MILLION : owed / MILLION;
  }

  #pay(event: EventOf<'funding_paid'>): void {
    const { account, market, amount, fromMargin, size } = event;
    const open = this.#open.get(market);
    // Settled in one command: no pages.
    if (open === undefined) return;
    const who = `account ${account}`;
    assert.deepEqual([event.rate, event.mark, size], [open.rate, open.mark, open.sizes.get(account)], `${who} is settled by the beginning`);
    assert.ok(!open.amounts.has(account), `${who} is settled twice`);
    open.amounts.set(account, amount);
    assert.equal(Math.sign(amount), size * open.rate > 0 ? -1 : 1, who);
    if (amount > 0) return assert.equal(fromMargin, 0);
    const { available, margin } = this.#holds(account, market);
    const due = Number(this.#due(market, open, size));
    assert.deepEqual([amount, fromMargin], [-Math.min(due, available + margin), Math.max(0, Math.min(due - available, margin))], `${who} pays ${due} of ${available} and ${margin}`);
    assert.equal(event.position.margin, margin - fromMargin);
  }

  #holds(account: number, market: number): { readonly available: number; readonly margin: number } {
    const { futuresAvailable } = this.engine.balance(account, this.engine.markets[market].quoteAsset);
    return { available: futuresAvailable, margin: this.engine.position(account, market)?.margin ?? 0 };
  }

  /** A payer's position may change, and receivers get something, only when it has paid, unless it has nothing. */
  #mustHavePaid(market: number, account: number): void {
    const open = this.#open.get(market);
    const size = open?.sizes.get(account) ?? 0;
    if (open === undefined || size * open.rate <= 0 || open.amounts.has(account) || open.broke.has(account)) return;
    const { available, margin } = this.#holds(account, market);
    assert.ok(available + margin === 0 || this.#due(market, open, size) === 0n, `account ${account} has not paid, of ${available} and ${margin}`);
    open.broke.add(account);
  }

  #settle(event: EventOf<'funding_settled'>): void {
    const open = this.#open.get(event.market);
    if (open === undefined) return;
    this.#open.delete(event.market);
    this.settled++;
    assert.deepEqual([event.rate, event.mark, event.time, event.nextTime], [open.rate, open.mark, open.time, this.engine.prices(event.market).nextFundingTime]);
    const receivers = [...open.sizes].filter(([, size]) => size * open.rate < 0);
    const collected = -[...open.amounts.values()].filter((amount) => amount < 0).reduce((sum, amount) => sum + BigInt(amount), 0n);
    const owed = receivers.reduce((sum, [, size]) => sum + this.#due(event.market, open, size), 0n);
    for (const [account, size] of receivers) {
      const due = this.#due(event.market, open, size);
      assert.equal(BigInt(open.amounts.get(account) ?? 0), collected < owed ? (due * collected) / owed : due, `account ${account} receives`);
    }
    const sum = [...open.amounts.values()].reduce((total, amount) => total + amount, 0);
    assert.equal(sum + event.residue, 0, 'payments and residue sum to zero');
    let booked = 0;
    forEachPosting(event, this.engine.markets, (_asset, _from, _fromBucket, _to, _toBucket, amount) => { booked += amount; });
    assert.equal(booked, event.residue);
  }
}
