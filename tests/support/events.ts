/** Hand-made committed events of one spot market, for what only follows the log. Lots and ticks; the tick is 0.5, the lot 0.001. */
import type { Event, EventOf, FillSide } from '../../src/engine/events.ts';
import type { Asset, Market } from '../../src/engine/market.ts';
import type { Side } from '../../src/engine/units.ts';
import type { CommittedRecord } from '../../src/sequencer/sequencer.ts';

export const ASSETS: readonly Asset[] = [{ id: 0, code: 'USDT', scale: 6 }, { id: 1, code: 'BTC', scale: 8 }];
export const MARKET = { id: 0, symbol: 'BTC-USDT', type: 'spot', tickSize: '0.5', lotSize: '0.001', baseAsset: 1, quoteAsset: 0, quotePerTickLot: 500, basePerLot: 100_000 } as Market;

/** Makes events with ascending seq. `maker` 0: no order stood behind that side. */
export class EventMaker {
  seq = 0;

  record(...events: readonly Event[]): CommittedRecord {
    return { seq: this.seq, time: 1_700_000_000_000 + this.seq, events };
  }

  accepted(side: Side, price: number, quantity: number, resting = true): Event {
    const order = { market: 0, side, type: 'limit', price, quantity, timeInForce: 'GTC', postOnly: false, reduceOnly: false, selfTradePrevention: 'none', clientOrderId: '' } as const;
    return { seq: ++this.seq, type: 'order_accepted', account: 2, lock: 0, resting, order };
  }

  rested(side: Side, price: number, remaining: number): Event {
    return { seq: ++this.seq, type: 'order_rested', order: 1, account: 2, market: 0, side, price, remaining };
  }

  trade(takerSide: Side, price: number, quantity: number, maker = 1): EventOf<'trade'> {
    return { seq: ++this.seq, type: 'trade', market: 0, price, quantity, notional: price * quantity * 500, takerSide, taker: fill(9), maker: fill(maker), cause: 'order' };
  }

  closed(side: Side, price: number, remaining: number, resting = true): Event {
    return { seq: ++this.seq, type: 'order_closed', order: 1, account: 2, market: 0, side, price, remaining, resting, unlocked: 0, status: 'canceled', reason: 'user' };
  }

  reduced(side: Side, price: number, by: number, remaining: number): Event {
    return { seq: ++this.seq, type: 'order_reduced', order: 1, account: 2, market: 0, side, price, by, remaining, unlocked: 0, reason: 'reduce_only' };
  }

  amended(side: Side, oldPrice: number, oldRemaining: number, price: number, remaining: number, resting = true): Event {
    return { seq: ++this.seq, type: 'order_amended', order: 1, account: 2, market: 0, side, oldPrice, oldRemaining, price, quantity: remaining, remaining, lockDelta: 0, keepsPriority: false, resting };
  }

  priced(index: number, mark: number): Event {
    return { seq: ++this.seq, type: 'prices_updated', market: 0, index, mark, manualMark: false, fundingRate: 0, sampled: false, basis: 0, premium: 0 };
  }
}

function fill(order: number): FillSide {
  return { order, account: 2, filled: 0, remaining: 0, filledQuote: 0, filledFee: 0, fee: 0, unlocked: 0, pnl: 0, marginDelta: 0 };
}
