/** A request that is turned down for a reason the client can act on: thrown by services, answered as problem+json or as a failed acknowledgement. */
import { REJECT_CODES, type Reject, type RejectCode } from '../engine/reject.ts';

export const EDGE_STATUS = {
  VALIDATION_FAILED: 400,
  UNAUTHENTICATED: 401,
  TOKEN_EXPIRED: 401,
  FORBIDDEN: 403,
  CSRF_FAILED: 403,
  STEP_UP_REQUIRED: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  DUPLICATE_CLIENT_ORDER_ID: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  RATE_LIMITED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
} as const;

export type EdgeCode = keyof typeof EDGE_STATUS;
export type Code = EdgeCode | RejectCode;

/** The one table from code to HTTP status: what the edge refuses has its own, what the engine refuses is 422. */
export function statusOf(code: Code): number {
  return code in EDGE_STATUS ? EDGE_STATUS[code as EdgeCode] : 422;
}

export interface FieldError {
  readonly path: string;
  readonly message: string;
}

export class Refusal extends Error {
  readonly code: Code;
  readonly errors: readonly FieldError[] | undefined;
  /** Seconds after which the same request may succeed (429, 503). */
  readonly retryAfterSeconds: number | undefined;

  constructor(code: Code, detail: string, more: { readonly errors?: readonly FieldError[]; readonly retryAfterSeconds?: number } = {}) {
    super(detail);
    this.name = 'Refusal';
    this.code = code;
    this.errors = more.errors;
    this.retryAfterSeconds = more.retryAfterSeconds;
  }

  /** VALIDATION_FAILED at one field. */
  static field(path: string, message: string): Refusal {
    return new Refusal('VALIDATION_FAILED', `${path}: ${message}`, { errors: [{ path, message }] });
  }

  static of(reject: Reject): Refusal {
    return new Refusal(reject.code, reject.detail);
  }
}

export const CODES: readonly Code[] = [...new Set<Code>([...(Object.keys(EDGE_STATUS) as EdgeCode[]), ...REJECT_CODES])];
