/**
 * `npm run audit-log -- --data DIR [--to ENTRY]`: follows the audit log of a data directory from its first entry on, and says where its chain breaks: at an entry
 * that was changed, removed or put in. Reads only; the server may be running.
 */
import { resolve } from 'node:path';
import { auditlogs } from '../src/models/auditlogs.ts';
import { locate } from '../src/models/damage.ts';
import { StoredCollection } from '../src/models/stored.ts';
import { AuditChain, type ChainBreak } from '../src/services/audit.ts';
import { startProgress } from '../src/utils/progress.ts';
import { readOptions, wholeNumber } from './options.ts';
import { requireDataDirectory, run } from './run.ts';

const USAGE = 'usage: npm run audit-log -- [--data DIR] [--to ENTRY]';

const { values } = readOptions(USAGE, { options: { data: { type: 'string', default: './data' }, to: { type: 'string' } } });

function main(directory: string, to: number): void {
  requireDataDirectory(directory, 'store.db');
  const chain = new AuditChain();
  let broken: ChainBreak | undefined;
  try {
    broken = follow(directory, chain, to);
  } catch (error) {
    throw new Error(`entry ${chain.last.seq + 1} cannot be read: ${locate(error as Error, directory, auditlogs).message}`, { cause: error });
  }
  if (broken !== undefined) throw new Error(`the audit log in ${directory} is not as it was written: entry ${broken.seq}: ${broken.reason}`);
  const { seq, timestamp, hash } = chain.last;
  if (to !== Infinity && seq < to) throw new Error(`the audit log in ${directory} ends at entry ${seq}`);
  console.log(`whole       ${seq} entries, each as it was written and none missing before the last`);
  if (seq > 0) console.log(`last        entry ${seq}, ${new Date(timestamp).toISOString()}, hash ${hash}`);
}

/** Up to the first entry that is not the next one, to the last or to `to`. */
function follow(directory: string, chain: AuditChain, to: number): ChainBreak | undefined {
  const stored = new StoredCollection(directory, auditlogs);
  const progress = startProgress('following', Math.min(to, stored.count()));
  try {
    for (const entry of stored.inOrderOf('seq')) {
      if (chain.last.seq >= to) break;
      const broken = chain.follow(entry);
      if (broken !== undefined) return broken;
      progress.set(entry.seq);
    }
    return undefined;
  } finally {
    progress.end();
    stored.close();
  }
}

await run(() => main(resolve(values.data), values.to === undefined ? Infinity : wholeNumber('to', values.to, USAGE)));
