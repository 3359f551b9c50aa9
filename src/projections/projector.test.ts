import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { AccountId } from '../engine/units.ts';
import { accounts } from '../models/accounts.ts';
import { assets } from '../models/assets.ts';
import type { CollectionSpec } from '../models/collection.ts';
import { funding } from '../models/funding.ts';
import { insurance } from '../models/insurance.ts';
import { klines } from '../models/klines.ts';
import { liquidations } from '../models/liquidations.ts';
import { markets } from '../models/markets.ts';
import { type OrderDoc, orders } from '../models/orders.ts';
import { positions } from '../models/positions.ts';
import { priceticks } from '../models/priceticks.ts';
import { SqliteDatabase } from '../models/sqlite.ts';
import { trades } from '../models/trades.ts';
import { type Transaction, transactions } from '../models/transactions.ts';
import { type WalletDoc, wallets } from '../models/wallets.ts';
import { ALICE, PERP, START, TestJournal } from '../../tests/support/projection.ts';
import { Random } from '../../tests/simulation/random.ts';
import { simulateVenue } from '../../tests/support/simulated-venue.ts';
import { storedAmount } from './amounts.ts';
import { CommittedCatalog } from './committed-catalog.ts';
import { orderFromView } from './orders.ts';
import { Projector, storedCheckpoint } from './projector.ts';
import { linesOfFill } from './transactions.ts';

const ALL = [accounts, assets, funding, insurance, klines, liquidations, markets, orders, positions, priceticks, trades, transactions, wallets] as unknown as CollectionSpec<{ id: string }>[];

function memory(): SqliteDatabase {
  return new SqliteDatabase(':memory:', { durable: false });
}

function everything<T extends { readonly id: string }>(database: SqliteDatabase, spec: CollectionSpec<T>): T[] {
  const docs: T[] = [];
  for (let page = database.table(spec).find({ limit: 500 }); page.length > 0; page = database.table(spec).find({ limit: 500, offset: docs.length })) docs.push(...page);
  return docs;
}

function dump(database: SqliteDatabase): Record<string, unknown[]> {
  return Object.fromEntries(ALL.map((spec) => [spec.name, everything(database, spec)]));
}

function projected(journal: TestJournal, options: { readonly maxEvents?: number } = {}): SqliteDatabase {
  const database = memory();
  const projector = new Projector({ database, source: journal, ...options });
  while (projector.step() > 0);
  assert.equal(projector.checkpoint, journal.seq);
  return database;
}

test('how far the collections are is read from their file, also after a crash, and what cannot be read says nothing', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bourse-checkpoint-'));
  const warnings: string[] = [];
  const logger = { warn: (message: string) => void warnings.push(message) };
  const file = join(directory, 'projections.db');
  assert.equal(storedCheckpoint(directory, logger), 0);
  assert.deepEqual(readdirSync(directory), [], 'it makes no file');
  const journal = new TestJournal();
  journal.list();
  const database = new SqliteDatabase(file, { durable: false });
  const projector = new Projector({ database, source: journal });
  assert.equal(storedCheckpoint(directory, logger), 0);
  while (projector.step() > 0);
  assert.ok(existsSync(`${file}-wal`));
  assert.equal(storedCheckpoint(directory, logger), journal.seq);
  database.close();
  assert.equal(storedCheckpoint(directory, logger), journal.seq);
  assert.deepEqual(warnings, []);
  writeFileSync(file, 'no database '.repeat(1_000));
  assert.equal(storedCheckpoint(directory, logger), 0);
  assert.equal(warnings.length, 1);
  rmSync(directory, { recursive: true });
});

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

describe(`the collections of a simulated venue (seed ${seed})`, () => {
  const { engine, journal, events } = simulateVenue(seed, 3_000);
  const database = projected(journal);
  const catalog = new CommittedCatalog(engine);
  const isUser = (account: AccountId): boolean => engine.kindOf(account) === 'user';
  const context = { catalog, owners: engine };

  test('the venue was busy enough to tell', () => {
    for (const type of ['trade', 'order_amended', 'order_closed', 'prices_updated', 'funding_paid', 'position_liquidated'] as const) {
      assert.ok(events.some((event) => event.type === type), `no ${type}`);
    }
  });

  test('wallets hold what the engine\'s accounts hold', () => {
    const docs = new Map(everything(database, wallets).map((doc) => [doc.id, doc]));
    for (let account = 1; account < engine.accountCount; account++) {
      for (const { id, code, scale } of engine.assets) {
        const amount = (doc: WalletDoc | undefined, field: 'available' | 'locked' | 'margin' | 'total'): number => storedAmount(doc?.[field] ?? '0', scale);
        const [spot, futures] = [docs.get(`${account}:spot:${code}`), docs.get(`${account}:futures:${code}`)];
        const stored = {
          asset: id, spotAvailable: amount(spot, 'available'), spotLocked: amount(spot, 'locked'), futuresAvailable: amount(futures, 'available'),
          futuresLocked: amount(futures, 'locked'), margin: amount(futures, 'margin'),
        };
        assert.deepEqual(stored, { ...engine.balance(account, id) }, `account ${account}, ${code}`);
        assert.equal(amount(spot, 'total'), stored.spotAvailable + stored.spotLocked);
        assert.equal(amount(futures, 'total'), stored.futuresAvailable + stored.futuresLocked + stored.margin);
      }
    }
    for (const row of engine.audit()) {
      const { code, scale } = engine.assets[row.asset]!;
      const fund = everything(database, insurance).find((doc) => doc.id === code);
      assert.equal(storedAmount(fund?.balance ?? '0', scale), row.insurance, `insurance fund, ${code}`);
    }
  });

  test('the lines of a statement add up to the wallet', () => {
    const sums = new Map<string, number>();
    const ids = new Set<string>();
    let count = 0;
    const add = (accountId: AccountId, line: Transaction): void => {
      const key = `${accountId}:${line.account}:${line.asset}`;
      sums.set(key, (sums.get(key) ?? 0) + storedAmount(line.amount, engine.asset(line.asset)!.scale));
      ids.add(line.id);
      count++;
    };
    for (const line of everything(database, transactions)) add(line.accountId, line);
    for (const fill of everything(database, trades)) if (isUser(fill.accountId)) for (const line of linesOfFill(fill, catalog.find(fill.symbol)!)) add(fill.accountId, line);
    const held = everything(database, wallets).filter((wallet) => isUser(wallet.accountId));
    for (const wallet of held) assert.equal(sums.get(wallet.id) ?? 0, storedAmount(wallet.total, engine.asset(wallet.asset)!.scale), wallet.id);
    assert.ok(held.length > 20);
    assert.equal(ids.size, count, 'no two lines have one id');
  });

  test('open orders are stored as the live state has them, ended ones add up', () => {
    const docs = new Map(everything(database, orders).map((doc) => [doc.id, doc]));
    let open = 0;
    for (let account = 2; account < engine.accountCount; account++) {
      for (const view of engine.openOrders(account)) {
        if (!isUser(account)) continue;
        open++;
        assert.deepEqual(docs.get(String(view.id)), orderFromView(view, context));
      }
    }
    const isOpen = (doc: OrderDoc): boolean => doc.status === 'new' || doc.status === 'partially_filled';
    assert.equal([...docs.values()].filter(isOpen).length, open);
    for (const doc of docs.values()) {
      const { units } = catalog.find(doc.symbol)!;
      const [quantity, filled, remaining] = [doc.quantity, doc.filledQuantity, doc.remainingQuantity].map((text) => units.quantity(text)!);
      assert.equal(filled! + remaining!, quantity, doc.id);
      assert.equal(doc.status === 'filled', remaining === 0, `${doc.id} ${doc.status}`);
      assert.ok(isUser(doc.accountId), 'orders of the house are not stored');
    }
  });

  test('open positions are stored as the live state has them', () => {
    const docs = everything(database, positions);
    let open = 0;
    for (let account = 2; account < engine.accountCount; account++) {
      for (const view of isUser(account) ? engine.positions(account) : []) {
        if (view.size === 0) continue;
        open++;
        const { market, units } = catalog.byId(view.market);
        const found = docs.filter((doc) => doc.accountId === account && doc.symbol === market.symbol && doc.status === 'open');
        assert.equal(found.length, 1);
        const { side, quantity, entryPrice, margin, leverage, realizedPnl } = found[0]!;
        assert.deepEqual({ side, quantity, entryPrice, margin, leverage, realizedPnl }, {
          side: view.size > 0 ? 'long' : 'short',
          quantity: units.formatQuantity(Math.abs(view.size)),
          entryPrice: units.formatAverage(view.cost, Math.abs(view.size), market.quotePerTickLot),
          margin: units.formatQuote(view.margin),
          leverage: view.leverage,
          realizedPnl: units.formatQuote(view.realized),
        });
      }
    }
    assert.equal(docs.filter((doc) => doc.status === 'open').length, open);
    assert.ok(docs.some((doc) => doc.status === 'closed'));
  });

  test('every fill of a user is stored once, and each public trade as its taker\'s fill', () => {
    const docs = everything(database, trades);
    const wanted = new Set<string>();
    let prints = 0;
    for (const event of events) {
      if (event.type !== 'trade') continue;
      const print = event.cause === 'order' || event.cause === 'liquidation';
      if (print) prints++;
      if (print || isUser(event.taker.account)) wanted.add(`${event.seq}0`);
      if (isUser(event.maker.account)) wanted.add(`${event.seq}1`);
    }
    assert.deepEqual(new Set(docs.map((doc) => doc.id)), wanted);
    const minutes = everything(database, klines).filter((bar) => bar.interval === '1m');
    assert.equal(minutes.reduce((sum, bar) => sum + bar.count, 0), prints, 'candles count the prints');
  });

  test('batches of any size, crashes and restarts lead to the same collections', () => {
    const whole = dump(database);
    const random = new Random(seed + 1);
    const other = memory();
    let crashes = 0;
    const crashing = Object.assign(Object.create(other) as SqliteDatabase, {
      table: other.table.bind(other),
      transaction: <R>(body: () => R): R => other.transaction(() => {
        const result = body();
        if (random.chance(0.2) && ++crashes > 0) throw new Error('power cut');
        return result;
      }),
    });
    for (let projector = new Projector({ database: crashing, source: journal, maxEvents: random.between(1, 400) }); projector.checkpoint < journal.seq;) {
      try {
        projector.step();
      } catch (error) {
        assert.match(String(error), /power cut/);
      }
      if (random.chance(0.3)) projector = new Projector({ database: crashing, source: journal, maxEvents: random.between(1, 400) });
    }
    assert.ok(crashes > 0);
    assert.deepEqual(dump(other), whole);
  });

  test('building anew leads to the same collections', () => {
    const whole = dump(database);
    // One that reads a journal without events finds the collections ahead of it, and empties them.
    assert.equal(new Projector({ database, source: new TestJournal() }).checkpoint, 0);
    assert.equal(everything(database, orders).length, 0);
    const projector = new Projector({ database, source: journal });
    while (projector.step() > 0);
    assert.deepEqual(dump(database), whole);
  });
});

test('a record with more events than a batch may hold takes several', () => {
  const journal = new TestJournal();
  journal.list();
  const deposit = { type: 'deposited', account: ALICE, asset: 0, amount: 1_000_000, wallet: 'spot' } as const;
  journal.add(START + 1, ...Array.from({ length: 100 }, () => deposit));
  const database = memory();
  const projector = new Projector({ database, source: journal, maxEvents: 30 });
  const sizes = [];
  for (let count = projector.step(); count > 0; count = projector.step()) sizes.push(count);
  assert.deepEqual(sizes, [30, 30, 30, 17]);
  assert.equal(database.table(wallets).get(`${ALICE}:spot:USDT`)?.total, '100');
});

test('collections that are ahead of the journal, or of another version, are built anew', () => {
  const long = new TestJournal();
  long.list();
  long.add(START, { type: 'deposited', account: ALICE, asset: 0, amount: 5, wallet: 'spot' });
  const database = projected(long);
  const short = new TestJournal();
  short.list();
  const projector = new Projector({ database, source: short });
  assert.equal(projector.checkpoint, 0);
  while (projector.step() > 0);
  assert.equal(database.table(wallets).count(), 0);
  assert.equal(database.table(markets).get(PERP.symbol)?.riskTiers[0]?.initialMarginRate, '0.02');
});

test('a gap in the journal stops the projector', () => {
  const journal = new TestJournal();
  journal.list();
  journal.records.splice(1, 1);
  const projector = new Projector({ database: memory(), source: journal });
  assert.throws(() => projector.step(), /gap/);
  assert.equal(projector.checkpoint, 0);
});
