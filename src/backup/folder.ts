/** The folder of automated backups: what they are called, which are there, which go. Touches nothing that is not called like one of ours. */
import { existsSync, readdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { Millis } from '../engine/units.ts';
import { journalPath, JournalFile } from '../journal/sqlite-file.ts';
import type { JournalRecord } from '../journal/journal.ts';
import { UNFINISHED } from './copy.ts';

export interface Backup {
  readonly name: string;
  /** When it was begun. */
  readonly time: Millis;
}

/** UTC, so that names sort like times; no colons, which not every file system takes. */
const NAME = /^bourse-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)Z$/;

export function backupName(time: Millis): string {
  return `bourse-${new Date(time).toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
}

/** Whether one broken disk takes both. */
export function onOneDisk(path: string, other: string): boolean {
  return statSync(path).dev === statSync(other).dev;
}

/** Newest first. What is unfinished has another name. */
export function backupsIn(directory: string): Backup[] {
  const found = readdirSync(directory).flatMap((name) => {
    const time = timeOf(name);
    return time === undefined || !existsSync(journalPath(join(directory, name))) ? [] : [{ name, time }];
  });
  return found.sort((a, b) => b.time - a.time);
}

/** What a backup that was broken off has left, or one that was being removed. */
export function removeUnfinished(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (isUnfinished(name)) rmSync(join(directory, name), { recursive: true, force: true });
  }
}

/** Whether `path` is a backup in the folder, or in one: whatever is there goes some day. Both must exist. */
export function isInBackup(directory: string, path: string): boolean {
  const [name = ''] = relative(realpathSync(directory), realpathSync(path)).split(sep);
  return timeOf(name) !== undefined || isUnfinished(name);
}

/** Removes all but the newest `keep`, and never the one called `made`: those of a time to come, made while the clock was wrong, before all others. Returns how many went. */
export function removeOld(directory: string, keep: number, made: string): number {
  const others = backupsIn(directory).filter(({ name }) => name !== made);
  // Names sort like times.
  const toCome = others.filter(({ name }) => name > made);
  const old = [...others.slice(toCome.length), ...toCome].slice(keep - 1);
  for (const { name } of old) {
    const path = join(directory, name);
    // It loses its name first: what is half removed is no backup.
    renameSync(path, `${path}${UNFINISHED}`);
    rmSync(`${path}${UNFINISHED}`, { recursive: true, force: true });
  }
  return old.length;
}

/**
 * The newest backup that is of another journal than `dataDirectory`; undefined when the newest one that can be read is of this journal, or none is there, or this journal's beginning
 * cannot be read, which a copy then names. What a server leaves in the folder of another one would in time push out that one's backups: those of lost data too, when a server begins anew.
 */
export function foreignBackup(directory: string, dataDirectory: string): string | undefined {
  const ours = firstRecord(dataDirectory);
  if (ours === undefined) return undefined;
  for (const { name } of backupsIn(directory)) {
    const first = firstRecord(join(directory, name));
    if (first === undefined) continue;
    return first.time === ours.time && first.body === ours.body ? undefined : name;
  }
  return undefined;
}

function isUnfinished(name: string): boolean {
  return name.endsWith(UNFINISHED) && timeOf(name.slice(0, -UNFINISHED.length)) !== undefined;
}

function timeOf(name: string): Millis | undefined {
  const [, day, hours, minutes, seconds] = NAME.exec(name) ?? [];
  const time = Date.parse(`${day}T${hours}:${minutes}:${seconds}Z`);
  return Number.isNaN(time) ? undefined : time;
}

/** undefined: the journal is empty, or cannot be read. */
function firstRecord(directory: string): JournalRecord | undefined {
  try {
    const journal = new JournalFile(journalPath(directory), { readOnly: true });
    try {
      return journal.recordAt(1);
    } finally {
      journal.close();
    }
  } catch {
    return undefined;
  }
}
