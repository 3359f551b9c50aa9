/** The journal as the sequencer needs it, whatever stores it. Adapter: `sqlite.ts`. The contract suite holds every adapter to it. */
import type { Millis, Seq } from '../engine/units.ts';

/** The events of one committed command, or of one batch. The unit of atomicity. */
export interface JournalRecord {
  /** Of its first event. */
  readonly seq: Seq;
  /** Number of events; the next record starts at seq + count. */
  readonly count: number;
  /** The command's time. */
  readonly time: Millis;
  /** `account:key` of an Idempotency-Key, else empty. */
  readonly key: string;
  /** What the request was, for telling a repeat from a reuse; else empty. */
  readonly fingerprint: string;
  /** What the command came to, as text: `sequencer/record.ts`. */
  readonly body: string;
}

/** Seq of a record's last event. */
export function endOf({ seq, count }: Pick<JournalRecord, 'seq' | 'count'>): Seq {
  return seq + count - 1;
}

export interface Snapshot {
  /** Of the last event it contains. */
  readonly seq: Seq;
  readonly time: Millis;
  readonly stateHash: string;
  readonly bytes: Uint8Array;
}

/** Snapshots that every journal keeps: the newest ones. */
export const KEEP_SNAPSHOTS = 3;

export interface Journal {
  /** Seq of the last durable event, 0 when empty. */
  readonly lastSeq: Seq;
  /**
   * Makes the records durable, all or none, before it resolves. They must continue `lastSeq` without a gap, else JournalConflictError
   * (somebody else is writing). A JournalUnavailableError (full disk, I/O) leaves unknown what was stored: the caller reopens and looks.
   */
  append(records: readonly JournalRecord[]): Promise<void>;
  /** Records that contain events > afterSeq, in order, checked for gaps and checksums: JournalCorruptError names the place. At most `limit` records. */
  read(afterSeq: Seq, limit: number): Promise<JournalRecord[]>;
  /** The record that contains event `seq`. */
  recordAt(seq: Seq): Promise<JournalRecord | undefined>;
  saveSnapshot(snapshot: Snapshot): Promise<void>;
  /** Newest first; unreadable ones are left out and logged. */
  snapshots(): Promise<readonly Omit<Snapshot, 'bytes'>[]>;
  loadSnapshot(seq: Seq): Promise<Snapshot>;
  close(): Promise<void>;
}

/** What following the journal needs of it: recovery, replay, the snapshot thread. */
export type JournalReader = Pick<Journal, 'lastSeq' | 'read' | 'recordAt' | 'snapshots' | 'loadSnapshot'>;
