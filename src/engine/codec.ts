/** Two sinks for one stream of integers and texts: bytes (a snapshot) and a hash of the same stream (the state hash). */

export interface Sink {
  /** Any safe integer. */
  int(value: number): void;
  text(value: string): void;
}

const HIGH = 2 ** 32;
/** What fits the first four bytes: 6 + 3 × 7 bits. */
const LOW = 2 ** 27;
/** UTF-16 units of a text that are put together at once. */
const PIECE = 1_024;

/** Integers as sign, six bits, then seven bits a byte, least first; texts as length and UTF-16 units. */
export class ByteWriter implements Sink {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;

  int(value: number): void {
    if (this.#length + 10 > this.#bytes.length) this.#grow();
    const sign = value < 0 ? 1 : 0;
    const size = value < 0 ? -value : value;
    if (size < LOW) this.#narrow(size, sign);
    else this.#wide(size, sign);
  }

  /** Less than 2^27, in integer arithmetic. */
  #narrow(size: number, sign: number): void {
    const bytes = this.#bytes;
    let at = this.#length;
    let byte = sign | ((size & 63) << 1);
    for (let rest = size >>> 6; rest !== 0; rest >>>= 7) {
      bytes[at++] = byte | 128;
      byte = rest & 127;
    }
    bytes[at++] = byte;
    this.#length = at;
  }

  #wide(size: number, sign: number): void {
    const bytes = this.#bytes;
    let at = this.#length;
    const low = size % LOW;
    bytes[at++] = sign | ((low & 63) << 1) | 128;
    bytes[at++] = ((low >>> 6) & 127) | 128;
    bytes[at++] = ((low >>> 13) & 127) | 128;
    bytes[at++] = (low >>> 20) | 128;
    let high = Math.floor(size / LOW);
    for (; high >= 128; high >>>= 7) bytes[at++] = (high & 127) | 128;
    bytes[at++] = high;
    this.#length = at;
  }

  text(value: string): void {
    this.int(value.length);
    for (let at = 0; at < value.length; at++) this.int(value.charCodeAt(at));
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Throws RangeError at the end of the bytes. */
  int(): number {
    const bytes = this.#bytes;
    let byte = this.#next();
    const negative = (byte & 1) === 1;
    let value = (byte >> 1) & 63;
    let scale = 64;
    while ((byte & 128) !== 0) {
      if (this.#at >= bytes.length) throw new RangeError('the snapshot ends in the middle of a number');
      byte = bytes[this.#at++];
      value += (byte & 127) * scale;
      scale *= 128;
    }
    return negative ? -value : value;
  }

  /** Made of whole pieces, not unit by unit: V8 would keep such a text as a chain of its units, a kilobyte for a user's id. */
  text(): string {
    const length = this.int();
    let value = '';
    for (let done = 0; done < length; done += PIECE) {
      const units: number[] = [];
      for (let at = Math.min(PIECE, length - done); at > 0; at--) units.push(this.int());
      value += String.fromCharCode(...units);
    }
    return value;
  }

  #next(): number {
    if (this.#at >= this.#bytes.length) throw new RangeError('the snapshot ends too early');
    return this.#bytes[this.#at++];
  }
}

/** Two 32-bit lanes, each mixed as MurmurHash3 mixes its blocks, over the low and high words of every number. Not for security. */
export class HashSink implements Sink {
  #a = 0x811c9dc5 | 0;
  #b = 0x9e3779b9 | 0;
  #count = 0;

  int(value: number): void {
    const low = value | 0;
    const high = Math.floor(value / HIGH) | 0;
    let a = this.#a ^ Math.imul(low, 0xcc9e2d51);
    a = Math.imul((a << 13) | (a >>> 19), 5) + 0xe6546b64;
    a ^= Math.imul(high, 0x1b873593);
    this.#a = Math.imul((a << 15) | (a >>> 17), 0x85ebca6b);
    let b = this.#b ^ Math.imul(high + 0x7f4a7c15, 0x27d4eb2f);
    b = Math.imul((b << 17) | (b >>> 15), 0xc2b2ae35) ^ low;
    this.#b = Math.imul((b << 11) | (b >>> 21), 0x165667b1) + 0x3c6ef372;
    this.#count++;
  }

  text(value: string): void {
    this.int(value.length);
    for (let at = 0; at < value.length; at++) this.int(value.charCodeAt(at));
  }

  /** 16 hex digits. */
  finish(): string {
    return hex(finalize(this.#a ^ this.#count)) + hex(finalize(this.#b + Math.imul(this.#a, 0x9e3779b1)));
  }
}

function finalize(lane: number): number {
  let h = lane;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
