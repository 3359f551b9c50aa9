import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { listMarkets, openVenue, type Venue } from '../../tests/support/venue.ts';
import { eventually } from '../../tests/support/wait.ts';
import type { Principal } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';
import { AccountStream, type AccountMessage } from './account-stream.ts';
import type { Actor } from './admin.ts';

const PERP = 'BTC-USDT-PERP';
const refusal = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;

describe('positions', () => {
  let venue: Venue;
  let actor: Actor;
  let ann: Principal;
  let bob: Principal;

  /** Both sides trade one BTC at 30,000 with the leverage of each. */
  const open = async (quantity = '1'): Promise<void> => {
    await venue.orders.place(bob, { symbol: PERP, side: 'sell', type: 'limit', price: '30000', quantity });
    await venue.orders.place(ann, { symbol: PERP, side: 'buy', type: 'market', quantity });
  };
  const mark = (price: string) => venue.feeds.setManual([{ symbol: PERP, index: price, mark: price }]);

  before(async () => {
    venue = await openVenue();
    const principal = await listMarkets(venue);
    actor = { principal, ip: '127.0.0.1', requestId: 'r' };
    ann = await venue.user('ann');
    bob = await venue.user('bob');
    for (const user of [ann, bob]) await venue.wallets.deposit(user, { asset: 'USDT', amount: '10000', account: 'futures' });
    await mark('30000');
  });
  after(() => venue.close());

  test('nobody has one before a trade', async () => {
    assert.deepEqual((await venue.positions.list(ann, { limit: 50 })).items, []);
    await assert.rejects(venue.positions.get(ann, PERP), refusal('NOT_FOUND'));
    await assert.rejects(venue.positions.get(ann, 'BTC-USDT'), refusal('NOT_FOUND'));
    await assert.rejects(venue.positions.get(ann, 'X-Y'), refusal('NOT_FOUND'));
    await assert.rejects(venue.positions.close(ann, PERP, {}), refusal('NOT_FOUND'));
    await assert.rejects(venue.positions.adjustMargin(ann, PERP, '1'), refusal('NOT_FOUND'));
  });

  test('is worth what the mark makes of it', async () => {
    await open();
    await mark('31000');
    const { updatedAt: _time, seq: _seq, ...position } = await venue.positions.get(ann, PERP);
    assert.deepEqual(position, {
      symbol: PERP, side: 'long', quantity: '1', entryPrice: '30000', markPrice: '31000', notional: '31000', leverage: 10, marginMode: 'isolated', margin: '3000',
      // 2.5 % of 31,000; ÷ (3,000 + 1,000)
      maintenanceMargin: '775', marginRatio: '0.19375',
      // 1,000 ÷ 3,000
      unrealizedPnl: '1000', roe: '0.333333', realizedPnl: '0',
      // (3,000 − 30,000) ÷ (0.025 − 1) = 27,692.307…; 30,000 − 3,000
      liquidationPrice: '27692.3', bankruptcyPrice: '27000', adlRank: 5, status: 'open',
    });
    const short = await venue.positions.get(bob, PERP);
    assert.deepEqual([short.side, short.unrealizedPnl, short.bankruptcyPrice, short.roe], ['short', '-1000', '33000', '-0.333333']);
    assert.equal((await venue.positions.list(ann, { limit: 50, symbol: PERP })).items.length, 1);
    await assert.rejects(venue.positions.list(ann, { limit: 50, symbol: 'X-Y' }), refusal('UNKNOWN_SYMBOL'));
    await mark('30000');
  });

  test('takes and gives back margin', async () => {
    assert.equal((await venue.positions.adjustMargin(ann, PERP, '500.5')).margin, '3500.5');
    assert.equal((await venue.positions.adjustMargin(ann, PERP, '-500.5')).margin, '3000');
    await assert.rejects(venue.positions.adjustMargin(ann, PERP, '0.0000001'), refusal('VALIDATION_FAILED'));
    await assert.rejects(venue.positions.adjustMargin(ann, PERP, '1000000'), (error) => error instanceof Refusal && error.code.startsWith('INSUFFICIENT'));
  });

  test('has the leverage of its market', async () => {
    const settings = await venue.positions.setLeverage(ann, PERP, 5);
    assert.deepEqual([settings.leverage, settings.marginMode, settings.position?.leverage, settings.position?.margin], [5, 'isolated', 5, '6000']);
    await assert.rejects(venue.positions.setLeverage(ann, PERP, 21), refusal('LEVERAGE_TOO_HIGH'));
    assert.equal((await venue.positions.setLeverage(ann, PERP, 10)).position?.margin, '3000');
    assert.equal((await venue.positions.settings(await venue.user('carl'), PERP)).leverage, 10);
  });

  test('answers a repeated key with the position as it was left then, whatever came after', async () => {
    const set = (leverage: number, key: string) => venue.positions.setLeverage(ann, PERP, leverage, { idempotencyKey: key, fingerprint: String(leverage) });
    const move = (amount: string, key: string) => venue.positions.adjustMargin(ann, PERP, amount, { idempotencyKey: key, fingerprint: amount });
    const lower = await set(5, 'lower');
    assert.deepEqual(lower.position, await venue.positions.get(ann, PERP));
    const more = await move('100', 'more');
    assert.deepEqual(more, await venue.positions.get(ann, PERP));
    await move('-100', 'less');
    await set(10, 'higher');
    assert.deepEqual(await set(5, 'lower'), lower);
    assert.deepEqual(await move('100', 'more'), more);
    assert.equal((await venue.positions.get(ann, PERP)).margin, '3000');
    const carl = await venue.user('carl2');
    const meta = { idempotencyKey: 'nothing open', fingerprint: '' };
    const settings = await venue.positions.setLeverage(carl, PERP, 3, meta);
    assert.deepEqual(settings, { symbol: PERP, leverage: 3, marginMode: 'isolated', position: null });
    await venue.positions.setLeverage(carl, PERP, 4);
    assert.deepEqual(await venue.positions.setLeverage(carl, PERP, 3, meta), settings);
  });

  test('sums up to what is at stake', async () => {
    const summary = await venue.risk.summary(ann);
    const [risk] = summary.assets;
    // 10,000 less the taker's 15
    assert.deepEqual([risk?.asset, risk?.equity, risk?.margin, risk?.exposure, risk?.effectiveLeverage], ['USDT', '9985', '3000', '30000', '3.004506']);
    assert.deepEqual(summary.positions.map(({ symbol, side }) => [symbol, side]), [[PERP, 'long']]);
    assert.equal(summary.worstMarginRatio, '0.25');
  });

  test('closes in part and whole, and is then history', async () => {
    await assert.rejects(venue.positions.close(ann, PERP, { quantity: '0.0001' }), refusal('INVALID_LOT'));
    await assert.rejects(venue.positions.close(ann, PERP, {}), refusal('NO_LIQUIDITY'));
    await venue.orders.place(bob, { symbol: PERP, side: 'buy', type: 'limit', price: '31000', quantity: '1', reduceOnly: true });
    const part = await venue.positions.close(ann, PERP, { quantity: '0.4' });
    assert.deepEqual([part.side, part.status, part.reduceOnly, part.filledQuantity, part.fills?.[0]?.realizedPnl], ['sell', 'filled', true, '0.4', '400']);
    assert.deepEqual((await venue.positions.get(ann, PERP)).quantity, '0.6');
    const stream = new AccountStream({ sequencer: venue.leader, catalog: venue.catalog });
    const told: AccountMessage[] = [];
    stream.onMessage((_account, _channel, message) => told.push(message));
    venue.leader.onCommitted((record) => stream.apply(record));
    await stream.follow(ann.account, ['position']);
    const meta = { idempotencyKey: 'close', fingerprint: 'all' };
    const rest = await venue.positions.close(ann, PERP, {}, meta);
    assert.equal(rest.filledQuantity, '0.6');
    assert.deepEqual(await venue.positions.close(ann, PERP, {}, meta), rest);
    await assert.rejects(venue.positions.close(ann, PERP, {}), refusal('NOT_FOUND'));
    const again = await venue.positions.adjustMargin(ann, PERP, '100', { idempotencyKey: 'more', fingerprint: '100' });
    assert.deepEqual([again.status, again.quantity, again.margin, again.realizedPnl], ['open', '1', '6100', '0'], 'as it was when margin was moved');
    const closed = await venue.positions.get(ann, PERP);
    assert.deepEqual([closed.status, closed.quantity, closed.realizedPnl, closed.margin, closed.liquidationPrice], ['closed', '0', '1000', '0', null]);
    assert.deepEqual((await venue.positions.list(ann, { limit: 50, status: 'closed' })).items, [closed]);
    assert.deepEqual(await eventually('the closing is told', () => told[0]), { ...closed, seq: told[0]?.seq }, 'as it is read afterwards');
    assert.deepEqual((await venue.positions.list(ann, { limit: 50 })).items, []);
  });

  test('left every cent where it belongs', async () => {
    const futures = async (user: Principal) => (await venue.wallets.get(user, 'USDT'))[1];
    // 10,000 − 15 + 1,000 − 15.5; 10,000 − 6 − 1,000 − 6.2
    assert.deepEqual([(await futures(ann)).total, (await futures(ann)).available, (await futures(ann)).margin], ['10969.5', '10969.5', '0']);
    assert.equal((await futures(bob)).total, '8987.8');
    const { assets, balanced } = await venue.admin.ledgerAudit();
    assert.equal(balanced, true);
    const usdt = assets.find(({ asset }) => asset === 'USDT');
    assert.deepEqual([usdt?.sum, usdt?.external, usdt?.users, usdt?.locked, usdt?.margin, usdt?.fees, usdt?.insurance], ['0', '-20000', '19957.3', '0', '0', '42.7', '0']);
  });

  test('closes without a quantity as much as one market order may have, until nothing is left', async () => {
    await open();
    await venue.orders.place(bob, { symbol: PERP, side: 'buy', type: 'limit', price: '30000', quantity: '1', reduceOnly: true });
    await venue.admin.updateMarket(actor, PERP, { maxMarketQuantity: '0.7' });
    await assert.rejects(venue.positions.close(ann, PERP, { quantity: '0.8' }), refusal('INVALID_LOT'));
    const first = await venue.positions.close(ann, PERP, {});
    assert.deepEqual([first.status, first.quantity, first.filledQuantity], ['filled', '0.7', '0.7']);
    const second = await venue.positions.close(ann, PERP, {});
    assert.deepEqual([second.quantity, second.filledQuantity, (await venue.positions.get(ann, PERP)).status], ['0.3', '0.3', 'closed']);
  });
});
