/** The password of an administrator as the operator sees it: whether ADMIN_PASSWORD is it, and a new one when nobody knows it any more. For whoever has the data directory to themselves. */
import type { Store } from '../models/collection.ts';
import { sessions } from '../models/sessions.ts';
import { users, type UserDoc } from '../models/users.ts';
import { wallTime } from '../utils/clock.ts';
import { AuditLog } from './audit.ts';
import { normalizeEmail } from './credentials.ts';
import { madeUpPassword, passwordProblem, PasswordHasher } from './passwords.ts';
import { ADMIN_ID } from './registration.ts';

/** What has been done. */
export interface PasswordReset {
  readonly email: string;
  readonly password: string;
  /** Whether the password was made up, so that it has to be told. */
  readonly generated: boolean;
  readonly sessionsEnded: number;
  readonly status: UserDoc['status'];
}

/** Whether the first administrator, who is there, has this password. */
export async function isAdminPassword(store: Store, passwords: PasswordHasher, password: string): Promise<boolean> {
  const admin = await store.collection(users).get(ADMIN_ID);
  return passwords.verify(admin?.passwordHash, password);
}

/** `password`: absent = made up. `email`: of which administrator, absent = of the first one. */
export interface ResetRequest {
  readonly password?: string | undefined;
  readonly email?: string | undefined;
}

/** Ends all sessions of the administrator. Throws for a user who is none, and for a password that will not do. The server must not run: it remembers sessions. */
export async function resetAdminPassword(store: Store, { password: given, email }: ResetRequest): Promise<PasswordReset> {
  const admin = await administrator(store, email);
  const password = given ?? madeUpPassword();
  const problem = passwordProblem(password, admin.email);
  if (problem !== undefined) throw new Error(`ADMIN_PASSWORD ${problem}`);
  const passwordHash = await new PasswordHasher().hash(password);
  await new AuditLog(store, wallTime).record({ actor: 'system', action: 'auth.password-reset', target: admin.id, ip: '', requestId: '' });
  // The new password last: whoever has come in with the old one is out by then.
  const sessionsEnded = await store.collection(sessions).remove({ userId: admin.id });
  await store.collection(users).patch(admin.id, { passwordHash, updatedAt: wallTime() });
  return { email: admin.email, password, generated: given === undefined, sessionsEnded, status: admin.status };
}

async function administrator(store: Store, email: string | undefined): Promise<UserDoc> {
  const collection = store.collection(users);
  const user = email === undefined ? await collection.get(ADMIN_ID) : (await collection.find({ where: { email: normalizeEmail(email) }, limit: 1 })).items[0];
  if (user === undefined && email === undefined) throw new Error('there is no administrator yet: the first start makes one');
  if (user === undefined || !user.roles.includes('admin')) throw new Error(`${email ?? user?.email} is no administrator: --email names one`);
  return user;
}
