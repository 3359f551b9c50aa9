import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Machine } from '../../tests/support/machine.ts';
import { JournalConflictError, JournalUnavailableError } from '../journal/errors.ts';
import { MemoryDisk, MemoryJournal } from '../../tests/support/memory-journal.ts';
import { silentLogger, type LogFields, type Logger } from '../observability/logger.ts';
import { createMetrics } from '../observability/metrics.ts';
import { UnavailableError } from '../utils/errors.ts';
import { ALICE, BOB, Clock, accepted, codeOf, found, founding, openMemoryLeader, place } from '../../tests/support/fixture.ts';
import type { Command } from '../engine/commands.ts';
import type { Leader, LeaderOptions } from './leader.ts';
import { leaderMetrics } from './leader-metrics.ts';
import type { Committed, CommittedRecord } from './sequencer.ts';

const setUp = async (disk = new MemoryDisk(), clock = new Clock()) => {
  const leader = await openMemoryLeader(disk, clock);
  await found(leader);
  return { disk, clock, leader };
};

async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    assert.ok(turns < 100_000, 'it never happened');
    await undefined;
  }
}

describe('a leader', () => {
  test('answers only when the events are stored', async () => {
    const { disk, leader } = await setUp();
    const before = disk.lastSeq;
    disk.latency = () => 20;
    let answered = false;
    const answer = accepted(leader, place()).then((committed) => { answered = true; return committed; });
    for (let turns = 0; turns < 15; turns++) await undefined;
    assert.equal(answered, false);
    assert.equal(leader.state.seq, before + 1);
    assert.equal(leader.committedSeq, before);
    const committed = await answer;
    assert.equal(committed.seq, before + 1);
    assert.equal(disk.lastSeq, before + 1);
    assert.equal(leader.committedSeq, before + 1);
  });

  test('works an answer out at once and gives it when the events are stored; a repeat gets its own from the same outcome', async () => {
    const { disk, leader } = await setUp();
    disk.latency = () => 20;
    const made: Committed[] = [];
    const answer = (committed: Committed) => {
      made.push(committed);
      return { order: committed.events[0]!.seq, replayed: committed.replayed };
    };
    const first = leader.submit(place('a'), undefined, answer);
    const { seq: executed } = leader.state;
    assert.deepEqual(made.map(({ seq }) => seq), [executed]);
    let given = false;
    first.then(() => { given = true; }, () => undefined);
    for (let turns = 0; turns < 15; turns++) await undefined;
    assert.equal(given, false);
    assert.deepEqual(await first, { order: made[0]!.seq, replayed: false });
    assert.equal(leader.committedSeq, made[0]!.seq);
    assert.deepEqual(await leader.submit(place('a'), undefined, answer), { order: made[0]!.seq, replayed: true });
    assert.equal(await codeOf(leader.submit(place('b', { price: 0 }), undefined, () => assert.fail('a refusal has no outcome'))), 'INVALID_TICK');
  });

  test('executes together what arrives in one turn, in order, and sends it in one append', async () => {
    const { disk, leader } = await setUp();
    const before = leader.committedSeq;
    let appends = 0;
    disk.appendFault = () => { appends++; return undefined; };
    const answers = ['a', 'b', 'c'].map((id) => accepted(leader, place(id)));
    answers.push(accepted(leader, { type: 'cancel_order', account: ALICE, order: before + 1 }));
    assert.deepEqual((await Promise.all(answers)).map(({ seq }) => seq - before), [1, 2, 3, 4]);
    assert.equal(appends, 1);
  });

  /** A leader whose turns end when the test says so. */
  async function inTurns(options: Partial<LeaderOptions>) {
    const disk = new MemoryDisk();
    const founded = await openMemoryLeader(disk, new Clock());
    await found(founded);
    await founded.close();
    let tasks: (() => void)[] = [];
    const endTurn = (): void => {
      const due = tasks;
      tasks = [];
      for (const task of due) task();
    };
    return { disk, endTurn, leader: await openMemoryLeader(disk, new Clock(), { ...options, schedule: (task) => void tasks.push(task) }) };
  }

  test('has executed what arrived before whoever looks, and does not wait for more than a group', async () => {
    const { leader, endTurn } = await inTurns({ groupCommands: 3, eagerRecords: 3 });
    const made: string[] = [];
    const submit = (id: string) => leader.submit(place(id), undefined, (committed) => { made.push(id); return committed; });
    const answers = [submit('a'), submit('b')];
    assert.deepEqual(made, []);
    assert.equal(leader.state.orderByClientId(ALICE, 'b')?.clientOrderId, 'b');
    assert.deepEqual(made, ['a', 'b']);
    answers.push(submit('c'), submit('d'));
    assert.deepEqual(made, ['a', 'b']);
    // The third record goes to the journal at once; what is behind it waits for the turn's end.
    answers.push(submit('e'));
    assert.deepEqual(made, ['a', 'b', 'c', 'd', 'e']);
    await Promise.all(answers.slice(0, 3));
    endTurn();
    await Promise.all(answers);
    assert.equal(leader.state.openOrderCount, 5);
    await leader.close();
  });

  test('executes and stores at its end what has arrived', async () => {
    const { disk, leader } = await inTurns({});
    const answer = accepted(leader, place('a'));
    await leader.close();
    assert.equal((await answer).seq, disk.lastSeq);
    assert.equal(leader.state.openOrderCount, 1);
  });

  test('refuses what has arrived when the journal fails before it is executed', async () => {
    const { disk, endTurn, leader } = await inTurns({});
    disk.appendFault = () => 'lost';
    const first = leader.submit(place('a'));
    endTurn();
    const second = leader.submit(place('b'));
    await assert.rejects(first, /the journal failed/);
    endTurn();
    await assert.rejects(second, /commands are not taken: recovering/);
    disk.appendFault = () => undefined;
    while (leader.status.state !== 'leading') await undefined;
    assert.equal(leader.state.openOrderCount, 0);
    await leader.close();
  });

  test('stores what has happened also where no answer could be made of it', async () => {
    const { disk, clock, leader } = await setUp();
    const before = leader.committedSeq;
    await assert.rejects(leader.submit(place('a'), undefined, () => { throw new Error('no words'); }), /no words/);
    assert.equal(leader.committedSeq, before + 1);
    assert.equal(disk.lastSeq, before + 1);
    await accepted(leader, place('b'));
    assert.equal((await openMemoryLeader(disk, clock)).state.openOrderCount, 2);
  });

  test('puts what was executed meanwhile into one append', async () => {
    const { disk, leader } = await setUp();
    const sizes: number[] = [];
    disk.latency = () => 10;
    disk.appendFault = () => { sizes.push(leader.state.seq - disk.lastSeq); return undefined; };
    const first = leader.submit(place());
    await undefined;
    await undefined;
    await Promise.all([first, ...Array.from({ length: 30 }, () => leader.submit(place()))]);
    // Both appends see all 31 executed; the second has the 30 that came while the first was on its way.
    assert.deepEqual(sizes, [31, 30]);
  });

  test('bounds an append by records and by size', async () => {
    const disk = new MemoryDisk();
    const leader = await openMemoryLeader(disk, new Clock(), { batchRecords: 10 });
    await found(leader);
    let appends = 0;
    disk.appendFault = () => { appends++; return undefined; };
    await Promise.all(Array.from({ length: 95 }, () => leader.submit(place())));
    assert.equal(appends, 10);
  });

  test('refuses when too much waits, and takes commands again afterwards', async () => {
    const disk = new MemoryDisk();
    const leader = await openMemoryLeader(disk, new Clock(), { queueLimit: 5 });
    await found(leader);
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => leader.submit(place())));
    assert.deepEqual(answers.map(({ status }) => status), [...Array(5).fill('fulfilled'), ...Array(3).fill('rejected')]);
    assert.ok((answers[7] as PromiseRejectedResult).reason instanceof UnavailableError);
    await accepted(leader, place());
  });

  test('lets a refusal wait for what it was decided on', async () => {
    const { disk, leader } = await setUp();
    disk.latency = () => 10;
    const order: string[] = [];
    const all = accepted(leader, { type: 'transfer', account: ALICE, asset: 'USDT', amount: 10 ** 14, from: 'spot', to: 'futures' }).then(() => order.push('transfer'));
    const refused = codeOf(leader.submit(place())).then((code) => order.push(code));
    await Promise.all([all, refused]);
    assert.deepEqual(order, ['transfer', 'INSUFFICIENT_BALANCE']);
    assert.equal(await codeOf(leader.submit(place())), 'INSUFFICIENT_BALANCE');
  });

  test('tells followers everything, in order, once it is stored', async () => {
    const { disk, leader } = await setUp();
    const told: CommittedRecord[] = [];
    const stop = leader.onCommitted((record) => {
      assert.ok(disk.lastSeq >= record.seq);
      told.push(record);
    });
    const first = leader.committedSeq + 1;
    await Promise.all(Array.from({ length: 50 }, () => leader.submit(place())));
    assert.deepEqual(told.map(({ seq }) => seq), Array.from({ length: 50 }, (_, index) => first + index));
    stop();
    await leader.submit(place());
    assert.equal(told.length, 50);
  });

  test('has one append on its way, also when a follower submits', async () => {
    const disk = new MemoryDisk();
    const later = async (task: () => void): Promise<void> => {
      for (let turns = 0; turns < 5; turns++) await undefined;
      task();
    };
    const leader = await openMemoryLeader(disk, new Clock(), { schedule: (task) => void later(task) });
    await found(leader);
    disk.latency = () => 20;
    const stop = leader.onCommitted(() => {
      stop();
      // The commit takes this one along; what it scheduled comes when that append is on its way and the next command waits.
      leader.submit(place()).catch(() => undefined);
    });
    await accepted(leader, place());
    await accepted(leader, place());
    assert.equal(leader.status.state, 'leading');
    assert.equal(leader.state.openOrderCount, 3);
  });

  test('keeps several appends on their way where the journal takes them, and answers in order', async () => {
    const disk = new MemoryDisk();
    const leader = await openMemoryLeader(disk, new Clock(), { appendsInFlight: 4, eagerRecords: 2 });
    await found(leader);
    disk.latency = () => 20;
    const ahead: number[] = [];
    disk.appendFault = () => { ahead.push(leader.state.seq - disk.lastSeq); return undefined; };
    const answered: number[] = [];
    const seqs = await Promise.all(Array.from({ length: 20 }, async () => {
      const { seq } = await leader.submit(place()) as Committed;
      answered.push(seq);
      return seq;
    }));
    assert.deepEqual(answered, seqs);
    // Four appends of two went out at once; what came behind them went together.
    assert.deepEqual(ahead, [20, 18, 16, 14, 12]);
  });

  test('answers nothing that stands behind a failed append, and leads on from what is stored', async () => {
    const disk = new MemoryDisk();
    const leader = await openMemoryLeader(disk, new Clock(), { appendsInFlight: 4, eagerRecords: 1 });
    await found(leader);
    const before = disk.lastSeq;
    let appends = 0;
    disk.latency = () => 5;
    disk.appendFault = () => (++appends === 2 ? 'lost' : undefined);
    const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => leader.submit(place())));
    assert.deepEqual(outcomes.map(({ status }) => status), ['fulfilled', 'rejected', 'rejected', 'rejected']);
    disk.appendFault = () => undefined;
    while (leader.status.state !== 'leading') await undefined;
    assert.equal(leader.state.seq, before + 1);
    await accepted(leader, place());
    assert.equal(disk.lastSeq, before + 2);
  });

  test('goes on when a follower throws', async () => {
    const { leader } = await setUp();
    leader.onCommitted(() => { throw new Error('a bug'); });
    let told = 0;
    leader.onCommitted(() => { told++; });
    await accepted(leader, place());
    assert.equal(told, 1);
  });

  test('never lets journaled time go back', async () => {
    const { clock, leader } = await setUp();
    const first = await accepted(leader, place());
    clock.time -= 60_000;
    const second = await accepted(leader, place());
    assert.equal(second.time, first.time);
  });

  /** A resting order, and a switch that cancels it after 5 s. */
  const armed = async (leader: Leader): Promise<Leader> => {
    await accepted(leader, place());
    await accepted(leader, { type: 'cancel_after', account: ALICE, timeoutMs: 5_000 });
    return leader;
  };

  test('fires a dead-man switch in time although the wall clock is set back', async () => {
    const machine = new Machine();
    const leader = await openMemoryLeader(new MemoryDisk(), machine.clock);
    await found(leader);
    await armed(leader);
    machine.set(-3_600_000);
    // Time goes a tenth slower meanwhile: 5 s have passed after 5.56.
    await machine.pass(5_500);
    leader.advanceTime();
    assert.equal(leader.state.openOrderCount, 1);
    await machine.pass(100);
    leader.advanceTime();
    assert.equal(leader.state.openOrderCount, 0);
  });

  test('goes on from the time at which the journal ends, and says so, where the wall clock was set back while it was down', async () => {
    const disk = new MemoryDisk();
    const before = new Machine();
    const first = await openMemoryLeader(disk, before.clock);
    await found(first);
    await (await armed(first)).close();
    const warnings: (LogFields | undefined)[] = [];
    const logger: Logger = { ...silentLogger, warn: (_message, fields) => void warnings.push(fields) };
    const after = new Machine(before.wall - 3_600_000);
    const second = await openMemoryLeader(disk, after.clock, { logger });
    assert.deepEqual(warnings, [{ journal: new Date(before.wall).toISOString(), seconds: 3_600 }]);
    await after.pass(5_600);
    second.advanceTime();
    assert.equal(second.state.openOrderCount, 0);
    assert.ok(second.state.time >= before.wall + 5_000);
    await second.close();
    assert.equal((await openMemoryLeader(disk, after.clock, { logger })).state.openOrderCount, 0);
    assert.equal(warnings.length, 1, 'of a clock that is where the journal ends there is nothing to say');
  });

  test('gives a group one time, also where one of its commands repeats itself, and replays to the same state', async () => {
    const disk = new MemoryDisk();
    let time = Date.UTC(2024, 0, 1);
    const leader = await openMemoryLeader(disk, new Clock(), { clock: { now: () => time++, reach() {} } });
    await found(leader);
    const batch: Command = { type: 'place_orders', account: ALICE, orders: [place('twice').order, place('twice').order] };
    const answers = await Promise.all([place('a'), batch, place('b'), place('c')].map((command) => accepted(leader, command)));
    assert.equal(new Set(answers.map((answer) => answer.time)).size, 1);
    const hash = leader.state.stateHash();
    await leader.close();
    disk.snapshots.clear();
    assert.equal((await openMemoryLeader(disk, new Clock())).state.stateHash(), hash);
  });

  test('fires what has become due while a command was judged before that command', async () => {
    const { disk, clock } = await setUp();
    const before = await openMemoryLeader(disk, clock);
    await accepted(before, place('old'));
    await accepted(before, { type: 'cancel_after', account: ALICE, timeoutMs: 1_000 });
    await before.close();
    const leader = await openMemoryLeader(disk, clock);
    // Its first item has to be looked up in the journal; the switch is due by then.
    const judged = accepted(leader, { type: 'place_orders', account: ALICE, orders: [place('old').order, place('new').order] });
    void leader.state.seq;
    clock.time += 5_000;
    await judged;
    assert.deepEqual(leader.state.openOrders(ALICE).map(({ clientOrderId }) => clientOrderId), ['new']);
  });

  test('fires what is due before the next command, and by its timer', async () => {
    const { clock, leader } = await setUp();
    await accepted(leader, place('a'));
    await accepted(leader, { type: 'cancel_after', account: ALICE, timeoutMs: 1_000 });
    clock.time += 999;
    leader.advanceTime();
    assert.equal(leader.state.openOrderCount, 1);
    clock.time += 1;
    assert.equal(await codeOf(leader.submit({ type: 'cancel_order', account: ALICE, order: leader.state.orderByClientId(ALICE, 'a')!.id })), 'ORDER_NOT_OPEN');
    assert.equal(leader.state.openOrderCount, 0);
  });

  test('a barrier waits for what was executed, and only for that', async () => {
    const { disk, leader } = await setUp();
    await leader.barrier();
    disk.latency = () => 10;
    const answer = leader.submit(place());
    const seq = leader.state.seq;
    await leader.barrier();
    assert.equal(disk.lastSeq, seq);
    await answer;
  });

  test('says how many ids it could not remember for their 24 hours', async () => {
    const metrics = createMetrics();
    const leader = await openMemoryLeader(new MemoryDisk(), new Clock(), { idLimit: 1_024, queueLimit: 2_000, metrics: leaderMetrics(metrics) });
    await found(leader);
    await Promise.all(Array.from({ length: 1_030 }, (_, i) => accepted(leader, place(`id${i}`))));
    assert.match(await metrics.registry.getSingleMetricAsString('bourse_ids_dropped_early'), / 6$/m);
    await leader.close();
  });

  test('leads from where it ended, after an orderly end', async () => {
    const { disk, clock, leader } = await setUp();
    await accepted(leader, place('a'));
    const hash = leader.state.stateHash();
    await leader.close();
    assert.deepEqual([...disk.snapshots.keys()], [disk.lastSeq]);
    await assert.rejects(leader.submit(place()), UnavailableError);
    const next = await openMemoryLeader(disk, clock);
    assert.equal(next.recovery.events, 0);
    assert.equal(next.recovery.snapshotSeq, disk.lastSeq);
    assert.equal(next.state.stateHash(), hash);
    await accepted(next, place());
  });

  test('waits for what it has taken before it ends', async () => {
    const { disk, leader } = await setUp();
    disk.latency = () => 10;
    const answers = Array.from({ length: 10 }, () => accepted(leader, place()));
    await leader.close();
    const last = (await Promise.all(answers)).at(-1)!;
    assert.equal(disk.lastSeq, last.seq);
  });
});

describe('when the journal fails, a leader', () => {
  for (const fault of ['lost', 'stored'] as const) {
    test(`answers nothing that may not be stored and leads again from the journal (${fault})`, async () => {
      const { disk, leader } = await setUp();
      const told: number[] = [];
      leader.onCommitted(({ seq }) => told.push(seq));
      const before = disk.lastSeq;
      let faults = 1;
      disk.appendFault = () => (faults-- > 0 ? fault : undefined);
      const state = leader.state;
      const answers = await Promise.allSettled([leader.submit(place('a')), leader.submit(place('b')), leader.barrier()]);
      for (const answer of answers) assert.ok(answer.status === 'rejected' && answer.reason instanceof UnavailableError);
      assert.equal(leader.status.state, 'recovering');
      assert.match(leader.status.reason!, /append failed/);
      await assert.rejects(leader.submit(place()), UnavailableError);
      await assert.rejects(leader.barrier(), UnavailableError);
      await until(() => leader.status.state === 'leading');
      const stored = fault === 'stored' ? 2 : 0;
      assert.equal(disk.lastSeq, before + stored);
      assert.equal(state.openOrderCount, stored);
      assert.equal(leader.committedSeq, disk.lastSeq);
      assert.deepEqual(told, [before + 1, before + 2].slice(0, stored));
      assert.equal((await accepted(leader, place('a'))).replayed, fault === 'stored');
      assert.ok(state.orderByClientId(ALICE, 'a') !== undefined);
    });
  }

  test('tries until it can be opened, waiting longer each time', async () => {
    const disk = new MemoryDisk();
    const waits: number[] = [];
    const warnings: (LogFields | undefined)[] = [];
    let failures = 0;
    const leader = await openMemoryLeader(disk, new Clock(), {
      logger: { ...silentLogger, warn: (_message, fields) => void warnings.push(fields) },
      delay: async (ms) => { waits.push(ms); },
      openJournal: async () => {
        if (failures-- > 0) throw new JournalUnavailableError('the disk is away');
        return new MemoryJournal(disk);
      },
    });
    await found(leader);
    failures = 9;
    disk.appendFault = () => { disk.appendFault = () => undefined; return 'lost'; };
    await assert.rejects(leader.submit(place()), UnavailableError);
    await until(() => waits.length === 5);
    assert.match(leader.status.reason!, /the disk is away/);
    await until(() => leader.status.state === 'leading');
    assert.deepEqual(waits, [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
    assert.deepEqual(warnings, Array.from({ length: 9 }, () => ({ reason: 'the disk is away' })), 'a try that fails is one short line');
    await accepted(leader, place());
  });

  test('can be closed while it waits', async () => {
    const { disk, leader } = await (async () => {
      const disk = new MemoryDisk();
      const leader = await openMemoryLeader(disk, new Clock(), { delay: () => new Promise(() => {}) });
      await found(leader);
      return { disk, leader };
    })();
    disk.appendFault = () => 'lost';
    await assert.rejects(leader.submit(place()), UnavailableError);
    await leader.close();
    assert.equal(leader.status.state, 'stopped');
    assert.equal(disk.snapshots.size, 0);
  });

  test('stops for good when somebody else writes to it', async () => {
    const disk = new MemoryDisk();
    const fatal: Error[] = [];
    const leader = await openMemoryLeader(disk, new Clock(), { onFatal: (error) => fatal.push(error) });
    await found(leader);
    const other = await openMemoryLeader(disk, new Clock());
    await accepted(other, place());
    await assert.rejects(leader.submit(place()), UnavailableError);
    assert.equal(leader.status.state, 'stopped');
    assert.ok(fatal[0] instanceof JournalConflictError);
  });

  test('stops for good when acknowledged events are gone', async () => {
    const disk = new MemoryDisk();
    const fatal: Error[] = [];
    const leader = await openMemoryLeader(disk, new Clock(), { onFatal: (error) => fatal.push(error) });
    await found(leader);
    disk.appendFault = () => { disk.remove(disk.lastSeq); return 'lost'; };
    await assert.rejects(leader.submit({ ...place(), account: BOB }), UnavailableError);
    await until(() => leader.status.state === 'stopped');
    assert.match(fatal[0]!.message, new RegExp(`events up to ${founding.length} have been acknowledged`));
  });
});
