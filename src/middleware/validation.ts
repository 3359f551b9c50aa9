/** Parses parameters, query and body by the route's schemas into a new object: the handler's context. The handler never sees the request itself. */
import { hash } from 'node:crypto';
import type { z } from 'zod';
import { Refusal } from '../types/refusal.ts';
import type { Context, Idempotency } from '../types/route.ts';
import { parse } from '../validators/parse.ts';
import type { ApiRequest, Stage } from './http.ts';

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,64}$/;
const MAX_USER_AGENT = 256;

export function validation(): Stage {
  return (req, _res, next) => {
    const { matched } = req;
    if (matched === undefined) return next(new Error('authorization let an unknown route through'));
    try {
      req.context = contextOf(req, matched);
    } catch (error) {
      return next(error);
    }
    next();
  };
}

function contextOf(req: ApiRequest, route: NonNullable<ApiRequest['matched']>): Context {
  const params = route.params === undefined ? undefined : parse(route.params, req.pathParams);
  const query = parseQuery(route.query, req);
  const body = parseBody(route.body, req);
  return {
    // Authorization has seen to it that there is one where the route needs one.
    principal: req.principal as NonNullable<ApiRequest['principal']>,
    accessToken: req.accessToken,
    ip: req.address,
    userAgent: (req.headers['user-agent'] ?? '').slice(0, MAX_USER_AGENT),
    requestId: req.requestId,
    params,
    query,
    body,
    meta: idempotency(req, body),
  };
}

function parseQuery(schema: z.ZodType | undefined, req: ApiRequest): unknown {
  if (schema !== undefined) return parse(schema, req.parsedQuery);
  if (Object.keys(req.parsedQuery).length > 0) throw new Refusal('VALIDATION_FAILED', 'this route takes no query');
  return undefined;
}

function parseBody(schema: z.ZodType | undefined, req: ApiRequest): unknown {
  if (schema !== undefined) return parse(schema, req.body === undefined ? {} : req.body);
  if (req.body === undefined || isEmptyObject(req.body)) return undefined;
  throw new Refusal('VALIDATION_FAILED', 'this route takes no body');
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}

/** The fingerprint is of what was understood, so that spacing and the order of fields make no other request. */
function idempotency(req: ApiRequest, body: unknown): Idempotency | undefined {
  const key = req.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !IDEMPOTENCY_KEY.test(key)) throw new Refusal('VALIDATION_FAILED', 'Idempotency-Key must be 1 to 64 visible ASCII characters');
  return {
    idempotencyKey: `${req.principal?.account ?? ''}:${key}`,
    fingerprint: hash('sha256', `${req.method} ${req.url}\n${body === undefined ? '' : JSON.stringify(body)}`, 'base64url'),
  };
}
