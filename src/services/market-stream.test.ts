import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineReader } from '../engine/reader.ts';
import { ASSETS, EventMaker, MARKET } from '../../tests/support/events.ts';
import { OrderBooks } from '../projections/order-books.ts';
import { RecentTrades } from '../projections/recent-trades.ts';
import { MarketTicker, type Ticker } from '../projections/tickers.ts';
import { Catalog } from './catalog.ts';
import { MarketStream, type PriceTick } from './market-stream.ts';

const SYMBOL = MARKET.symbol;
const SECOND = 1_000;
const DAY = 86_400 * SECOND;
const NO_PRICES = { index: 0, mark: 0, last: 0, bestBid: 0, bestAsk: 0, fundingRate: 0, nextFundingTime: 0, openInterest: 0, updatedAt: 0 };

/** A market whose ticker is asked for at a time, and with a best bid, that the test sets. */
function market() {
  const make = new EventMaker();
  const state = {
    seq: 0, assets: ASSETS, markets: [MARKET], prices: () => NO_PRICES, depth: () => ({ bids: [], asks: [] }), market: (symbol: string) => (symbol === SYMBOL ? MARKET : undefined),
  } as unknown as EngineReader;
  const catalog = new Catalog(state);
  const listed = catalog.byId(MARKET.id);
  const figures = new MarketTicker(MARKET, NO_PRICES);
  const now = { ms: 1_700_000_000_000, bid: 200 };
  const stream = new MarketStream({
    state, catalog, books: new OrderBooks(state), trades: () => new RecentTrades(listed), candle: () => undefined,
    ticker: () => figures.ticker(listed, { bid: now.bid, ask: 210 }, now.ms),
  });
  const trade = (price: number): void => {
    const event = make.trade('buy', price, 2);
    figures.evolve(event, now.ms);
    figures.count(event, now.ms);
    stream.apply({ seq: event.seq, time: now.ms, events: [event] });
  };
  return { stream, now, trade };
}

test('a ticker is told when its figures change, and not because time goes on', () => {
  const { stream, now, trade } = market();
  trade(205);
  const ticker = stream.ticker(SYMBOL);
  const told = () => ticker.flush() as Ticker | undefined;
  assert.equal(told()?.count, 1);
  for (let seconds = 0; seconds < 3_600; seconds++) {
    now.ms += SECOND;
    assert.equal(told(), undefined);
  }
  now.bid = 201;
  // A tick is 0.5.
  assert.equal(told()?.bid, '100.5');
  // The trade is in the day's first minute until that has left, and no later.
  now.ms = Math.floor(1_700_000_000_000 / 60_000) * 60_000 + DAY - 1;
  assert.equal(told(), undefined);
  now.ms++;
  const { volume, count, openTime, closeTime } = told()!;
  assert.deepEqual([volume, count, openTime, closeTime], ['0', 0, now.ms - DAY + 60_000, now.ms]);
  assert.equal(told(), undefined);
});

test('who comes to a quiet ticker starts from the times of now, and who comes between two messages from what all others have', () => {
  const { stream, now } = market();
  const ticker = stream.ticker(SYMBOL);
  ticker.flush();
  now.ms += 100 * SECOND;
  assert.equal(ticker.flush(), undefined);
  assert.equal((ticker.snapshot() as Ticker).closeTime, now.ms);
  // There and back: nobody is told of it, so nobody may be left with it.
  now.bid = 199;
  const starts = [ticker.snapshot(), ticker.catchUp(ticker.mark())] as Ticker[];
  now.bid = 200;
  assert.equal(ticker.flush(), undefined);
  assert.deepEqual(starts.map(({ bid }) => bid), ['100', '100']);
});

test('a trade at the last price does not move prices', () => {
  const { stream, trade } = market();
  const prices = stream.prices([SYMBOL]);
  const told = () => (prices.flush() as PriceTick[] | undefined)?.map(({ last }) => last);
  trade(205);
  assert.deepEqual(told(), ['102.5']);
  trade(205);
  assert.equal(told(), undefined);
  trade(206);
  assert.deepEqual(told(), ['103']);
});
