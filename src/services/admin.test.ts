import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { listMarkets, openVenue, type Venue } from '../../tests/support/venue.ts';
import { Refusal } from '../types/refusal.ts';
import type { Actor } from './admin.ts';

const refusal = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;

describe('administration', () => {
  let venue: Venue;
  let actor: Actor;

  before(async () => {
    venue = await openVenue();
    actor = { principal: await listMarkets(venue), ip: '127.0.0.1', requestId: 'r' };
  });
  after(() => venue.close());

  test('lists what it has created', async () => {
    assert.deepEqual((await venue.admin.assets({ limit: 50 })).items, [{ asset: 'USDT', scale: 6 }, { asset: 'BTC', scale: 8 }]);
    const [spot, perpetual] = (await venue.markets.list({ limit: 50 })).items;
    assert.deepEqual([spot?.symbol, spot?.makerFee, spot?.minQuantity, spot?.maxLeverage, spot?.status], ['BTC-USDT', '0.0002', '0.001', 1, 'open']);
    assert.deepEqual([perpetual?.maxLeverage, perpetual?.riskTiers], [20, [{ notionalFloor: '0', initialMarginRate: '0.05', maintenanceMarginRate: '0.025' }]]);
  });

  test('is refused what exists or is unsound, and that is written down', async () => {
    const market = { type: 'spot', base: 'BTC', quote: 'USDT', tickSize: '0.1', lotSize: '0.001', makerFee: '0', takerFee: '0' } as const;
    await assert.rejects(venue.admin.createAsset(actor, { asset: 'USDT', scale: 2 }), refusal('CONFLICT'));
    await assert.rejects(venue.admin.createMarket(actor, { ...market, symbol: 'BTC-USDT' }), refusal('CONFLICT'));
    await assert.rejects(venue.admin.createMarket(actor, { ...market, symbol: 'BTC-EUR', quote: 'EUR' }), refusal('VALIDATION_FAILED'));
    // One lot at one tick would be a tenth of a millionth of a USDT.
    await assert.rejects(venue.admin.createMarket(actor, { ...market, symbol: 'BTC-USDT2', tickSize: '0.0001', lotSize: '0.001' }), refusal('VALIDATION_FAILED'));
    await assert.rejects(venue.admin.updateMarket(actor, 'BTC-USDT', { takerFee: '0.06' }), refusal('VALIDATION_FAILED'));
    await assert.rejects(venue.admin.updateMarket(actor, 'X-Y', { takerFee: '0' }), refusal('NOT_FOUND'));
    const { items } = await venue.admin.auditLog({ limit: 50, action: 'asset.create' });
    assert.deepEqual(items.map(({ target, outcome }) => [target, outcome]), [['USDT', 'refused'], ['BTC', 'ok'], ['USDT', 'ok']]);
  });

  test('changes a market at once, also for those who had asked before', async () => {
    assert.equal((await venue.markets.get('BTC-USDT')).status, 'open');
    const changed = await venue.admin.updateMarket(actor, 'BTC-USDT', { status: 'halted', takerFee: '0.001' });
    assert.deepEqual([changed.status, changed.takerFee], ['halted', '0.001']);
    assert.equal((await venue.markets.get('BTC-USDT')).status, 'halted');
    const [entry] = (await venue.admin.auditLog({ limit: 1 })).items;
    assert.deepEqual([entry?.action, entry?.target, entry?.before, entry?.after], [
      'market.update', 'BTC-USDT', { status: 'open', takerFee: '0.0005' }, { status: 'halted', takerFee: '0.001' },
    ]);
    const ann = await venue.user('ann');
    await assert.rejects(venue.orders.place(ann, { symbol: 'BTC-USDT', side: 'buy', type: 'limit', price: '1', quantity: '1' }), refusal('MARKET_HALTED'));
  });

  test('sets prices by hand', async () => {
    const [prices] = await venue.admin.setPrices(actor, [{ symbol: 'BTC-USDT-PERP', index: '30000', mark: '30001' }]);
    assert.deepEqual(prices, { symbol: 'BTC-USDT-PERP', index: '30000', mark: '30001', last: null, status: 'open', sources: [] });
    await assert.rejects(venue.admin.setPrices(actor, [{ symbol: 'X-Y', index: '1' }]), refusal('UNKNOWN_SYMBOL'));
    assert.equal(venue.admin.feeds().mode, 'manual');
    // Ticks of 0.1.
    const set = await venue.admin.setPrices(actor, [{ symbol: 'BTC-USDT-PERP', index: '30000.149', mark: '30001.151' }, { symbol: 'BTC-USDT', index: '0.001' }]);
    assert.deepEqual(set.map(({ index, mark }) => [index, mark]), [['30000.1', '30001.2'], ['0.1', '0.1']]);
    const [done, refused] = (await venue.admin.auditLog({ limit: 2, action: 'prices.set' })).items;
    assert.deepEqual(done?.after, { prices: [{ symbol: 'BTC-USDT-PERP', index: '30000.1', mark: '30001.2' }, { symbol: 'BTC-USDT', index: '0.1' }] }, 'what was set, not what was asked for');
    assert.deepEqual([refused?.outcome, refused?.after], ['refused', { prices: [{ symbol: 'X-Y', index: '1' }] }]);
  });

  test('answers a repeated key as the first time, whatever has changed since', async () => {
    const keyed = (idempotencyKey: string): Actor => ({ ...actor, meta: { idempotencyKey, fingerprint: '' } });
    const input = { symbol: 'ETH-USDT', type: 'spot', base: 'ETH', quote: 'USDT', tickSize: '0.1', lotSize: '0.001', makerFee: '0', takerFee: '0.001' } as const;
    await venue.admin.createAsset(actor, { asset: 'ETH', scale: 8 });
    venue.clock.time += 1_000;
    const created = await venue.admin.createMarket(keyed('create'), input);
    assert.deepEqual(created, await venue.markets.get('ETH-USDT'));
    venue.clock.time += 1_000;
    const updated = await venue.admin.updateMarket(keyed('update'), 'ETH-USDT', { status: 'halted' });
    assert.deepEqual(updated, await venue.markets.get('ETH-USDT'));
    const prices = await venue.admin.setPrices(keyed('prices'), [{ symbol: 'ETH-USDT', index: '2000' }, { symbol: 'BTC-USDT', index: '30000', mark: '30001' }]);
    assert.deepEqual(prices, await Promise.all(['ETH-USDT', 'BTC-USDT'].map((symbol) => venue.markets.prices(symbol))));

    venue.clock.time += 1_000;
    await venue.admin.setPrices(actor, [{ symbol: 'ETH-USDT', index: '2100' }, { symbol: 'BTC-USDT', index: '31000' }]);
    const changed = await venue.admin.updateMarket(actor, 'ETH-USDT', { takerFee: '0.002' });
    assert.deepEqual(await venue.admin.createMarket(keyed('create'), input), created);
    assert.deepEqual(await venue.admin.updateMarket(keyed('update'), 'ETH-USDT', { status: 'halted' }), updated);
    assert.deepEqual(await venue.admin.setPrices(keyed('prices'), [{ symbol: 'ETH-USDT', index: '2000' }, { symbol: 'BTC-USDT', index: '30000', mark: '30001' }]), prices);
    assert.deepEqual(await venue.markets.get('ETH-USDT'), changed);
    assert.equal((await venue.markets.prices('ETH-USDT')).index, '2100');
  });

  test('audits a ledger that balances', async () => {
    const ann = await venue.user('ann2');
    await venue.wallets.deposit(ann, { asset: 'USDT', amount: '12.5', account: 'spot' });
    const { assets, balanced } = await venue.admin.ledgerAudit();
    assert.equal(balanced, true);
    assert.deepEqual(assets.find(({ asset }) => asset === 'USDT'), {
      asset: 'USDT', sum: '0', external: '-12.5', users: '12.5', locked: '0', margin: '0', fees: '0', insurance: '0',
    });
  });
});
