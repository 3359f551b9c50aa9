/** What falls due by time is found without going through all markets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Core } from './core.ts';
import { Engine } from './engine.ts';
import { Kit, newOrder, ofType, PERP, perpSpec, START } from '../../tests/support/engine-kit.ts';
import { decodeState } from './snapshot.ts';
import { nextTimer, runTimers } from './timers.ts';

const HOUR = 3_600_000;
const MARKETS = 300;

/** Two markets of the kit, and as many perpetuals more, with funding every eight hours; the last one every hour. */
function manyMarkets(): Kit {
  const kit = Kit.create();
  for (let n = 0; n < MARKETS; n++) {
    kit.do({ type: 'create_asset', code: `A${n}`, scale: 8 });
    kit.do({ type: 'create_market', spec: perpSpec({ symbol: `A${n}-USDT-PERP`, base: `A${n}`, fundingIntervalMs: n === MARKETS - 1 ? HOUR : 8 * HOUR }) });
  }
  return kit;
}

/** How many markets `run` reads. */
function marketsRead(core: Core, run: () => void): number {
  let reads = 0;
  const counted = new Proxy(core.marketStates, {
    get: (states, key) => {
      if (/^\d+$/.test(String(key))) reads++;
      return Reflect.get(states, key) as unknown;
    },
  });
  Object.defineProperty(core, 'marketStates', { value: counted });
  run();
  return reads;
}

test('a command that nothing follows from by time reads no more than one market of many', () => {
  const core = new Core();
  decodeState(core, manyMarkets().engine.snapshot());
  core.now = core.time;
  nextTimer(core);
  const reads = marketsRead(core, () => {
    runTimers(core);
    nextTimer(core);
  });
  // 302 if it went through them, twice.
  assert.ok(reads <= 2, `${reads} reads`);
});

test('of many markets the one whose funding is due soonest sets the timer, before and after a restart', () => {
  const kit = manyMarkets();
  const hourly = kit.engine.market(`A${MARKETS - 1}-USDT-PERP`)!.id;
  // 2023-11-14 22:13:20 UTC.
  assert.equal(kit.engine.nextTimer(), Date.UTC(2023, 10, 14, 23));
  assert.equal(Engine.restore(kit.engine.snapshot()).nextTimer(), Date.UTC(2023, 10, 14, 23));
  assert.equal(kit.replay().nextTimer(), Date.UTC(2023, 10, 14, 23));
  kit.time = Date.UTC(2023, 10, 14, 23);
  assert.deepEqual(ofType(kit.do({ type: 'advance_time' }), 'funding_settled').map(({ market }) => market), [hourly]);
  kit.do({ type: 'update_market', market: hourly, changes: { fundingIntervalMs: 8 * HOUR } });
  assert.equal(kit.engine.nextTimer(), Date.UTC(2023, 10, 15));
  kit.time = Date.UTC(2023, 10, 15);
  const settled = ofType(kit.do({ type: 'advance_time' }), 'funding_settled').map(({ market }) => market);
  assert.deepEqual(settled, Array.from({ length: MARKETS + 1 }, (_, n) => PERP + n), 'all at once, in their order');
  assert.equal(kit.engine.nextTimer(), Date.UTC(2023, 10, 15, 8));
  kit.engine.check();
});

test('positions that one command had no room for set the timer at once, until they have been visited', () => {
  const kit = Kit.create();
  kit.prices(100_000, 100_000);
  const maker = kit.user('maker', 10_000_000);
  const traders = Array.from({ length: 1_200 }, (_, n) => kit.user(`t${n}`, 1_000));
  for (const trader of traders) {
    kit.place(maker, newOrder({ market: PERP, side: 'sell', price: 100_000, quantity: 10 }));
    kit.place(trader, newOrder({ market: PERP, side: 'buy', price: 100_000, quantity: 10 }));
  }
  const due = kit.engine.nextTimer();
  assert.ok(due !== undefined && due > START);
  // 9 % below, with a margin of 10 %: 0.91 % of maintenance margin ÷ 1 % of equity calls every trader, and liquidates none.
  const called = ofType(kit.prices(91_000, 91_000), 'margin_called').length;
  assert.equal(called, 1_000);
  assert.equal(kit.engine.nextTimer(), kit.time);
  assert.equal(ofType(kit.do({ type: 'advance_time' }), 'margin_called').length, 200);
  assert.equal(kit.engine.nextTimer(), due);
  kit.engine.check();
});
