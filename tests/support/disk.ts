/**
 * What a power cut may leave on a disk, worked out from what a process asked the system to write. What was synced is there; of all else any part may be, down to single
 * sectors and whatever came first. Of the names that a folder was given or lost since it was synced, some of the first are so. That is the strictest reading of fsync(2);
 * file systems promise more.
 * What is in a folder goes with it.
 */
import { dirname } from 'node:path';
import type { Random } from '../../src/utils/random.ts';

/** A system call, from the moment at which it began to that at which it was answered. Paths are absolute. */
export type DiskCall = { readonly begun: number; readonly done: number; readonly path: string } & (
  | { readonly type: 'open'; readonly create: boolean; readonly truncate: boolean }
  | { readonly type: 'write'; readonly offset: number; readonly data: Buffer }
  | { readonly type: 'truncate'; readonly length: number }
  | { readonly type: 'mkdir' }
  | { readonly type: 'rename'; readonly to: string }
  | { readonly type: 'unlink' }
  | { readonly type: 'sync' }
);

type Change = { readonly done: number } & ({ readonly offset: number; readonly data: Buffer } | { readonly length: number });
type Naming = { readonly done: number; readonly path: string; readonly file: File | undefined };

interface File {
  readonly synced: Content;
  /** Since it was synced. */
  changes: Change[];
}

const SECTOR = 512;

export class Disk {
  /** As programs see it. */
  readonly #files = new Map<string, File>();
  /** As it is after a power cut at least. */
  readonly #synced = new Map<string, File>();
  /** Folders that were made; the others were there before, and stay. */
  readonly #made = new Set<string>();
  /** Since the folder was synced, by folder. */
  readonly #namings = new Map<string, Naming[]>();

  /** In the order in which calls take effect: a sync when it is answered, all others when they begin. */
  apply(call: DiskCall): void {
    const { done, path } = call;
    const file = this.#files.get(path);
    switch (call.type) {
      case 'open':
        if (file === undefined && call.create) this.#name({ done, path, file: { synced: new Content(), changes: [] } });
        if (call.truncate) file?.changes.push({ done, length: 0 });
        return;
      case 'write':
        return void file?.changes.push({ done, offset: call.offset, data: call.data });
      case 'truncate':
        return void file?.changes.push({ done, length: call.length });
      case 'mkdir':
        this.#made.add(path);
        return this.#name({ done, path, file: { synced: new Content(), changes: [] } });
      case 'rename':
        this.#name({ done, path, file: undefined });
        return this.#name({ done, path: call.to, file });
      case 'unlink':
        return this.#name({ done, path, file: undefined });
      case 'sync':
        return this.#sync(path, call.begun);
    }
  }

  /** Contents by path after a power cut now: one of many outcomes. */
  afterPowerCut({ next }: Pick<Random, 'next'>): Map<string, Buffer> {
    const files = new Map(this.#synced);
    for (const namings of this.#namings.values()) for (const naming of namings.slice(0, Math.floor(next() * (namings.length + 1)))) setName(files, naming);
    const isThere = (path: string): boolean => (!this.#made.has(path) || files.has(path)) && (dirname(path) === path || isThere(dirname(path)));
    const left = [...files].filter(([path]) => !this.#made.has(path) && isThere(dirname(path)));
    return new Map(left.map(([path, { synced, changes }]) => {
      // None, some or all of a file's changes, which are equally likely.
      const share = [0, next(), 1][Math.floor(next() * 3)]!;
      const content = synced.copy();
      for (const change of changes) if (next() < share) content.change(change, share === 1 ? () => true : () => next() < 0.9);
      return [path, content.bytes];
    }));
  }

  #name(naming: Naming): void {
    setName(this.#files, naming);
    const folder = dirname(naming.path);
    this.#namings.set(folder, [...(this.#namings.get(folder) ?? []), naming]);
  }

  /** Of a file or a folder. What was not answered by then may have come later. */
  #sync(path: string, begun: number): void {
    const namings = this.#namings.get(path) ?? [];
    for (const naming of namings) if (naming.done < begun) setName(this.#synced, naming);
    this.#namings.set(path, namings.filter(({ done }) => done >= begun));
    const file = this.#files.get(path);
    if (file === undefined) return;
    for (const change of file.changes) if (change.done < begun) file.synced.change(change, () => true);
    file.changes = file.changes.filter(({ done }) => done >= begun);
  }
}

function setName(files: Map<string, File>, { path, file }: Naming): void {
  if (file === undefined) files.delete(path);
  else files.set(path, file);
}

class Content {
  #buffer = Buffer.alloc(0);
  #length = 0;

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  copy(): Content {
    const copy = new Content();
    copy.#buffer = Buffer.from(this.bytes);
    copy.#length = this.#length;
    return copy;
  }

  /** `keeps` is asked for each sector that is written. */
  change(change: Change, keeps: () => boolean): void {
    if ('length' in change) return this.#resize(change.length);
    const { offset, data } = change;
    const end = offset + data.length;
    if (end > this.#length) this.#resize(end);
    for (let at = offset, next; at < end; at = next) {
      next = Math.min(end, (Math.floor(at / SECTOR) + 1) * SECTOR);
      if (keeps()) data.copy(this.#buffer, at, at - offset, next - offset);
    }
  }

  /** What is gained is zero. */
  #resize(length: number): void {
    if (length > this.#buffer.length) this.#buffer = Buffer.concat([this.bytes], 2 * length);
    this.#buffer.fill(0, Math.min(length, this.#length), Math.max(length, this.#length));
    this.#length = length;
  }
}
