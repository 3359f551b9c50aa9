import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { DirectoryLockedError, JournalUnavailableError } from '../journal/errors.ts';
import { JournalFile, journalPath } from '../journal/sqlite-file.ts';
import { silentLogger, type LogFields, type Logger } from '../observability/logger.ts';
import { createMetrics } from '../observability/metrics.ts';
import { SteadyClock } from '../utils/clock.ts';
import { ALICE, accepted, buy, codeOf, found, place } from '../../tests/support/fixture.ts';
import type { Leader } from './leader.ts';
import { openLeader, type OpenLeaderOptions } from './open.ts';
import { RecoveryError } from './recovery.ts';

const DEADLINE_MS = 20_000;

describe('the embedded leader', () => {
  let directory: string;
  let opened: Leader[];
  const open = async (options: Partial<OpenLeaderOptions> = {}): Promise<Leader> => {
    const leader = await openLeader({ directory, clock: new SteadyClock(), logger: silentLogger, ...options });
    opened.push(leader);
    return leader;
  };
  const snapshots = (): string[] => readdirSync(join(directory, 'snapshots')).sort();
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'bourse-leader-'));
    opened = [];
  });
  afterEach(async () => {
    for (const leader of opened) await leader.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test('keeps its state from one start to the next', async () => {
    const first = await open();
    await found(first);
    await accepted(first, place('a'));
    const hash = first.state.stateHash();
    await first.close();
    const second = await open();
    assert.equal(second.state.stateHash(), hash);
    assert.equal(second.recovery.events, 0);
    assert.equal((await accepted(second, place('a'))).replayed, true);
    await second.close();
  });

  test('names the journal and what it needs where it cannot be opened for want of space', async () => {
    // Fewer pages than the schema takes.
    await assert.rejects(open({ maxPages: () => 2 }), (error: Error) => {
      assert.ok(error instanceof JournalUnavailableError);
      assert.ok(error.message.startsWith(`${journalPath(directory)}: no space left for the journal (database or disk is full); its disk must have free space, and `), error.message);
      return true;
    });
  });

  test('takes snapshots in a thread of its own while it works', async () => {
    const lines: { message: string; fields: LogFields | undefined }[] = [];
    const note = (message: string, fields?: LogFields): void => void lines.push({ message, fields });
    const logger: Logger = { ...silentLogger, info: note, error: note, child: () => logger };
    const metrics = createMetrics();
    const leader = await open({ snapshotEvery: 100, logger, metrics });
    await found(leader);
    const end = Date.now() + DEADLINE_MS;
    while (!lines.some(({ message }) => message === 'snapshot taken')) {
      assert.ok(Date.now() < end, `no snapshot: ${JSON.stringify(lines)}`);
      await accepted(leader, { type: 'place_orders', account: ALICE, orders: Array.from({ length: 10 }, () => buy()) });
    }
    const taken = lines.find(({ message }) => message === 'snapshot taken')!.fields!.seq as number;
    assert.ok(taken >= 100 && taken <= leader.committedSeq);
    assert.deepEqual(snapshots()[0], `${taken}.snap`);
    await accepted(leader, place());
    const hash = leader.state.stateHash();
    await leader.close();
    assert.deepEqual(lines.filter(({ message }) => /fail/.test(message)), []);
    assert.match(await metrics.registry.metrics(), /bourse_snapshot_seconds_count [1-9]/);
    const next = await open();
    assert.equal(next.state.stateHash(), hash);
    await next.close();
  });

  test('fires a dead-man switch by itself', async () => {
    const leader = await open();
    await found(leader);
    await accepted(leader, place());
    await accepted(leader, { type: 'cancel_after', account: ALICE, timeoutMs: 1 });
    await new Promise<void>((resolve) => leader.onCommitted(({ events }) => { if (events.some(({ type }) => type === 'order_closed')) resolve(); }));
    assert.equal(leader.state.openOrderCount, 0);
    await leader.close();
  });

  test('is refused a second time on the same directory, until the first has ended', async () => {
    const leader = await open();
    await assert.rejects(open(), DirectoryLockedError);
    await leader.close();
    await (await open()).close();
  });

  test('refuses to start on a damaged journal, names the place, and lets go of the directory', async () => {
    const leader = await open();
    await found(leader);
    await leader.close();
    rmSync(join(directory, 'snapshots'), { recursive: true });
    const alter = (change: string): void => {
      const db = new DatabaseSync(journalPath(directory));
      db.exec(`UPDATE records SET body = ${change} WHERE seq = 5`);
      db.close();
    };
    alter(`body || ' '`);
    await assert.rejects(open(), (error) => error instanceof RecoveryError && /record at event 5/.test(error.message) && error.advice.includes(`Restore ${journalPath(directory)}`));
    alter('trim(body)');
    const again = await open();
    assert.equal(await codeOf(again.submit(place())), 'accepted');
    await again.close();
  });

  test('names the file and the way out when SQLite itself finds the journal damaged, and lets go of the directory', async () => {
    const leader = await open();
    await found(leader);
    await leader.close();
    const kept = readFileSync(journalPath(directory));
    writeFileSync(journalPath(directory), 'not a journal '.repeat(1_000));
    await assert.rejects(open(), (error) => {
      assert.ok(error instanceof RecoveryError, String(error));
      assert.match(error.message, /file is not a database/);
      assert.ok(error.advice.includes(`Restore ${journalPath(directory)}`), error.advice);
      return true;
    });
    writeFileSync(journalPath(directory), kept);
    await (await open()).close();
  });

  test('begins no new journal where snapshots or a follower know of one', async () => {
    const leader = await open();
    await found(leader);
    const { committedSeq } = leader;
    await leader.close();
    rmSync(journalPath(directory));
    const missing = (error: unknown): boolean => error instanceof RecoveryError && error.message.includes(`${journalPath(directory)} is not there`);
    await assert.rejects(open(), missing);
    rmSync(join(directory, 'snapshots'), { recursive: true });
    await assert.rejects(open({ followedTo: () => committedSeq }), missing);
    assert.ok(!existsSync(journalPath(directory)));
    await (await open()).close();
  });

  test('is not opened, and lets nothing happen, when what is kept beside the journal does not fit', async () => {
    const leader = await open();
    await found(leader);
    await accepted(leader, place());
    await accepted(leader, { type: 'cancel_after', account: ALICE, timeoutMs: 60_000 });
    const seen: (number | undefined)[] = [];
    await leader.close();
    const lastSeq = (): number => {
      const file = new JournalFile(journalPath(directory), { readOnly: true });
      const seq = file.lastSeq();
      file.close();
      return seq;
    };
    const before = [lastSeq(), snapshots()];
    const refusal = new RecoveryError('It does not fit.', 'Do something.');
    await assert.rejects(open({ clock: new SteadyClock({ wall: () => Date.now() + 120_000 }), admit: async (state) => { seen.push(state.accountOf('alice')); throw refusal; } }), refusal);
    assert.deepEqual(seen, [ALICE]);
    assert.deepEqual([lastSeq(), snapshots()], before);
    await (await open({ admit: async () => undefined })).close();
  });
});
