/** Follows a journal from another thread or process, and may store snapshots of it. Blocks its thread while it reads; never writes the journal. */
import type { Seq } from '../engine/units.ts';
import type { Logger } from '../observability/logger.ts';
import { KEEP_SNAPSHOTS, type JournalReader, type JournalRecord, type Snapshot } from './journal.ts';
import { SnapshotFiles, type SnapshotHead } from './snapshot-files.ts';
import { JournalFile, journalPath } from './sqlite-file.ts';

export class SqliteJournalReader implements JournalReader {
  readonly #file: JournalFile;
  readonly #snapshots: SnapshotFiles;

  /** Throws JournalUnavailableError when there is no journal in the directory. */
  constructor(directory: string, logger: Logger) {
    this.#file = new JournalFile(journalPath(directory), { readOnly: true });
    this.#snapshots = new SnapshotFiles(directory, KEEP_SNAPSHOTS, logger);
  }

  get lastSeq(): Seq {
    return this.#file.lastSeq();
  }

  async read(afterSeq: Seq, limit: number): Promise<JournalRecord[]> {
    return this.#file.read(afterSeq, limit);
  }

  async recordAt(seq: Seq): Promise<JournalRecord | undefined> {
    return this.#file.recordAt(seq);
  }

  snapshots(): Promise<readonly SnapshotHead[]> {
    return this.#snapshots.list();
  }

  loadSnapshot(seq: Seq): Promise<Snapshot> {
    return this.#snapshots.load(seq);
  }

  saveSnapshot(snapshot: Snapshot): Promise<void> {
    return this.#snapshots.save(snapshot);
  }

  close(): void {
    this.#file.close();
  }
}
