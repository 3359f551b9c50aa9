/**
 * `npm run admin-password -- --data DIR [--email ADDRESS]`: gives an administrator a new password while the server is stopped, and ends all their sessions. The
 * password is the one of `ADMIN_PASSWORD`, else it is made up and printed once.
 */
import { resolve } from 'node:path';
import { lockDirectory } from '../src/journal/directory-lock.ts';
import { SqliteStore } from '../src/models/sqlite.ts';
import { resetAdminPassword, type PasswordReset } from '../src/services/admin-password.ts';
import { readOptions } from './options.ts';
import { requireDataDirectory, run } from './run.ts';

const USAGE = 'usage: npm run admin-password -- [--data DIR] [--email ADDRESS] (ADMIN_PASSWORD gives the password, else one is made up)';

const { values } = readOptions(USAGE, { options: { data: { type: 'string', default: './data' }, email: { type: 'string' } } });

async function main(directory: string, email: string | undefined): Promise<void> {
  // Looked for first: the lock would make the folder.
  requireDataDirectory(directory, 'store.db');
  const lock = lockDirectory(directory);
  const store = new SqliteStore(directory);
  try {
    // As for the server, an empty variable counts as unset.
    print(await resetAdminPassword(store, { password: process.env.ADMIN_PASSWORD || undefined, email }));
  } finally {
    await store.close();
    lock.release();
  }
}

function print({ email, password, generated, sessionsEnded, status }: PasswordReset): void {
  console.log(`The administrator ${email} has a new password${generated ? '' : ', the one of ADMIN_PASSWORD'}. Sessions ended: ${sessionsEnded}.`);
  if (generated) console.log(`Password (shown this once): ${password}`);
  if (status === 'frozen') console.log('This account is frozen: another administrator must unfreeze it before it can sign in.');
}

await run(() => main(resolve(values.data), values.email));
