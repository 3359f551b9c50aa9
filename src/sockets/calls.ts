/**
 * What clients may call, and how they are answered: `{ ok: true, data }` or `{ ok: false, error: { code, message } }`. Everything that comes in passes
 * here: budget, known name, schema, handler. Nothing that a client sends reaches any other listener, and nothing thrown leaves.
 */
import type { Socket } from 'socket.io';
import type { ZodType } from 'zod';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { Refusal, type FieldError } from '../types/refusal.ts';
import { OperatingError } from '../utils/errors.ts';
import { parse } from '../validators/parse.ts';
import type { MessageBudget } from './budgets.ts';

/** `handle` is answered in the same tick when it returns no promise. */
export interface Call<T = unknown> {
  readonly schema: ZodType<T>;
  handle(socket: Socket, input: T): unknown;
  /** How many messages it counts as, from the input as it came; default 1. */
  readonly cost?: (input: unknown) => number;
}

export type Calls = ReadonlyMap<string, Call>;

/** Checks that the handler takes what the schema gives. */
export function call<T>(schema: ZodType<T>, handle: (socket: Socket, input: T) => unknown, cost?: (input: unknown) => number): Call {
  return { schema, handle, cost } as Call;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly errors?: readonly FieldError[];
}

type Ack = (reply: { readonly ok: true; readonly data: unknown } | { readonly ok: false; readonly error: Failure }) => void;

export interface CallContext {
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'errors' | 'rateLimited'>;
}

/** Lets the socket make these calls and no others, within its connection's budget. */
export function serveCalls(socket: Socket, calls: Calls, budget: MessageBudget, context: CallContext): void {
  // `next` is never called: the package would hand the event to its listeners, its own `disconnect` among them.
  socket.use(([name, ...args]) => {
    if (!socket.connected) return;
    const last: unknown = args.at(-1);
    const ack = typeof last === 'function' ? (last as Ack) : undefined;
    const fail = (error: unknown): void => ack?.({ ok: false, error: failureOf(error, context) });
    /** Whoever goes on asking for more than the limits allow is disconnected. */
    const limit = (refusal: Refusal): void => {
      fail(refusal);
      if (budget.exhausted) disconnect(socket, { code: refusal.code, message: refusal.message });
    };
    const failed = (error: unknown): void => {
      if (!(error instanceof Refusal) || error.code !== 'RATE_LIMITED') return fail(error);
      budget.refuse(performance.now());
      limit(error);
    };
    const known = typeof name === 'string' ? calls.get(name) : undefined;
    if (!budget.take(performance.now(), known?.cost?.(args[0]))) {
      context.metrics.rateLimited.inc({ limit: 'socket_messages' });
      return limit(new Refusal('RATE_LIMITED', 'too many messages on this connection'));
    }
    try {
      if (known === undefined) throw new Refusal('NOT_FOUND', `there is no such call here; there are ${[...calls.keys()].join(', ')}`);
      const data = known.handle(socket, parse(known.schema, typeof args[0] === 'function' ? undefined : args[0]));
      if (data instanceof Promise) data.then((settled) => ack?.({ ok: true, data: settled }), failed);
      else ack?.({ ok: true, data });
    } catch (error) {
      failed(error);
    }
  });
}

/** Tells the client why (event `closing`), then closes its whole connection. */
export function disconnect(socket: Socket, reason: Failure): void {
  socket.emit('closing', reason);
  socket.disconnect(true);
}

/** What the client is told; what it must not know goes to the log. */
export function failureOf(error: unknown, { logger, metrics }: CallContext): Failure {
  const failure = describe(error);
  metrics.errors.inc({ code: failure.code });
  if (failure.code === 'INTERNAL') logger.error('a socket call failed', { error });
  return failure;
}

function describe(error: unknown): Failure {
  if (error instanceof Refusal) return { code: error.code, message: error.message, ...(error.errors === undefined ? {} : { errors: error.errors }) };
  if (error instanceof OperatingError && error.retryable) return { code: 'UNAVAILABLE', message: 'not available at the moment; try again' };
  return { code: 'INTERNAL', message: 'something went wrong here' };
}
