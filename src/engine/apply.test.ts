/** What `apply` makes of events alone, whatever objects they come in: as from the leader, and as read from a journal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apply } from './apply.ts';
import { Core } from './core.ts';
import { Kit, newOrder, PERP } from '../../tests/support/engine-kit.ts';
import type { RiskTier } from './market.ts';
import { decodeState } from './snapshot.ts';

test('an update places positions anew only where it changes the tiers, whatever objects they come in', () => {
  const kit = Kit.create();
  kit.prices(1_000, 1_000);
  const [long, short] = [kit.user('long', 1_000), kit.user('short', 1_000)];
  kit.place(short, newOrder({ market: PERP, side: 'sell' }));
  kit.place(long, newOrder({ market: PERP, side: 'buy' }));
  const isPlaced = (changes: { readonly riskTiers?: readonly RiskTier[] }): boolean => {
    const core = new Core();
    decodeState(core, kit.engine.snapshot());
    const state = core.marketStates[PERP];
    const standing = core.standings.find(long, PERP);
    // As it is for a position that nobody could take.
    state.adverseLong.remove(standing);
    apply(core, { type: 'market_updated', seq: core.nextSeq, market: { ...structuredClone(state.market), ...changes }, reason: 'test' }, kit.time);
    return state.adverseLong.has(standing);
  };
  assert.equal(isPlaced({}), false, 'the same tiers in other objects');
  assert.equal(isPlaced({ riskTiers: [{ notionalFloor: 0, initialMarginRate: 20_000, maintenanceMarginRate: 9_999 }] }), true);
});

test('an update of a journal from before, which does not say when funding is next, puts it at the next multiple of its interval', () => {
  const kit = Kit.create();
  const core = new Core();
  decodeState(core, kit.engine.snapshot());
  const market = { ...core.markets[PERP], fundingIntervalMs: 7 * 86_400_000 };
  // Tuesday evening, 2023-11-14; weeks from the epoch end on Thursdays.
  apply(core, { type: 'market_updated', seq: core.nextSeq, market, reason: 'test' }, kit.time);
  assert.equal(core.marketStates[PERP].nextFundingTime, Date.UTC(2023, 10, 16));
});

test('after an update of a journal from before, which keeps nobody\'s leverage, all that is open follows the market', () => {
  const kit = Kit.create();
  kit.prices(1_000, 1_000);
  const bidder = kit.user('bidder', 1_000);
  kit.order(bidder, { market: PERP, side: 'buy' });
  const core = new Core();
  decodeState(core, kit.engine.snapshot());
  apply(core, { type: 'market_updated', seq: core.nextSeq, market: { ...core.markets[PERP], maxLeverage: 5 }, reason: 'test' }, kit.time);
  assert.equal(core.leverageOf(core.marketStates[PERP], core.standings.find(bidder, PERP)), 5);
});
