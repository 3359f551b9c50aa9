import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Market } from '../engine/market.ts';
import { changes, ladder, LADDER, sideNotional, type Quote } from './house-ladder.ts';
import { MARKETS } from './listings.ts';

const spec = MARKETS.find(({ symbol }) => symbol === 'BTC-USDT') ?? assert.fail();
/** Tick 0.1, lot 0.00001: one tick-lot is a millionth of a Tether. */
const market: Market = { ...spec, id: 0, baseAsset: 1, quoteAsset: 0, quotePerTickLot: 1, basePerLot: 1_000, safety: 'normal' };
const UNITS = 1_000_000;
const CENTRE = 650_000;

const quotesAt = (centre: number, inventory = 0) => ladder(LADDER, { market, centre, inventory, unitsPerDollar: UNITS });
const standing = (quotes: readonly Quote[]) => quotes.map(({ side, price, quantity }, id) => ({ id, side, price, remaining: quantity }));
const of = (quotes: readonly Quote[], side: Quote['side']) => quotes.filter((quote) => quote.side === side);

test('the ladder stands around the centre, best first, and holds what the configuration says', () => {
  const quotes = quotesAt(CENTRE);
  const [bids, asks] = [of(quotes, 'buy'), of(quotes, 'sell')];
  assert.equal(bids.length, LADDER.levels);
  assert.deepEqual([bids[0].price, asks[0].price], [649_870, 650_130], '2 bp on either side');
  const notional = bids.reduce((sum, { price, quantity }) => sum + price * quantity, 0) / UNITS;
  assert.ok(Math.abs(notional / sideNotional(LADDER) - 1) < 0.01, String(notional));
});

test('prices are distinct, monotonic, at least one tick and never crossed, however cheap the asset', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 10_000_000 }), fc.double({ min: -1, max: 1, noNaN: true }), (centre, inventory) => {
    const quotes = quotesAt(centre, inventory);
    const [bids, asks] = [of(quotes, 'buy'), of(quotes, 'sell')];
    for (const [at, { price }] of bids.entries()) assert.ok(price >= 1 && (at === 0 || price < bids[at - 1].price));
    for (const [at, { price }] of asks.entries()) assert.ok(at === 0 || price > asks[at - 1].price);
    if (bids.length > 0 && asks.length > 0) assert.ok(bids[0].price < asks[0].price);
    for (const { price, quantity } of quotes) assert.ok(quantity >= market.minQuantity && price * quantity >= market.minNotional);
  }));
});

test('a maker that is long quotes lower, and with a full inventory only sells', () => {
  assert.ok(quotesAt(CENTRE, 0.5)[0].price < quotesAt(CENTRE)[0].price);
  assert.equal(of(quotesAt(CENTRE, 1), 'buy').length, 0);
  assert.equal(of(quotesAt(CENTRE, -1.5), 'sell').length, 0);
});

test('a ladder that stands needs no change, also when the centre moved a little', () => {
  const orders = standing(quotesAt(CENTRE));
  assert.deepEqual(changes(LADDER, quotesAt(CENTRE), orders), { cancel: [], place: [] });
  assert.deepEqual(changes(LADDER, quotesAt(CENTRE + 10), orders), { cancel: [], place: [] });
});

test('when the centre moves further, only the levels near it are moved', () => {
  const { cancel, place } = changes(LADDER, quotesAt(Math.round(CENTRE * 1.0005)), standing(quotesAt(CENTRE)));
  assert.equal(cancel.length, place.length);
  assert.ok(cancel.length > 4 && cancel.length < LADDER.levels, String(cancel.length));
});

test('a quote that was hit is refilled when too little of it is left', () => {
  const orders = standing(quotesAt(CENTRE));
  orders[0].remaining = Math.ceil(orders[0].remaining * LADDER.refillBelow);
  assert.deepEqual(changes(LADDER, quotesAt(CENTRE), orders), { cancel: [], place: [] });
  orders[0].remaining = Math.floor(orders[0].remaining * 0.5);
  const { cancel, place } = changes(LADDER, quotesAt(CENTRE), orders);
  assert.deepEqual([cancel, place.map(({ price }) => price)], [[0], [quotesAt(CENTRE)[0].price]]);
});

test('what stays and what is placed is the wanted ladder, and never crosses itself', () => {
  fc.assert(fc.property(fc.integer({ min: 100_000, max: 1_000_000 }), fc.double({ min: 0.9, max: 1.1, noNaN: true }), (centre, move) => {
    const before = standing(quotesAt(centre));
    const wanted = quotesAt(Math.max(1, Math.round(centre * move)));
    const { cancel, place } = changes(LADDER, wanted, before);
    const kept = before.filter(({ id }) => !cancel.includes(id));
    assert.equal(kept.length + place.length, wanted.length);
    const all = [...kept, ...place];
    const bid = Math.max(...all.filter(({ side }) => side === 'buy').map(({ price }) => price));
    const ask = Math.min(...all.filter(({ side }) => side === 'sell').map(({ price }) => price));
    assert.ok(bid < ask, `${bid} against ${ask}`);
  }));
});
