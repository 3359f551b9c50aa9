/** Turns whatever went wrong into problem+json (RFC 9457). Refusals say what they are; a fault says only that it happened, and is logged with the request's id. */
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { CODES, Refusal, statusOf, type Code } from '../types/refusal.ts';
import { OperatingError } from '../utils/errors.ts';
import { depart } from './connection-order.ts';
import { FaultLog } from './fault-log.ts';
import type { ApiRequest, ApiResponse, Next } from './http.ts';
import { send } from './reply.ts';

const PROBLEM_TYPE = 'application/problem+json';
const RETRY_SECONDS = 1;

export interface ErrorOptions {
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'errors'>;
}

export function errors(options: ErrorOptions): (error: unknown, req: ApiRequest, res: ApiResponse, next: Next) => void {
  const log = new FaultLog(options.logger);
  for (const code of CODES) options.metrics.errors.inc({ code }, 0);
  // Express knows an error handler by its four parameters.
  return (error, req, res, _next) => {
    depart(req);
    const refusal = asRefusal(error);
    const request = { requestId: req.requestId, method: req.method, route: req.matched?.fullPath };
    if (refusal.code === 'INTERNAL') log.fault(request, error);
    else if (refusal.code === 'UNAVAILABLE') log.unavailable(request, error);
    options.metrics.errors.inc({ code: refusal.code });
    if (res.headersSent) return void req.socket.destroy();
    if (refusal.retryAfterSeconds !== undefined) res.lines.push('Retry-After', String(refusal.retryAfterSeconds));
    if (refusal.code === 'UNAUTHENTICATED' || refusal.code === 'TOKEN_EXPIRED') res.lines.push('WWW-Authenticate', 'Bearer');
    send(req, res, statusOf(refusal.code), PROBLEM_TYPE, problem(refusal, req.requestId), 'no-store');
  };
}

/** The body of a problem reply. */
export function problem(refusal: Refusal, requestId: string): string {
  const { code, message: detail, errors: fields } = refusal;
  return JSON.stringify({ type: `/docs#${code}`, title: titleOf(code), status: statusOf(code), code, detail, requestId, errors: fields });
}

/** Public words for an error of any kind. */
function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof OperatingError && error.code === 'INVALID_CURSOR') return new Refusal('VALIDATION_FAILED', 'the cursor is not one of this list', { errors: [{ path: 'cursor', message: 'is not one of this list' }] });
  if (error instanceof OperatingError && error.retryable) return new Refusal('UNAVAILABLE', 'not available right now; try again', { retryAfterSeconds: RETRY_SECONDS });
  return new Refusal('INTERNAL', 'something went wrong on our side');
}

/** 'INSUFFICIENT_BALANCE' → 'Insufficient balance'. */
function titleOf(code: Code): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return (words[0] as string).toUpperCase() + words.slice(1);
}
