/** Funding in pages against the same funding in one command, and, with everything that may happen between two pages, against the rule. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Engine } from '../../src/engine/engine.ts';
import type { Event, EventOf } from '../../src/engine/events.ts';
import type { Command } from '../../src/engine/commands.ts';
import { Kit, newOrder, ofType, PERP, USDT } from '../support/engine-kit.ts';
import { FundingWatch } from '../support/funding-watch.ts';
import { Fuzz, randomFrom } from '../support/fuzz.ts';

const SEED = Number(process.env.SEED ?? 20_261_126);
const RUNS = Number(process.env.RUNS ?? 60);

interface Holding {
  readonly buys: boolean;
  readonly lots: number;
  /** What is left in the futures wallet beside the margin. */
  readonly available: number;
}

const holdings = fc.array(fc.record({ buys: fc.boolean(), lots: fc.integer({ min: 1, max: 30 }), available: fc.oneof(fc.nat(50), fc.nat(100_000)) }), { minLength: 2, maxLength: 12 });
/** In ticks over or under an index of 1,000: 9 % is less than any margin. */
const premium = fc.integer({ min: -90, max: 90 });

/**
 * A market maker trades with everybody, then the book is left with a premium. The interval ends. `dear`: at four times the premium, which is more than payers hold; the mark is then so far in their
 * favour, and who receives has so much margin, that nobody is liquidated, which in pages would happen in between.
 */
function prepare(held: readonly Holding[], premiumTicks: number, dear: boolean): Kit {
  const off = premiumTicks * (dear ? 4 : 1);
  const kit = Kit.create({ perp: { makerFee: 0, takerFee: 0, fundingCap: 1_000_000, riskTiers: [{ notionalFloor: 0, initialMarginRate: 100_000, maintenanceMarginRate: 1 }], maxLeverage: 10 } });
  kit.prices(1_000, 1_000);
  const accounts = held.map((_, n) => kit.user(`u${n}`, 10));
  const maker = kit.user('maker', 1_000);
  const leverage = (account: number) => kit.do({ type: 'set_leverage', account, market: PERP, leverage: 1 });
  if (dear) for (const account of [maker, ...accounts.filter((_, n) => held[n].buys !== off > 0)]) leverage(account);
  held.forEach(({ buys, lots, available }, n) => {
    kit.order(maker, { market: PERP, side: buys ? 'sell' : 'buy', price: 1_000, quantity: lots });
    kit.place(accounts[n], { market: PERP, side: buys ? 'buy' : 'sell', price: 1_000, quantity: lots });
    const free = kit.engine.balance(accounts[n], 0).futuresAvailable;
    kit.do({ type: 'transfer', account: accounts[n], asset: 'USDT', amount: free - available, from: 'futures', to: 'spot' });
  });
  const quoter = kit.user('quoter', 1_000);
  kit.order(quoter, { market: PERP, side: 'buy', price: off > 0 ? 1_000 + off : 1, quantity: 1 });
  kit.order(quoter, { market: PERP, side: 'sell', price: off < 0 ? 1_000 + off : 2_000, quantity: 1 });
  kit.prices(1_000, dear ? 1_000 + Math.sign(off) * 500 : 1_000);
  kit.do({ type: 'cancel_orders', account: quoter });
  kit.time = kit.engine.prices(PERP).nextFundingTime;
  return kit;
}

/** Everything up to the end of the settlement. */
function settle(engine: Engine, time: number): Event[] {
  const events: Event[] = [];
  for (let commands = 0; !events.some(({ type }) => type === 'funding_settled'); commands++) {
    assert.ok(commands < 1_000, 'it comes to an end');
    const outcome = engine.execute({ type: 'advance_time' }, time);
    assert.ok(outcome.ok);
    engine.check();
    events.push(...outcome.events);
  }
  return events;
}

test('in pages of any size the same is paid as in one command', (t) => {
  t.diagnostic(`seed ${SEED}, runs ${RUNS}`);
  let paged = 0;
  let shared = 0;
  fc.assert(
    fc.property(holdings, premium, fc.boolean(), fc.integer({ min: 1, max: 14 }), (held, off, dear, page) => {
      const { engine, time } = prepare(held, off, dear);
      const snapshot = engine.snapshot();
      const [whole, pages] = [Engine.restore(snapshot), Engine.restore(snapshot, page)];
      const [atOnce, inPages] = [settle(whole, time), settle(pages, time)];
      const payments = (events: readonly Event[]) => ofType(events, 'funding_paid').map((event) => ({ ...event, seq: 0 }));
      const document = (events: readonly Event[]) => ofType(events, 'funding_settled').map((event) => ({ ...event, seq: 0 }));
      assert.equal(ofType(inPages, 'position_liquidated').length, 0);
      assert.deepEqual(payments(inPages), payments(atOnce), 'in the same order');
      assert.deepEqual(document(inPages), document(atOnce));
      for (let account = 0; account < whole.accountCount; account++) {
        assert.deepEqual(pages.balances(account), whole.balances(account));
        const [mine, theirs] = [pages, whole].map((one) => one.position(account, PERP)).map((view) => (view === undefined ? undefined : { ...view, seq: 0 }));
        assert.deepEqual(mine, theirs);
      }
      assert.deepEqual(pages.audit(), whole.audit());
      assert.deepEqual(pages.prices(PERP), whole.prices(PERP));
      paged += ofType(inPages, 'funding_started').length;
      const isShare = ({ size, mark, rate, amount }: EventOf<'funding_paid'>) => amount > 0 && amount < Math.floor(Math.abs(size * mark * 100 * rate) / 1e6);
      if (ofType(inPages, 'funding_paid').some(isShare)) shared++;
    }),
    { seed: SEED, numRuns: RUNS },
  );
  assert.ok(paged > RUNS / 4 && shared > RUNS / 10, `${paged} runs had pages, in ${shared} receivers got a share`);
});

/** Ten traders with little money, funding every few seconds and, in most runs, at rates that margins cannot carry. */
function crowd(seed: number, page: number): { readonly kit: Kit; readonly fuzz: Fuzz; readonly random: () => number } {
  const kit = Kit.create({
    perp: {
      fundingIntervalMs: 5_000, makerFee: seed % 2 === 0 ? 200 : -500, maxOpenOrders: 20, liquidationSurplus: seed % 5 === 0 ? 'user' : 'fund', fundingCap: seed % 3 === 0 ? 7_500 : 1_000_000,
      impactNotional: seed % 7 === 0 ? 0 : 5_000_000,
    },
    fundingPage: page,
  });
  const accounts = Array.from({ length: 10 }, (_, n) => kit.user(`u${n}`, 1 + (n % 4), 1));
  if (seed % 4 === 0) kit.do({ type: 'fund_insurance', asset: 'USDT', amount: 20 * USDT });
  return { kit, fuzz: new Fuzz(seed, kit, accounts), random: randomFrom(seed + 1) };
}

function nextCommand(fuzz: Fuzz, random: () => number): Command {
  const dice = random();
  if (dice < 0.15) return { type: 'advance_time' };
  if (dice < 0.16) return { type: 'update_market', market: PERP, changes: { fundingIntervalMs: random() < 0.5 ? 5_000 : 2_000 } };
  if (dice > 0.2) return fuzz.next();
  const order = { side: random() < 0.5 ? 'buy' : 'sell', quantity: 1 + Math.floor(random() * 40), timeInForce: random() < 0.7 ? 'IOC' : 'FOK' } as const;
  return { type: 'place_order', account: 2 + Math.floor(random() * 10), order: newOrder({ market: PERP, type: 'market', ...order }) };
}

test('whatever happens between two pages, everybody is settled once, on the size of the beginning', (t) => {
  t.diagnostic(`seed ${SEED}, runs ${RUNS}`);
  const seen = new Map<string, number>();
  const count = (what: string, by = 1) => seen.set(what, (seen.get(what) ?? 0) + by);
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 4 }), (seed, page) => {
      const { kit, fuzz, random } = crowd(seed, page);
      const watch = new FundingWatch();
      for (const { event, time } of kit.log) watch.follow([event], time);
      let restored = Engine.restore(kit.engine.snapshot(), page);
      for (let n = 0; n < 700; n++) {
        const command = nextCommand(fuzz, random);
        const outcome = kit.engine.execute(command, kit.time);
        kit.engine.check();
        assert.equal(JSON.stringify(restored.execute(command, kit.time)), JSON.stringify(outcome), `${command.type} after a restore`);
        assert.equal(restored.nextTimer(), kit.engine.nextTimer());
        if (n % 25 === 24) {
          restored = Engine.restore(kit.engine.snapshot(), page);
          assert.equal(restored.stateHash(), kit.engine.stateHash());
        }
        if (!outcome.ok) continue;
        watch.follow(outcome.events, kit.engine.time);
        assert.ok(ofType(outcome.events, 'funding_paid').filter(({ ahead }) => ahead !== true).length <= page, 'no more than a page');
        for (const event of outcome.events) count(event.type === 'funding_paid' && event.ahead === true ? 'paid ahead' : event.type === 'trade' ? `trade by ${event.cause}` : event.type);
        if (command.type !== 'place_order' || command.order.timeInForce !== 'FOK') continue;
        assert.ok(!outcome.events.some((event) => event.type === 'order_closed' && event.order === outcome.events[0].seq), 'a fill-or-kill order was left with a rest');
      }
      assert.equal(watch.engine.stateHash(), kit.engine.stateHash());
      assert.deepEqual(watch.engine.snapshot(), kit.engine.snapshot());
      count('settled', watch.settled);
    }),
    { seed: SEED, numRuns: RUNS },
  );
  t.diagnostic([...seen].sort().map(([what, times]) => `${what} ${times}`).join(', '));
  for (const what of ['settled', 'paid ahead', 'funding_deferred', 'funding_advanced', 'trade by order', 'trade by liquidation', 'trade by takeover', 'trade by adl', 'margin_called', 'leverage_set', 'margin_adjusted', 'transferred']) {
    assert.ok(seen.has(what), `nothing of "${what}"`);
  }
});
