import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BTC, Kit, newOrder, ofType, SPOT, USDT } from '../../tests/support/engine-kit.ts';

const USD = 0;
const COIN = 1;

function venue(spot = {}) {
  const kit = Kit.create({ spot });
  return { kit, maker: kit.user('maker', 100_000, 10), taker: kit.user('taker', 100_000, 10) };
}

test('a buy locks price × quantity, a sale its base', () => {
  const { kit, maker, taker } = venue();
  kit.order(maker, { side: 'sell', price: 301_000, quantity: 1_500 });
  kit.order(taker, { side: 'buy', price: 300_000, quantity: 1_000 });
  assert.deepEqual(kit.engine.balance(maker, COIN), { asset: COIN, spotAvailable: 8.5 * BTC, spotLocked: 1.5 * BTC, futuresAvailable: 0, futuresLocked: 0, margin: 0 });
  assert.equal(kit.engine.balance(taker, USD).spotLocked, 30_000 * USDT);
  kit.engine.check();
});

test('a trade happens at the maker\'s price and charges the buyer in base, the seller in quote', () => {
  const { kit, maker, taker } = venue();
  kit.order(maker, { side: 'sell', price: 300_000, quantity: 1_000 });
  const [trade] = ofType(kit.place(taker, { side: 'buy', price: 310_000, quantity: 400 }), 'trade');
  assert.equal(trade.price, 300_000);
  assert.equal(trade.notional, 12_000 * USDT);
  // 0.05 % of 0.4 BTC; 0.02 % of 12,000 USDT.
  assert.equal(trade.taker.fee, 0.0002 * BTC);
  assert.equal(trade.maker.fee, 2.4 * USDT);
  assert.equal(kit.engine.balance(taker, USD).spotAvailable, 88_000 * USDT, 'the better price comes back');
  assert.equal(kit.engine.balance(taker, COIN).spotAvailable, 1_039_980_000);
  assert.equal(kit.engine.balance(maker, USD).spotAvailable, 111_997.6 * USDT);
  assert.equal(kit.engine.balance(maker, COIN).spotLocked, 0.6 * BTC);
  const [usd, coin] = kit.engine.audit();
  assert.equal(usd.fees, 2.4 * USDT);
  assert.equal(coin.fees, 0.0002 * BTC);
  assert.equal(usd.sum, 0);
  assert.equal(coin.sum, 0);
});

test('better prices first, then who came first', () => {
  const { kit, maker, taker } = venue();
  const late = kit.order(maker, { side: 'sell', price: 1_002, quantity: 1 });
  const first = kit.order(maker, { side: 'sell', price: 1_001, quantity: 1 });
  const second = kit.order(maker, { side: 'sell', price: 1_001, quantity: 1 });
  const trades = ofType(kit.place(taker, { side: 'buy', price: 1_002, quantity: 3 }), 'trade');
  assert.deepEqual(trades.map((trade) => trade.maker.order), [first, second, late]);
});

test('a market buy locks what the book asks for and expires with what it cannot have', () => {
  const { kit, maker, taker } = venue();
  kit.order(maker, { side: 'sell', price: 1_000, quantity: 2 });
  kit.order(maker, { side: 'sell', price: 1_100, quantity: 2 });
  const events = kit.place(taker, { side: 'buy', type: 'market', quantity: 10 });
  assert.equal(ofType(events, 'order_accepted')[0].lock, (2 * 1_000 + 2 * 1_100) * 100);
  const [closed] = ofType(events, 'order_closed');
  assert.deepEqual([closed.status, closed.reason, closed.remaining], ['expired', 'market_order', 6]);
  assert.equal(kit.engine.balance(taker, USD).spotLocked, 0);
  assert.equal(kit.refused({ type: 'place_order', account: taker, order: newOrder({ type: 'market', quantity: 1 }) }), 'NO_LIQUIDITY');
});

test('a market buy beyond the wallet is refused', () => {
  const { kit, maker } = venue();
  const poor = kit.user('poor', 0, 0);
  kit.do({ type: 'deposit', account: poor, asset: 'USDT', amount: 100_099, wallet: 'spot' });
  kit.order(maker, { side: 'sell', price: 1_001, quantity: 5 });
  assert.equal(kit.refused({ type: 'place_order', account: poor, order: newOrder({ type: 'market', quantity: 1 }) }), 'INSUFFICIENT_BALANCE');
  kit.do({ type: 'deposit', account: poor, asset: 'USDT', amount: 1, wallet: 'spot' });
  kit.place(poor, { type: 'market', quantity: 1 });
  assert.equal(kit.engine.balance(poor, USD).spotAvailable, 0);
});

test('market orders stay inside the price band, limit orders outside are refused', () => {
  const { kit, maker, taker } = venue({ priceBand: 100_000 });
  kit.prices(1_000, undefined, SPOT);
  kit.order(maker, { side: 'sell', price: 1_100, quantity: 1 });
  assert.equal(kit.refused({ type: 'place_order', account: maker, order: newOrder({ side: 'sell', price: 1_101 }) }), 'PRICE_OUT_OF_BAND');
  assert.equal(kit.refused({ type: 'place_order', account: taker, order: newOrder({ side: 'buy', price: 899 }) }), 'PRICE_OUT_OF_BAND');
  kit.prices(900, undefined, SPOT);
  assert.equal(kit.refused({ type: 'place_order', account: taker, order: newOrder({ type: 'market', quantity: 1 }) }), 'NO_LIQUIDITY');
});

test('the band follows the index, and the last trade only where there is no index', () => {
  const { kit, maker, taker } = venue({ priceBand: 100_000 });
  const trade = (price: number) => {
    kit.order(maker, { side: 'sell', price, quantity: 1 });
    kit.place(taker, { side: 'buy', price, quantity: 1 });
  };
  const sell = (price: number) => ({ type: 'place_order', account: maker, order: newOrder({ side: 'sell', price, quantity: 1 }) }) as const;
  trade(1_000);
  assert.equal(kit.refused(sell(1_101)), 'PRICE_OUT_OF_BAND', '10 % above the last trade is 1,100');
  // The world moves on while nobody trades here.
  kit.prices(1_200, undefined, SPOT);
  assert.equal(kit.refused(sell(1_079)), 'PRICE_OUT_OF_BAND', '10 % below the index is 1,080');
  trade(1_320);
  assert.equal(kit.engine.prices(SPOT).last, 1_320);
  assert.equal(kit.refused(sell(1_321)), 'PRICE_OUT_OF_BAND', 'a trade at its edge does not move it');
});

test('a band is spoken of only where there is one', () => {
  const detailIn = (priceBand: number) => {
    const { kit, taker } = venue({ priceBand });
    const outcome = kit.engine.execute({ type: 'place_order', account: taker, order: newOrder({ type: 'market', quantity: 1 }) }, kit.time);
    return outcome.ok ? '' : outcome.detail;
  };
  assert.equal(detailIn(0), 'Nobody is on the other side of the book.');
  assert.equal(detailIn(100_000), 'Nobody is on the other side of the book within the price band.');
});

test('an order is refused when', () => {
  const { kit, maker, taker } = venue({ minQuantity: 2, maxQuantity: 100, maxMarketQuantity: 50, minNotional: 300_000, maxOpenOrders: 1 });
  kit.order(maker, { side: 'sell', price: 2_000, quantity: 50, clientOrderId: 'mine' });
  const table: readonly (readonly [string, number, Parameters<typeof newOrder>[0], string])[] = [
    ['the side is unknown', taker, { side: 'up' as 'buy' }, 'VALIDATION_FAILED'],
    ['a market order has a price', taker, { type: 'market', price: 5 }, 'VALIDATION_FAILED'],
    ['a market order would rest', taker, { type: 'market', timeInForce: 'GTC' }, 'VALIDATION_FAILED'],
    ['it is post-only and immediate', taker, { postOnly: true, timeInForce: 'IOC' }, 'VALIDATION_FAILED'],
    ['it is reduce-only on spot', taker, { reduceOnly: true, quantity: 50 }, 'VALIDATION_FAILED'],
    ['the client id has odd characters', taker, { clientOrderId: 'a b' }, 'VALIDATION_FAILED'],
    ['the account does not exist', 99, { quantity: 50 }, 'NOT_FOUND'],
    ['the account is the insurance fund', 1, { quantity: 50 }, 'NOT_FOUND'],
    ['the client id is open', maker, { clientOrderId: 'mine' }, 'DUPLICATE_CLIENT_ORDER_ID'],
    ['the market does not exist', taker, { market: 9 }, 'UNKNOWN_SYMBOL'],
    ['the price is no tick', taker, { price: 0.5, quantity: 50 }, 'INVALID_TICK'],
    ['the price is zero', taker, { price: 0, quantity: 50 }, 'INVALID_TICK'],
    ['the quantity is no lot', taker, { quantity: 2.5 }, 'INVALID_LOT'],
    ['the quantity is below the least', taker, { quantity: 1 }, 'INVALID_LOT'],
    ['the quantity is above the largest', taker, { quantity: 101 }, 'INVALID_LOT'],
    ['a market quantity is above its own limit', taker, { type: 'market', quantity: 51 }, 'INVALID_LOT'],
    ['price × quantity cannot be counted', taker, { price: 2 ** 31 - 1, quantity: 2 ** 50 }, 'INVALID_LOT'],
    ['the notional is too small', taker, { price: 1_000, quantity: 2 }, 'MIN_NOTIONAL'],
    ['too many orders are open', maker, { price: 1_000, quantity: 50 }, 'MAX_OPEN_ORDERS'],
    ['the wallet is short', taker, { side: 'buy', price: 20_000_000, quantity: 100 }, 'INSUFFICIENT_BALANCE'],
    ['a post-only order would take', taker, { price: 2_000, quantity: 50, postOnly: true }, 'POST_ONLY_WOULD_TAKE'],
    ['it must fill whole and cannot', taker, { price: 2_000, quantity: 51, timeInForce: 'FOK' }, 'FOK_NOT_FILLABLE'],
  ];
  for (const [name, account, order, code] of table) assert.equal(kit.refused({ type: 'place_order', account, order: newOrder(order) }), code, name);
});

test('a new order passes its market only in', () => {
  const table: readonly (readonly ['pre_open' | 'open' | 'cancel_only' | 'reduce_only' | 'halted' | 'settling', boolean])[] = [
    ['open', true], ['pre_open', false], ['cancel_only', false], ['reduce_only', false], ['halted', false], ['settling', false],
  ];
  for (const [status, passes] of table) {
    const { kit, maker } = venue();
    const resting = kit.order(maker, { side: 'sell' });
    kit.do({ type: 'update_market', market: SPOT, changes: { status } });
    if (passes) kit.place(maker, { side: 'sell' });
    else assert.equal(kit.refused({ type: 'place_order', account: maker, order: newOrder({ side: 'sell' }) }), 'MARKET_HALTED', status);
    kit.do({ type: 'cancel_order', account: maker, order: resting });
  }
  const { kit, maker } = venue();
  kit.do({ type: 'set_safety', market: SPOT, safety: 'halted', reason: 'feed silent' });
  assert.equal(kit.refused({ type: 'place_order', account: maker, order: newOrder({ side: 'sell' }) }), 'MARKET_HALTED', 'the stricter of status and safety counts');
});

test('self-trade prevention does what the taker asks', () => {
  const table = [
    ['expire_taker', ['canceled taker']], ['expire_maker', ['canceled maker', 'trade', 'filled']], ['expire_both', ['canceled maker', 'canceled taker']], ['none', ['trade', 'trade', 'filled']],
  ] as const;
  for (const [selfTradePrevention, expected] of table) {
    const { kit, maker, taker } = venue();
    const own = kit.order(taker, { side: 'sell', price: 1_000, quantity: 1 });
    kit.order(maker, { side: 'sell', price: 1_000, quantity: 2 });
    const events = kit.place(taker, { side: 'buy', price: 1_000, quantity: 2, selfTradePrevention });
    const seen = events.slice(1).map((event) => (event.type === 'order_closed' ? `${event.status} ${event.order === own ? 'maker' : 'taker'}` : event.type));
    const last = ofType(events, 'trade').at(-1);
    assert.deepEqual([...seen, ...(last?.taker.remaining === 0 ? ['filled'] : [])], expected, selfTradePrevention);
    kit.engine.check();
  }
});

test('an amendment', () => {
  const { kit, maker, taker } = venue();
  const order = kit.order(maker, { side: 'sell', price: 1_000, quantity: 10 });
  const behind = kit.order(maker, { side: 'sell', price: 1_000, quantity: 5 });
  const amend = (changes: { price?: number; quantity?: number }) => ({ type: 'amend_order', account: maker, order, ...changes }) as const;
  assert.equal(ofType(kit.do(amend({ quantity: 8 })), 'order_amended')[0].keepsPriority, true, 'to less keeps its place');
  kit.place(taker, { side: 'buy', price: 1_000, quantity: 3 });
  assert.equal(kit.engine.order(order)?.remaining, 5, 'and is filled first');
  assert.equal(kit.refused(amend({ quantity: 3 })), 'QUANTITY_BELOW_FILLED', 'to what is filled is refused');
  assert.equal(kit.refused(amend({})), 'VALIDATION_FAILED', 'of nothing is refused');
  assert.equal(kit.refused({ ...amend({ quantity: 4 }), account: taker }), 'ORDER_NOT_OPEN', 'of another\'s order is refused');
  const [more] = ofType(kit.do(amend({ quantity: 9 })), 'order_amended');
  assert.deepEqual([more.keepsPriority, more.remaining, more.resting], [false, 6, true], 'to more goes to the back');
  const [trade] = ofType(kit.place(taker, { side: 'buy', price: 1_000, quantity: 1 }), 'trade');
  assert.equal(trade.maker.order, behind);
  kit.order(taker, { side: 'buy', price: 900, quantity: 2 });
  const events = kit.do(amend({ price: 900 }));
  assert.deepEqual(events.map((event) => event.type), ['order_amended', 'trade', 'order_rested'], 'that crosses takes, and rests with the rest');
  assert.deepEqual([kit.engine.order(order)?.quantity, kit.engine.order(order)?.filled, kit.engine.order(order)?.remaining], [9, 5, 4]);
  const careful = kit.order(maker, { side: 'sell', price: 1_000, quantity: 1, postOnly: true });
  kit.order(taker, { side: 'buy', price: 800, quantity: 1 });
  assert.equal(kit.refused({ type: 'amend_order', account: maker, order: careful, price: 800 }), 'POST_ONLY_WOULD_TAKE');
  kit.engine.check();
});

test('less can be asked for wherever an order can be canceled; another price or more only where one can be placed', () => {
  for (const [changes, code] of [
    [{ status: 'reduce_only' }, 'MARKET_HALTED'], [{ status: 'cancel_only' }, 'MARKET_HALTED'], [{ status: 'halted' }, 'MARKET_HALTED'], [{ priceBand: 100_000 }, 'PRICE_OUT_OF_BAND'],
  ] as const) {
    const { kit, maker, taker } = venue();
    const order = kit.order(maker, { side: 'sell', price: 2_000, quantity: 10 });
    kit.order(maker, { side: 'sell', price: 1_000, quantity: 1 });
    kit.place(taker, { side: 'buy', price: 1_000, quantity: 1 });
    kit.do({ type: 'update_market', market: SPOT, changes });
    const amend = (wanted: { price?: number; quantity?: number }) => ({ type: 'amend_order', account: maker, order, ...wanted }) as const;
    assert.equal(kit.refused(amend({ quantity: 11 })), code, `${JSON.stringify(changes)}: more`);
    assert.equal(kit.refused(amend({ price: 2_001 })), code, `${JSON.stringify(changes)}: another price`);
    const [less] = ofType(kit.do(amend({ quantity: 4 })), 'order_amended');
    assert.deepEqual([less.remaining, less.keepsPriority], [4, true]);
    assert.equal(kit.refused(amend({ quantity: 0 })), 'INVALID_LOT');
    kit.engine.check();
  }
});

test('every item of a batch has its own result', () => {
  const { kit, maker } = venue();
  const old = kit.order(maker, { side: 'sell' });
  const results = kit.batch({
    type: 'replace_orders', account: maker, cancel: [old, old], place: [newOrder({ side: 'sell', clientOrderId: 'x' }), newOrder({ side: 'sell', clientOrderId: 'x' }), newOrder({ side: 'sell', quantity: 0 })],
  });
  assert.deepEqual(results.map((result) => (result.ok ? 'ok' : result.code)), ['ok', 'ORDER_NOT_OPEN', 'ok', 'DUPLICATE_CLIENT_ORDER_ID', 'INVALID_LOT']);
  assert.equal(kit.engine.orderByClientId(maker, 'x')?.quantity, 1);
  kit.do({ type: 'cancel_orders', account: maker });
  assert.equal(kit.engine.openOrderCount, 0);
  assert.equal(kit.engine.orderByClientId(maker, 'x'), undefined, 'a closed order frees its client id');
});

test('transfers, deposits and accounts refuse what cannot be', () => {
  const { kit, maker } = venue();
  assert.equal(kit.refused({ type: 'transfer', account: maker, asset: 'USDT', amount: 100_001 * USDT, from: 'spot', to: 'futures' }), 'INSUFFICIENT_BALANCE');
  assert.equal(kit.refused({ type: 'transfer', account: maker, asset: 'USDT', amount: 1, from: 'spot', to: 'spot' }), 'VALIDATION_FAILED');
  assert.equal(kit.refused({ type: 'deposit', account: maker, asset: 'DOGE', amount: 1, wallet: 'spot' }), 'NOT_FOUND');
  assert.equal(kit.refused({ type: 'deposit', account: 1, asset: 'USDT', amount: 1, wallet: 'spot' }), 'NOT_FOUND');
  assert.equal(kit.refused({ type: 'deposit', account: maker, asset: 'USDT', amount: 2 ** 52, wallet: 'spot' }), 'VALIDATION_FAILED', 'more than can ever be counted');
  assert.equal(kit.refused({ type: 'deposit', account: maker, asset: 'USDT', amount: 0.5, wallet: 'spot' }), 'VALIDATION_FAILED');
  assert.equal(kit.refused({ type: 'open_account', userId: 'maker', kind: 'user' }), 'CONFLICT');
});
