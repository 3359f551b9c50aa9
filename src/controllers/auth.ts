/** Routes under /auth: signing up, in and out, and a user's own sessions and password. */
import type { AuthService } from '../services/auth.ts';
import { credentials, logout, passwordChange, refresh, session, sessionPath, sessionsQuery, signedIn, user } from '../validators/auth.ts';
import { list } from '../validators/replies.ts';
import { listReply } from './listing.ts';
import { route, type Route } from './route.ts';

export function authRoutes(auth: AuthService): Route[] {
  return [
    route({
      method: 'POST',
      path: '/auth/register',
      permission: 'public',
      repeats: 'handled',
      summary: 'Creates a user with an account, and signs in; the same Idempotency-Key with the same body signs in again',
      body: credentials,
      response: signedIn,
      status: 201,
      handler: async (ctx) => ({ data: await auth.register(ctx.body, ctx, ctx.meta) }),
    }),
    route({
      method: 'POST',
      path: '/auth/login',
      permission: 'public',
      summary: 'Signs in',
      body: credentials,
      response: signedIn,
      handler: async (ctx) => ({ data: await auth.login(ctx.body, ctx) }),
    }),
    route({
      method: 'POST',
      path: '/auth/refresh',
      permission: 'public',
      summary: 'New tokens for a refresh token, which is then used up; using one twice ends the session',
      body: refresh,
      response: signedIn,
      handler: async (ctx) => ({ data: await auth.refresh(ctx.body.refreshToken, ctx) }),
    }),
    route({
      method: 'POST',
      path: '/auth/logout',
      permission: 'public',
      signIn: 'optional',
      summary: 'Ends the session of the access token, expired or not, or of the refresh token',
      body: logout,
      handler: (ctx) => auth.logout(ctx.principal, { accessToken: ctx.accessToken, refreshToken: ctx.body.refreshToken }, ctx),
    }),
    route({
      method: 'GET',
      path: '/auth/me',
      permission: 'read',
      summary: 'Who is signed in',
      response: user,
      handler: async (ctx) => ({ data: await auth.me(ctx.principal) }),
    }),
    route({
      method: 'GET',
      path: '/auth/sessions',
      permission: 'read',
      summary: 'One’s open sessions, newest first',
      query: sessionsQuery,
      response: list(session),
      handler: async (ctx) => listReply(await auth.listSessions(ctx.principal, ctx.query)),
    }),
    route({
      method: 'DELETE',
      path: '/auth/sessions/:id',
      permission: 'read',
      repeats: 'kept',
      summary: 'Ends one of one’s sessions, at once',
      params: sessionPath,
      handler: (ctx) => auth.endSession(ctx.principal, ctx.params.id, ctx),
    }),
    route({
      method: 'POST',
      path: '/auth/password',
      permission: 'read',
      repeats: 'kept',
      summary: 'Changes the password and ends all other sessions',
      body: passwordChange,
      handler: (ctx) => auth.changePassword(ctx.principal, ctx.body, ctx),
    }),
  ];
}
