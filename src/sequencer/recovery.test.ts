import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { strip } from '../journal/chain.ts';
import { MemoryDisk, MemoryJournal } from '../../tests/support/memory-journal.ts';
import { silentLogger } from '../observability/logger.ts';
import { Clock, accepted, found, openMemoryLeader, place } from '../../tests/support/fixture.ts';
import { RecoveryError, recover, type RecoveryOptions } from './recovery.ts';

const options: RecoveryOptions = { logger: silentLogger, idLimit: 1_000 };
const ORDERS = 30;

/** A disk with two snapshots, the newer one at the end, and some orders in between. */
async function filledDisk(): Promise<{ disk: MemoryDisk; hash: string; seqs: number[] }> {
  const disk = new MemoryDisk();
  const clock = new Clock();
  const first = await openMemoryLeader(disk, clock);
  await found(first);
  await first.close();
  const second = await openMemoryLeader(disk, clock);
  for (let n = 0; n < ORDERS; n++) {
    clock.time++;
    await accepted(second, place(`a${n}`));
  }
  const hash = second.state.stateHash();
  await second.close();
  return { disk, hash, seqs: [...disk.snapshots.keys()].sort((a, b) => b - a) };
}

function damageSnapshot(disk: MemoryDisk, seq: number, change: { stateHash?: string; bytes?: Uint8Array; time?: number }): void {
  disk.snapshots.set(seq, { ...disk.snapshots.get(seq)!, ...change });
}

function replaceBody(disk: MemoryDisk, seq: number, body: string): void {
  const records = disk.records.splice(0).map(strip).map((record) => (record.seq === seq ? { ...record, body } : record));
  disk.store(records);
}

describe('recovery', () => {
  test('from nothing gives an empty state', async () => {
    const { engine, figures } = await recover(new MemoryJournal(new MemoryDisk()), options);
    assert.equal(engine.seq, 0);
    assert.equal(figures.events, 0);
  });

  test('comes to the same state from the newest snapshot, an older one, and from zero', async () => {
    const { disk, hash, seqs } = await filledDisk();
    const [newest, older] = seqs as [number, number];
    const last = disk.lastSeq;
    const states: [number, number, () => void][] = [
      [newest, 0, () => {}],
      [older, ORDERS, () => damageSnapshot(disk, newest, { stateHash: '0' })],
      [0, last, () => damageSnapshot(disk, older, { bytes: new Uint8Array(20) })],
    ];
    for (const [snapshotSeq, events, damage] of states) {
      damage();
      const { engine, figures } = await recover(new MemoryJournal(disk), options);
      assert.equal(engine.stateHash(), hash);
      assert.deepEqual({ snapshotSeq: figures.snapshotSeq, events: figures.events }, { snapshotSeq, events });
    }
  });

  test('does not use a snapshot that is not of this journal', async () => {
    const { disk, hash, seqs } = await filledDisk();
    damageSnapshot(disk, seqs[0]!, { time: 1 });
    const { engine, figures } = await recover(new MemoryJournal(disk), options);
    assert.equal(figures.snapshotSeq, seqs[1]);
    assert.equal(engine.stateHash(), hash);
  });

  test('stops at a given event, from a snapshot before it', async () => {
    const { disk, seqs } = await filledDisk();
    const { engine, figures } = await recover(new MemoryJournal(disk), { ...options, toSeq: disk.lastSeq - 5 });
    assert.equal(engine.seq, disk.lastSeq - 5);
    assert.equal(figures.snapshotSeq, seqs[1]);
  });

  test('does not mind a follower that is behind, or exactly as far', async () => {
    const { disk, hash } = await filledDisk();
    for (const followedTo of [0, disk.lastSeq - 1, disk.lastSeq]) {
      assert.equal((await recover(new MemoryJournal(disk), { ...options, followedTo })).engine.stateHash(), hash);
    }
  });

  test('tells how far it is', async () => {
    const { disk } = await filledDisk();
    const told: [number, number][] = [];
    await recover(new MemoryJournal(disk), { ...options, useSnapshots: false, onProgress: (done, total) => told.push([done, total]) });
    assert.deepEqual(told.at(-1), [disk.lastSeq, disk.lastSeq]);
  });
});

describe('recovery refuses, and says where and what to do, when', () => {
  const cases: Record<string, [damage: (disk: MemoryDisk) => void, problem: RegExp, advice: RegExp]> = {
    'a record was changed': [(disk) => disk.corrupt(12), /record at event 12 does not match its checksum/, /Restore journal\.db .* backup/],
    'events are missing': [(disk) => disk.remove(12), /events 12 to 12 are missing/, /Restore journal\.db/],
    'the end of the journal is missing, which a snapshot knows': [(disk) => disk.remove(disk.lastSeq), /newest snapshot holds events up to \d+, but the journal ends at \d+/, /move the folder "snapshots" away/],
    'a record is not readable': [(disk) => replaceBody(disk, 12, 'nonsense'), /record at event 12 is not readable/, /Restore/],
    'a record holds another number of events': [(disk) => replaceBody(disk, 12, '{"events":[]}'), /event 12 should hold 1 events and holds 0/, /Restore/],
    'an event is numbered wrongly': [(disk) => replaceBody(disk, 12, '{"events":[{"seq":99,"type":"insurance_funded","asset":0,"amount":1}]}'), /holds event 99 where event 12 belongs/, /Restore/],
    'an event cannot be applied': [(disk) => replaceBody(disk, 12, '{"events":[{"seq":12,"type":"order_rested","order":999,"account":2,"market":0,"side":"buy","price":1,"remaining":1}]}'), /Event 12 \(order_rested\) .* cannot be applied/, /start the version that last ran/],
  };
  for (const [name, [damage, problem, advice]] of Object.entries(cases)) {
    test(name, async () => {
      const { disk } = await filledDisk();
      damage(disk);
      await assert.rejects(recover(new MemoryJournal(disk), { ...options, useSnapshots: name.includes('snapshot') }), (error) => {
        assert.ok(error instanceof RecoveryError, String(error));
        assert.match(error.message, problem);
        assert.match(error.message, advice);
        return true;
      });
    });
  }

  test('a follower knows of more events than the journal, which no snapshot does', async () => {
    const { disk } = await filledDisk();
    disk.remove(disk.lastSeq);
    disk.snapshots.delete(disk.lastSeq + 1);
    const followed = { ...options, journalFile: '/data/journal.db', followedTo: disk.lastSeq + 3 };
    await assert.rejects(recover(new MemoryJournal(disk), followed), (error) => {
      assert.ok(error instanceof RecoveryError, String(error));
      assert.ok(error.message.includes(`acknowledged events ${disk.lastSeq + 1} to ${disk.lastSeq + 3} are missing`), error.message);
      assert.match(error.advice, /Restore \/data\/journal\.db .* remove projections\.db with its -wal and -shm files while the process is stopped/);
      assert.doesNotMatch(error.advice, /snapshots/);
      return true;
    });
    await recover(new MemoryJournal(disk), { ...followed, followedTo: 0 });
  });

  test('both a follower and a snapshot know of more: it says how to go on without either', async () => {
    const { disk } = await filledDisk();
    disk.remove(disk.lastSeq);
    const { lastSeq } = disk;
    await assert.rejects(recover(new MemoryJournal(disk), { ...options, followedTo: lastSeq + 1 }), /newest snapshot holds .* move the folder "snapshots" away\. To go on without these events, remove projections\.db/);
  });
});
