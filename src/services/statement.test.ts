import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { listMarkets, openVenue, type Venue } from '../../tests/support/venue.ts';
import { SqliteTable } from '../models/table.ts';
import type { Transaction } from '../models/transactions.ts';
import type { Principal } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';
import type { TransactionQuery } from './statement.ts';

describe('a statement', () => {
  let venue: Venue;
  let ann: Principal;

  /** Buys of one, two, three… thousandths of a BTC, with a deposit or a transfer between them. */
  before(async () => {
    venue = await openVenue();
    await listMarkets(venue);
    ann = await venue.user('ann');
    const bob = await venue.user('bob');
    await venue.wallets.deposit(bob, { asset: 'BTC', amount: '10', account: 'spot' });
    await venue.wallets.deposit(ann, { asset: 'USDT', amount: '100000', account: 'spot' });
    for (let n = 1; n <= 8; n++) {
      const quantity = `0.00${n}`;
      await venue.orders.place(bob, { symbol: 'BTC-USDT', side: 'sell', type: 'limit', price: '30000', quantity });
      await venue.orders.place(ann, { symbol: 'BTC-USDT', side: 'buy', type: 'limit', price: '30000', quantity });
      if (n % 2 === 0) await venue.wallets.transfer(ann, { asset: 'USDT', amount: String(n), from: 'spot', to: 'futures' });
      // Some of it happens within one millisecond.
      if (n % 3 === 0) venue.clock.time += 1_000;
    }
  });
  after(() => venue.close());

  const list = async (query: Partial<TransactionQuery> = {}): Promise<Transaction[]> => (await venue.wallets.transactions(ann, { limit: 500, ...query })).items;
  const tell = (lines: readonly Transaction[]): string[] => lines.map(({ type, account, asset, amount }) => `${type} ${account} ${asset} ${amount}`);

  test('is one list of fills and of what else moved money, newest first', async () => {
    const lines = await list();
    // 8 trades of two assets, 4 transfers between two wallets, a deposit.
    assert.equal(lines.length, 8 * 2 + 4 * 2 + 1);
    // 0.008 BTC at 30,000; the taker pays 0.05 % of what it gets.
    assert.deepEqual(tell(lines.slice(0, 4)), ['transfer futures USDT 8', 'transfer spot USDT -8', 'trade spot BTC 0.007996', 'trade spot USDT -240']);
    assert.equal(tell(lines).at(-1), 'deposit spot USDT 100000');
    assert.deepEqual(lines.map(({ seq }) => seq), lines.map(({ seq }) => seq).toSorted((a, b) => b - a));
    assert.equal(new Set(lines.map(({ id }) => id)).size, lines.length);
  });

  test('comes in pages of any size, each line once, while more is traded', async () => {
    const whole = await list();
    for (const limit of [1, 2, 3, 7, 24, 25, 26]) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await venue.wallets.transactions(ann, { limit, ...(cursor !== undefined && { cursor }) });
        assert.ok(page.items.length > 0 && page.items.length <= limit);
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      assert.deepEqual(seen, whole.map(({ id }) => id), `pages of ${limit}`);
    }
    const first = await venue.wallets.transactions(ann, { limit: 5 });
    await venue.wallets.deposit(ann, { asset: 'BTC', amount: '1', account: 'spot' });
    const rest = await list({ cursor: first.nextCursor });
    assert.deepEqual([...first.items, ...rest], whole);
  });

  test('can be of one asset, one kind, a span of time, and begin further down', async () => {
    const whole = await list();
    assert.deepEqual(await list({ asset: 'BTC' }), whole.filter(({ asset }) => asset === 'BTC'));
    assert.deepEqual(await list({ asset: 'USDT', type: 'trade' }), whole.filter(({ asset, type }) => asset === 'USDT' && type === 'trade'));
    assert.deepEqual(await list({ type: 'transfer' }), whole.filter(({ type }) => type === 'transfer'));
    assert.deepEqual(await list({ asset: 'DOGE' }), []);
    const middle = whole[10]!.timestamp;
    assert.deepEqual(await list({ from: middle }), whole.filter(({ timestamp }) => timestamp >= middle));
    assert.deepEqual(await list({ to: middle }), whole.filter(({ timestamp }) => timestamp <= middle));
    assert.deepEqual(await list({ offset: 3, limit: 4 }), whole.slice(3, 7));
    assert.deepEqual(await list({ to: middle, cursor: `t${whole[0]!.timestamp}.${whole[0]!.id}` }), whole.slice(1).filter(({ timestamp }) => timestamp <= middle));
  });

  test('is read in few queries, however far down it begins', async (t) => {
    const find = t.mock.method(SqliteTable.prototype, 'findText');
    const whole = await list();
    const deep = await list({ offset: whole.length - 2, limit: 1 });
    assert.deepEqual(deep, whole.slice(-2, -1));
    assert.equal(find.mock.callCount(), 4, 'two sources, twice');
  });

  test('is there for an asset of more markets than a query can name', async () => {
    const whole = await list({ asset: 'USDT' });
    const { catalog, leader } = venue;
    const spec = catalog.named('BTC-USDT').market;
    for (let n = 0; n <= 500; n++) {
      assert.equal((await leader.submit({ type: 'create_asset', code: `C${n}`, scale: 8 })).ok, true);
      assert.equal((await leader.submit({ type: 'create_market', spec: { ...spec, symbol: `C${n}-USDT`, base: `C${n}` } })).ok, true);
    }
    assert.deepEqual(await list({ asset: 'USDT' }), whole);
  });

  test('refuses the cursor of another list', async () => {
    for (const cursor of ['', 'x', 'p3', 't1', 't1.x', 't1.1 OR 1']) await assert.rejects(list({ cursor }), (error) => error instanceof Refusal && error.code === 'VALIDATION_FAILED');
  });
});
