/** What every driver of the store must do: one suite, run against each of them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Collection, CollectionSpec, Find, Store } from './collection.ts';
import { DuplicateKeyError, InvalidCursorError } from './errors.ts';

interface Car {
  readonly id: string;
  readonly owner: string;
  readonly plate: string | null;
  readonly price: string;
  readonly built: number;
  readonly sold: boolean;
  readonly tags?: readonly string[];
}

export interface StoreUnderTest {
  open(): Promise<Store>;
  /** Removes what has expired at `now`. */
  sweep?(store: Store, now: number): number;
}

let serial = 0;

function spec(extra: Partial<CollectionSpec<Car>> = {}): CollectionSpec<Car> {
  return {
    name: `cars${++serial}`,
    indexes: [{ fields: { owner: 1, built: -1 } }, { fields: { plate: 1 }, unique: true, sparse: true }],
    filters: ['sold', 'price'],
    ...extra,
  };
}

function car(id: string, more: Partial<Car> = {}): Car {
  return { id, owner: 'ada', plate: null, price: '10', built: 1, sold: false, ...more };
}

async function pages(collection: Collection<Car>, query: Find<Car>, between: () => Promise<void> = async () => undefined): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await collection.find({ ...query, ...(cursor !== undefined && { cursor }) });
    ids.push(...page.items.map((item) => item.id));
    cursor = page.nextCursor;
    await between();
  } while (cursor !== undefined);
  return ids;
}

export function storeContract(name: string, driver: StoreUnderTest): void {
  describe(`a store: ${name}`, () => {
    let store: Store;
    before(async () => { store = await driver.open(); });
    after(() => store.close());

    test('gives back a document as it was put in, whatever its text is', async () => {
      const cars = store.collection(spec());
      const odd = car(`it's "odd"; DROP TABLE cars; -- 🚗 \u0000 $gt`, { owner: `' OR 1=1 --`, tags: ['a', `'`] });
      await cars.insert(odd);
      assert.deepEqual(await cars.get(odd.id), odd);
      assert.deepEqual((await cars.find({ where: { owner: odd.owner }, limit: 5 })).items, [odd]);
      assert.equal(await cars.get('none'), undefined);
      assert.equal(await cars.count({ owner: `x' OR '1'='1` }), 0);
    });

    test('refuses an id or a unique value that is taken, and changes nothing', async () => {
      const cars = store.collection(spec());
      await cars.insert(car('1', { plate: 'P1' }));
      await assert.rejects(cars.insert(car('1', { owner: 'bob' })), DuplicateKeyError);
      await assert.rejects(cars.insert(car('2', { plate: 'P1' })), DuplicateKeyError);
      await assert.rejects(cars.put([car('3'), car('4', { plate: 'P1' })]), DuplicateKeyError);
      assert.equal((await cars.get('1'))?.owner, 'ada');
      assert.equal(await cars.count(), 1);
      await cars.insert(car('5'));
      await cars.insert(car('6'));
      assert.equal(await cars.count({ plate: null }), 2);
    });

    test('put inserts and replaces whole documents', async () => {
      const cars = store.collection(spec());
      await cars.put([car('1', { tags: ['old'] }), car('2')]);
      await cars.put([car('1', { owner: 'bob' }), car('3')]);
      assert.deepEqual(await cars.get('1'), car('1', { owner: 'bob' }));
      assert.equal(await cars.count({ owner: 'ada' }), 2);
      assert.equal(await cars.count({ owner: 'bob' }), 1);
    });

    test('patch sets fields of one document, also for queries', async () => {
      const cars = store.collection(spec());
      await cars.insert(car('1', { plate: 'A' }));
      assert.equal(await cars.patch('1', { owner: 'bob', plate: null }), true);
      assert.deepEqual(await cars.get('1'), car('1', { owner: 'bob', plate: null }));
      assert.equal(await cars.count({ owner: 'bob', plate: null }), 1);
      assert.equal(await cars.patch('2', { owner: 'bob' }), false);
      await assert.rejects(cars.patch('1', { id: '2' }), TypeError);
    });

    test('finds by each kind of condition', async () => {
      const cars = store.collection(spec());
      await cars.put([
        car('1', { built: 1, price: '9', plate: 'A' }), car('2', { built: 2, price: '10', sold: true }),
        car('3', { built: 3, price: '11', owner: 'bob' }), car('4', { built: 4, price: '7', owner: 'bob', sold: true }),
      ]);
      const ids = async (where: Find<Car>['where']): Promise<string> => (await cars.find({ where, sort: { id: 1 }, limit: 10 })).items.map((item) => item.id).join('');
      assert.equal(await ids({ owner: 'bob' }), '34');
      assert.equal(await ids({ sold: true }), '24');
      assert.equal(await ids({ sold: { in: [true, false] } }), '1234');
      assert.equal(await ids({ built: { gt: 1, lt: 4 } }), '23');
      assert.equal(await ids({ built: { gte: 2, lte: 3 } }), '23');
      assert.equal(await ids({ owner: { in: ['bob', `x'`] }, built: { gte: 4 } }), '4');
      assert.equal(await ids({ owner: { in: [] } }), '');
      assert.equal(await ids({ id: { in: ['1', '4'] } }), '14');
      assert.equal(await ids({ plate: 'A' }), '1');
      assert.equal(await ids({ price: '9' }), '1');
      assert.equal(await ids({ price: 9 as unknown as string }), '', 'a number is not the text that looks like it');
      assert.equal(await cars.count({ owner: 'ada', sold: false }), 1);
    });

    test('picks fields page by page, also where ids are numbers', async () => {
      const cars = store.collection(spec({ ids: 'numbers' }));
      await cars.put(['2', '10', '3', '4'].map((id, at) => car(id, { built: at, owner: at === 3 ? 'bob' : 'ada' })));
      const query: Find<Car> = { where: { owner: 'ada' }, sort: { built: 1 }, limit: 2 };
      const { items, nextCursor } = await cars.pick(['id', 'built'], query);
      assert.deepEqual(items, [{ id: '2', built: 0 }, { id: '10', built: 1 }]);
      assert.deepEqual(await cars.pick(['id', 'built'], { ...query, cursor: nextCursor }), { items: [{ id: '3', built: 2 }] });
      await assert.rejects(cars.pick(['tags'], { limit: 2 }), TypeError);
    });

    test('refuses conditions that are not conditions', async () => {
      const cars = store.collection(spec());
      await cars.insert(car('1'));
      for (const condition of [{ $gt: '' }, { gt: { $ne: 1 } }, {}, undefined, ['ada'], { in: 'ada' }, { in: [{}] }, { constructor: 1 }, Number.NaN]) {
        await assert.rejects(cars.find({ where: { owner: condition } as never, limit: 5 }), TypeError);
        await assert.rejects(cars.remove({ owner: condition } as never), TypeError);
      }
      for (const field of ['tags', 'nothing', 'owner" OR 1=1 --', '__proto__']) {
        await assert.rejects(cars.find({ where: JSON.parse(`{${JSON.stringify(field)}:1}`) as never, limit: 5 }), TypeError);
        await assert.rejects(cars.find({ sort: JSON.parse(`{${JSON.stringify(field)}:1}`) as never, limit: 5 }), TypeError);
      }
      await assert.rejects(cars.find({ sort: { built: 'DESC; DROP TABLE' } as never, limit: 5 }), TypeError);
      assert.equal(await cars.count(), 1);
    });

    test('sorts, limits and offsets', async () => {
      const cars = store.collection(spec());
      await cars.put([1, 2, 3, 4, 5].map((n) => car(String(n), { built: n % 3, owner: n < 4 ? 'ada' : 'bob' })));
      const ids = async (query: Omit<Find<Car>, 'limit'>, limit = 10): Promise<string> => (await cars.find({ ...query, limit })).items.map((item) => item.id).join('');
      assert.equal(await ids({}), '54321');
      assert.equal(await ids({ sort: { built: 1 } }), '31425');
      assert.equal(await ids({ sort: { built: -1 } }), '52413');
      assert.equal(await ids({ sort: { owner: 1, built: -1 } }), '21354');
      assert.equal(await ids({ sort: { owner: 1, built: -1, id: 1 } }), '21354');
      assert.equal(await ids({ sort: { built: -1 }, offset: 1 }, 2), '24');
      for (const limit of [0, -1, 501, 1.5, Number.NaN]) await assert.rejects(cars.find({ limit }), RangeError);
      await assert.rejects(cars.find({ limit: 1, offset: -1 }), RangeError);
    });

    test('a cursor visits every document once while others come and go', async () => {
      const cars = store.collection(spec());
      await cars.put(Array.from({ length: 57 }, (_, n) => car(`c${n}`, { built: n % 5, owner: `o${n % 3}` })));
      const sorts: Find<Car>['sort'][] = [undefined, { built: -1 }, { built: 1 }, { owner: 1, built: -1 }, { owner: -1, built: 1, id: -1 }];
      for (const sort of sorts) {
        const whole = (await cars.find({ ...(sort && { sort }), limit: 500 })).items.map((item) => item.id);
        let round = 0;
        const seen = await pages(cars, { ...(sort && { sort }), limit: 4 }, async () => {
          // Sorts before everything that is still to come in none of the orders; it must not disturb the rest.
          const id = `new${++round}`;
          await cars.insert(car(id, { owner: 'o1', built: 2 }));
          await cars.remove({ id: `new${round - 1}` });
        });
        assert.deepEqual(seen.filter((id) => id.startsWith('c')), whole);
        await cars.remove({ id: { in: Array.from({ length: round + 1 }, (_, n) => `new${n}`) } });
      }
      const filtered = await pages(cars, { where: { owner: 'o1' }, sort: { built: -1 }, limit: 3 });
      assert.equal(filtered.length, 19);
    });

    test('refuses a cursor that is damaged or comes from another query', async () => {
      const cars = store.collection(spec());
      await cars.put([car('1'), car('2'), car('3')]);
      const { nextCursor } = await cars.find({ where: { owner: 'ada' }, limit: 1 });
      assert.equal(typeof nextCursor, 'string');
      await assert.rejects(cars.find({ where: { owner: 'bob' }, limit: 1, cursor: nextCursor! }), InvalidCursorError);
      await assert.rejects(cars.find({ where: { owner: 'ada' }, sort: { built: 1 }, limit: 1, cursor: nextCursor! }), InvalidCursorError);
      const fingerprint = (JSON.parse(Buffer.from(nextCursor!, 'base64url').toString()) as string[])[0];
      for (const forged of ['', 'x', nextCursor!.slice(0, -3), Buffer.from(JSON.stringify([fingerprint, { $gt: '' }])).toString('base64url'), Buffer.from('[]').toString('base64url')]) {
        await assert.rejects(cars.find({ where: { owner: 'ada' }, limit: 1, cursor: forged }), InvalidCursorError);
      }
      const rest = await cars.find({ where: { owner: 'ada' }, limit: 2, cursor: nextCursor! });
      assert.deepEqual(rest.items.map((item) => item.id), ['2', '1']);
      assert.equal(rest.nextCursor, undefined);
    });

    test('ids that are numbers sort as numbers, and nothing else is one', async () => {
      const cars = store.collection(spec({ ids: 'numbers' }));
      await cars.put(['9', '10', '100', '11', '9007199254740991'].map((id) => car(id)));
      assert.deepEqual(await pages(cars, { limit: 2 }), ['9007199254740991', '100', '11', '10', '9']);
      assert.deepEqual((await cars.find({ where: { id: { gt: '9', lt: '100' } }, sort: { id: 1 }, limit: 5 })).items.map(({ id }) => id), ['10', '11']);
      assert.deepEqual((await cars.find({ where: { id: { in: ['10', 'x', '1'] } }, limit: 5 })).items.map(({ id }) => id), ['10']);
      assert.equal((await cars.get('10'))?.id, '10');
      for (const odd of ['', '010', ' 10', '1e1', '10.0', '-9', '9007199254740993', 'x']) {
        assert.equal(await cars.get(odd), undefined, odd);
        assert.equal(await cars.count({ id: odd }), 0, odd);
        await assert.rejects(cars.insert(car(odd)), TypeError, odd);
      }
      await assert.rejects(cars.insert(car('10')), DuplicateKeyError);
      assert.equal(await cars.remove({ id: '10' }), 1);
      assert.equal(await cars.count(), 4);
    });

    test('a replaced document is found by the fields that may change', async () => {
      const cars = store.collection(spec({ changing: ['sold'] }));
      await cars.put([car('1'), car('2')]);
      await cars.put([car('1', { sold: true, tags: ['new'] })]);
      assert.deepEqual((await cars.find({ where: { sold: true }, limit: 5 })).items, [car('1', { sold: true, tags: ['new'] })]);
      assert.equal(await cars.count({ sold: false }), 1);
    });

    describe('of values without names', () => {
      const named = (): CollectionSpec<Car> => spec({
        projected: true,
        fields: { id: 'always', plate: 'always', owner: 'always', price: 'always', built: 'always', sold: 'always', tags: 'optional' },
        repeated: ['owner', 'plate'],
      });

      test('gives back every document as it was put in', async () => {
        const cars = store.collection(named());
        const all = [
          car('1', { plate: 'P', tags: [] }), car(`it's "odd"; DROP TABLE cars; -- 🚗 $gt`, { owner: `' OR 1=1 --`, price: '', tags: ['null', 'a'] }), car('3', { owner: '', sold: true, built: 0 }),
        ];
        await cars.put(all);
        for (const doc of all) assert.deepEqual(await cars.get(doc.id), doc);
        assert.deepEqual((await cars.find({ sort: { id: 1 }, limit: 9 })).items, all.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
        assert.equal('tags' in (await cars.get('3'))!, false, 'what is absent stays so');
        assert.equal(await cars.patch('3', { owner: 'eve', plate: 'Q' }), true);
        assert.deepEqual(await cars.get('3'), car('3', { owner: 'eve', plate: 'Q', sold: true, built: 0 }));
      });

      test('finds texts that are stored once, by themselves and in lists, and none that never was', async () => {
        const cars = store.collection(named());
        await cars.put([car('1', { owner: 'ada', built: 1 }), car('2', { owner: 'bob', built: 2, plate: 'B' }), car('3', { owner: 'ada', built: 3, plate: 'bob' })]);
        const ids = async (where: Find<Car>['where']): Promise<string> => (await cars.find({ where, sort: { built: 1 }, limit: 10 })).items.map((item) => item.id).join('');
        assert.equal(await ids({ owner: 'ada' }), '13');
        assert.equal(await ids({ owner: 'nobody' }), '');
        assert.equal(await ids({ owner: { in: ['nobody', 'bob'] } }), '2');
        assert.equal(await ids({ plate: null }), '1');
        assert.equal(await ids({ plate: 'bob' }), '3');
        assert.equal(await cars.count({ owner: 'ada', built: { gt: 1 } }), 1);
        assert.deepEqual(await pages(cars, { where: { owner: 'ada' }, sort: { built: -1 }, limit: 1 }), ['3', '1']);
        await assert.rejects(cars.insert(car('4', { plate: 'B' })), DuplicateKeyError);
        assert.equal(await cars.remove({ owner: 'nobody' }), 0);
      });

      test('refuses to order by what is stored once', async () => {
        const cars = store.collection(named());
        await assert.rejects(cars.find({ sort: { owner: 1 }, limit: 5 }), TypeError);
        await assert.rejects(cars.find({ where: { owner: { gt: 'a' } }, limit: 5 }), TypeError);
      });
    });

    test('removes what a condition says and tells how many went', async () => {
      const cars = store.collection(spec());
      await cars.put([car('1'), car('2', { owner: 'bob' }), car('3')]);
      assert.equal(await cars.remove({ owner: 'ada' }), 2);
      assert.equal(await cars.remove({ owner: 'ada' }), 0);
      assert.equal(await cars.count(), 1);
      assert.equal(await cars.remove({}), 1);
    });

    test('answers many calls at once, in the order in which they were made', async () => {
      const cars = store.collection(spec());
      await Promise.all(Array.from({ length: 200 }, (_, n) => cars.insert(car(`x${n}`))));
      const [removed, count] = await Promise.all([cars.remove({ owner: 'ada' }), cars.count()]);
      assert.deepEqual([removed, count], [200, 0]);
      await store.ping();
    });

    if (driver.sweep !== undefined) {
      const sweep = driver.sweep.bind(driver);
      test('documents end with their lifetime', async () => {
        const cars = store.collection(spec({ ttl: { field: 'built', seconds: 60 } }));
        await cars.put([car('1', { built: 1_000 }), car('2', { built: 1_001 }), car('3', { built: 500_000 })]);
        assert.equal(sweep(store, 60_999), 0);
        assert.equal(sweep(store, 61_000), 1);
        assert.equal(await cars.get('1'), undefined);
        assert.equal(await cars.count(), 2);
      });
    }
  });
}
