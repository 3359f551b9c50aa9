/** Recorded files as one stream in order of time: a k-way merge that holds one chunk per file, whatever their size, and keeps none of them open. */
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Recording } from './catalog.ts';
import { decoderOf, type Decoder, type Observed } from './decode.ts';

/** A line may be this long and no longer. */
const MAX_LINE = 16 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

export interface LineFault {
  readonly recording: Recording;
  readonly error: unknown;
}

interface Chunks {
  readonly next: () => Promise<IteratorResult<string>>;
  readonly close: () => void;
}

/** A file's text. The file is open while a chunk of it is read and not in between: a day may have more files than a process may have open. */
function chunksOf(path: string): Chunks {
  const file = Readable.from(bytesOf(path), { objectMode: false, highWaterMark: CHUNK_BYTES });
  const text = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  file.on('error', (error) => text.destroy(error));
  text.setEncoding('utf8');
  const iterator = text[Symbol.asyncIterator]() as AsyncIterator<string>;
  return {
    next: () => iterator.next(),
    close: () => {
      file.destroy();
      text.destroy();
    },
  };
}

async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  for (let at = 0; ; ) {
    const bytes = await readAt(path, at);
    if (bytes.length === 0) return;
    at += bytes.length;
    yield bytes;
  }
}

async function readAt(path: string, at: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, at);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** One file, read ahead by a chunk. Lines that do not decode are reported and skipped. */
class Cursor {
  readonly recording: Recording;
  /** Time of the first thing in it; undefined: it is empty, or not read yet. */
  firstMs: number | undefined;
  readonly #decode: Decoder;
  readonly #onFault: (fault: LineFault) => void;
  /** Since the first look at it. */
  #chunks: Chunks | undefined;
  #rest = '';
  #ahead: Observed[] = [];
  #at = 0;

  constructor(recording: Recording, onFault: (fault: LineFault) => void) {
    this.recording = recording;
    this.#decode = decoderOf(recording);
    this.#onFault = onFault;
  }

  get head(): Observed | undefined {
    return this.#ahead[this.#at];
  }

  /** Steps on; false when more must be read first. */
  step(): boolean {
    this.#at++;
    return this.#at < this.#ahead.length;
  }

  /** Reads until there is something or the end. A file that breaks off ends there. */
  async fill(): Promise<void> {
    this.#ahead = [];
    this.#at = 0;
    this.#chunks ??= chunksOf(this.recording.path);
    try {
      while (this.#ahead.length === 0) {
        const { value, done } = await this.#chunks.next();
        if (done === true) {
          this.#take(this.#rest);
          this.#rest = '';
          return;
        }
        const lines = (this.#rest + value).split('\n');
        this.#rest = lines.pop() ?? '';
        if (this.#rest.length > MAX_LINE) throw new RangeError('a line is too long');
        for (const line of lines) this.#take(line);
      }
    } catch (error) {
      this.#onFault({ recording: this.recording, error });
    } finally {
      this.firstMs ??= this.head?.timeMs;
    }
  }

  close(): void {
    this.#chunks?.close();
  }

  #take(line: string): void {
    if (line === '') return;
    try {
      this.#ahead.push(...this.#decode(line));
    } catch (error) {
      this.#onFault({ recording: this.recording, error });
    }
  }
}

/** The merged observations of several files. `peek` and `take` are for the ends of the files asynchronous, else immediate. */
export class Merge {
  readonly #cursors: Cursor[];
  /** Heap of cursors that have a head, the earliest at 0. */
  readonly #heap: Cursor[] = [];

  constructor(recordings: readonly Recording[], onFault: (fault: LineFault) => void) {
    this.#cursors = recordings.map((recording) => new Cursor(recording, onFault));
  }

  async open(): Promise<void> {
    for (const cursor of this.#cursors) {
      await cursor.fill();
      if (cursor.head !== undefined) this.#push(cursor);
    }
  }

  /** The earliest that has not been taken; undefined at the end. */
  get head(): Observed | undefined {
    return this.#heap[0]?.head;
  }

  /** Whose the head is, where there is one. */
  get recording(): Recording {
    return this.#heap[0].recording;
  }

  /** Whether single trades of the same instrument play in the bar around `timeMs`: they say when it was what the bar says it was. */
  tradesIn({ source, instrument, barMs }: Recording, timeMs: number): boolean {
    const end = timeMs - (timeMs % barMs) + barMs;
    return this.#cursors.some(({ recording: other, firstMs, head }) =>
      other.kind === 'trades' && other.source === source && other.instrument?.pair === instrument?.pair && other.instrument?.kind === instrument?.kind
      && firstMs !== undefined && firstMs < end && head !== undefined);
  }

  /** Removes the head. A promise where a file must be read on before the next head is known. */
  take(): Promise<void> | undefined {
    const cursor = this.#heap[0];
    if (cursor.step()) {
      this.#down(0);
      return undefined;
    }
    return cursor.fill().then(() => {
      if (cursor.head === undefined) this.#removeFirst();
      else this.#down(0);
    });
  }

  close(): void {
    for (const cursor of this.#cursors) cursor.close();
  }

  #push(cursor: Cursor): void {
    this.#heap.push(cursor);
    let at = this.#heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!earlier(this.#heap[at], this.#heap[parent])) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down(0);
  }

  #down(from: number): void {
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      let least = at;
      if (left < this.#heap.length && earlier(this.#heap[left], this.#heap[least])) least = left;
      if (right < this.#heap.length && earlier(this.#heap[right], this.#heap[least])) least = right;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #swap(a: number, b: number): void {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b], this.#heap[a]];
  }
}

function earlier(a: Cursor, b: Cursor): boolean {
  return (a.head as Observed).timeMs < (b.head as Observed).timeMs;
}
