/** What may be sent to sign up, sign in and manage sessions. Whether a password will do is for the service; here only its size is bounded. */
import { z } from 'zod';
import { listQuery } from './common.ts';

const email = z.string().max(254).trim().pipe(z.email('must be an e-mail address')).meta({ format: 'email' });
const password = z.string().min(1).max(512);
const refreshToken = z.string().min(1).max(128);

export const credentials = z.strictObject({ email, password });
export const refresh = z.strictObject({ refreshToken });
export const logout = z.strictObject({ refreshToken: refreshToken.optional() });
export const passwordChange = z.strictObject({ currentPassword: password, newPassword: password });
export const sessionPath = z.object({ id: z.string().max(64) });
export const userPath = z.object({ id: z.string().max(64) });
export const rolesChange = z.strictObject({ roles: z.array(z.enum(['user', 'admin'])).min(1).max(2) });

const time = z.int().meta({ description: 'ms since the epoch, UTC' });

export const user = z.object({
  id: z.string(),
  email: z.string(),
  roles: z.array(z.enum(['user', 'admin'])).readonly(),
  status: z.enum(['active', 'frozen']),
  createdAt: time,
  lastLoginAt: time.nullable(),
});

export const signedIn = z.object({
  user,
  tokens: z.object({
    accessToken: z.string(),
    expiresIn: z.int().meta({ description: 'seconds until the access token expires' }),
    refreshToken: z.string().meta({ description: 'good for one use' }),
  }),
});

export const session = z.object({
  id: z.string(),
  createdAt: time,
  lastUsedAt: time,
  expiresAt: time,
  ip: z.string(),
  userAgent: z.string(),
  current: z.boolean(),
});

export const sessionsQuery = listQuery(session, {});
