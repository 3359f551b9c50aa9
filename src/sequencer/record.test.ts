import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Event, EventOf, FillSide } from '../engine/events.ts';
import { simulateVenue } from '../../tests/support/simulated-venue.ts';
import { decodeBody, encodeRecord } from './record.ts';

const TIME = 1_700_000_000_000;
const fill: FillSide = { order: 7, account: 3, filled: 4, remaining: 1, filledQuote: 2 ** 40, filledFee: -3, fee: -1, unlocked: 2 ** 33, pnl: -5, marginDelta: 6, position: undefined };
const position = { size: -4, cost: 2 ** 41, margin: 9, realized: -2, leverage: 20 };
const order: EventOf<'order_accepted'>['order'] = {
  market: 0, side: 'sell', type: 'limit', price: 1_003, quantity: 5, timeInForce: 'GTC', postOnly: true, reduceOnly: false, selfTradePrevention: 'expire_both', clientOrderId: 'a "quoted" \\ id, ü',
};
const stands = { account: 3, market: 1, side: 'buy', price: 999 } as const;

/** An event of each type that has a form of its own, and one that has none. */
const EVENTS: readonly Event[] = [
  { seq: 10, type: 'order_accepted', account: 3, order, lock: 2 ** 45, resting: false },
  { seq: 11, type: 'order_accepted', account: 4, order: { ...order, side: 'buy', type: 'market', price: 0, timeInForce: 'IOC', postOnly: false, reduceOnly: true, selfTradePrevention: 'none', clientOrderId: '' }, lock: 0, resting: true },
  { seq: 12, type: 'order_rested', order: 10, remaining: 4, ...stands },
  { seq: 13, type: 'order_closed', order: 10, remaining: 4, resting: true, unlocked: 12, status: 'canceled', reason: 'dead_man_switch', ...stands },
  { seq: 14, type: 'order_closed', order: 11, remaining: 4, resting: false, unlocked: 0, status: 'expired', reason: 'market_order', ...stands },
  { seq: 15, type: 'order_reduced', order: 10, by: 1, remaining: 3, unlocked: 2, reason: 'reduce_only', ...stands },
  { seq: 16, type: 'order_amended', order: 10, account: 3, market: 1, side: 'sell', oldPrice: 5, oldRemaining: 6, price: 7, quantity: 8, remaining: 9, lockDelta: -10, keepsPriority: true, resting: false },
  { seq: 17, type: 'trade', market: 1, price: 7, quantity: 4, notional: 2 ** 50, takerSide: 'sell', taker: fill, maker: { ...fill, order: 0, position }, cause: 'takeover' },
  { seq: 18, type: 'prices_updated', market: 1, index: 30_000, mark: 30_012, manualMark: true, fundingRate: -100, sampled: false, basis: -24, premium: 300 },
  { seq: 19, type: 'deposited', account: 3, asset: 0, amount: 5, wallet: 'spot' },
];

describe('the body of a record', () => {
  test('gives back what was put in: every form of an event, numbers beyond 32 bits, any text', () => {
    const record = encodeRecord({ events: EVENTS }, TIME, '', '');
    assert.deepEqual(decodeBody(record), { events: EVENTS });
    assert.deepEqual({ seq: record.seq, count: record.count }, { seq: 10, count: EVENTS.length });
  });

  test('gives back the results of a batch', () => {
    const results = [{ ok: true, order: 10 }, { ok: false, code: 'INVALID_LOT', detail: 'no multiple' }] as const;
    assert.deepEqual(decodeBody(encodeRecord({ events: EVENTS, results }, TIME, '', '')), { events: EVENTS, results });
  });

  test('gives back all that simulated people made happen', () => {
    const { events } = simulateVenue(7, 3_000);
    const types = new Set(events.map(({ type }) => type));
    assert.ok(types.has('trade') && types.has('order_closed') && types.has('position_liquidated') && types.has('funding_settled'), [...types].join(' '));
    // JSON leaves out fields that are undefined; that is no difference to anybody.
    const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
    for (const event of events) assert.deepEqual(plain(decodeBody(encodeRecord({ events: [event] }, TIME, '', '')).events), plain([event]));
  });

  test('is read also as earlier versions wrote it', () => {
    const body = { events: [{ seq: 3, type: 'order_accepted', account: 2, order: { ...order, clientOrderId: '' }, lock: 5, resting: true }], results: [{ ok: true, order: 3 }] };
    assert.deepEqual(decodeBody({ seq: 3, body: JSON.stringify(body) }), body);
  });

  test('does not change its form by accident: journals outlive versions', () => {
    const text = (event: Event): string => encodeRecord({ events: [event] }, TIME, '', '').body;
    assert.equal(text(EVENTS[1]!), '[[[1,4,0,0,1,0,5,1,0,1,3,"",0,1]]]');
    assert.equal(text(EVENTS[3]!), '[[[3,10,3,1,0,999,4,1,12,0,2]]]');
    assert.equal(text(EVENTS[7]!), '[[[6,1,7,4,1125899906842624,1,2,[7,3,4,1,1099511627776,-3,-1,8589934592,-5,6],[0,3,4,1,1099511627776,-3,-1,8589934592,-5,6,-4,2199023255552,9,-2,20]]]]');
    assert.equal(text(EVENTS[9]!), '[[{"seq":19,"type":"deposited","account":3,"asset":0,"amount":5,"wallet":"spot"}]]');
  });

  test('is refused with a reason when it is none, or of a version to come', () => {
    assert.throws(() => decodeBody({ seq: 1, body: '[[[99,1]]]' }), /event 1 has the unknown form 99/);
    assert.throws(() => decodeBody({ seq: 1, body: '[[[2,1,1,1,7,1,1]]]' }), /no word with number 7/);
    for (const body of ['7', 'null', '{}']) assert.throws(() => decodeBody({ seq: 1, body }), /holds no events/, body);
    assert.throws(() => decodeBody({ seq: 1, body: '[[' }), SyntaxError);
  });
});
