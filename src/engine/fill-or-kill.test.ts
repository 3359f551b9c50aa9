/** A fill-or-kill order fills whole or not at all, even where makers in the book turn out to be unable to carry their side. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kit, newOrder, ofType, PERP } from '../../tests/support/engine-kit.ts';
import { randomFrom } from '../../tests/support/fuzz.ts';
import type { Ticks } from './units.ts';

const perp = { market: PERP } as const;

/** A seller of one lot at `price` who has nothing left to open a position with: its order closed a long that has been closed by another order since. */
function poorSeller(kit: Kit, name: string, price: Ticks): void {
  const seller = kit.user(name, 1);
  const other = kit.user(`${name}-counterparty`, 1_000);
  kit.order(other, { ...perp, side: 'sell', price: 1_000, quantity: 1 });
  kit.order(seller, { ...perp, side: 'buy', price: 1_000, quantity: 1 });
  kit.order(seller, { ...perp, side: 'sell', price, quantity: 1 });
  kit.order(other, { ...perp, side: 'buy', price: price - 1, quantity: 1 });
  kit.order(seller, { ...perp, side: 'sell', price: price - 1, quantity: 1, timeInForce: 'IOC' });
  const { futuresAvailable } = kit.engine.balance(seller, 0);
  kit.do({ type: 'transfer', account: seller, asset: 'USDT', amount: futuresAvailable, from: 'futures', to: 'spot' });
}

function filledBy(kit: Kit, taker: number, side: 'buy' | 'sell', type: 'limit' | 'market', price: Ticks, quantity: number): { readonly filled: number; readonly refused: string } {
  const outcome = kit.engine.execute({ type: 'place_order', account: taker, order: newOrder({ ...perp, side, type, price: type === 'market' ? 0 : price, quantity, timeInForce: 'FOK' }) }, kit.time);
  kit.engine.check();
  if (!outcome.ok) return { filled: 0, refused: outcome.code };
  return { filled: ofType(outcome.events, 'trade').reduce((sum, trade) => sum + trade.quantity, 0), refused: '' };
}

test('a market buy pays for the deeper makers that it meets when a nearer one drops out', () => {
  for (let available = 105_000; available < 125_000; available += 1_000) {
    const kit = Kit.create();
    kit.prices(1_000, 1_000);
    poorSeller(kit, 'poor', 1_000);
    const rich = kit.user('rich', 1_000);
    kit.order(rich, { ...perp, side: 'sell', price: 1_001, quantity: 10 });
    kit.order(rich, { ...perp, side: 'sell', price: 1_500, quantity: 1 });
    // At leverage 10 the nearest eleven lots take a margin and fee of 0.1116 USDT, without the first one 0.1157.
    const taker = kit.user('taker');
    kit.do({ type: 'deposit', account: taker, asset: 'USDT', amount: available, wallet: 'futures' });
    const { filled, refused } = filledBy(kit, taker, 'buy', 'market', 0, 11);
    assert.ok(filled === 11 || (filled === 0 && refused !== ''), `with ${available}: ${filled} of 11 filled ${refused}`);
  }
});

test('a maker that would close part of its position, and cannot open the rest, is not counted on', () => {
  const kit = Kit.create();
  kit.prices(1_000, 1_000);
  const [maker, other] = [kit.user('maker', 1), kit.user('other', 1_000)];
  kit.order(other, { ...perp, side: 'sell', price: 1_000, quantity: 5 });
  kit.order(maker, { ...perp, side: 'buy', price: 1_000, quantity: 5 });
  // It closes all five, so nothing is locked for it; then four of them are closed elsewhere, and the money leaves.
  kit.order(maker, { ...perp, side: 'sell', price: 1_000, quantity: 5 });
  kit.order(other, { ...perp, side: 'buy', price: 999, quantity: 4 });
  kit.order(maker, { ...perp, side: 'sell', price: 999, quantity: 4, timeInForce: 'IOC' });
  kit.do({ type: 'transfer', account: maker, asset: 'USDT', amount: kit.engine.balance(maker, 0).futuresAvailable, from: 'futures', to: 'spot' });
  assert.equal(kit.engine.position(maker, PERP)?.size, 1);
  const taker = kit.user('taker', 1_000);
  assert.deepEqual(filledBy(kit, taker, 'buy', 'limit', 1_000, 5), { filled: 0, refused: 'FOK_NOT_FILLABLE' });
});

test('an order that every maker can carry fills', () => {
  const kit = Kit.create();
  kit.prices(1_000, 1_000);
  const maker = kit.user('maker', 1_000);
  for (const price of [1_000, 1_010, 1_020]) kit.order(maker, { ...perp, side: 'sell', price, quantity: 1 });
  assert.deepEqual(filledBy(kit, kit.user('taker', 1_000), 'buy', 'limit', 1_020, 3), { filled: 3, refused: '' });
});

const SEED = Number(process.env.SEED ?? 1);
const VENUES = 80;

/** Four traders with little money who quote, close, move money away and change leverage, so that some cannot carry what they quoted. Returns how often an order of each kind was met. */
function randomVenue(seed: number): { readonly whole: number; readonly dropped: number } {
  const random = randomFrom(seed);
  const int = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  const pick = <T>(items: readonly T[]): T => items[int(0, items.length - 1)];
  const kit = Kit.create({ perp: { makerFee: pick([0, 200, -100, 2_000]), takerFee: pick([500, 2_000]) } });
  const accounts = ['a', 'b', 'c', 'd'].map((name) => kit.user(name));
  for (const account of accounts) kit.do({ type: 'deposit', account, asset: 'USDT', amount: int(20_000, 600_000), wallet: 'futures' });
  const marked = random() < 0.8;
  if (marked) kit.prices(1_000, 1_000);
  let whole = 0;
  let dropped = 0;
  for (let n = 0; n < 300; n++) {
    const account = pick(accounts);
    const dice = random();
    if (dice < 0.06 && marked) kit.prices(1_000, int(980, 1_020));
    else if (dice < 0.12) kit.engine.execute({ type: 'set_leverage', account, market: PERP, leverage: pick([1, 5, 10, 20, 50]) }, kit.time);
    else if (dice < 0.2) {
      const from = pick(['spot', 'futures'] as const);
      const { spotAvailable, futuresAvailable } = kit.engine.balance(account, 0);
      kit.engine.execute({ type: 'transfer', account, asset: 'USDT', amount: from === 'spot' ? spotAvailable : futuresAvailable, from, to: from === 'spot' ? 'futures' : 'spot' }, kit.time);
    } else {
      const kill = random() < 0.3;
      const type = kill && random() < 0.4 ? 'market' : 'limit';
      const order = newOrder({
        ...perp, side: pick(['buy', 'sell'] as const), type, price: type === 'market' ? 0 : int(960, 1_040), quantity: int(1, kill ? 14 : 8), timeInForce: kill ? 'FOK' : 'GTC',
        reduceOnly: random() < 0.15, selfTradePrevention: pick(['expire_taker', 'expire_maker', 'expire_both', 'none'] as const),
      });
      const outcome = kit.engine.execute({ type: 'place_order', account, order }, kit.time);
      if (!outcome.ok) continue;
      dropped += ofType(outcome.events, 'order_closed').filter(({ reason }) => reason === 'insufficient_margin').length;
      if (!kill) continue;
      whole++;
      const filled = ofType(outcome.events, 'trade').reduce((sum, trade) => sum + (trade.cause === 'order' ? trade.quantity : 0), 0);
      assert.equal(filled, order.quantity, `seed ${seed}, command ${n}`);
    }
  }
  kit.engine.check();
  return { whole, dropped };
}

test('among traders who cannot carry all they quote, an accepted order always fills whole', (t) => {
  t.diagnostic(`seeds ${SEED} to ${SEED + VENUES - 1}`);
  let whole = 0;
  let dropped = 0;
  for (let seed = SEED; seed < SEED + VENUES; seed++) {
    const met = randomVenue(seed);
    whole += met.whole;
    dropped += met.dropped;
  }
  assert.ok(whole > 200 && dropped > 5, `${whole} filled, ${dropped} makers dropped out`);
});
