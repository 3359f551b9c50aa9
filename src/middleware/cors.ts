/** Which web origins may read replies: those of the list, letter by letter. `null` and everything else get no permission. */
import corsLibrary from 'cors';
import type { RequestHandler } from 'express';
import type { Stage } from './http.ts';
import { sendNothing } from './reply.ts';

/** Those that are read; `If-None-Match` goes with the exposed `ETag`. */
const REQUEST_HEADERS = ['Authorization', 'Content-Type', 'Idempotency-Key', 'If-None-Match'];
const REPLY_HEADERS = ['X-Request-Id', 'RateLimit', 'RateLimit-Policy', 'Retry-After', 'ETag'];
const PREFLIGHT_SECONDS = 600;

export function cors(origins: readonly string[]): Stage {
  const allowed = new Set(origins);
  const library = corsLibrary({
    origin: (origin, decide) => decide(null, origin !== undefined && allowed.has(origin)),
    credentials: true,
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: REQUEST_HEADERS,
    exposedHeaders: REPLY_HEADERS,
    maxAge: PREFLIGHT_SECONDS,
  }) as unknown as (...args: Parameters<RequestHandler>) => void;
  return (req, res, next) => {
    const { origin } = req.headers;
    // The library says this itself.
    if (origin === undefined || !allowed.has(origin)) res.lines.push('Vary', 'Origin');
    // No origin: no browser's cross-origin request. A stranger's: no permission to give, and its preflight ends in 204 without one.
    if (origin === undefined) next();
    else if (allowed.has(origin)) library(...([req, res, next] as unknown as Parameters<RequestHandler>));
    else if (req.method === 'OPTIONS' && req.headers['access-control-request-method'] !== undefined) sendNothing(res, 204);
    else next();
  };
}
