import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Market } from '../engine/market.ts';
import type { PricesView } from '../engine/reader.ts';
import { PERP, SPOT, START, contextAt, fillSide } from '../../tests/support/projection.ts';
import { LargeSum } from './amounts.ts';
import { MarketTicker, pricesOfNew } from './tickers.ts';
import type { TradeEvent } from './trades.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOTHING: PricesView = { index: 0, mark: 0, last: 0, bestBid: 0, bestAsk: 0, fundingRate: 0, nextFundingTime: 0, openInterest: 0, updatedAt: 0 };
const NO_TOUCH = { bid: undefined, ask: undefined };
const { catalog } = contextAt(START);
const spot = catalog.byId(SPOT.id);
const perp = catalog.byId(PERP.id);

function trade(seq: number, price: number, quantity: number, more: Partial<TradeEvent> = {}): TradeEvent {
  return { type: 'trade', seq, market: 0, price, quantity, notional: price * quantity, takerSide: 'buy', taker: fillSide({ account: 2 }), maker: fillSide({ account: 3 }), cause: 'order', ...more };
}

function happened(ticker: MarketTicker, event: TradeEvent, time: number): void {
  ticker.evolve(event, time);
  ticker.count(event, time);
}

test('a market in which nothing ever traded has no prices', () => {
  const ticker = new MarketTicker(SPOT, NOTHING).ticker(spot, NO_TOUCH, START);
  assert.deepEqual(ticker, {
    symbol: 'BTC-USDT', last: null, bid: null, ask: null, open: null, high: null, low: null, volume: '0', quoteVolume: '0', change: '0', changePercent: '0', count: 0,
    openTime: START - 1_439 * MINUTE, closeTime: START,
  });
});

test('the ticker sums up the last 24 hours, minute by minute', () => {
  const ticker = new MarketTicker(SPOT, NOTHING);
  happened(ticker, trade(1, 40_000_00, 10), START);
  happened(ticker, trade(2, 44_000_00, 20), START + 10 * MINUTE);
  happened(ticker, trade(3, 39_000_00, 5), START + 12 * HOUR);
  happened(ticker, trade(4, 41_000_00, 15), START + 12 * HOUR + 1);
  const touch = { bid: 40_999_00, ask: 41_001_50 };
  // 10·40,000 + 20·44,000 + 5·39,000 + 15·41,000 lots of 0.0001: 209 USDT.
  assert.deepEqual(ticker.ticker(spot, touch, START + 23 * HOUR + 59 * MINUTE), {
    symbol: 'BTC-USDT', last: '41000', bid: '40999', ask: '41001.5', open: '40000', high: '44000', low: '39000', volume: '0.005', quoteVolume: '209',
    change: '1000', changePercent: '2.5', count: 4, openTime: START, closeTime: START + 23 * HOUR + 59 * MINUTE,
  });
  const later = ticker.ticker(spot, touch, START + 24 * HOUR);
  assert.deepEqual([later.open, later.high, later.low, later.volume, later.quoteVolume, later.count], ['44000', '44000', '39000', '0.004', '169', 3], 'the first minute has left');
  assert.deepEqual([later.change, later.changePercent], ['-3000', '-6.82'], '3000 ÷ 44000');
  const quiet = ticker.ticker(spot, touch, START + 48 * HOUR);
  assert.deepEqual([quiet.last, quiet.open, quiet.high, quiet.low, quiet.volume, quiet.change, quiet.count], ['41000', '41000', '41000', '41000', '0', '0', 0], 'the last price stays');
});

test('a minute that comes round again the next day starts from zero', () => {
  const ticker = new MarketTicker(SPOT, NOTHING);
  happened(ticker, trade(1, 100, 1), START);
  happened(ticker, trade(2, 200, 2), START + 24 * HOUR);
  const { open, high, low, volume, count } = ticker.ticker(spot, NO_TOUCH, START + 24 * HOUR);
  assert.deepEqual([open, high, low, volume, count], ['2', '2', '2', '0.0002', 1]);
});

test('a trade that is already counted is left out, takeovers and deleveraging are no prints', () => {
  const ticker = new MarketTicker(SPOT, NOTHING);
  ticker.restore([{ openTime: START, open: 100, high: 120, low: 90, close: 110, volume: new LargeSum(7n), quoteVolume: new LargeSum(700n), count: 3, seq: 10 }]);
  ticker.count(trade(10, 500, 1), START);
  happened(ticker, trade(11, 105, 1), START + 1);
  happened(ticker, trade(12, 900, 1, { cause: 'takeover' }), START + 2);
  happened(ticker, trade(13, 900, 1, { cause: 'adl' }), START + 3);
  const { last, open, high, low, volume, quoteVolume, count } = ticker.ticker(spot, NO_TOUCH, START + 4);
  assert.deepEqual([last, open, high, low, volume, quoteVolume, count], ['1.05', '1', '1.2', '0.9', '0.0008', '0.000805', 4]);
});

test('a perpetual shows its prices, funding and open interest', () => {
  const ticker = new MarketTicker(PERP, { ...NOTHING, index: 40_000_00, mark: 40_010_00, nextFundingTime: 77, openInterest: 50 });
  const sized = (size: number) => ({ size, cost: 0, margin: 0, realized: 0, leverage: 10 });
  const sides = (bought: number, sold: number) => ({ taker: fillSide({ account: 2, position: sized(bought) }), maker: fillSide({ account: 3, position: sized(sold) }) });
  ticker.evolve(trade(1, 1, 10, sides(10, -10)), START);
  assert.equal(ticker.ticker(perp, NO_TOUCH, START).openInterest, '0.006', 'both open: 10 more');
  ticker.evolve(trade(2, 1, 4, sides(14, 6)), START);
  assert.equal(ticker.ticker(perp, NO_TOUCH, START).openInterest, '0.006', 'one closes what the other opens');
  ticker.evolve(trade(3, 1, 5, sides(-3, 2)), START);
  assert.equal(ticker.ticker(perp, NO_TOUCH, START).openInterest, '0.0055', 'both close: 5 less');
  ticker.evolve(trade(4, 1, 5, sides(2, -2)), START);
  assert.equal(ticker.ticker(perp, NO_TOUCH, START).openInterest, '0.0054', 'from −3 to 2 opens 2, from 3 to −2 closes 3');
  ticker.evolve({ type: 'prices_updated', seq: 5, market: 1, index: 41_000_00, mark: 41_001_00, manualMark: false, fundingRate: -125, sampled: false, basis: 0, premium: 0 }, START);
  ticker.evolve({ type: 'funding_started', seq: 6, market: 1, rate: -125, mark: 41_001_00, time: 77, nextTime: 99 }, START);
  assert.equal(ticker.ticker(perp, NO_TOUCH, START).nextFundingTime, 99, 'in pages it moves when they begin');
  ticker.evolve({ type: 'funding_settled', seq: 7, market: 1, rate: -125, mark: 41_001_00, residue: 0, time: 77, nextTime: 99 }, START);
  const { index, mark, fundingRate, nextFundingTime } = ticker.ticker(perp, NO_TOUCH, START);
  assert.deepEqual({ index, mark, fundingRate, nextFundingTime }, { index: '41000', mark: '41001', fundingRate: '-0.000125', nextFundingTime: 99 });
});

test('a market begins with nothing but its next funding, which another interval moves', () => {
  const [day, hour] = [24, 1].map((hours) => ({ ...PERP, fundingIntervalMs: hours * HOUR })) as [Market, Market];
  const ticker = new MarketTicker(day, pricesOfNew(day, START + 5 * MINUTE));
  const next = () => ticker.ticker(perp, NO_TOUCH, START).nextFundingTime;
  assert.equal(next(), START + 24 * HOUR);
  ticker.evolve({ type: 'market_updated', seq: 1, market: { ...day, makerFee: 1 }, reason: '' }, START + 30 * MINUTE);
  assert.equal(next(), START + 24 * HOUR, 'the same interval');
  ticker.evolve({ type: 'market_updated', seq: 2, market: hour, reason: '' }, START + 90 * MINUTE);
  assert.equal(next(), START + 2 * HOUR);
  ticker.evolve({ type: 'market_updated', seq: 3, market: day, reason: '', nextFundingTime: START + 2 * HOUR }, START + 100 * MINUTE);
  assert.equal(next(), START + 2 * HOUR, 'what the event says');
});

test('statistics of the last hour and the last day', () => {
  const ticker = new MarketTicker(SPOT, NOTHING);
  happened(ticker, trade(1, 200, 30), START);
  happened(ticker, trade(2, 100, 10), START + 2 * HOUR);
  happened(ticker, trade(3, 110, 30), START + 2 * HOUR + MINUTE);
  const stats = ticker.stats(spot, { bid: 109, ask: 112 }, START + 2 * HOUR + 2 * MINUTE);
  assert.deepEqual(stats.lastHour, { open: '1', high: '1.1', low: '1', close: '1.1', volume: '0.004', quoteVolume: '0.0043', count: 2, weightedAveragePrice: '1.075', rangePercent: '10' });
  assert.deepEqual([stats.lastDay.high, stats.lastDay.weightedAveragePrice, stats.spread], ['2', '1.4714', '0.03']);
});
