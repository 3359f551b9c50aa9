/** A keep-alive HTTP/1.1 connection that does no more than it must, so that the client is not what is measured. One request at a time. */
import { connect, type Socket } from 'node:net';

const HEADER_END = Buffer.from('\r\n\r\n');

export interface RawReply {
  readonly status: number;
  readonly body: Buffer;
}

export class RawHttp {
  readonly #socket: Socket;
  readonly #head: string;
  #pending: Buffer = Buffer.alloc(0);
  #onReply: ((reply: RawReply) => void) | undefined;

  private constructor(socket: Socket, head: string) {
    this.#socket = socket;
    this.#head = head;
    socket.on('data', (chunk) => this.#take(chunk));
  }

  static async open(url: string, path: string, token: string): Promise<RawHttp> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await new Promise<void>((done, fail) => socket.once('connect', done).once('error', fail));
    return new RawHttp(socket, `POST ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: `);
  }

  post(body: string, onReply: (reply: RawReply) => void): void {
    this.#onReply = onReply;
    this.#socket.write(`${this.#head}${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const end = this.#pending.indexOf(HEADER_END);
    if (end < 0) return;
    const head = this.#pending.toString('latin1', 0, end);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1]);
    if (Number.isNaN(length)) throw new Error(`a reply without length: ${head}`);
    const total = end + HEADER_END.length + length;
    if (this.#pending.length < total) return;
    const body = this.#pending.subarray(end + HEADER_END.length, total);
    this.#pending = this.#pending.subarray(total);
    this.#onReply?.({ status: Number(head.slice(9, 12)), body });
  }
}
