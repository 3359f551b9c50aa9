/** Every kind of event, and what it moves: one that is forgotten here does not compile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kit, newOrder, PERP, SPOT } from '../../tests/support/engine-kit.ts';
import type { EventOf, EventType, FillSide } from './events.ts';
import { forEachPosting } from './postings.ts';

const USDT = 0;
const BTC = 1;
const WHO = ['venue', 'fund', 'ann', 'bob'] as const;
/** By number of bucket: the venue's are others than everybody's. */
const BUCKETS = ['spot', 'spot locked', 'futures', 'futures locked', 'margin'] as const;
const OF_VENUE = ['external', 'fees', 'clearing'] as const;
const ANN = 2;
const BOB = 3;

const { markets } = Kit.create().engine;
const [spot, perpetual] = [markets[SPOT], markets[PERP]];
const position = { size: 3, cost: 300, margin: 30, realized: 0, leverage: 10 };
const order = { order: 5, account: ANN, market: SPOT, price: 1_000 } as const;
const side = (account: number, changes: Partial<FillSide>): FillSide => ({
  order: 5, account, filled: 1, remaining: 0, filledQuote: 1, filledFee: 0, fee: 0, unlocked: 0, pnl: 0, marginDelta: 0, ...changes,
});
const receipt = {
  account: ANN, market: PERP, side: 'long', quantity: 1, entryCost: 1, mark: 1, index: 1, tier: 0, marginBefore: 1, maintenanceMargin: 1, unrealizedPnl: 0, bankruptcyPrice: 1, fills: [], fee: 0, fundDelta: 0,
  fundAfter: 0,
} as const;

type Sample<T extends EventType> = readonly [event: Omit<EventOf<T>, 'seq' | 'type'>, moves: readonly string[]];

/** Amounts stand for themselves; a spot lot is 100,000 minor units of BTC. */
const SAMPLES: { readonly [T in EventType]: readonly Sample<T>[] } = {
  noted: [[{}, []]],
  asset_created: [[{ asset: { id: 2, code: 'ETH', scale: 8 } }, []]],
  market_created: [[{ market: spot }, []]],
  market_updated: [[{ market: perpetual, reason: '', keptLeverage: 10 }, []]],
  account_opened: [[{ account: ANN, userId: 'ann', kind: 'user' }, []]],
  deposited: [[{ account: ANN, asset: BTC, amount: 7, wallet: 'spot' }, ['7 BTC: venue external → ann spot']]],
  transferred: [[{ account: ANN, asset: USDT, amount: 7, from: 'spot', to: 'futures' }, ['7 USDT: ann spot → ann futures']]],
  insurance_funded: [[{ asset: USDT, amount: 7 }, ['7 USDT: venue external → fund futures']]],
  order_accepted: [
    [{ account: ANN, order: newOrder({ side: 'buy' }), lock: 7, resting: true }, ['7 USDT: ann spot → ann spot locked']],
    [{ account: ANN, order: newOrder({ side: 'sell' }), lock: 7, resting: true }, ['7 BTC: ann spot → ann spot locked']],
    [{ account: ANN, order: newOrder({ market: PERP, side: 'sell' }), lock: 7, resting: false }, ['7 USDT: ann futures → ann futures locked']],
    [{ account: ANN, order: newOrder({ market: PERP, reduceOnly: true }), lock: 0, resting: false }, []],
  ],
  order_rested: [[{ ...order, side: 'buy', remaining: 1 }, []]],
  order_closed: [[{ ...order, side: 'buy', remaining: 1, resting: true, unlocked: 7, status: 'canceled', reason: 'user' }, ['7 USDT: ann spot locked → ann spot']]],
  order_reduced: [[{ ...order, market: PERP, side: 'sell', by: 1, remaining: 1, unlocked: 7, reason: 'reduce_only' }, ['7 USDT: ann futures locked → ann futures']]],
  order_amended: [
    [{ ...order, side: 'sell', oldPrice: 1, oldRemaining: 1, quantity: 1, remaining: 1, lockDelta: 7, keepsPriority: false, resting: true }, ['7 BTC: ann spot → ann spot locked']],
    [{ ...order, side: 'sell', oldPrice: 1, oldRemaining: 1, quantity: 1, remaining: 1, lockDelta: -7, keepsPriority: true, resting: true }, ['7 BTC: ann spot locked → ann spot']],
  ],
  trade: [
    [
      { market: SPOT, price: 1, quantity: 1, notional: 100, takerSide: 'buy', taker: side(ANN, { unlocked: 110, fee: 50 }), maker: side(BOB, { unlocked: 100_000, fee: -2 }), cause: 'order' },
      [
        '110 USDT: ann spot locked → ann spot', '100000 BTC: bob spot locked → bob spot', '100 USDT: ann spot → bob spot', '100000 BTC: bob spot → ann spot', '50 BTC: ann spot → venue fees',
        '2 USDT: venue fees → bob spot',
      ],
    ],
    [
      { market: PERP, price: 1, quantity: 1, notional: 100, takerSide: 'sell', taker: side(ANN, { pnl: -4, marginDelta: -10, fee: 5 }), maker: side(BOB, { unlocked: 12, marginDelta: 10, fee: 2 }), cause: 'order' },
      [
        '12 USDT: bob futures locked → bob futures', '2 USDT: bob futures → venue fees', '10 USDT: bob futures → bob margin', '10 USDT: ann margin → ann futures', '4 USDT: ann futures → venue clearing',
        '5 USDT: ann futures → venue fees',
      ],
    ],
  ],
  leverage_set: [[{ account: ANN, market: PERP, leverage: 5, marginDelta: 7, position }, ['7 USDT: ann futures → ann margin']], [{ account: ANN, market: PERP, leverage: 5, marginDelta: 0 }, []]],
  margin_adjusted: [[{ account: ANN, market: PERP, marginDelta: -7, position }, ['7 USDT: ann margin → ann futures']]],
  cancel_after_set: [[{ account: ANN, market: -1, deadline: 7 }, []]],
  prices_updated: [[{ market: PERP, index: 1, mark: 1, manualMark: false, fundingRate: 1, sampled: true, basis: 1, premium: 1 }, []]],
  margin_called: [[{ account: ANN, market: PERP, mark: 1, marginRatio: 900_000 }, []]],
  margin_call_cleared: [[{ account: ANN, market: PERP, mark: 1 }, []]],
  position_liquidated: [[{ receipt, toFund: 7 }, ['7 USDT: ann futures → fund futures']], [{ receipt, toFund: 0 }, []]],
  funding_paid: [
    [{ account: ANN, market: PERP, rate: 1, mark: 1, size: 1, amount: 7, fromMargin: 0, position }, ['7 USDT: venue clearing → ann futures']],
    [{ account: ANN, market: PERP, rate: 1, mark: 1, size: 1, amount: -7, fromMargin: 3, position }, ['4 USDT: ann futures → venue clearing', '3 USDT: ann margin → venue clearing']],
  ],
  funding_started: [[{ market: PERP, rate: 1, mark: 1, time: 1, nextTime: 2 }, []]],
  funding_deferred: [[{ account: ANN, market: PERP, size: 1 }, []]],
  funding_advanced: [[{ market: PERP, phase: 'receiving', nextAccount: ANN, owed: 7, counted: 7 }, []]],
  funding_settled: [[{ market: PERP, rate: 1, mark: 1, residue: 1, time: 1, nextTime: 2 }, ['1 USDT: venue clearing → venue fees']]],
};

function movesOf(event: EventOf<EventType>): string[] {
  const moves: string[] = [];
  const name = (account: number, bucket: number) => `${WHO[account]} ${account === 0 ? OF_VENUE[bucket] : BUCKETS[bucket]}`;
  forEachPosting(event, markets, (asset, from, fromBucket, to, toBucket, amount) => {
    moves.push(`${amount} ${asset === BTC ? 'BTC' : 'USDT'}: ${name(from, fromBucket)} → ${name(to, toBucket)}`);
  });
  return moves;
}

for (const type of Object.keys(SAMPLES) as EventType[]) {
  test(`${type} moves what it says, and nothing else`, () => {
    for (const [event, moves] of SAMPLES[type]) assert.deepEqual(movesOf({ ...event, type, seq: 1 } as EventOf<EventType>), moves);
  });
}
