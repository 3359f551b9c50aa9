/** Setting leverage and moving margin into and out of an open position. */
import { checkTrader } from './accounts.ts';
import type { CommandOf } from './commands.ts';
import type { Core } from './core.ts';
import type { PositionState } from './events.ts';
import { unrealizedPnl } from './margin.ts';
import { allowedLeverage, checkRelease } from './market-rules.ts';
import type { MarketState } from './market-state.ts';
import { mulDiv } from './mul-div.ts';
import { reject } from './reject.ts';
import type { Reject } from './reject.ts';
import type { AccountId, Amount, MarketId } from './units.ts';

function perpetualOf(core: Core, account: AccountId, market: MarketId): MarketState | Reject {
  const unknown = checkTrader(core, account);
  if (unknown !== undefined) return unknown;
  const state = core.marketStates[market];
  if (state === undefined) return reject('UNKNOWN_SYMBOL', 'There is no such market.');
  return state.perpetual ? state : reject('VALIDATION_FAILED', 'Only perpetuals have leverage and margin.');
}

/**
 * Refused while orders that hold margin are open (their locks were reckoned with the old leverage). An open position is re-margined to cost ÷ leverage: more margin
 * comes from the futures wallet; what becomes free goes back as far as the position's losses leave it, and not while the mark cannot be trusted.
 */
export function setLeverage(core: Core, { account, market: id, leverage }: CommandOf<'set_leverage'>): Reject | undefined {
  const market = perpetualOf(core, account, id);
  if ('ok' in market) return market;
  if (!Number.isSafeInteger(leverage) || leverage < 1) return reject('VALIDATION_FAILED', 'The leverage must be a whole number of at least 1.');
  const standing = core.standings.find(account, id);
  const size = standing < 0 ? 0 : core.standings.size[standing];
  const notional = Math.abs(size) * market.valuation * market.market.quotePerTickLot;
  const allowed = allowedLeverage(market, notional);
  if (leverage > allowed) return reject('LEVERAGE_TOO_HIGH', `The leverage may be at most ${allowed} here.`);
  if (standing >= 0 && holdsMargin(core, standing)) return reject('CONFLICT', 'Cancel the open orders of this market that hold margin first.');
  const position = size === 0 ? undefined : remargined(core, market, standing, leverage);
  const marginDelta = position === undefined ? 0 : position.margin - core.standings.margin[standing];
  const kept = marginDelta < 0 ? checkRelease(market.market) : undefined;
  if (kept !== undefined) return kept;
  const { words } = market;
  const available = core.futuresAvailable(market, account);
  if (marginDelta > available) return reject('INSUFFICIENT_MARGIN', `The position needs ${words.quote(marginDelta)} more margin; ${words.quote(available)} is available.`);
  core.emit({ seq: core.nextSeq, type: 'leverage_set', account, market: id, leverage, marginDelta, position });
  return undefined;
}

function holdsMargin(core: Core, standing: number): boolean {
  const { pool, standings } = core;
  for (let slot = core.newestOrder[standings.account[standing]]; slot >= 0; slot = pool.nextOfAccount[slot]) {
    if (pool.standing[slot] === standing && pool.lock[slot] > 0) return true;
  }
  return false;
}

function remargined(core: Core, market: MarketState, standing: number, leverage: number): PositionState {
  const position = positionAt(core, standing, leverage);
  const wanted = mulDiv(position.cost, 1, leverage, 'down');
  const margin = wanted >= position.margin ? wanted : Math.min(position.margin, Math.max(wanted, leastMargin(market, position)));
  return { ...position, margin };
}

function positionAt(core: Core, standing: number, leverage: number): PositionState {
  const { standings } = core;
  return { size: standings.size[standing], cost: standings.cost[standing], margin: standings.margin[standing], realized: standings.realized[standing], leverage };
}

/** Initial margin at entry, and at the mark on top of what the position has lost. */
function leastMargin(market: MarketState, { size, cost, leverage }: PositionState): Amount {
  const notional = Math.abs(size) * market.valuation * market.market.quotePerTickLot;
  const loss = Math.max(0, 0 - unrealizedPnl(size, cost, notional));
  return Math.max(mulDiv(cost, 1, leverage, 'up'), mulDiv(notional, 1, leverage, 'up') + loss);
}

export function adjustMargin(core: Core, { account, market: id, amount }: CommandOf<'adjust_margin'>): Reject | undefined {
  const market = perpetualOf(core, account, id);
  if ('ok' in market) return market;
  if (!Number.isSafeInteger(amount) || amount === 0) return reject('VALIDATION_FAILED', 'The amount must be positive or negative, and no finer than its asset.');
  const standing = core.standings.find(account, id);
  if (standing < 0 || core.standings.size[standing] === 0) return reject('NOT_FOUND', `There is no open position in ${market.market.symbol}.`);
  const kept = amount < 0 ? checkRelease(market.market) : undefined;
  if (kept !== undefined) return kept;
  const position = positionAt(core, standing, core.leverageOf(market, standing));
  const available = core.futuresAvailable(market, account);
  if (amount > available) return reject('INSUFFICIENT_BALANCE', `The futures wallet has ${market.words.quote(available)} available; ${market.words.quote(amount)} is wanted.`);
  const margin = position.margin + amount;
  const least = leastMargin(market, position);
  if (amount < 0 && margin < least) return reject('INSUFFICIENT_MARGIN', `The margin may not go below ${market.words.quote(least)}.`);
  core.emit({ seq: core.nextSeq, type: 'margin_adjusted', account, market: id, marginDelta: amount, position: { ...position, margin } });
  return undefined;
}
