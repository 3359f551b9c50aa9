/** What may be sent to sign up, sign in and manage sessions. Whether a password will do is for the service; here only its size is bounded. */
import { z } from 'zod';
import { PASSWORD_LENGTH } from '../types/password-length.ts';
import { listQuery } from './common.ts';

const email = z.string().max(254).trim().pipe(z.email('must be an e-mail address')).meta({ format: 'email' });
const password = z.string().min(1).max(512);
const refreshToken = z.string().min(1).max(128).meta({ description: 'as it came with the last sign-in or refresh' });
const { min, max } = PASSWORD_LENGTH;
const newPassword = password.meta({ minLength: min, maxLength: max, description: `${min} to ${max} characters, none of the most common ones` });
/** That of the README's first trade. */
const EXAMPLE = { email: 'me@example.com', password: 'correct horse battery' };

export const newUser = z.strictObject({ email, password: newPassword }).meta({ examples: [EXAMPLE] });
export const login = z.strictObject({ email, password }).meta({ examples: [EXAMPLE] });
export const refresh = z.strictObject({ refreshToken }).meta({ examples: [{ refreshToken: 'the refreshToken of the last sign-in' }] });
export const logout = z.strictObject({ refreshToken: refreshToken.optional() }).meta({ examples: [{}] });
export const passwordChange = z
  .strictObject({ currentPassword: password, newPassword })
  .meta({ examples: [{ currentPassword: EXAMPLE.password, newPassword: 'another horse battery' }] });
export const sessionPath = z.object({ id: z.string().max(64).meta({ description: 'of a session of GET /auth/sessions' }) });
export const userPath = z.object({ id: z.string().max(64).meta({ description: 'of a user of GET /admin/users' }) });
export const rolesChange = z.strictObject({ roles: z.array(z.enum(['user', 'admin'])).min(1).max(2) }).meta({ examples: [{ roles: ['user'] }] });

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
