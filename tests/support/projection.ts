/** A small venue for tests of projections: assets, a spot and a perpetual market, accounts, and records as the journal holds them. */
import type { Event, FillSide } from '../../src/engine/events.ts';
import type { Asset, Market } from '../../src/engine/market.ts';
import type { Millis, Seq } from '../../src/engine/units.ts';
import type { JournalRecord } from '../../src/journal/journal.ts';
import { CommittedCatalog } from '../../src/projections/committed-catalog.ts';
import type { FoldContext } from '../../src/projections/context.ts';
import type { EventSource } from '../../src/projections/projector.ts';
import type { TransactionContext } from '../../src/projections/transactions.ts';
import { encodeRecord } from '../../src/sequencer/record.ts';

export const USDT: Asset = { id: 0, code: 'USDT', scale: 6 };
export const BTC: Asset = { id: 1, code: 'BTC', scale: 8 };

const COMMON = {
  status: 'open', safety: 'normal', makerFee: 200, takerFee: 400, minQuantity: 1, maxQuantity: 0, maxMarketQuantity: 0, minNotional: 0, priceBand: 0, maxOpenOrders: 200,
  maxPosition: 0, interestRate: 0, fundingCap: 0, impactNotional: 0, liquidationSurplus: 'fund', house: false, base: 'BTC', quote: 'USDT', baseAsset: 1, quoteAsset: 0,
  tickSize: '0.01', lotSize: '0.0001', quotePerTickLot: 1, basePerLot: 10_000,
} as const;
/** One lot at one tick is 0.000001 USDT. */
export const SPOT: Market = { ...COMMON, id: 0, symbol: 'BTC-USDT', type: 'spot', maxLeverage: 1, riskTiers: [], fundingIntervalMs: 0, liquidationFeeRate: 0 };
export const PERP: Market = {
  ...COMMON, id: 1, symbol: 'BTC-USDT-PERP', type: 'perpetual', maxLeverage: 50, fundingIntervalMs: 28_800_000, liquidationFeeRate: 5_000,
  riskTiers: [{ notionalFloor: 0, initialMarginRate: 20_000, maintenanceMarginRate: 10_000 }],
};

export const ALICE = 2;
export const BOB = 3;
export const HOUSE = 4;
export const START: Millis = Date.UTC(2024, 0, 1);

export const owners: FoldContext['owners'] = {
  userOf: (account) => ['venue', 'insurance', 'alice', 'bob', 'house'][account],
  kindOf: (account) => (account < ALICE ? 'venue' : account === HOUSE ? 'house' : 'user'),
};

export function contextAt(time: Millis): FoldContext & TransactionContext {
  const catalog = new CommittedCatalog({ assets: [USDT, BTC], markets: [SPOT, PERP] });
  return { catalog, markets: catalog.markets, assets: catalog.assets, owners, time };
}

export function fillSide(side: Partial<FillSide>): FillSide {
  return { order: 0, account: 0, filled: 0, remaining: 0, filledQuote: 0, filledFee: 0, fee: 0, unlocked: 0, pnl: 0, marginDelta: 0, ...side };
}

type WithoutSeq<T> = T extends unknown ? Omit<T, 'seq'> : never;
export type EventBody = WithoutSeq<Event>;

/** A journal in memory that numbers what it is given. */
export class TestJournal implements EventSource {
  readonly records: JournalRecord[] = [];
  seq: Seq = 0;

  /** Appends one record; returns its events. */
  add(time: Millis, ...bodies: readonly EventBody[]): Event[] {
    const events = bodies.map((body) => ({ ...body, seq: ++this.seq }) as Event);
    this.records.push(encodeRecord({ events }, time, '', ''));
    return events;
  }

  /** Assets, markets and accounts. */
  list(time: Millis = START): void {
    this.add(time, { type: 'asset_created', asset: USDT }, { type: 'asset_created', asset: BTC });
    this.add(time, { type: 'market_created', market: SPOT }, { type: 'market_created', market: PERP });
    for (const account of [ALICE, BOB, HOUSE]) {
      this.add(time, { type: 'account_opened', account, userId: owners.userOf(account)!, kind: account === HOUSE ? 'house' : 'user' });
    }
  }

  read(afterSeq: Seq, limit: number): JournalRecord[] {
    const from = this.records.findIndex((record) => record.seq + record.count - 1 > afterSeq);
    return from < 0 ? [] : this.records.slice(from, from + limit);
  }

  lastSeq(): Seq {
    return this.seq;
  }
}
