import assert from 'node:assert/strict';
import { test } from 'node:test';
import { journalContract, record } from '../../src/journal/contract.ts';
import { JournalUnavailableError } from '../../src/journal/errors.ts';
import { MemoryDisk, MemoryJournal } from './memory-journal.ts';

journalContract('memory', () => {
  const disk = new MemoryDisk();
  return {
    open: async () => new MemoryJournal(disk),
    corruptRecord: (seq) => disk.corrupt(seq),
    removeRecord: (seq) => disk.remove(seq),
    fillDisk: () => { disk.appendFault = () => 'lost'; },
    mend: () => { disk.appendFault = () => undefined; },
    dispose: () => {},
  };
});

test('an append can fail although everything was stored', async () => {
  const disk = new MemoryDisk();
  disk.appendFault = () => 'stored';
  await assert.rejects(new MemoryJournal(disk).append([record(1)]), JournalUnavailableError);
  assert.equal(new MemoryJournal(disk).lastSeq, 1);
});

test('what was being written when the process died is there wholly or not at all', async () => {
  for (const written of [0, 1]) {
    const disk = new MemoryDisk();
    disk.latency = () => 3;
    const journal = new MemoryJournal(disk);
    const append = journal.append([record(1), record(2)]);
    journal.crash(written);
    await assert.rejects(append, JournalUnavailableError);
    assert.equal(disk.lastSeq, written * 2);
  }
});
