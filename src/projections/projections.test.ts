import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { JournalFile, journalPath } from '../journal/sqlite-file.ts';
import { priceticks } from '../models/priceticks.ts';
import { SqliteStore } from '../models/sqlite.ts';
import { wallets } from '../models/wallets.ts';
import { silentLogger, type LogFields, type Logger } from '../observability/logger.ts';
import { createMetrics } from '../observability/metrics.ts';
import type { CommittedRecord } from '../sequencer/sequencer.ts';
import { ALICE, SPOT, START, TestJournal } from '../../tests/support/projection.ts';
import { eventually } from '../../tests/support/wait.ts';
import { Projections } from './projections.ts';

const DAY = 86_400_000;
/** What the sweeps take the time to be. */
const SWEEP_AT = START + 2 * DAY;
const root = mkdtempSync(join(tmpdir(), 'bourse-projections-'));
after(() => rmSync(root, { recursive: true }));

/** A journal in a file, a sequencer that only says how far it is, and the projections of both. */
function venue() {
  const directory = mkdtempSync(join(root, 'venue-'));
  const journal = new TestJournal();
  const file = new JournalFile(journalPath(directory));
  const listeners = new Set<(record: CommittedRecord) => void>();
  const metrics = createMetrics();
  const sequencer = {
    committedSeq: file.lastSeq(),
    onCommitted: (listener: (record: CommittedRecord) => void) => { listeners.add(listener); return () => listeners.delete(listener); },
  };
  journal.seq = sequencer.committedSeq;
  const write = (): void => {
    file.append(journal.records.splice(0));
    sequencer.committedSeq = file.lastSeq();
    for (const listener of listeners) listener({ seq: sequencer.committedSeq, time: START, events: [] });
  };
  const start = (logger: Logger = silentLogger): Projections => new Projections({ directory, sequencer, logger, metrics, sweepMs: 5, sweepAt: SWEEP_AT });
  const store = new SqliteStore(directory);
  const close = async (projections: Projections): Promise<void> => {
    await projections.close();
    await store.close();
    file.close();
  };
  return { directory, journal, sequencer, metrics, write, start, store, close };
}

const deposit = { type: 'deposited', account: ALICE, asset: 0, amount: 1_000_000, wallet: 'spot' } as const;

test('the collections follow the journal, also through a restart', async () => {
  const { journal, sequencer, metrics, write, start, store, close } = venue();
  journal.list();
  journal.add(START, deposit);
  write();
  const total = async (): Promise<string | undefined> => (await store.collection(wallets).get(`${ALICE}:spot:USDT`))?.total;
  const first = start();
  assert.equal(await first.reached(sequencer.committedSeq, 5_000), true);
  assert.equal(await total(), '1', 'what was there at the start');
  journal.add(START, deposit);
  write();
  assert.equal(await first.reached(sequencer.committedSeq, 5_000), true);
  assert.equal(await total(), '2', 'what came later');
  assert.equal(first.checkpoint, sequencer.committedSeq);
  assert.equal(first.lag, 0);
  assert.equal((await metrics.projectionLag.get()).values[0]?.value, 0);
  await first.close();
  journal.add(START, deposit);
  write();
  const second = start();
  assert.equal(await second.reached(sequencer.committedSeq, 5_000), true);
  assert.equal(await total(), '3', 'what came while it was down');
  await close(second);
});

test('a seq that does not come is waited for no longer than said', async () => {
  const { journal, sequencer, write, start, close } = venue();
  journal.list();
  write();
  const projections = start();
  assert.equal(await projections.reached(sequencer.committedSeq + 1, 10), false);
  const waiting = projections.reached(sequencer.committedSeq + 1, 60_000);
  await close(projections);
  assert.equal(await waiting, false, 'closing ends the wait');
  assert.equal(await projections.reached(sequencer.committedSeq + 1, 60_000), false);
  assert.equal(projections.status.state, 'closed');
});

test('price ticks are one a second, and leave after a day', async () => {
  const { journal, sequencer, write, start, store, close } = venue();
  journal.list();
  const priced = { type: 'prices_updated', market: SPOT.id, index: 1, mark: 2, manualMark: false, fundingRate: 0, sampled: false, basis: 0, premium: 0 } as const;
  const expired = SWEEP_AT - DAY;
  for (const time of [expired, expired + 1_000, expired + 1_400, expired + 1_999, expired + 2_000]) journal.add(time, priced);
  write();
  const projections = start();
  assert.equal(await projections.reached(sequencer.committedSeq, 5_000), true);
  const ticks = store.collection(priceticks);
  const left = await eventually('the old tick is gone', async () => ((await ticks.count()) === 2 ? ticks.find({ sort: { timestamp: 1 }, limit: 5 }) : undefined));
  assert.deepEqual(left.items.map((tick) => tick.timestamp), [expired + 1_000, expired + 2_000]);
  await close(projections);
});

test('an event that cannot be projected is reported, and nothing is shown as if it were', async () => {
  const { journal, sequencer, write, start, close } = venue();
  journal.list();
  journal.add(START, { ...deposit, account: 999 });
  write();
  const projections = start();
  const status = await eventually('the failure shows', () => (projections.status.state === 'failed' ? projections.status : undefined));
  assert.match(status.reason ?? '', /account 999 has no owner/);
  assert.equal(await projections.reached(sequencer.committedSeq, 10), false);
  await close(projections);
});

test('when the projector has ended nobody waits for it, and the log says which file and what to do', { timeout: 30_000 }, async () => {
  const { directory, journal, sequencer, write, start, close } = venue();
  journal.list();
  write();
  writeFileSync(join(directory, 'projections.db'), 'ruin'.repeat(5_000));
  const logged: LogFields[] = [];
  const logger: Logger = { ...silentLogger, error: (_message, fields) => void logged.push(fields ?? {}) };
  const projections = start(logger);
  assert.equal(await projections.reached(sequencer.committedSeq, 3_600_000), false, 'who waits when it ends');
  assert.equal(await projections.reached(sequencer.committedSeq, 3_600_000), false, 'who comes later');
  assert.deepEqual(projections.status, { state: 'failed', reason: 'the projector cannot go on; the log says why' });
  const error = logged[0]?.['error'];
  assert.ok(error instanceof Error);
  const { message } = error;
  assert.ok(message.includes(`${join(directory, 'projections.db')} is damaged (file is not a database)`), message);
  assert.match(message, /remove it with its -wal and -shm files/);
  await close(projections);
});

test('a damaged document that is in the way of the projector is told with what to do, and that it goes on when it is gone', async () => {
  const { directory, journal, sequencer, write, start, close } = venue();
  journal.list();
  journal.add(START, deposit);
  write();
  const first = start();
  assert.equal(await first.reached(sequencer.committedSeq, 5_000), true);
  await first.close();
  const db = new DatabaseSync(join(directory, 'projections.db'));
  const { fields } = db.prepare('SELECT fields FROM wallets').get() as { fields: string };
  db.exec("UPDATE wallets SET fields = '['");
  journal.add(START, deposit);
  write();
  const lines: [string, LogFields][] = [];
  const log = (message: string, more: LogFields = {}): void => void lines.push([message, more]);
  const second = start({ ...silentLogger, error: log, warn: log, info: log });
  const reason = await eventually('the failure shows', () => second.status.reason);
  assert.equal(reason, 'projections.db is damaged (a document is not JSON): stop the process, remove it with its -wal and -shm files, and start again: it is built anew from the journal');
  db.prepare('UPDATE wallets SET fields = ?').run(fields);
  db.close();
  assert.equal(await second.reached(sequencer.committedSeq, 5_000), true);
  assert.deepEqual(second.status, { state: 'running' });
  assert.deepEqual(lines.map(([message]) => message), ['the collections fall behind', 'the collections go on']);
  const [begun, over] = lines.map(([, more]) => more);
  assert.equal(begun?.['reason'], reason);
  assert.ok((over?.['seconds'] as number) >= 0 && over?.['lag'] === 0, JSON.stringify(over));
  await close(second);
});
