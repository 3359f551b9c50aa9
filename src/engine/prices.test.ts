import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fundingBasisPrice, fundingPayment, fundingRate, impactPrice, markPrice, median, moving, premium } from './prices.ts';

const HOUR = 3_600_000;

test('the mark is the median of both bases and the last price', () => {
  // Ticks of 0.1. Index 30,000, rate 0.01 %, 4 h of 8 left: P1 = 30,001.5; mean basis +12: P2 = 30,012; last 30,020 → 30,012.
  const p1 = fundingBasisPrice(300_000, 100, 4 * HOUR, 8 * HOUR);
  const p2 = moving(300_000, 2 * 120 * 3, 3);
  assert.equal(p1, 300_015);
  assert.equal(p2, 300_120);
  assert.equal(markPrice(300_000, p1, p2, 300_200), 300_120);
  assert.equal(markPrice(300_000, p1, p2, 0), 300_015, 'before anything traded the index votes instead');
  for (const three of [[1, 2, 3], [3, 2, 1], [2, 1, 3], [2, 3, 1], [1, 3, 2], [3, 1, 2]]) assert.equal(median(three[0], three[1], three[2]), 2);
});

test('the funding rate follows the premium within 0.05 % of interest', () => {
  // Interest 0.01 %. Binance and domain figures: premium 0.03 % → 0.01 %; 0.10 % → 0.05 %; −0.10 % → −0.05 %.
  for (const [mean, rate] of [[300, 100], [1_000, 500], [-1_000, -500], [0, 100], [600, 100], [601, 101]]) assert.equal(fundingRate(mean, 100, 0), rate, `premium ${mean}`);
  assert.equal(fundingRate(20_000, 100, 7_500), 7_500, 'capped');
  assert.equal(fundingRate(-20_000, 100, 7_500), -7_500, 'capped below');
});

test('the premium is that of the impact prices over the index', () => {
  for (const [bid, ask, ppm] of [[100_100, 100_200, 1_000], [99_800, 99_900, -1_000], [99_950, 100_050, 0]]) assert.equal(premium(100_000, bid, ask), ppm);
});

test('the impact price averages over what the impact notional takes', () => {
  const asks = [[1_000, 5], [1_010, 5]] as const;
  assert.equal(impactPrice(asks, 0, 100), 1_000, 'the best price without an impact notional');
  assert.equal(impactPrice(asks, 5 * 1_000 * 100, 100), 1_000);
  assert.equal(impactPrice(asks, 10 * 1_005 * 100, 100), 1_005);
  assert.equal(impactPrice(asks, 1e9, 100), 1_005, 'all there is when the book is thinner');
});

test('funding is rounded against who pays and who receives', () => {
  // 1 BTC at a mark of 30,012 and a rate of 0.01 %: 3.0012 USDT.
  assert.equal(fundingPayment(30_012_000_000, 100, true), 3_001_200);
  assert.equal(fundingPayment(30_012_000_001, -100, true), 3_001_201);
  assert.equal(fundingPayment(30_012_000_001, -100, false), 3_001_200);
});
