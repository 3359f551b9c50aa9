/** The state together with the command that is being executed: its time, and the events it has emitted so far, each applied at once. */
import { apply } from './apply.ts';
import type { Event } from './events.ts';
import { FUTURES_AVAILABLE } from './ledger.ts';
import type { MarketState } from './market-state.ts';
import { State } from './state.ts';
import type { AccountId, Amount, Millis } from './units.ts';

/** Positions whose funding one command settles: about 10 ms. */
const FUNDING_PAGE = 5_000;

export class Core extends State {
  /** As above, but in tests. The log says what was settled when: whoever follows it needs no such figure. */
  readonly fundingPage: number;
  /** Of the command: never before the last one's. */
  now: Millis = 0;
  events: Event[] = [];

  constructor(fundingPage = FUNDING_PAGE) {
    super();
    this.fundingPage = fundingPage;
  }

  /** The seq of the next event. */
  get nextSeq(): number {
    return this.seq + 1;
  }

  emit(event: Event): void {
    apply(this, event, this.now);
    this.events.push(event);
  }

  leverageOf(market: MarketState, standing: number): number {
    const set = standing < 0 ? 0 : this.standings.leverage[standing];
    return set === 0 ? market.defaultLeverage : set;
  }

  futuresAvailable(market: MarketState, account: AccountId): Amount {
    return this.ledger.get(market.market.quoteAsset, account, FUTURES_AVAILABLE);
  }
}
