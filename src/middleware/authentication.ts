/** Finds out who is asking: a bearer token → Principal. Decides nothing about what they may do; a bad credential only matters where one is needed. */
import type { Principal } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';
import type { Awaitable } from '../types/route.ts';
import type { ApiRequest, Next, Stage } from './http.ts';

/** Throws (or rejects with) a Refusal for a token that is no good. A known token is answered at once. */
export type Authenticate = (token: string) => Awaitable<Principal>;

const BEARER = /^bearer +([A-Za-z0-9._~+/=-]{1,4096})$/i;

export function authentication(authenticate: Authenticate): Stage {
  return (req, _res, next) => {
    const { authorization } = req.headers;
    if (authorization === undefined) return next();
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined) return fail(req, next, new Refusal('UNAUTHENTICATED', 'send Authorization: Bearer <access token>'));
    req.accessToken = token;
    try {
      const found = authenticate(token);
      if (!(found instanceof Promise)) return succeed(req, next, found);
      found.then((principal) => succeed(req, next, principal), (error: unknown) => fail(req, next, error));
    } catch (error) {
      fail(req, next, error);
    }
  };
}

function succeed(req: ApiRequest, next: Next, principal: Principal): void {
  req.principal = principal;
  next();
}

/** Anything but a refusal is a fault, and failures close. */
function fail(req: ApiRequest, next: Next, error: unknown): void {
  if (!(error instanceof Refusal)) return next(error);
  req.authFailure = error;
  next();
}
