/** Routes under /admin/users that change a user. Takes effect at once, for tokens and open connections too. */
import type { UserService } from '../services/users.ts';
import { rolesChange, user, userPath } from '../validators/auth.ts';
import { route, type Route } from './route.ts';

export function userRoutes(users: UserService): Route[] {
  return [
    route({
      method: 'POST',
      path: '/admin/users/:id/freeze',
      permission: 'admin',
      repeats: 'kept',
      summary: 'Ends all sessions of a user and refuses new ones',
      params: userPath,
      response: user,
      handler: async (ctx) => ({ data: await users.setStatus(ctx.principal, ctx.params.id, 'frozen', ctx) }),
    }),
    route({
      method: 'POST',
      path: '/admin/users/:id/unfreeze',
      permission: 'admin',
      repeats: 'kept',
      summary: 'Lets a frozen user sign in again',
      params: userPath,
      response: user,
      handler: async (ctx) => ({ data: await users.setStatus(ctx.principal, ctx.params.id, 'active', ctx) }),
    }),
    route({
      method: 'PUT',
      path: '/admin/users/:id/roles',
      permission: 'admin',
      repeats: 'kept',
      summary: 'Sets a user’s roles',
      params: userPath,
      body: rolesChange,
      response: user,
      handler: async (ctx) => ({ data: await users.setRoles(ctx.principal, ctx.params.id, [...new Set(ctx.body.roles)], ctx) }),
    }),
  ];
}
