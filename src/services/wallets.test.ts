import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { listMarkets, openVenue, type Venue } from '../../tests/support/venue.ts';
import type { Principal } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';

const refusal = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;

describe('wallets', () => {
  let venue: Venue;
  let ann: Principal;

  before(async () => {
    venue = await openVenue();
    await listMarkets(venue);
    ann = await venue.user('ann');
  });
  after(() => venue.close());

  test('are none before the first money', async () => {
    assert.deepEqual(await venue.wallets.list(ann, { limit: 50 }), { items: [] });
    assert.deepEqual((await venue.wallets.get(ann, 'BTC')).map(({ account, total }) => [account, total]), [['spot', '0'], ['futures', '0']]);
    await assert.rejects(venue.wallets.get(ann, 'DOGE'), refusal('NOT_FOUND'));
  });

  test('take a deposit, and say so in the statement', async () => {
    const line = await venue.wallets.deposit(ann, { asset: 'USDT', amount: '1000.5', account: 'spot' });
    assert.deepEqual([line.type, line.account, line.asset, line.amount, line.fee, line.status, line.timestamp], ['deposit', 'spot', 'USDT', '1000.5', '0', 'completed', venue.clock.time]);
    assert.deepEqual((await venue.wallets.transactions(ann, { limit: 50 })).items, [line]);
    const [spot, futures] = (await venue.wallets.list(ann, { limit: 50 })).items;
    assert.deepEqual(spot, { account: 'spot', asset: 'USDT', total: '1000.5', available: '1000.5', locked: '0', seq: venue.leader.state.seq });
    assert.deepEqual([futures?.account, futures?.total, futures?.margin], ['futures', '0', '0']);
  });

  test('take a deposit once under one key', async () => {
    const meta = { idempotencyKey: 'gift', fingerprint: 'f' };
    const input = { asset: 'BTC', amount: '1', account: 'spot' } as const;
    assert.deepEqual(await venue.wallets.deposit(ann, input, meta), await venue.wallets.deposit(ann, input, meta));
    assert.equal((await venue.wallets.get(ann, 'BTC'))[0]?.total, '1');
    await assert.rejects(venue.wallets.deposit(ann, input, { ...meta, fingerprint: 'other' }), refusal('CONFLICT'));
  });

  test('move money between spot and futures', async () => {
    const moved = await venue.wallets.transfer(ann, { asset: 'USDT', amount: '400', from: 'spot', to: 'futures' });
    assert.deepEqual([moved.amount, moved.from, moved.to], ['400', 'spot', 'futures']);
    assert.deepEqual((await venue.wallets.get(ann, 'USDT')).map(({ total }) => total), ['600.5', '400']);
    await assert.rejects(venue.wallets.transfer(ann, { asset: 'USDT', amount: '600.500001', from: 'spot', to: 'futures' }), refusal('INSUFFICIENT_BALANCE'));
    const { items } = await venue.wallets.transactions(ann, { limit: 50, type: 'transfer' });
    assert.deepEqual(items.map(({ account, amount }) => [account, amount]).sort(), [['futures', '400'], ['spot', '-400']]);
  });

  test('refuse what is no amount of the asset, or too much at once', async () => {
    const seq = venue.leader.state.seq;
    for (const [asset, amount] of [['DOGE', '1'], ['USDT', '0.0000001'], ['USDT', '100000000.000001'], ['USDT', '999999999999999999']] as const) {
      await assert.rejects(venue.wallets.deposit(ann, { asset, amount, account: 'spot' }), refusal('VALIDATION_FAILED'), `${asset} ${amount}`);
    }
    assert.equal(venue.leader.state.seq, seq);
  });

  test('show the lock of an open order', async () => {
    await venue.orders.place(ann, { symbol: 'BTC-USDT', side: 'buy', type: 'limit', price: '1000', quantity: '0.5' });
    const [spot] = await venue.wallets.get(ann, 'USDT');
    assert.deepEqual([spot?.total, spot?.available, spot?.locked], ['600.5', '100.5', '500']);
  });
});

test('a closed door takes no deposits', async () => {
  const venue = await openVenue({ deposits: 'closed' });
  await listMarkets(venue);
  const ann = await venue.user('ann');
  await assert.rejects(venue.wallets.deposit(ann, { asset: 'USDT', amount: '1', account: 'spot' }), refusal('FORBIDDEN'));
  await venue.close();
});
