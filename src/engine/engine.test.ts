import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Kit, newOrder, ofType, PERP, SPOT, START } from '../../tests/support/engine-kit.ts';
import { Engine } from './engine.ts';
import { Fuzz } from '../../tests/support/fuzz.ts';

/** Six traders with little money on both markets. */
function crowd(seed: number): { readonly kit: Kit; readonly fuzz: Fuzz } {
  const perp = {
    fundingIntervalMs: 20_000, makerFee: seed % 2 === 0 ? 200 : -500, maxOpenOrders: 20, priceBand: seed % 4 === 0 ? 100_000 : 0,
    liquidationSurplus: seed % 5 === 0 ? ('user' as const) : ('fund' as const), impactNotional: seed % 7 === 0 ? 0 : 5_000_000,
  };
  const kit = Kit.create({ spot: seed % 3 === 0 ? { makerFee: 0 } : {}, perp });
  const accounts = ['a', 'b', 'c', 'd', 'e', 'f'].map((name, n) => kit.user(name, 2 + n, 1));
  return { kit, fuzz: new Fuzz(seed, kit, accounts) };
}

test('all laws hold after every command, refusals change nothing, fill-or-kill fills whole, fees pay for rebates', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const { kit, fuzz } = crowd(seed);
      for (let n = 0; n < 600; n++) {
        const command = fuzz.next();
        const before = n % 10 === 0 ? kit.engine.stateHash() : undefined;
        const outcome = kit.engine.execute(command, kit.time);
        kit.engine.check();
        if (!outcome.ok) {
          if (before !== undefined) assert.equal(kit.engine.stateHash(), before, `${command.type} was refused`);
          continue;
        }
        // That the fees are never negative is no law of every state: old journals have spot markets with rebates.
        for (const { market, taker, maker } of ofType(outcome.events, 'trade')) {
          assert.ok(market === PERP ? taker.fee + maker.fee >= 0 : taker.fee >= 0 && maker.fee >= 0, 'a rebate was more than the fee of the other side');
        }
        if (command.type !== 'place_order' || command.order.timeInForce !== 'FOK') continue;
        const [accepted] = outcome.events;
        assert.ok(!outcome.events.some((event) => event.type === 'order_closed' && event.order === accepted.seq), 'a fill-or-kill order was left with a rest');
      }
    }),
    { numRuns: 40 },
  );
});

test('replay and snapshots lead to the same state, and on from there to the same events', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const { kit, fuzz } = crowd(seed);
      let restored = Engine.restore(kit.engine.snapshot());
      for (let n = 0; n < 600; n++) {
        const command = fuzz.next();
        const outcome = kit.engine.execute(command, kit.time);
        if (outcome.ok) for (const event of outcome.events) kit.log.push({ event, time: kit.engine.time });
        assert.deepEqual(JSON.parse(JSON.stringify(restored.execute(command, kit.time))), JSON.parse(JSON.stringify(outcome)), `${command.type} after a restore`);
        if (n % 100 === 99) restored = Engine.restore(restored.snapshot());
      }
      const replayed = Engine.create();
      for (const { event, time } of JSON.parse(JSON.stringify(kit.log)) as typeof kit.log) replayed.apply(event, time);
      assert.equal(replayed.stateHash(), kit.engine.stateHash());
      assert.equal(restored.stateHash(), kit.engine.stateHash());
      assert.deepEqual(replayed.snapshot(), kit.engine.snapshot());
      replayed.check();
    }),
    { numRuns: 15 },
  );
});

test('events must follow each other without a gap', () => {
  const kit = Kit.create();
  const engine = Engine.create();
  engine.apply(kit.log[0].event, START);
  assert.throws(() => engine.apply(kit.log[2].event, START), /does not follow/);
  assert.throws(() => engine.apply(kit.log[0].event, START), /does not follow/);
});

test('bytes that are no snapshot are refused', () => {
  const bytes = Kit.create().engine.snapshot();
  assert.throws(() => Engine.restore(bytes.slice(0, -1)));
  assert.throws(() => Engine.restore(Uint8Array.of(...bytes, 0)), /longer/);
  assert.throws(() => Engine.restore(Uint8Array.of(18)), /format/);
});

test('time never runs backwards', () => {
  const kit = Kit.create();
  kit.time = START - 1_000;
  kit.user('late');
  assert.equal(kit.engine.time, START);
  assert.equal(kit.engine.execute({ type: 'advance_time' }, 1.5).ok, false);
});

test('what readers see are copies', () => {
  const kit = Kit.create();
  const a = kit.user('a', 1_000, 1);
  const first = kit.order(a, { price: 900 });
  const second = kit.order(a, { side: 'sell', price: 1_100, quantity: 3, clientOrderId: 'mine' });
  const { engine } = kit;
  assert.deepEqual(engine.openOrders(a).map(({ id }) => id), [second, first], 'newest first');
  assert.deepEqual(engine.openOrders(a, PERP), []);
  assert.deepEqual(engine.depth(SPOT, 5), { bids: [[900, 1]], asks: [[1_100, 3]] });
  assert.equal(engine.orderByClientId(a, 'mine')?.id, second);
  assert.deepEqual([engine.accountOf('a'), engine.userOf(a), engine.userOf(0), engine.kindOf(a), engine.kindOf(0)], [a, 'a', undefined, 'user', 'venue']);
  assert.deepEqual(engine.balances(a).map(({ asset }) => asset), [0, 1]);
  assert.deepEqual([engine.accountCount, engine.openOrderCount], [3, 2]);
  assert.deepEqual([engine.order(1.5), engine.order(-1), engine.position(a, PERP)], [undefined, undefined, undefined]);
  assert.equal(engine.leverage(a, PERP), 10);
  assert.throws(() => engine.prices(9), RangeError);
  assert.equal(kit.refused({ type: 'place_orders', account: a, orders: Array.from({ length: 1_001 }, () => newOrder({})) }), 'VALIDATION_FAILED');
});
