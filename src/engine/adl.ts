/** Who is deleveraged first: the opposite positions by profit and effective leverage, and the rank that their owners see beforehand. */
import type { Core } from './core.ts';
import { ONE, unrealizedPnl } from './margin.ts';
import type { MarketState } from './market-state.ts';
import { mulDiv } from './mul-div.ts';
import type { Amount, Ppm } from './units.ts';

/** Ratios beyond a thousandfold are not told apart. */
const MOST: Ppm = 1_000 * ONE;
const LIGHTS = 5;
/** Markets with fewer positions rank anew at every look; larger ones once per price, and by so many of their positions at most: a fifth is a fifth of them as well. */
const FEW = 64;
const SAMPLE = 4_096;

function ratio(part: Amount, whole: Amount): Ppm {
  if (whole <= 0 || Math.abs(part) >= whole * 1_000) return part < 0 ? -MOST : MOST;
  return mulDiv(part, ONE, whole, 'down');
}

/**
 * uPnL % × effective leverage in profit, uPnL % ÷ effective leverage otherwise, in ppm; effective leverage = |value| ÷ (value at mark − value at bankruptcy), and the
 * latter difference is margin + uPnL.
 */
export function adlScore(cost: Amount, margin: Amount, notional: Amount, pnl: Amount): Ppm {
  const gain = ratio(pnl, cost);
  const leverage = Math.max(1, ratio(notional, margin + pnl));
  return gain > 0 ? mulDiv(gain, leverage, ONE, 'down') : mulDiv(gain, ONE, leverage, 'down');
}

function scoreOf(core: Core, market: MarketState, standing: number): Ppm {
  const { standings } = core;
  const size = standings.size[standing];
  const notional = Math.abs(size) * market.valuation * market.market.quotePerTickLot;
  return adlScore(standings.cost[standing], standings.margin[standing], notional, unrealizedPnl(size, standings.cost[standing], notional));
}

/** Standings on the long (+1) or short (−1) side, first in line first; equal scores by account. */
function adlQueue(core: Core, market: MarketState, side: 1 | -1): number[] {
  const { standings } = core;
  const queue = market.positions.filter((standing) => standings.size[standing] * side > 0).map((standing) => ({ standing, score: scoreOf(core, market, standing) }));
  queue.sort((a, b) => b.score - a.score || standings.account[a.standing] - standings.account[b.standing]);
  return queue.map(({ standing }) => standing);
}

/**
 * The queues of one pass over a market, made when first needed: a score does not change when part of its position is closed, so one queue serves many liquidations.
 * It must not outlive its command.
 */
export class AdlLine {
  readonly #core: Core;
  readonly #market: MarketState;
  readonly #queues = new Map<1 | -1, { readonly standings: readonly number[]; first: number }>();

  constructor(core: Core, market: MarketState) {
    this.#core = core;
    this.#market = market;
  }

  /** Calls `visit` with those on this side, first in line first, until it says stop. */
  each(side: 1 | -1, visit: (standing: number) => 'next' | 'stop'): void {
    const { size } = this.#core.standings;
    let queue = this.#queues.get(side);
    if (queue === undefined) {
      queue = { standings: adlQueue(this.#core, this.#market, side), first: 0 };
      this.#queues.set(side, queue);
    }
    const { standings } = queue;
    while (queue.first < standings.length && size[standings[queue.first]] * side <= 0) queue.first++;
    for (let at = queue.first; at < standings.length; at++) {
      if (size[standings[at]] * side > 0 && visit(standings[at]) === 'stop') return;
    }
  }
}

interface Ranking {
  readonly version: number;
  readonly positions: number;
  readonly long: Float64Array;
  readonly short: Float64Array;
}
const rankings = new WeakMap<MarketState, Ranking>();

/** 5 = among the fifth that is first in line … 1. */
export function adlRank(core: Core, market: MarketState, standing: number): number {
  const ranking = rankingOf(core, market);
  const scores = core.standings.size[standing] > 0 ? ranking.long : ranking.short;
  const score = scoreOf(core, market, standing);
  let low = 0;
  let high = scores.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (scores[middle] <= score) low = middle + 1;
    else high = middle;
  }
  const ahead = scores.length - low;
  return scores.length === 0 ? LIGHTS : Math.max(1, LIGHTS - Math.floor((LIGHTS * ahead) / scores.length));
}

function rankingOf(core: Core, market: MarketState): Ranking {
  const cached = rankings.get(market);
  const { positions, version } = market;
  if (cached !== undefined && positions.length >= FEW && cached.positions >= FEW && cached.version === version) return cached;
  const scores: Record<'long' | 'short', number[]> = { long: [], short: [] };
  const step = Math.ceil(positions.length / SAMPLE);
  for (let at = 0; at < positions.length; at += step) scores[core.standings.size[positions[at]] > 0 ? 'long' : 'short'].push(scoreOf(core, market, positions[at]));
  const ranking = { version, positions: positions.length, long: Float64Array.from(scores.long).sort(), short: Float64Array.from(scores.short).sort() };
  rankings.set(market, ranking);
  return ranking;
}
