/** Faults of the store that a caller may want to tell apart. */
import { OperatingError } from '../utils/errors.ts';

/** The id or the value of a unique index is taken. */
export class DuplicateKeyError extends OperatingError {
  constructor(message: string, cause?: unknown) {
    super('DUPLICATE_KEY', message, { retryable: false, cause });
  }
}

/** What is stored is not what was written: trying again does not help. The message names the file and what an operator can do. */
export class StoreDamagedError extends OperatingError {
  constructor(message: string, cause?: unknown) {
    super('STORE_DAMAGED', message, { retryable: false, cause });
  }
}

/** A row refers to what is not there: damage, of which only the caller knows where. */
export class UnreadableRowError extends Error {}

/** The cursor is damaged, or comes from another query. */
export class InvalidCursorError extends OperatingError {
  constructor(message = 'the cursor does not belong to this query') {
    super('INVALID_CURSOR', message, { retryable: false });
  }
}
