/** A thread that makes one backup, and then removes the oldest. The threads that serve and commit never wait for it. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { joinBackground } from '../utils/cpus.ts';
import { yieldToOthers } from '../utils/thread-priority.ts';
import { copyDataDirectory, type Copied } from './copy.ts';
import { foreignBackup, onOneDisk, removeOld, removeUnfinished } from './folder.ts';

export interface BackupTask {
  readonly dataDirectory: string;
  /** Where backups go. */
  readonly directory: string;
  /** Whether that was on another disk than the data when the process started: a backup on theirs would be lost with them, and take up their space. */
  readonly apart: boolean;
  readonly name: string;
  /** How many stay. */
  readonly keep: number;
  /** Bytes that stay free there. */
  readonly minFree: number;
}

export interface BackupMade extends Copied {
  /** Why the oldest could not be removed. */
  readonly left?: string;
}

export async function makeBackup({ dataDirectory, directory, apart, name, keep, minFree }: BackupTask): Promise<BackupMade> {
  // Not made again: where a disk was mounted there may be an empty folder of another one now, or none.
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) throw new Error(`BACKUP_DIR: ${directory} is no folder any more; mount its disk, or make it again`);
  if (apart && onOneDisk(directory, dataDirectory)) throw new Error(`BACKUP_DIR: ${directory} is on the disk of DATA_DIR now and was on another one; mount that, or start the server again to have backups where they are lost with the data`);
  // Asked again: when two servers are started on an empty folder, neither finds anything of the other.
  const foreign = foreignBackup(directory, dataDirectory);
  if (foreign !== undefined) throw new Error(`BACKUP_DIR: ${join(directory, foreign)} is a backup of another journal than the one in ${dataDirectory}; give each server a folder of its own`);
  removeUnfinished(directory);
  const copied = await copyDataDirectory(dataDirectory, join(directory, name), { minFree });
  try {
    removeOld(directory, keep, name);
    return copied;
  } catch (error) {
    return { ...copied, left: (error as Error).message };
  }
}

if (parentPort !== null) {
  yieldToOthers();
  joinBackground();
  parentPort.postMessage(await makeBackup(workerData as BackupTask));
}
