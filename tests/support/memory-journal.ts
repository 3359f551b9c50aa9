/** The journal in memory, for the simulator and tests: same rules, no disk, and faults on demand. What is stored outlives `close()`, as a file would. */
import type { Seq } from '../../src/engine/units.ts';
import { FIRST_CRC, assertContinues, recordCrc, strip, verifyChain, type StoredRecord } from '../../src/journal/chain.ts';
import { JournalCorruptError, JournalUnavailableError } from '../../src/journal/errors.ts';
import { KEEP_SNAPSHOTS, type Journal, type JournalRecord, type Snapshot } from '../../src/journal/journal.ts';

/** What happens to one append. `lost`: fails, nothing stored. `stored`: fails although everything was stored, which the caller cannot know. */
export type AppendFault = 'lost' | 'stored';

/** What a disk holds: shared by the journals opened on it one after the other. */
export class MemoryDisk {
  readonly records: StoredRecord[] = [];
  readonly snapshots = new Map<Seq, Snapshot>();
  /** Asked before each append; undefined = it works. */
  appendFault: () => AppendFault | undefined = () => undefined;
  /** How many turns an append takes. */
  latency: () => number = () => 0;

  get lastSeq(): Seq {
    const last = this.records.at(-1);
    return last === undefined ? 0 : last.seq + last.count - 1;
  }

  /** Index of the record that holds `seq`, or of the first after it. */
  indexOf(seq: Seq): number {
    let low = 0;
    let high = this.records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const record = this.records[middle]!;
      if (record.seq + record.count <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  store(records: readonly JournalRecord[]): void {
    let crc = this.records.at(-1)?.crc ?? FIRST_CRC;
    for (const record of records) {
      crc = recordCrc(record, crc);
      this.records.push({ ...record, crc });
    }
  }

  /** Damages the stored record that holds `seq`. */
  corrupt(seq: Seq): void {
    const index = this.indexOf(seq);
    const record = this.records[index]!;
    this.records[index] = { ...record, body: `${record.body.slice(0, -1)}?` };
  }

  /** Takes the record that holds `seq` away. */
  remove(seq: Seq): void {
    this.records.splice(this.indexOf(seq), 1);
  }
}

export class MemoryJournal implements Journal {
  readonly #disk: MemoryDisk;
  #broken: JournalUnavailableError | undefined;
  /** Appends that are not stored yet, oldest first. */
  readonly #inFlight: (readonly JournalRecord[])[] = [];
  #last: Promise<void> = Promise.resolve();

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  get lastSeq(): Seq {
    return this.#disk.lastSeq;
  }

  /** One after the other, and none after one that failed. */
  append(records: readonly JournalRecord[]): Promise<void> {
    this.#inFlight.push(records);
    const append = this.#last.then(() => this.#store(records));
    this.#last = append.catch(() => undefined);
    return append;
  }

  async #store(records: readonly JournalRecord[]): Promise<void> {
    try {
      this.#check();
      assertContinues(records, this.#disk.lastSeq);
      for (let turns = this.#disk.latency(); turns > 0; turns--) await undefined;
      this.#check();
      const fault = this.#disk.appendFault();
      if (fault !== 'lost') this.#disk.store(records);
      if (fault !== undefined) throw (this.#broken = new JournalUnavailableError(`the append failed (${fault})`));
    } finally {
      this.#inFlight.shift();
    }
  }

  async read(afterSeq: Seq, limit: number): Promise<JournalRecord[]> {
    this.#check();
    const start = this.#disk.indexOf(afterSeq + 1);
    const found = this.#disk.records.slice(start, start + limit);
    const previous = this.#disk.records[start - 1];
    verifyChain(found, previous === undefined ? 1 : previous.seq + previous.count, previous?.crc ?? FIRST_CRC);
    return found.map(strip);
  }

  async recordAt(seq: Seq): Promise<JournalRecord | undefined> {
    this.#check();
    const index = this.#disk.indexOf(seq);
    const record = this.#disk.records[index];
    if (record === undefined || record.seq > seq) return undefined;
    verifyChain([record], record.seq, this.#disk.records[index - 1]?.crc ?? FIRST_CRC);
    return strip(record);
  }

  async saveSnapshot(snapshot: Snapshot): Promise<void> {
    this.#check();
    const { snapshots } = this.#disk;
    snapshots.set(snapshot.seq, { ...snapshot, bytes: snapshot.bytes.slice() });
    for (const seq of newestFirst(snapshots).slice(KEEP_SNAPSHOTS)) snapshots.delete(seq);
  }

  async snapshots(): Promise<readonly Omit<Snapshot, 'bytes'>[]> {
    this.#check();
    const { snapshots } = this.#disk;
    return newestFirst(snapshots).map((seq) => snapshots.get(seq)!).map(({ seq, time, stateHash }) => ({ seq, time, stateHash }));
  }

  async loadSnapshot(seq: Seq): Promise<Snapshot> {
    this.#check();
    const snapshot = this.#disk.snapshots.get(seq);
    if (snapshot === undefined) throw new JournalCorruptError(`there is no snapshot at event ${seq}`, seq);
    return snapshot;
  }

  /** The process dies: nothing more is stored, but of the appends in flight the oldest `written` have been. */
  crash(written: number): void {
    if (this.#broken !== undefined) return;
    this.#broken = new JournalUnavailableError('the process has died');
    for (const records of this.#inFlight.slice(0, written)) this.#disk.store(records);
  }

  async close(): Promise<void> {
    this.#broken ??= new JournalUnavailableError('the journal is closed');
  }

  #check(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }
}

function newestFirst(snapshots: ReadonlyMap<Seq, Snapshot>): Seq[] {
  return [...snapshots.keys()].sort((a, b) => b - a);
}
