/**
 * Funding of a market with more positions than one command settles. A tick is 0.1 USDT, a lot 0.001 BTC: at 1,003 a lot is worth 100,300 minor units (u), and owes 10.03 u at the
 * interest of 0.01 %. Where nothing else is said a page is one position, so that each `advance_time` settles one.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apply } from './apply.ts';
import { Core } from './core.ts';
import { Engine } from './engine.ts';
import type { Event } from './events.ts';
import type { MarketSpec } from './market.ts';
import { Kit, newOrder, ofType, PERP, perpSpec, SPOT } from '../../tests/support/engine-kit.ts';

const FUND = 1;
const HOURS = 3_600_000;

function venue(perp: Partial<MarketSpec> = {}, fundingPage = 1): Kit {
  const kit = Kit.create({ perp: { makerFee: 0, takerFee: 0, ...perp }, fundingPage });
  kit.prices(1_000, 1_000);
  return kit;
}

/** The buyer takes what the seller offers. */
function trade(kit: Kit, buyer: number, seller: number, quantity: number, price = 1_000): readonly Event[] {
  kit.order(seller, { market: PERP, side: 'sell', price, quantity });
  return kit.place(buyer, { market: PERP, side: 'buy', price, quantity });
}

/** Longs a with 3 lots and b with 4, shorts c with 5 and d with 2; the mark at 1,003. */
function four(perp: Partial<MarketSpec> = {}, fundingPage = 1): { readonly kit: Kit; readonly a: number; readonly b: number; readonly c: number; readonly d: number } {
  const kit = venue(perp, fundingPage);
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => kit.user(name, 10));
  trade(kit, a, c, 3);
  trade(kit, b, c, 2);
  trade(kit, b, d, 2);
  kit.prices(1_003, 1_003);
  return { kit, a, b, c, d };
}

/** Any command begins it. */
function begin(kit: Kit): void {
  kit.time = kit.engine.prices(PERP).nextFundingTime;
  assert.equal(ofType(kit.do({ type: 'fund_insurance', asset: 'USDT', amount: 1 }), 'funding_started').length, 1);
}

function advance(kit: Kit): readonly Event[] {
  const events = kit.do({ type: 'advance_time' });
  kit.engine.check();
  return events;
}

/** To the end of the settlement. */
function finish(kit: Kit): readonly Event[] {
  const events: Event[] = [];
  while (!events.some(({ type }) => type === 'funding_settled')) events.push(...advance(kit));
  return events;
}

function paid(events: readonly Event[]): (readonly [account: number, size: number, amount: number, fromMargin: number])[] {
  return ofType(events, 'funding_paid').map(({ account, size, amount, fromMargin }) => [account, size, amount, fromMargin]);
}

function empty(kit: Kit, account: number, left = 0): void {
  kit.do({ type: 'transfer', account, asset: 'USDT', amount: available(kit, account) - left, from: 'futures', to: 'spot' });
}

function available(kit: Kit, account: number): number {
  return kit.engine.balance(account, 0).futuresAvailable;
}

test('payers pay in order of account, then receivers are paid, then the rest is a fee: as in one command', () => {
  const { kit, a, b, c, d } = four();
  empty(kit, a);
  empty(kit, b, 11);
  const due = kit.engine.prices(PERP).nextFundingTime;
  begin(kit);
  assert.equal(kit.engine.prices(PERP).nextFundingTime, due + 8 * HOURS, 'what users see is the next one');
  assert.equal(kit.engine.nextTimer(), kit.time, 'the rest follows at once');
  const { clearing } = kit.engine.audit()[0];
  // 3 lots 30.09 → 31; 4 lots 40.12 → 41, of which 11 are available; 5 lots 50.15 → 50; 2 lots 20.06 → 20. 72 − 70 = 2.
  assert.deepEqual(paid(advance(kit)), [[a, 3, -31, 31]]);
  assert.deepEqual(paid(advance(kit)), [[b, 4, -41, 30]]);
  assert.equal(kit.engine.audit()[0].clearing, clearing + 72, 'on its way');
  assert.deepEqual(paid(advance(kit)), [[c, -5, 50, 0]]);
  const last = advance(kit);
  assert.deepEqual(paid(last), [[d, -2, 20, 0]]);
  assert.deepEqual(ofType(last, 'funding_settled').map(({ rate, mark, residue, time, nextTime }) => [rate, mark, residue, time, nextTime]), [[100, 1_003, 2, due, due + 8 * HOURS]]);
  assert.deepEqual([kit.engine.audit()[0].clearing, kit.engine.audit()[0].fees], [clearing, 2]);
  assert.equal(kit.engine.nextTimer(), due + 8 * HOURS);
  assert.deepEqual(advance(kit), []);
});

test('where the payers hold too little, receivers share what there was', () => {
  // A premium of 15 %, less the 0.05 % that interest may take off: a lot owes 14,995 u, and has a margin of 10,000 u.
  const { kit, a, b, c, d } = four({ fundingCap: 1_000_000 });
  for (const payer of [a, b]) empty(kit, payer);
  const bidder = kit.user('bidder', 100);
  kit.order(bidder, { market: PERP, side: 'buy', price: 1_150, quantity: 1 });
  kit.order(c, { market: PERP, side: 'sell', price: 1_200, quantity: 1 });
  kit.prices(1_000, 1_003);
  begin(kit);
  kit.do({ type: 'update_market', market: PERP, changes: { status: 'halted' } });
  // 70,000 u are all there is. Due are 74,974 (of 74,974.25) and 29,989 (of 29,989.7): of 104,963 that is 50,000.19 and 19,999.8.
  assert.deepEqual(paid(finish(kit)), [[a, 3, -30_000, 30_000], [b, 4, -40_000, 40_000], [c, -5, 50_000, 0], [d, -2, 19_999, 0]]);
});

test('who changes a position before its page came pays first, and keeps what it is to receive', () => {
  const { kit, a, b, c, d } = four();
  const e = kit.user('e', 10);
  begin(kit);
  // a sells its 3 lots to d: the maker has closed and pays, the taker's 2 lots are put off; then d is long 1.
  const closing = trade(kit, d, a, 3);
  kit.engine.check();
  assert.deepEqual(closing.slice(1).map(({ type }) => type), ['funding_paid', 'funding_deferred', 'trade']);
  assert.deepEqual(paid(closing), [[a, 3, -31, 0]]);
  assert.deepEqual(ofType(closing, 'funding_deferred').map(({ account, size }) => [account, size]), [[d, -2]]);
  // And back again, into other positions: those are no concern of this settlement. Nor is e's.
  assert.deepEqual(trade(kit, a, d, 1).slice(1).map(({ type }) => type), ['trade']);
  trade(kit, a, e, 7);
  assert.deepEqual(paid(finish(kit)), [[b, 4, -41, 0], [c, -5, 50, 0], [d, -2, 20, 0]]);
  assert.deepEqual([a, d, e].map((account) => kit.engine.position(account, PERP)?.size), [8, undefined, -7]);
  assert.equal(kit.engine.audit()[0].fees, 2);
});

test('who has nothing available pays from the margin before the position is closed, and no more than that', () => {
  const { kit, a, b } = four();
  empty(kit, a);
  begin(kit);
  kit.order(b, { market: PERP, side: 'buy', price: 1_003, quantity: 3 });
  const events = kit.place(a, { market: PERP, side: 'sell', price: 1_003, quantity: 3, reduceOnly: true });
  assert.deepEqual(paid(events), [[b, 4, -41, 0], [a, 3, -31, 31]]);
  // 300,000 u at 1,000, sold at 1,003: 900 u of profit and what is left of 30,000 u.
  assert.equal(available(kit, a), 900 + 30_000 - 31);
  assert.deepEqual(paid(finish(kit)).length, 2);
});

test('what leaves the wallet between the beginning and its page is the account\'s right, and margin moves as ever', () => {
  const { kit, a, b, c, d } = four();
  begin(kit);
  empty(kit, a);
  kit.do({ type: 'adjust_margin', account: b, market: PERP, amount: 1_000 });
  kit.do({ type: 'set_leverage', account: c, market: PERP, leverage: 5 });
  kit.do({ type: 'adjust_margin', account: d, market: PERP, amount: 500 });
  assert.deepEqual(paid(finish(kit)), [[a, 3, -31, 31], [b, 4, -41, 0], [c, -5, 50, 0], [d, -2, 20, 0]]);
});

test('a market that stands still, or has no rate, settles at zero at once, however many positions it has; one that is halted later goes on', () => {
  const { kit } = four();
  const status = (value: 'open' | 'halted') => kit.do({ type: 'update_market', market: PERP, changes: { status: value } });
  status('halted');
  kit.time = kit.engine.prices(PERP).nextFundingTime;
  assert.deepEqual(kit.do({ type: 'advance_time' }).map(({ type }) => type), ['funding_settled']);
  status('open');
  begin(kit);
  status('halted');
  assert.deepEqual(paid(finish(kit)).map(([, , amount]) => amount), [-31, -41, 50, 20]);
});

test('another interval, or the next one\'s end, waits until the settlement is over', () => {
  const { kit, a } = four();
  const began = kit.engine.prices(PERP).nextFundingTime;
  begin(kit);
  kit.do({ type: 'update_market', market: PERP, changes: { fundingIntervalMs: HOURS } });
  assert.equal(kit.engine.prices(PERP).nextFundingTime, began + HOURS);
  kit.time = began + 3 * HOURS;
  assert.deepEqual(paid(advance(kit)), [[a, 3, -31, 0]]);
  assert.equal(kit.engine.nextTimer(), kit.time);
  const rest = finish(kit);
  assert.deepEqual(ofType(rest, 'funding_settled').map(({ time, nextTime }) => [time, nextTime]), [[began, began + HOURS]]);
  assert.equal(kit.engine.nextTimer(), began + HOURS, 'which is over long since');
  const next = advance(kit);
  assert.deepEqual(ofType(next, 'funding_started').map(({ time, nextTime }) => [time, nextTime]), [[began + HOURS, began + 4 * HOURS]], 'one for all three hours');
  assert.deepEqual(paid(next), [[a, 3, -31, 0]]);
  finish(kit);
});

test('after a pause of several intervals it is settled once, and next at the end of the one that runs', () => {
  const { kit } = four();
  const due = kit.engine.prices(PERP).nextFundingTime;
  kit.time = due + 20 * HOURS;
  const events = finish(kit);
  for (const type of ['funding_started', 'funding_settled'] as const) {
    assert.deepEqual(ofType(events, type).map(({ time, nextTime }) => [time, nextTime]), [[due, due + 24 * HOURS]], type);
  }
  assert.equal(kit.engine.nextTimer(), due + 24 * HOURS);
  assert.deepEqual(advance(kit), []);
});

test('samples of the book after the beginning count for the next interval, and those before it for this one', () => {
  const { kit, a, c } = four();
  const sample = (bid: number, ask: number) => {
    kit.order(a, { market: PERP, side: 'buy', price: bid, quantity: 1 });
    kit.order(c, { market: PERP, side: 'sell', price: ask, quantity: 1 });
    kit.prices(1_000, 1_003);
    for (const account of [a, c]) kit.do({ type: 'cancel_orders', account });
  };
  // 4 ‰ above the index: 0.35 %.
  sample(1_004, 1_010);
  begin(kit);
  // 2 ‰ below it: −0.15 %.
  sample(990, 998);
  assert.equal(ofType(finish(kit), 'funding_settled')[0].rate, 3_500);
  assert.equal(kit.engine.prices(PERP).fundingRate, -1_500);
  kit.time = kit.engine.prices(PERP).nextFundingTime;
  assert.equal(ofType(advance(kit), 'funding_started')[0].rate, -1_500);
});

test('an engine that is restored in the middle, and one that follows the log, go on as the one that never stopped', () => {
  const { kit, a, d } = four();
  begin(kit);
  trade(kit, d, a, 2);
  for (let page = 0; page < 4; page++) {
    const restored = Engine.restore(kit.engine.snapshot(), 1);
    assert.equal(restored.stateHash(), kit.engine.stateHash());
    assert.equal(kit.replay().stateHash(), kit.engine.stateHash());
    assert.equal(restored.nextTimer(), kit.engine.nextTimer());
    restored.check();
    assert.deepEqual(JSON.stringify(restored.execute({ type: 'advance_time' }, kit.time)), JSON.stringify({ ok: true, events: advance(kit) }));
    assert.equal(restored.stateHash(), kit.engine.stateHash());
  }
});

test('where nothing is under way, state and snapshot are what they were before there were pages', () => {
  const kit = Kit.create();
  kit.prices(1_000, 1_003);
  const [long, short] = [kit.user('long', 10), kit.user('short', 10)];
  kit.order(short, { market: PERP, side: 'sell', price: 1_000, quantity: 3 });
  kit.order(long, { market: PERP, side: 'buy', price: 1_000, quantity: 2 });
  kit.do({ type: 'cancel_after', account: short, timeoutMs: 60_000 });
  // Both figures, here and below, from the version before.
  assert.deepEqual([kit.engine.stateHash(), kit.engine.snapshot().length], ['6fef5d81c86005b6', 2_267]);
  kit.time += 8 * HOURS;
  kit.do({ type: 'advance_time' });
  assert.deepEqual([kit.engine.stateHash(), kit.engine.snapshot().length], ['eeb7d522a33fc570', 2_227]);
});

test('events of a settlement must follow the state', () => {
  const { kit } = four();
  begin(kit);
  const core = new Core();
  for (const { event, time } of kit.log) apply(core, event, time);
  const started = ofType(kit.log.map(({ event }) => event), 'funding_started')[0];
  assert.throws(() => apply(core, { ...started, seq: core.nextSeq }, kit.time), /under way/);
  assert.throws(() => apply(core, { seq: core.nextSeq, type: 'funding_deferred', account: 2, market: SPOT, size: 1 }, kit.time), /no settlement/);
});

test('no command settles more than a page, in whatever markets, nor looks at very many accounts', () => {
  const page = 7;
  const kit = venue({}, page);
  kit.do({ type: 'create_asset', code: 'ETH', scale: 8 });
  kit.do({ type: 'create_market', spec: perpSpec({ symbol: 'ETH-USDT-PERP', base: 'ETH' }) });
  kit.do({ type: 'set_prices', prices: [{ market: 2, index: 1_000, mark: 1_000 }] });
  const maker = kit.user('maker', 1_000);
  const takers = Array.from({ length: 60 }, (_, n) => kit.user(`t${n}`, 10));
  for (const taker of takers) {
    for (const market of [PERP, 2]) {
      kit.order(maker, { market, side: 'sell', price: 1_000, quantity: 1 });
      kit.place(taker, newOrder({ market, side: 'buy', price: 1_000, quantity: 1 }));
    }
  }
  for (let n = 0; n < 500; n++) kit.user(`idle${n}`);
  kit.time = kit.engine.nextTimer()!;
  const settled: number[] = [];
  for (let commands = 0; settled.length < 2; commands++) {
    const restored = Engine.restore(kit.engine.snapshot(), page);
    const events = advance(kit);
    assert.equal(JSON.stringify(restored.execute({ type: 'advance_time' }, kit.time)), JSON.stringify({ ok: true, events }), 'restored, it goes on in the same market');
    // The payments of a page, its end, and a market's beginning or end.
    assert.ok(ofType(events, 'funding_paid').length <= page && events.length <= page + 6, `${events.length} events`);
    const idle = ofType(events, 'funding_advanced').map(({ nextAccount }) => nextAccount);
    assert.ok(idle.length > 0 || settled.length > 0);
    settled.push(...ofType(events, 'funding_settled').map(({ market }) => market));
    assert.ok(commands < 2 * 61 + 4 * (562 / (10 * page)) + 4, 'it comes to an end');
  }
  assert.deepEqual(settled, [PERP, 2], 'in order of their beginning');
  assert.equal(ofType(kit.log.map(({ event }) => event), 'funding_paid').length, 2 * 61);
});

test('a small market that is due does not wait for the end of a large one', () => {
  const { kit, a, c } = four({}, 2);
  kit.do({ type: 'create_asset', code: 'ETH', scale: 8 });
  kit.do({ type: 'create_market', spec: perpSpec({ symbol: 'ETH-USDT-PERP', base: 'ETH', fundingIntervalMs: 1_000 }) });
  kit.do({ type: 'set_prices', prices: [{ market: 2, index: 1_000, mark: 1_000 }] });
  kit.order(c, { market: 2, side: 'sell', price: 1_000, quantity: 1 });
  kit.order(a, { market: 2, side: 'buy', price: 1_000, quantity: 1 });
  kit.time = kit.engine.prices(PERP).nextFundingTime;
  // The small one was due before, and its two positions are what one command settles.
  assert.deepEqual(ofType(advance(kit), 'funding_settled').map(({ market }) => market), [2]);
  assert.deepEqual(ofType(advance(kit), 'funding_started').map(({ market }) => market), [PERP]);
  kit.time += 1_000;
  const events = advance(kit);
  assert.deepEqual(ofType(events, 'funding_settled').map(({ market }) => market), [2]);
  assert.ok(!events.some((event) => 'market' in event && event.market === PERP), 'there is no room for a page');
  assert.deepEqual(ofType(finish(kit), 'funding_settled').map(({ market }) => market), [PERP]);
});

test('a liquidated position pays first; the insurance fund takes it over, and owes nothing on it', () => {
  const { kit, a, b, c, d } = four();
  kit.do({ type: 'fund_insurance', asset: 'USDT', amount: 10_000_000 });
  kit.do({ type: 'adjust_margin', account: b, market: PERP, amount: 100_000 });
  empty(kit, a);
  begin(kit);
  // a's 30,000 u on 300,000: at 905 it is due. Nobody bids; the fund takes it.
  const events = kit.prices(905, 905);
  kit.engine.check();
  const [receipt] = ofType(events, 'position_liquidated').map((event) => event.receipt);
  assert.deepEqual([receipt.account, receipt.marginBefore], [a, 30_000 - 31]);
  assert.ok(events.findIndex(({ type }) => type === 'funding_paid') < events.findIndex(({ type }) => type === 'trade'));
  assert.equal(kit.engine.position(FUND, PERP)?.size, 3);
  assert.deepEqual(ofType(events, 'funding_paid').map(({ account, ahead }) => [account, ahead]), [[a, true]]);
  assert.deepEqual(paid(finish(kit)).map(([account]) => account), [b, c, d]);
});

test('the insurance fund holds like everybody else: in its page, or before it takes over more, which its receipt does not count as a change', () => {
  for (const before of [false, true]) {
    const { kit, a, b, c } = four();
    kit.do({ type: 'fund_insurance', asset: 'USDT', amount: 10_000_000 });
    empty(kit, a);
    empty(kit, b);
    kit.prices(905, 905);
    assert.equal(kit.engine.position(FUND, PERP)?.size, 7);
    const e = kit.user('e', 10);
    kit.prices(1_003, 1_003);
    trade(kit, e, c, 4);
    begin(kit);
    if (before) {
      const events = kit.prices(905, 905);
      kit.engine.check();
      const [receipt] = ofType(events, 'position_liquidated').map((event) => event.receipt);
      assert.deepEqual([receipt.account, kit.engine.position(FUND, PERP)?.size], [e, 11]);
      // 7 lots: 70.21 → 71. It takes over at 900, where 40,000 u of 400,000 are used up to the last unit.
      assert.deepEqual(paid(events).find(([account]) => account === FUND), [FUND, 7, -71, 0]);
      assert.equal(receipt.fundDelta, 0);
    }
    const rest = paid(finish(kit));
    if (!before) assert.deepEqual(rest[0], [FUND, 7, -71, 0]);
  }
});

test('a counterparty of auto-deleveraging is paid later on what it had', () => {
  const { kit, a, b, c } = four();
  kit.do({ type: 'adjust_margin', account: b, market: PERP, amount: 100_000 });
  empty(kit, a);
  begin(kit);
  // The fund is empty but for the unit that began it.
  const events = kit.prices(905, 905);
  kit.engine.check();
  assert.ok(ofType(events, 'trade').some(({ cause, maker }) => cause === 'adl' && maker.account === c));
  assert.deepEqual(ofType(events, 'funding_deferred').map(({ account, size }) => [account, size]), [[c, -5]]);
  assert.ok(paid(finish(kit)).some(([account, size, amount]) => account === c && size === -5 && amount === 50));
});

test('a counterparty of auto-deleveraging that has to pay does so first, from its margin where that is all it has', () => {
  const { kit, a, b, c, d } = four();
  kit.do({ type: 'adjust_margin', account: c, market: PERP, amount: 100_000 });
  for (const account of [a, b, d]) empty(kit, account);
  begin(kit);
  // d's 20,000 u on 200,000 are used up at 1,100; at 1,095 it is due. Nobody offers, and the fund is empty but for one unit: a, first of two equals, gives 2 of its 3 lots.
  const events = kit.prices(1_095, 1_095);
  kit.engine.check();
  assert.deepEqual(ofType(events, 'trade').map(({ cause, maker, taker, price, quantity }) => [cause, maker.account, taker.account, price, quantity]), [['adl', a, d, 1_100, 2]]);
  assert.deepEqual(paid(events), [[a, 3, -31, 31]]);
  // 30,000 u less 31 are 29,969, of which 2 lots release 19,979; they gain 20,000.
  assert.deepEqual([kit.engine.position(a, PERP)?.margin, available(kit, a)], [9_990, 39_979]);
  assert.deepEqual(paid(finish(kit)), [[b, 4, -41, 41], [c, -5, 50, 0], [d, -2, 20, 0]]);
});

test('fill-or-kill counts on no maker whose margin still has to pay, nor on a taker\'s', () => {
  const { kit, a, b, c } = four();
  const ask = { market: PERP, side: 'sell', price: 1_003, quantity: 3 } as const;
  kit.order(a, { ...ask, reduceOnly: true });
  empty(kit, a);
  begin(kit);
  const fok = { market: PERP, side: 'buy', price: 1_003, quantity: 3, timeInForce: 'FOK' } as const;
  assert.equal(kit.refused({ type: 'place_order', account: c, order: newOrder(fok) }), 'FOK_NOT_FILLABLE');
  kit.do({ type: 'transfer', account: a, asset: 'USDT', amount: 31, from: 'spot', to: 'futures' });
  kit.order(c, { ...fok });
  assert.equal(kit.engine.position(a, PERP), undefined);
  // b, with nothing left beside its lock, is a payer as well.
  kit.order(c, { market: PERP, side: 'sell', price: 1_003, quantity: 1 });
  empty(kit, b, 11_000);
  const more = newOrder({ ...fok, quantity: 1 });
  const needed = 10_030;
  empty(kit, b, needed + 40);
  assert.equal(kit.refused({ type: 'place_order', account: b, order: more }), 'INSUFFICIENT_MARGIN');
  kit.do({ type: 'transfer', account: b, asset: 'USDT', amount: 1, from: 'spot', to: 'futures' });
  assert.equal(ofType(kit.place(b, more), 'trade').length, 1);
  kit.engine.check();
});
