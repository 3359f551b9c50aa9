/** What one position pays or receives when funding is settled. */
import type { Core } from './core.ts';
import type { MarketState } from './market-state.ts';
import { fundingPayment } from './prices.ts';
import type { Amount, Lots, Ppm, Ticks } from './units.ts';

/** What a settlement goes by. */
export interface Terms {
  readonly rate: Ppm;
  readonly mark: Ticks;
}

/** What a position of so many signed lots has to pay (rounded up) or, where `pays` is false, is due (rounded down). */
export function dueOn({ market }: MarketState, { rate, mark }: Terms, size: Lots, pays: boolean): Amount {
  return fundingPayment(Math.abs(size) * mark * market.quotePerTickLot, rate, pays);
}

/** From available, then from the position's margin; never more than both hold. Returns what was paid. `ahead`: before its page came. */
export function collect(core: Core, market: MarketState, terms: Terms, standing: number, ahead = false): Amount {
  const size = core.standings.size[standing];
  const due = dueOn(market, terms, size, true);
  const available = core.futuresAvailable(market, core.standings.account[standing]);
  const fromMargin = Math.min(Math.max(0, due - available), core.standings.margin[standing]);
  const paid = Math.min(due, available) + fromMargin;
  emitPaid(core, market, terms, standing, size, 0 - paid, fromMargin, ahead);
  return paid;
}

/** `size`: signed lots that it is paid on, which the position may have no more. */
export function payOut(core: Core, market: MarketState, terms: Terms, standing: number, size: Lots, amount: Amount): void {
  emitPaid(core, market, terms, standing, size, amount, 0, false);
}

function emitPaid(core: Core, market: MarketState, { rate, mark }: Terms, standing: number, size: Lots, amount: Amount, fromMargin: Amount, ahead: boolean): void {
  if (amount === 0) return;
  const { standings } = core;
  core.emit({
    seq: core.nextSeq, type: 'funding_paid', account: standings.account[standing], market: market.market.id, rate, mark, size, amount, fromMargin, ...(ahead ? { ahead } : {}),
    position: {
      size: standings.size[standing], cost: standings.cost[standing], margin: standings.margin[standing] - fromMargin, realized: standings.realized[standing],
      leverage: core.leverageOf(market, standing),
    },
  });
}
