/** Looking ahead comes to what going through the orders one by one would, and never costs more than it may. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Book } from './book.ts';
import type { NewOrder } from './commands.ts';
import { Core } from './core.ts';
import { Kit, newOrder, ofType, PERP, SPOT, USDT } from '../../tests/support/engine-kit.ts';
import type { Outcome } from './events.ts';
import { randomFrom } from '../../tests/support/fuzz.ts';
import { decodeState } from './snapshot.ts';
import { MAX_LOOKS, walkBook } from './walk.ts';
import type { WalkRequest } from './walk.ts';

const SEED = Number(process.env.SEED ?? 1);
const BOOKS = 60;
const WALKS = 25;

/** Order by order, as a taker would meet them: lots, notional beyond the first `closing`, worst price. */
function oneByOne(core: Core, market: number, { account, side, quantity, limit, prevention, closing }: WalkRequest): readonly [lots: number, openedNotional: number, worst: number] {
  const { book, market: { quotePerTickLot } } = core.marketStates[market];
  const { pool } = core;
  const opposite = side === 'buy' ? 'sell' : 'buy';
  let lots = 0;
  let tickLots = 0;
  let worst = 0;
  for (let price = side === 'buy' ? book.bestAsk() : book.bestBid(); price !== 0 && (side === 'buy' ? price <= limit : price >= limit); price = book.nextLevel(opposite, price)) {
    for (let slot = book.firstOf(opposite, price); slot >= 0 && lots < quantity; slot = book.next(slot)) {
      if (pool.account[slot] === account && prevention !== 'none') {
        if (prevention === 'expire_maker') continue;
        return [lots, tickLots * quotePerTickLot, worst];
      }
      for (let taken = Math.min(pool.remaining[slot], quantity - lots); taken > 0; taken--) {
        lots++;
        if (lots > closing) tickLots += price;
        worst = price;
      }
    }
  }
  return [lots, tickLots * quotePerTickLot, worst];
}

test('by the sums of price levels a walk comes to what it would order by order, whoever stands there', (t) => {
  t.diagnostic(`seeds ${SEED} to ${SEED + BOOKS - 1}`);
  let met = 0;
  for (let seed = SEED; seed < SEED + BOOKS; seed++) {
    const random = randomFrom(seed);
    const int = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
    const pick = <T>(items: readonly T[]): T => items[int(0, items.length - 1)];
    const kit = Kit.create();
    const accounts = ['a', 'b', 'c'].map((name) => kit.user(name, 10_000, 10));
    for (let n = 0; n < 60; n++) {
      const side = pick(['buy', 'sell'] as const);
      kit.place(pick(accounts), { side, price: side === 'buy' ? int(990, 999) : int(1_001, 1_010), quantity: int(1, 9), selfTradePrevention: 'none' });
    }
    const core = new Core();
    decodeState(core, kit.engine.snapshot());
    for (let n = 0; n < WALKS; n++) {
      const side = pick(['buy', 'sell'] as const);
      const quantity = int(1, 150);
      const prevention = pick(['expire_taker', 'expire_maker', 'expire_both', 'none'] as const);
      const request: WalkRequest = {
        account: pick(accounts), side, quantity, limit: side === 'buy' ? int(1_000, 1_011) : int(989, 1_000), prevention, closing: int(0, quantity), unpayable: Infinity, looks: Infinity,
      };
      const { lots, openedNotional, worst } = walkBook(core, core.marketStates[SPOT], request);
      assert.deepEqual([lots, openedNotional, worst], oneByOne(core, SPOT, request), `seed ${seed}: ${JSON.stringify(request)}`);
      if (lots > 0 && prevention !== 'none') met++;
    }
  }
  assert.ok(met > 300, `${met} walks traded and minded their own orders`);
});

/** The code of a refused buy, and how many questions the book was asked about it. */
function refusal(t: TestContext, kit: Kit, account: number, order: Partial<NewOrder>): { readonly code: string; readonly questions: number } {
  const methods = (['firstOf', 'next', 'nextLevel', 'levelQuantity'] as const).map((name) => t.mock.method(Book.prototype, name));
  const outcome = buy(kit, account, order);
  const questions = methods.reduce((sum, { mock }) => sum + mock.callCount(), 0);
  for (const { mock } of methods) mock.restore();
  return { code: outcome.ok ? 'accepted' : outcome.code, questions };
}

function buy(kit: Kit, account: number, order: Partial<NewOrder>): Outcome {
  return kit.engine.execute({ type: 'place_order', account, order: newOrder({ side: 'buy', ...order }) }, kit.time);
}

/** As many sellers' orders of one lot as `orders`, `perLevel` of them at each price from 1,001 on, and a mark of 1,000. */
function wall(orders: number, perLevel: number, taker: { readonly usdt: number }): { readonly kit: Kit; readonly account: number } {
  const kit = Kit.create({ perp: { maxOpenOrders: 100_000, priceBand: 0 }, spot: { maxOpenOrders: 100_000 } });
  kit.prices(1_000, 1_000);
  const maker = kit.user('maker', 1_000_000, 1_000);
  for (const market of [SPOT, PERP]) {
    for (let from = 0; from < orders; from += 1_000) {
      kit.batch({
        type: 'place_orders', account: maker,
        orders: Array.from({ length: Math.min(1_000, orders - from) }, (_, n) => newOrder({ market, side: 'sell', price: 1_001 + Math.floor((from + n) / perLevel), quantity: 1 })),
      });
    }
  }
  return { kit, account: kit.user('taker', taker.usdt) };
}

test('a fill-or-kill order that is refused has looked at no more than it may', (t) => {
  const { kit, account } = wall(3_000, 2, { usdt: 1_000_000 });
  for (const order of [{ type: 'limit', price: 5_000 }, { type: 'market', price: 0 }] as const) {
    for (const [market, quantity] of [[PERP, 3_001], [PERP, 2_900], [SPOT, 3_001]] as const) {
      const { code, questions } = refusal(t, kit, account, { market, ...order, quantity, timeInForce: 'FOK' });
      assert.equal(code, 'FOK_NOT_FILLABLE', JSON.stringify({ market, ...order }));
      // Two walks at most: one by levels with two questions for each, one by orders with one question for each and two for its level.
      assert.ok(questions <= 4 * MAX_LOOKS + 10, `${questions} questions for ${JSON.stringify({ market, ...order })}`);
    }
  }
});

test('a fill-or-kill order on a perpetual may meet a thousand orders, and not one more', () => {
  for (const [quantity, fills] of [[1_000, true], [1_001, false]] as const) {
    const { kit, account } = wall(1_200, 300, { usdt: 1_000 });
    const outcome = buy(kit, account, { market: PERP, price: 2_000, quantity, timeInForce: 'FOK' });
    assert.deepEqual(outcome.ok ? ofType(outcome.events, 'trade').length : outcome.code, fills ? 1_000 : 'FOK_NOT_FILLABLE');
  }
});

test('a spot order looks at price levels, however many orders stand at each', () => {
  const { kit, account } = wall(1_200, 300, { usdt: 1_000 });
  const outcome = buy(kit, account, { price: 2_000, quantity: 1_200, timeInForce: 'FOK' });
  assert.equal(outcome.ok && ofType(outcome.events, 'trade').length, 1_200);
});

test('a market order that cannot be paid looks no further than its money reaches', (t) => {
  const { kit, account } = wall(3_000, 2, { usdt: 10 });
  // One lot is a little more than 0.1 USDT: 10 USDT pay for fewer than 100 on spot, and for fewer than 1,000 with leverage 10. Two stand at each level.
  for (const [market, levels, expected] of [[SPOT, 50, 'INSUFFICIENT_BALANCE'], [PERP, 500, 'INSUFFICIENT_MARGIN']] as const) {
    for (const timeInForce of ['IOC', 'FOK'] as const) {
      const { code, questions } = refusal(t, kit, account, { market, type: 'market', price: 0, quantity: 3_000, timeInForce });
      assert.equal(code, expected);
      const byOrder = market === PERP && timeInForce === 'FOK' ? 4 * levels : 0;
      assert.ok(questions <= 2 * levels + byOrder + 10, `${questions} questions on ${market === SPOT ? 'spot' : 'the perpetual'}, ${timeInForce}`);
    }
  }
  assert.equal(kit.engine.balance(account, 0).spotAvailable, 10 * USDT);
});
