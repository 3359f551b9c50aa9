/** Operating faults: something outside broke or is not there. A refusal is a returned value (engine/reject.ts), a broken invariant throws a plain Error. */
export class OperatingError extends Error {
  readonly code: string;
  /** Whether the same attempt may succeed later. */
  readonly retryable: boolean;
  constructor(code: string, message: string, options: { retryable: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable;
  }
}

/** Not now: starting, stopping, not leading, disk full, queue full. */
export class UnavailableError extends OperatingError {
  constructor(message: string, cause?: unknown) {
    super('UNAVAILABLE', message, { retryable: true, cause });
  }
}
