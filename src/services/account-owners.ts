/** Whether the users of the store have the accounts that the journal opened for them. Otherwise somebody would be given another one's money. */
import type { EngineReader } from '../engine/reader.ts';
import type { Store } from '../models/collection.ts';
import { users } from '../models/users.ts';
import { RecoveryError } from '../sequencer/recovery.ts';

const PAGE = 500;

const WAY_OUT =
  'Restore both from the same backup, or a journal.db that is newer than store.db, each with its -wal file, then start again; nothing has been changed. ' +
  'docs/operations.md says what can be done where there is no such backup.';

export interface OwnersToCheck {
  readonly store: Pick<Store, 'collection'>;
  readonly state: Pick<EngineReader, 'seq' | 'accountOf'>;
  /** For messages. */
  readonly directory: string;
  /** Called from time to time, where it takes more than one page. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** An account whose user is not in the store is well: the process ended in between, or the store is older. Throws RecoveryError for the opposite. */
export async function requireOwners({ store, state, directory, onProgress }: OwnersToCheck): Promise<void> {
  const collection = store.collection(users);
  const total = await collection.count();
  let done = 0;
  let wrong = 0;
  let first = '';
  let cursor: string | undefined;
  do {
    const page = await collection.pick(['id', 'account'], { sort: { account: 1 }, limit: PAGE, ...(cursor !== undefined && { cursor }) });
    for (const { id, account } of page.items) {
      const opened = state.accountOf(id);
      if (opened === account) continue;
      if (wrong++ === 0) first = `user ${id} has account ${account} in store.db and ${opened === undefined ? 'none' : `account ${opened}`} in the journal`;
    }
    cursor = page.nextCursor;
    done += page.items.length;
    if (total > PAGE) onProgress?.(cursor === undefined ? total : done, total);
  } while (cursor !== undefined);
  if (wrong === 0) return;
  throw new RecoveryError(
    `In ${directory}, store.db and journal.db do not belong together: ${wrong} of ${total} users have another account in store.db than in the journal, which ends at event ${state.seq}. The first: ${first}.`,
    WAY_OUT,
  );
}
