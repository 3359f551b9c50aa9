/** Snapshots as files `<seq>.snap`: a checked header, then the bytes. A file appears under its name only when it is complete and on disk. */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Seq } from '../engine/units.ts';
import type { Logger } from '../observability/logger.ts';
import { JournalCorruptError, JournalUnavailableError } from './errors.ts';
import type { Snapshot } from './journal.ts';

export type SnapshotHead = Omit<Snapshot, 'bytes'>;

const MAGIC = 'BOURSNAP';
const VERSION = 1;
/** Magic, then the length of the JSON header as a 32-bit little-endian number. */
const PREFIX_BYTES = MAGIC.length + 4;
const MAX_HEADER_BYTES = 4_096;
const FILE_NAME = /^(\d{1,16})\.snap$/;
const UNFINISHED = /^\d{1,16}\.tmp$/;

interface Header extends SnapshotHead {
  readonly version: number;
  readonly length: number;
  /** Over the other header fields and the bytes. */
  readonly sha256: string;
}

export class SnapshotFiles {
  readonly #directory: string;
  readonly #keep: number;
  readonly #logger: Logger;

  /** `keep`: how many of the newest stay. */
  constructor(dataDirectory: string, keep: number, logger: Logger) {
    this.#directory = join(dataDirectory, 'snapshots');
    this.#keep = keep;
    this.#logger = logger;
  }

  /** Throws JournalUnavailableError when it cannot be written; what was there before is untouched. */
  async save(snapshot: Snapshot): Promise<void> {
    const temporary = join(this.#directory, `${snapshot.seq}.tmp`);
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await writeDurably(temporary, [encodeHeader(snapshot), snapshot.bytes]);
      await rename(temporary, this.#path(snapshot.seq));
      await syncDirectory(this.#directory);
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw new JournalUnavailableError(`the snapshot at event ${snapshot.seq} could not be written (${(error as Error).message})`, error);
    }
    await this.#prune();
  }

  /** Newest first. Those whose header cannot be read are left out and logged. */
  async list(): Promise<SnapshotHead[]> {
    const heads: SnapshotHead[] = [];
    for (const seq of seqsOf(await this.#names())) {
      try {
        const { time, stateHash } = await readHeader(this.#path(seq), seq);
        heads.push({ seq, time, stateHash });
      } catch (error) {
        this.#logger.warn('a snapshot is unreadable and will not be used', { file: this.#path(seq), error });
      }
    }
    return heads;
  }

  /** Whether there are any, also unreadable ones. */
  async any(): Promise<boolean> {
    return seqsOf(await this.#names()).length > 0;
  }

  /** Throws JournalCorruptError when the file is not what was written. */
  async load(seq: Seq): Promise<Snapshot> {
    const path = this.#path(seq);
    const file = await readFile(path).catch((error: Error) => {
      throw new JournalUnavailableError(`the snapshot ${path} could not be read (${error.message})`, error);
    });
    const { header, end } = parseHeader(file, path, seq);
    const bytes = file.subarray(end);
    if (bytes.length !== header.length || digest(header, bytes) !== header.sha256) {
      throw new JournalCorruptError(`the snapshot ${path} does not match its checksum`, seq);
    }
    return { seq, time: header.time, stateHash: header.stateHash, bytes };
  }

  #path(seq: Seq): string {
    return join(this.#directory, `${seq}.snap`);
  }

  async #names(): Promise<string[]> {
    return readdir(this.#directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw new JournalUnavailableError(`the snapshots in ${this.#directory} could not be listed (${error.message})`, error);
    });
  }

  /** Removes the oldest, and what a process left unfinished when it was killed. */
  async #prune(): Promise<void> {
    const names = await this.#names();
    const old = seqsOf(names).slice(this.#keep).map((seq) => `${seq}.snap`);
    for (const name of [...old, ...names.filter((name) => UNFINISHED.test(name))]) {
      await unlink(join(this.#directory, name)).catch((error: Error) => this.#logger.warn('an old snapshot could not be removed', { name, error }));
    }
  }
}

/** Newest first. */
function seqsOf(names: readonly string[]): Seq[] {
  return names.flatMap((name) => FILE_NAME.exec(name)?.[1] ?? []).map(Number).sort((a, b) => b - a);
}

function digest(head: SnapshotHead, bytes: Uint8Array): string {
  return createHash('sha256').update(`${VERSION} ${head.seq} ${head.time} ${head.stateHash} `).update(bytes).digest('hex');
}

function encodeHeader(snapshot: Snapshot): Uint8Array {
  const { seq, time, stateHash, bytes } = snapshot;
  const header: Header = { version: VERSION, seq, time, stateHash, length: bytes.length, sha256: digest(snapshot, bytes) };
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(MAGIC, 'latin1');
  prefix.writeUInt32LE(json.length, MAGIC.length);
  return Buffer.concat([prefix, json]);
}

async function readHeader(path: string, seq: Seq): Promise<Header> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(PREFIX_BYTES + MAX_HEADER_BYTES);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return parseHeader(buffer.subarray(0, bytesRead), path, seq).header;
  } finally {
    await file.close();
  }
}

function parseHeader(file: Buffer, path: string, seq: Seq): { header: Header; end: number } {
  try {
    if (file.length < PREFIX_BYTES) throw new Error(file.length === 0 ? 'it is empty' : 'it ends within its beginning');
    const length = file.readUInt32LE(MAGIC.length);
    if (file.toString('latin1', 0, MAGIC.length) !== MAGIC || length > MAX_HEADER_BYTES) throw new Error('it does not begin like a snapshot');
    const header = JSON.parse(file.toString('utf8', PREFIX_BYTES, PREFIX_BYTES + length)) as Header;
    if (header.version !== VERSION) throw new Error(`it has format ${header.version}; this version reads format ${VERSION}`);
    if (header.seq !== seq) throw new Error(`it was written for event ${header.seq}`);
    return { header, end: PREFIX_BYTES + length };
  } catch (error) {
    throw new JournalCorruptError(`the snapshot ${path} is damaged (${(error as Error).message})`, seq, error);
  }
}

async function writeDurably(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    for (const part of parts) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
