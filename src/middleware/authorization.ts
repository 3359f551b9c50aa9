/** Decides whether the principal may use the route: its declared permission, and for admin routes the address as well. Also answers for routes that are not there. */
import type { AddressSet } from '../utils/addresses.ts';
import { Refusal } from '../types/refusal.ts';
import type { ApiRequest, Stage } from './http.ts';
import { sendNothing } from './reply.ts';
import type { RouteTable } from './route-table.ts';

export function authorization(options: { readonly table: RouteTable; readonly adminIps: AddressSet }): Stage {
  return (req, res, next) => {
    const { matched } = req;
    if (matched !== undefined) return next(check(req, matched.permission, options.adminIps));
    const allowed = options.table.allowed(req.pathname);
    // A method that it takes, and still no match: a parameter that is not properly encoded.
    if (allowed.length === 0 || allowed.includes(req.method as string)) return next(new Refusal('NOT_FOUND', 'there is no such route'));
    res.lines.push('Allow', [...allowed, 'OPTIONS'].join(', '));
    if (req.method === 'OPTIONS') return sendNothing(res, 204);
    next(new Refusal('METHOD_NOT_ALLOWED', `this route takes ${allowed.join(', ')}`));
  };
}

/** undefined: go on. */
function check(req: ApiRequest, permission: string, adminIps: AddressSet): Refusal | undefined {
  if (permission === 'public') return undefined;
  const { principal } = req;
  if (principal === undefined) return req.authFailure ?? new Refusal('UNAUTHENTICATED', 'sign in first');
  if (permission === 'admin') {
    if (principal.roles.includes('admin') && adminIps.has(req.address)) return undefined;
    return new Refusal('FORBIDDEN', 'this needs the admin role and an allowed address');
  }
  if ((principal.permissions as readonly string[]).includes(permission)) return undefined;
  return new Refusal('FORBIDDEN', `this credential does not carry the permission ${permission}`);
}
