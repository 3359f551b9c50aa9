import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditlogs } from '../models/auditlogs.ts';
import type { CollectionSpec, Store } from '../models/collection.ts';
import { SqliteStore } from '../models/sqlite.ts';
import { createMetrics } from '../observability/metrics.ts';
import { AuditChain, AuditLog } from './audit.ts';

test('an entry that cannot be written fails whoever writes it, is counted, and leaves the chain whole', async (t) => {
  const sqlite = new SqliteStore(':memory:');
  t.after(() => sqlite.close());
  let full = false;
  const store = {
    collection: (spec: CollectionSpec<{ readonly id: string }>) => {
      const collection = sqlite.collection(spec);
      return { ...collection, insert: (doc: { readonly id: string }) => (full ? Promise.reject(new Error('the disk is full')) : collection.insert(doc)) };
    },
  } as unknown as Store;
  const metrics = createMetrics();
  const failures = async (): Promise<number | undefined> => (await metrics.auditFailures.get()).values[0]?.value;
  const audit = new AuditLog(store, () => 1, metrics);
  const entry = { actor: 'system', action: 'user.create', ip: '', requestId: '' };
  await audit.record(entry);
  assert.equal(await failures(), 0);
  full = true;
  await assert.rejects(audit.record(entry), /the disk is full/);
  assert.equal(await failures(), 1);
  full = false;
  await audit.record(entry);
  assert.equal(await failures(), 1);
  const { items } = await sqlite.collection(auditlogs).find({ sort: { seq: 1 }, limit: 10 });
  const chain = new AuditChain();
  assert.deepEqual(items.map((doc) => chain.follow(doc)), [undefined, undefined], 'nothing is missing between the two');
});
