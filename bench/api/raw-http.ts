/** A keep-alive HTTP/1.1 connection that does no more than it must, so that the client is not what is measured. One request at a time. */
import type { Socket } from 'node:net';
import { openConnection } from './raw-connection.ts';

const HEADER_END = '\r\n\r\n';
const LENGTH = '\r\nContent-Length: ';

export interface RawReply {
  readonly status: number;
  /** A character a byte. */
  readonly body: string;
}

export class RawHttp {
  readonly #head: string;
  #socket: Socket | undefined;
  #pending = '';
  #onReply: ((reply: RawReply) => void) | undefined;

  private constructor(head: string) {
    this.#head = head;
  }

  static async open(url: string, path: string, token: string): Promise<RawHttp> {
    const http = new RawHttp(`POST ${path} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: `);
    http.#socket = await openConnection(url, (chunk) => http.#take(chunk));
    return http;
  }

  /** @param body ASCII. */
  post(body: string, onReply: (reply: RawReply) => void): void {
    this.#onReply = onReply;
    this.#socket?.write(`${this.#head}${body.length}\r\n\r\n${body}`, 'latin1');
  }

  close(): void {
    this.#socket?.destroy();
  }

  #take(chunk: Buffer): void {
    const text = this.#pending + chunk.toString('latin1');
    const end = text.indexOf(HEADER_END);
    const length = end < 0 ? 0 : lengthIn(text);
    if (Number.isNaN(length)) throw new Error(`a reply without length: ${text.slice(0, end)}`);
    const total = end + HEADER_END.length + length;
    if (end < 0 || text.length < total) {
      this.#pending = text;
      return;
    }
    this.#pending = text.slice(total);
    this.#onReply?.({ status: Number(text.slice(9, 12)), body: text.slice(end + HEADER_END.length, total) });
  }
}

/** NaN: the reply does not say, or not as Node's servers write it. */
function lengthIn(head: string): number {
  const at = head.indexOf(LENGTH);
  return at < 0 ? NaN : Number(head.slice(at + LENGTH.length, head.indexOf('\r', at + LENGTH.length)));
}
