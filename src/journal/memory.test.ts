import assert from 'node:assert/strict';
import { test } from 'node:test';
import { journalContract, record } from './contract.ts';
import { JournalUnavailableError } from './errors.ts';
import { MemoryDisk, MemoryJournal } from './memory.ts';

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

test('a disk that is away cannot be opened', () => {
  const disk = new MemoryDisk();
  disk.unavailable = true;
  assert.throws(() => new MemoryJournal(disk), JournalUnavailableError);
});
