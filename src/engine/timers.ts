/** What happens by journaled time alone: dead-man switches, funding, and positions that the last command had no room for. */
import { checkTrader } from './accounts.ts';
import type { CommandOf } from './commands.ts';
import type { Core } from './core.ts';
import { settlePages } from './funding-pages.ts';
import { settleFunding } from './funding.ts';
import { cancelAll } from './orders.ts';
import { reject } from './reject.ts';
import type { Reject } from './reject.ts';
import { checkRisk, isPending } from './risk.ts';
import type { AccountId, MarketId, Millis } from './units.ts';

const MAX_TIMEOUT_MS: Millis = 7 * 86_400_000;
/** Switches fired per command; the rest follows with the next one. */
const SWITCHES = 1_000;

export function cancelAfter(core: Core, { account, timeoutMs, market = -1 }: CommandOf<'cancel_after'>): Reject | undefined {
  const unknown = checkTrader(core, account);
  if (unknown !== undefined) return unknown;
  if (market !== -1 && core.marketStates[market] === undefined) return reject('UNKNOWN_SYMBOL', 'There is no such market.');
  if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 0 || timeoutMs > MAX_TIMEOUT_MS) return reject('VALIDATION_FAILED', `The time-out must be 0 to ${MAX_TIMEOUT_MS} ms.`);
  if (timeoutMs > 0) core.emit({ seq: core.nextSeq, type: 'cancel_after_set', account, market, deadline: core.now + timeoutMs });
  else disarm(core, account, market);
  return undefined;
}

/** Of one market, or every switch of the account: whoever disarms all must not lose orders to one that was armed by itself. */
function disarm(core: Core, account: AccountId, market: MarketId | -1): void {
  const covered = market === -1 ? [-1, ...core.markets.map(({ id }) => id)] : [market];
  for (const one of covered) if (core.deadlines.get(account, one) !== 0) core.emit({ seq: core.nextSeq, type: 'cancel_after_set', account, market: one, deadline: 0 });
}

/** Lets happen whose time has come; funding under way in pages goes on only with `advance_time`, which has nothing else to do. */
export function runTimers(core: Core, goOn = false): void {
  let switches = SWITCHES;
  for (let armed = core.deadlines.first(); armed !== undefined && armed.deadline <= core.now && switches > 0; armed = core.deadlines.first()) {
    switches--;
    cancelAll(core, armed.account, armed.market, 'dead_man_switch');
    core.emit({ seq: core.nextSeq, type: 'cancel_after_set', account: armed.account, market: armed.market, deadline: 0 });
  }
  const room = settleDue(core);
  if (goOn && room > 0) settlePages(core, room);
}

/** All markets have the same hours: those that this command has no room for are left to the next one. One larger than a page only begins, which needs none. Returns the room that is left. */
function settleDue(core: Core): number {
  let room = core.fundingPage;
  for (let market = core.nextFunding; market !== undefined && market.nextFundingTime <= core.now && room > 0; market = core.nextFunding) {
    const { length } = market.positions;
    if (length <= core.fundingPage) {
      if (length > room) return 0;
      room -= length;
    }
    settleFunding(core, market);
  }
  return room;
}

/** What the command before had no room for, and positions that nobody could take. */
export function runPending(core: Core): void {
  for (const market of core.marketStates) if (market.stuck.length > 0 || isPending(core, market)) checkRisk(core, market);
}

/** When `runTimers` next has something to do. */
export function nextTimer(core: Core): Millis | undefined {
  const next = Math.min(core.deadlines.first()?.deadline ?? Infinity, core.nextFunding?.nextFundingTime ?? Infinity, core.settling.length > 0 || anyPending(core) ? core.time : Infinity);
  return next === Infinity ? undefined : next;
}

/** Goes through the markets only when something has happened since that positions may be due for. */
function anyPending(core: Core): boolean {
  core.unvisited = core.unvisited && core.marketStates.some((market) => isPending(core, market));
  return core.unvisited;
}
