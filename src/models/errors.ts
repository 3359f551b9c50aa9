/** Faults of the store that a caller may want to tell apart. */
import { OperatingError } from '../utils/errors.ts';

/** The id or the value of a unique index is taken. */
export class DuplicateKeyError extends OperatingError {
  constructor(message: string, cause?: unknown) {
    super('DUPLICATE_KEY', message, { retryable: false, cause });
  }
}

/** The cursor is damaged, or comes from another query. */
export class InvalidCursorError extends OperatingError {
  constructor(message = 'the cursor does not belong to this query') {
    super('INVALID_CURSOR', message, { retryable: false });
  }
}
