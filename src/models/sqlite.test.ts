import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { eventually } from '../../tests/support/wait.ts';
import { UnavailableError } from '../utils/errors.ts';
import type { CollectionSpec } from './collection.ts';
import { storeContract } from './contract.ts';
import { locate, notOpened } from './damage.ts';
import { StoreDamagedError } from './errors.ts';
import { orders } from './orders.ts';
import { priceticks } from './priceticks.ts';
import { RemoteStore } from './remote.ts';
import { SqliteDatabase, SqliteStore } from './sqlite.ts';

const directory = mkdtempSync(join(tmpdir(), 'bourse-store-'));
after(() => rmSync(directory, { recursive: true }));

storeContract('sqlite, in the same thread', {
  open: async () => new SqliteStore(':memory:'),
  sweep: (store, now) => (store as SqliteStore).sweep(now, 100),
});

storeContract('sqlite, behind a thread', { open: async () => new RemoteStore({ directory }) });

interface Note {
  readonly id: string;
  readonly topic: string;
  readonly stars: number;
}
const notes: CollectionSpec<Note> = { name: 'notes', indexes: [{ fields: { topic: 1 } }] };

/** As JSON, and without names. */
const unnamed: CollectionSpec<Note> = { ...notes, projected: true, fields: { id: 'always', topic: 'always', stars: 'always' }, repeated: ['topic'] };
for (const [form, spec] of Object.entries({ 'as JSON': notes, 'without names': unnamed })) {
  test(`a collection ${form} that is given another index later finds its old documents by it`, () => {
    const file = join(directory, `evolve ${form}.db`);
    const first = new SqliteDatabase(file, { durable: false });
    first.table(spec).insert({ id: '1', topic: 'a', stars: 5 });
    first.table(spec).insert({ id: '2', topic: 'a', stars: 3 });
    first.close();
    const second = new SqliteDatabase(file, { durable: false });
    const table = second.table<Note>({ ...spec, indexes: [...spec.indexes, { fields: { stars: -1 } }] });
    assert.deepEqual(table.find({ where: { stars: { gte: 5 } }, limit: 5 }), [{ id: '1', topic: 'a', stars: 5 }]);
    second.close();
  });
}

test('a disk without space is told with its file and what to do, and may be tried again', () => {
  const db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE t (x); PRAGMA max_page_count = 2');
  let full: Error | undefined;
  try {
    db.exec('INSERT INTO t VALUES (zeroblob(100000))');
  } catch (error) {
    full = error as Error;
  }
  db.close();
  assert.equal(full?.message, 'database or disk is full');
  const message = '/data/store.db cannot be written (database or disk is full): free space on its disk, and start again where the process has ended; nothing acknowledged is lost';
  for (const named of [locate(full, '/data', { name: 'notes' }), notOpened(full, '/data', 'store.db')]) {
    assert.ok(named instanceof UnavailableError);
    assert.equal(named.message, message);
  }
});

test('a folded collection whose ids have become numbers begins anew; one that services write is left as it is', () => {
  const file = join(directory, 'ids.db');
  const first = new SqliteDatabase(file, { durable: false });
  for (const name of ['folded', 'kept']) first.table({ ...notes, name }).insert({ id: '1', topic: 'a', stars: 5 });
  first.close();
  const second = new SqliteDatabase(file, { durable: false });
  const folded = second.table<Note>({ ...notes, name: 'folded', projected: true, ids: 'numbers' });
  assert.equal(folded.count(), 0);
  folded.put(['2', '10'].map((id) => ({ id, topic: 'a', stars: 5 })));
  assert.deepEqual(folded.find({ limit: 5 }).map(({ id }) => id), ['10', '2']);
  assert.equal(second.table<Note>({ ...notes, name: 'kept' }).count(), 1);
  second.close();
});

test('a folded collection whose rows have another form begins anew', () => {
  const file = join(directory, 'form.db');
  const folded: CollectionSpec<Note> = { ...notes, projected: true };
  const spelled: CollectionSpec<Note> = { ...unnamed, repeated: [] };
  for (const form of [folded, spelled, unnamed, folded]) {
    const database = new SqliteDatabase(file, { durable: false });
    const table = database.table(form);
    assert.equal(table.count(), 0);
    table.put([{ id: '1', topic: 'a', stars: 5 }]);
    database.close();
    const again = new SqliteDatabase(file, { durable: false });
    assert.deepEqual(again.table(form).find({ where: { topic: 'a' }, limit: 2 }), [{ id: '1', topic: 'a', stars: 5 }]);
    again.close();
  }
});

test('the number of a text whose transaction failed is not used for another', () => {
  const database = new SqliteDatabase(':memory:', { durable: false });
  const table = database.table(unnamed);
  assert.throws(() => database.transaction(() => {
    table.put([{ id: '1', topic: 'lost', stars: 1 }]);
    throw new Error('power cut');
  }), /power cut/);
  table.put([{ id: '2', topic: 'kept', stars: 1 }, { id: '3', topic: 'lost', stars: 1 }]);
  assert.deepEqual(table.find({ sort: { id: 1 }, limit: 5 }).map(({ topic }) => topic), ['kept', 'lost']);
  assert.deepEqual(table.find({ where: { topic: 'lost' }, limit: 5 }).map(({ id }) => id), ['3']);
  database.close();
});

test('a transaction that fails leaves nothing behind, and the next one works', () => {
  const database = new SqliteDatabase(':memory:', { durable: false });
  const table = database.table(notes);
  assert.throws(() => database.transaction(() => {
    table.put([{ id: '1', topic: 'a', stars: 1 }]);
    throw new Error('power cut');
  }), /power cut/);
  assert.equal(table.count(), 0);
  table.put([{ id: '1', topic: 'a', stars: 1 }]);
  assert.equal(table.count(), 1);
  database.close();
});

test('the thread removes expired documents of services by itself', async () => {
  const place = mkdtempSync(join(directory, 'sweep-'));
  const store = new RemoteStore({ directory: place, sweepMs: 5, sweepAt: 1_000 });
  const expiring = store.collection<Note>({ ...notes, ttl: { field: 'stars', seconds: 0 } });
  await expiring.put([{ id: 'old', topic: 'a', stars: 1_000 }, { id: 'new', topic: 'a', stars: 1_001 }]);
  const left = await eventually('a document has gone', async () => {
    const { items } = await expiring.find({ limit: 5 });
    return items.length < 2 ? items : undefined;
  });
  assert.deepEqual(left.map(({ id }) => id), ['new']);
  await store.close();
});

/** A directory of its own with some notes, what is done to their file, and what the thread then says of them. */
async function afterDamage<R>(spec: CollectionSpec<Note>, damage: (file: string) => void, ask: (store: RemoteStore, file: string) => Promise<R>): Promise<R> {
  const place = mkdtempSync(join(directory, 'damage-'));
  const file = join(place, spec.projected === true ? 'projections.db' : 'store.db');
  const intact = new RemoteStore({ directory: place });
  const table = intact.collection(spec);
  for (let i = 0; i < 10; i++) await table.put(Array.from({ length: 100 }, (_, j) => ({ id: `${i * 100 + j}`, topic: 'a'.repeat(100), stars: 1 })));
  await intact.close();
  damage(file);
  const store = new RemoteStore({ directory: place });
  try {
    return await ask(store, file);
  } finally {
    await store.close();
  }
}

function assertDamaged(error: unknown, ...words: string[]): true {
  assert.ok(error instanceof StoreDamagedError, String(error));
  for (const word of words) assert.ok(error.message.includes(word), `${error.message} lacks ${word}`);
  return true;
}

for (const [name, spec, way] of [['store.db', notes, 'from a backup'], ['projections.db', unnamed, 'it is built anew']] as const) {
  test(`${name} that is no database is named in each call, with the reason and what to do`, () =>
    afterDamage(spec, (file) => writeFileSync(file, 'ruin'.repeat(5_000)), async (store, file) => {
      for (let i = 0; i < 2; i++) await assert.rejects(store.collection(spec).get('1'), (error) => assertDamaged(error, `${file} is damaged (file is not a database)`, way));
    }));

  test(`${name} with damaged pages is named, and so is the collection`, () => {
    const ruin = (file: string): void => {
      const bytes = readFileSync(file);
      writeFileSync(file, bytes.fill(0xff, bytes.length >> 1));
    };
    return afterDamage(spec, ruin, async (store, file) => {
      const all = async (): Promise<void> => {
        for (let i = 0; i < 1_000; i++) await store.collection(spec).get(String(i));
      };
      await assert.rejects(all(), (error) => assertDamaged(error, `${file}, collection notes, is damaged (database disk image is malformed)`, way));
      await assert.rejects(store.ping(), StoreDamagedError);
    });
  });

  test(`a damaged document in ${name} is no reason to try again, is not quoted, and shows in the store's health from then on`, () => {
    const ruin = (file: string): void => {
      const db = new DatabaseSync(file);
      db.exec(`UPDATE notes SET ${spec === notes ? 'doc' : 'fields'} = '{"hidden' WHERE id = '7'`);
      db.close();
    };
    return afterDamage(spec, ruin, async (store, file) => {
      const table = store.collection(spec);
      await store.ping();
      await table.get('8');
      for (const ask of [() => table.get('7'), () => table.find({ where: { id: '7' }, limit: 5 }), () => table.patch('7', { stars: 2 })]) {
        await assert.rejects(ask, (error) => assertDamaged(error, `${file}, collection notes, is damaged (a document is not JSON)`, way) && !(error as Error).message.includes('hidden'));
      }
      assert.equal((await table.get('8'))?.id, '8');
      await assert.rejects(store.ping(), StoreDamagedError);
    });
  });
}

test('a word that is missing is damage', () => {
  const ruin = (file: string): void => {
    const db = new DatabaseSync(file);
    db.exec('DELETE FROM words');
    db.close();
  };
  return afterDamage(unnamed, ruin, (store) => assert.rejects(store.collection(unnamed).get('1'), (error) => assertDamaged(error, 'word 1 is missing')));
});

test('a file that cannot be opened is named, and opened once it can be', async () => {
  const place = mkdtempSync(join(directory, 'shut-'));
  mkdirSync(join(place, 'store.db'));
  const store = new RemoteStore({ directory: place });
  await assert.rejects(store.collection(notes).count(), (error) => error instanceof UnavailableError && error.message.includes(`${join(place, 'store.db')} cannot be opened (`));
  rmSync(join(place, 'store.db'), { recursive: true });
  assert.equal(await store.collection(notes).count(), 0);
  await store.ping();
  await store.close();
});

test('the thread refuses more calls than it may hold, and all calls once it is closed', async () => {
  const place = mkdtempSync(join(directory, 'bounds-'));
  const store = new RemoteStore({ directory: place, maxInFlight: 3 });
  const table = store.collection(notes);
  const calls = await Promise.allSettled([table.count(), table.count(), table.count()]);
  assert.deepEqual(calls.map((call) => call.status), ['fulfilled', 'fulfilled', 'rejected'], 'opening the collection is a call, too');
  assert.match(String((calls[2] as PromiseRejectedResult).reason), /too many queries/);
  await store.close();
  await assert.rejects(table.count(), { code: 'UNAVAILABLE' });
});

test('a collection is opened, and the thread ends, however many calls wait', { timeout: 30_000 }, async () => {
  const place = mkdtempSync(join(directory, 'full-'));
  const store = new RemoteStore({ directory: place, maxInFlight: 1 });
  const [one, two] = [store.collection(notes), store.collection({ ...notes, name: 'others' })];
  await store.ping().catch(() => undefined);
  await eventually('both are open', () => two.count().then((count) => count === 0 || undefined, () => undefined));
  const waiting = one.count();
  await store.close();
  assert.equal(await waiting, 0);
  await assert.rejects(one.count(), { code: 'UNAVAILABLE', message: 'the store is closed' });
});

test('the thread tells what each call took', async () => {
  const place = mkdtempSync(join(directory, 'observe-'));
  const seen: string[] = [];
  const store = new RemoteStore({ directory: place, observe: (collection, operation, seconds) => { if (seconds >= 0) seen.push(`${collection}.${operation}`); } });
  await store.collection(notes).get('1');
  assert.deepEqual(seen, ['notes.open', 'notes.get']);
  await store.close();
});

test('a document that is not data is refused and harms no other call', async () => {
  const place = mkdtempSync(join(directory, 'clone-'));
  const store = new RemoteStore({ directory: place });
  const table = store.collection(notes);
  await table.count();
  await assert.rejects(table.insert({ id: '1', topic: 'a', stars: (() => 1) as unknown as number }), TypeError);
  assert.equal(await table.count(), 0);
  await store.close();
});

test('the seed\'s queries use the seed\'s indexes', () => {
  const file = join(directory, 'plans.db');
  const database = new SqliteDatabase(file, { durable: false });
  database.table(orders);
  database.table(priceticks);
  database.close();
  const raw = new DatabaseSync(file);
  const plan = (sql: string): string => (raw.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[]).map((row) => row.detail).join('; ');
  assert.match(plan(`SELECT fields FROM orders WHERE userId = 1 AND status = 2 ORDER BY createdAt DESC, id DESC`), /USING INDEX orders__userId__status__createdAt_desc \(userId=\? AND status=\?\)/);
  assert.match(plan(`SELECT fields FROM orders WHERE userId = ? AND createdAt <= ? AND (createdAt < ? OR (createdAt = ? AND id < ?)) ORDER BY createdAt DESC`), /orders__userId__createdAt_desc \(userId=\? AND createdAt<\?\)/);
  assert.match(plan('SELECT fields FROM orders WHERE userId = ? AND clientOrderId = ?'), /orders__userId__clientOrderId \(/);
  assert.match(plan('SELECT id FROM priceticks WHERE timestamp <= ? LIMIT 5'), /priceticks__timestamp \(timestamp<\?\)/);
  raw.close();
});
