/** What can go wrong with the journal. Each says where, and what the caller may do about it. */
import type { Seq } from '../engine/units.ts';
import { OperatingError } from '../utils/errors.ts';

/** The records do not continue the journal: somebody else writes to it, or the caller's state is not the journal's. */
export class JournalConflictError extends OperatingError {
  constructor(message: string) {
    super('JOURNAL_CONFLICT', message, { retryable: false });
  }
}

/** Full disk, I/O error, closed. What was stored of an append is unknown: reopen and look at `lastSeq`. */
export class JournalUnavailableError extends OperatingError {
  constructor(message: string, cause?: unknown) {
    super('JOURNAL_UNAVAILABLE', message, { retryable: true, cause });
  }
}

/** What is stored is not what was written. `seq` is the first event that cannot be trusted (0: unknown). */
export class JournalCorruptError extends OperatingError {
  readonly seq: Seq;
  constructor(message: string, seq: Seq, cause?: unknown) {
    super('JOURNAL_CORRUPT', message, { retryable: false, cause });
    this.seq = seq;
  }
}

/** The data directory cannot be locked, whoever else works on it. The message says what to do. */
export class DirectoryUnusableError extends OperatingError {
  constructor(message: string, cause?: unknown) {
    super('DIRECTORY_UNUSABLE', message, { retryable: false, cause });
  }
}

/** Another process works on the data directory. */
export class DirectoryLockedError extends OperatingError {
  constructor(message: string) {
    super('DIRECTORY_LOCKED', message, { retryable: false });
  }
}
