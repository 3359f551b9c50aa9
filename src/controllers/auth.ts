/** Routes under /auth: signing up, in and out, and a user's own sessions and password. */
import type { Registration } from '../services/registration.ts';
import type { SignIn } from '../services/sign-in.ts';
import { login, logout, newUser, passwordChange, refresh, session, sessionPath, sessionsQuery, signedIn, user } from '../validators/auth.ts';
import { list } from '../validators/replies.ts';
import { listReply } from './listing.ts';
import { route, type Route } from './route.ts';

export function authRoutes({ registration, signIn }: { readonly registration: Registration; readonly signIn: SignIn }): Route[] {
  return [
    route({
      method: 'POST',
      path: '/auth/register',
      permission: 'public',
      repeats: 'handled',
      summary: 'Creates a user with an account, and signs in; the same Idempotency-Key with the same body signs in again',
      body: newUser,
      response: signedIn,
      status: 201,
      handler: async (ctx) => ({ data: await registration.register(ctx.body, ctx, ctx.meta) }),
    }),
    route({
      method: 'POST',
      path: '/auth/login',
      permission: 'public',
      summary: 'Signs in',
      body: login,
      response: signedIn,
      handler: async (ctx) => ({ data: await signIn.login(ctx.body, ctx) }),
    }),
    route({
      method: 'POST',
      path: '/auth/refresh',
      permission: 'public',
      summary: 'New tokens for a refresh token, which is then used up; using one twice ends the session',
      body: refresh,
      response: signedIn,
      handler: async (ctx) => ({ data: await signIn.refresh(ctx.body.refreshToken, ctx) }),
    }),
    route({
      method: 'POST',
      path: '/auth/logout',
      permission: 'public',
      signIn: 'optional',
      summary: 'Ends the session of the access token, expired or not, or of the refresh token',
      body: logout,
      handler: (ctx) => signIn.logout(ctx.principal, { accessToken: ctx.accessToken, refreshToken: ctx.body.refreshToken }, ctx),
    }),
    route({
      method: 'GET',
      path: '/auth/me',
      permission: 'read',
      summary: 'Who is signed in',
      response: user,
      handler: async (ctx) => ({ data: await signIn.me(ctx.principal) }),
    }),
    route({
      method: 'GET',
      path: '/auth/sessions',
      permission: 'read',
      summary: 'One’s open sessions, newest first',
      query: sessionsQuery,
      response: list(session),
      handler: async (ctx) => listReply(await signIn.listSessions(ctx.principal, ctx.query)),
    }),
    route({
      method: 'DELETE',
      path: '/auth/sessions/:id',
      permission: 'read',
      repeats: 'kept',
      summary: 'Ends one of one’s sessions, at once',
      params: sessionPath,
      handler: (ctx) => signIn.endSession(ctx.principal, ctx.params.id, ctx),
    }),
    route({
      method: 'POST',
      path: '/auth/password',
      permission: 'read',
      repeats: 'kept',
      summary: 'Changes the password and ends all other sessions',
      body: passwordChange,
      handler: (ctx) => signIn.changePassword(ctx.principal, ctx.body, ctx),
    }),
  ];
}
