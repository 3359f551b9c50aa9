/**
 * Settles the funding of a market with very many positions some of them at a time, on the sizes that they had when it began. Payers come first, so that receivers share what was
 * really paid. Who changes a position before its page came pays first, and keeps what it is to receive.
 */
import type { Core } from './core.ts';
import { collect, dueOn, payOut } from './funding-payments.ts';
import type { MarketState } from './market-state.ts';
import { mulDiv } from './mul-div.ts';
import type { Settlement } from './settlement.ts';
import { INSURANCE } from './units.ts';
import type { AccountId, Amount, Lots } from './units.ts';

/** Accounts looked at for what one settled position costs. */
const LOOKS = 10;

/** Goes on with what is under way, for as many positions as there is room for. */
export function settlePages(core: Core, room: number): void {
  let looks = room * LOOKS;
  for (let market = core.settling.at(0); market !== undefined && looks > 0; market = core.settling.at(0)) {
    const settlement = market.settlement!;
    if (settlement.paying) looks = payersPage(core, market, settlement, looks);
    if (!settlement.paying && looks > 0) looks = receiversPage(core, market, settlement, looks);
  }
}

/** Takes what payers owe, and counts what receivers are due. Returns the looks that are left. */
function payersPage(core: Core, market: MarketState, settlement: Settlement, looks: number): number {
  const { id } = market.market;
  let { counted } = settlement;
  const page = eachOpen(core, market, settlement, looks, (standing, size) => {
    if (settlement.pays(size)) {
      collect(core, market, settlement, standing);
      return true;
    }
    counted += dueOn(market, settlement, size, false);
    return false;
  });
  if (page.nextAccount !== undefined) core.emit({ seq: core.nextSeq, type: 'funding_advanced', market: id, phase: 'paying', nextAccount: page.nextAccount, owed: 0, counted });
  else core.emit({ seq: core.nextSeq, type: 'funding_advanced', market: id, phase: 'receiving', nextAccount: INSURANCE, owed: counted, counted: 0 });
  return page.looks;
}

/** Pays out what was collected; what is left over in the end is the residue. Returns the looks that are left. */
function receiversPage(core: Core, market: MarketState, settlement: Settlement, looks: number): number {
  const { id } = market.market;
  const { rate, mark, time, owed } = settlement;
  let { counted } = settlement;
  const page = eachOpen(core, market, settlement, looks, (standing, size) => {
    const due = dueOn(market, settlement, size, false);
    payOut(core, market, settlement, standing, size, shareOf(settlement, due));
    counted += due;
    return true;
  });
  if (page.nextAccount !== undefined) {
    core.emit({ seq: core.nextSeq, type: 'funding_advanced', market: id, phase: 'receiving', nextAccount: page.nextAccount, owed, counted });
  } else {
    const residue = settlement.collected - settlement.paid;
    core.emit({ seq: core.nextSeq, type: 'funding_settled', market: id, rate, mark, residue, time, nextTime: market.nextFundingTime });
  }
  return page.looks;
}

/**
 * From where the last page ended, calls `visit` with each standing that is not through yet and the signed lots that it is settled on; `visit` returns whether it settled them now.
 * Returns where the next page begins, undefined: all accounts have been gone through; and the looks that are left.
 */
function eachOpen(
  { kinds, standings }: Core, { market }: MarketState, settlement: Settlement, looks: number, visit: (standing: number, size: Lots) => boolean,
): { readonly nextAccount: AccountId | undefined; readonly looks: number } {
  let left = looks;
  let account = settlement.nextAccount;
  for (; account < kinds.length && left > 0; account++, left--) {
    const standing = standings.find(account, market.id);
    const size = standing < 0 ? 0 : settlement.open(account, standings.size[standing]);
    if (size !== 0 && visit(standing, size)) left -= LOOKS;
  }
  return { nextAccount: account < kinds.length ? account : undefined, looks: left };
}

/** All of it, or a share of what was collected where that is less than is owed. */
export function shareOf({ collected, owed }: Pick<Settlement, 'collected' | 'owed'>, due: Amount): Amount {
  return collected < owed ? mulDiv(due, collected, owed, 'down') : due;
}

/** Call it before a position changes while its market's funding is being settled. What is to be received cannot be known before everybody has paid: it is kept. */
export function settleAhead(core: Core, market: MarketState, settlement: Settlement, standing: number): void {
  const account = core.standings.account[standing];
  if (settlement.changed.has(account)) return;
  const size = settlement.open(account, core.standings.size[standing]);
  if (size === 0) return;
  if (settlement.pays(size)) collect(core, market, settlement, standing, true);
  else core.emit({ seq: core.nextSeq, type: 'funding_deferred', account, market: market.market.id, size });
}

/** What the account will have to pay before its position may change. */
export function unpaidFunding(core: Core, market: MarketState, standing: number): Amount {
  const { settlement } = market;
  if (settlement === undefined || standing < 0) return 0;
  const size = settlement.open(core.standings.account[standing], core.standings.size[standing]);
  return size !== 0 && settlement.pays(size) ? dueOn(market, settlement, size, true) : 0;
}
