/** The store of a data directory that was restored to an earlier event: what it may not have any more, and what it says of it. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { EngineReader } from '../src/engine/reader.ts';
import type { Millis } from '../src/engine/units.ts';
import type { JournalCopied } from '../src/journal/journal-copy.ts';
import { MAX_LIMIT, type Store } from '../src/models/collection.ts';
import { keptreplies } from '../src/models/keptreplies.ts';
import { sessions } from '../src/models/sessions.ts';
import { SqliteStore } from '../src/models/sqlite.ts';
import { users } from '../src/models/users.ts';
import { requireOwners } from '../src/services/account-owners.ts';
import { AuditLog } from '../src/services/audit.ts';
import { wallTime } from '../src/utils/clock.ts';
import { syncToDisk } from '../src/utils/sync-to-disk.ts';

export interface Removed {
  readonly users: number;
  readonly sessions: number;
  readonly replies: number;
}

/** What of the source does not come along. */
export interface LeftOut {
  readonly events: number;
  /** No event of these is older. */
  readonly since: Millis;
}

/** Takes out of the copied store what belongs to events that were left out, writes that down in the audit log, and has the gate's question answered. Throws RecoveryError. */
export async function suitStore({ from, directory }: { readonly from: string; readonly directory: string }, state: EngineReader, { seq, time }: JournalCopied, leftOut: LeftOut | undefined): Promise<Removed> {
  const store = new SqliteStore(directory);
  let removed: Removed;
  try {
    // A reply that was kept from then on may be to what was left out: a repeat would be told that it has been done.
    const replies = leftOut === undefined ? 0 : await store.collection(keptreplies).remove({ createdAt: { gte: leftOut.since } });
    removed = { ...(await removeLater(store, state)), replies };
    await requireOwners({ store, state, directory: from });
    await new AuditLog(store, wallTime).record({ actor: 'system', action: 'data.restore', ip: '', requestId: '', after: { event: seq, time: new Date(time).toISOString(), eventsLeftOut: leftOut?.events ?? 0, ...removed } });
  } finally {
    await store.close();
  }
  asOneFile(join(directory, 'store.db'));
  return removed;
}

/** Users whose accounts nobody has yet: the next to register would be given them. One whose account is another one's is no such user; the gate refuses that. */
async function removeLater(store: Store, state: EngineReader): Promise<Pick<Removed, 'users' | 'sessions'>> {
  const collection = store.collection(users);
  const late: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await collection.pick(['id', 'account'], { sort: { account: 1 }, limit: MAX_LIMIT, ...(cursor !== undefined && { cursor }) });
    for (const { id, account } of page.items) if (state.userOf(account) === undefined) late.push(id);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  const removed = { users: late.length, sessions: 0 };
  for (let at = 0; at < late.length; at += MAX_LIMIT) {
    const some = late.slice(at, at + MAX_LIMIT);
    removed.sessions += await store.collection(sessions).remove({ userId: { in: some } });
    await collection.remove({ id: { in: some } });
  }
  return removed;
}

/** As in a backup: without a -wal file beside it, also while somebody only reads it. */
function asOneFile(path: string): void {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA journal_mode = DELETE');
  db.close();
  syncToDisk(path);
}
