/** A Socket.IO client over WebSocket that does no more than it must: text frames out, text frames in, heartbeats. One namespace. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { openConnection } from './raw-connection.ts';

/** FIN and text. */
const TEXT = 0x81;
const PING = '2';
const PONG = '3';
const NOTHING = Buffer.alloc(0);

export class RawSocket {
  readonly #onMessage: (message: string) => void;
  #socket: Socket | undefined;
  #pending: Buffer = NOTHING;
  #upgraded = false;

  private constructor(onMessage: (message: string) => void) {
    this.#onMessage = onMessage;
  }

  /** Resolves when the namespace is joined. `onMessage` gets what follows, without the Engine.IO type: '43/user,7[…]' is '3/user,7[…]'. */
  static async open(url: string, namespace: string, auth: object, onMessage: (message: string) => void): Promise<RawSocket> {
    let joined: (() => void) | undefined;
    let refused: ((error: Error) => void) | undefined;
    const client: RawSocket = new RawSocket((message) => {
      if (message === PING) client.send(PONG);
      else if (message.startsWith('0')) client.send(`40${namespace},${JSON.stringify(auth)}`);
      else if (message.startsWith('40')) joined?.();
      else if (message.startsWith('44')) refused?.(new Error(message));
      else if (message.startsWith('4')) onMessage(message.slice(1));
    });
    const ready = new Promise<void>((done, fail) => ([joined, refused] = [done, fail]));
    const key = randomBytes(16).toString('base64');
    const socket = await openConnection(url, (chunk) => client.#take(chunk));
    client.#socket = socket.on('error', () => undefined);
    socket.write(`GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${new URL(url).host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`);
    await ready;
    return client;
  }

  /** Masked with zeros, as clients must mask, and zeros change nothing. ASCII. */
  send(message: string): void {
    const { length } = message;
    if (length > 0xffff) throw new Error('too long a message');
    const head = length < 126 ? [TEXT, 0x80 | length, 0, 0, 0, 0] : [TEXT, 0xfe, length >> 8, length & 0xff, 0, 0, 0, 0];
    this.#socket?.write(String.fromCharCode(...head) + message, 'latin1');
  }

  close(): void {
    this.#socket?.destroy();
  }

  #take(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    if (!this.#upgraded) this.#upgrade();
    if (this.#upgraded) this.#readFrames();
    // What is left is a view of what the next read overwrites.
    this.#pending = this.#pending.length === 0 ? NOTHING : Buffer.from(this.#pending);
  }

  #upgrade(): void {
    const end = this.#pending.indexOf('\r\n\r\n');
    if (end < 0) return;
    const status = this.#pending.toString('latin1', 9, 12);
    if (status !== '101') throw new Error(`no upgrade: ${this.#pending.toString('latin1', 0, end)}`);
    this.#upgraded = true;
    this.#pending = this.#pending.subarray(end + 4);
  }

  #readFrames(): void {
    for (let frame = readFrame(this.#pending); frame !== undefined; frame = readFrame(this.#pending)) {
      this.#pending = this.#pending.subarray(frame.size);
      if (frame.text !== undefined) this.#onMessage(frame.text);
    }
  }
}

/** The first frame, undefined while it is not complete. Text only; control frames come out without. */
function readFrame(bytes: Buffer): { readonly size: number; readonly text: string | undefined } | undefined {
  if (bytes.length < 2) return undefined;
  let length = bytes[1] & 0x7f;
  let start = 2;
  if (length === 126) {
    if (bytes.length < 4) return undefined;
    length = bytes.readUInt16BE(2);
    start = 4;
  } else if (length === 127) {
    if (bytes.length < 10) return undefined;
    length = Number(bytes.readBigUInt64BE(2));
    start = 10;
  }
  if (bytes.length < start + length) return undefined;
  return { size: start + length, text: bytes[0] === TEXT ? bytes.toString('utf8', start, start + length) : undefined };
}
