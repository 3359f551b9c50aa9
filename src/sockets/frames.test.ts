/** What of the server's messages is compressed on the wire, as RFC 7692 says it: bit RSV1 of a frame. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { constants, inflateRawSync } from 'node:zlib';
import { SocketWorld } from '../../tests/support/socket-world.ts';
import { eventually } from '../../tests/support/wait.ts';

interface Frame {
  readonly compressed: boolean;
  readonly text: string;
}

/** A client that shows the frames as they come, until the server ends the connection. */
class RawClient {
  readonly frames: Frame[] = [];
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  /** Of the server to the upgrade; '' before it has come. */
  headers = '';

  constructor(url: string, extensions: string) {
    const { hostname, port, host } = new URL(url);
    this.#socket = connect(Number(port), hostname);
    this.#socket.write(`GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${extensions}\r\n`);
    this.#socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      if (this.headers === '') this.#readHeaders();
      if (this.headers !== '') this.#readFrames();
    });
  }

  /** Short texts only; masked with zeros. */
  send(text: string): void {
    const payload = Buffer.from(text);
    assert.ok(payload.length < 126);
    this.#socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
  }

  /** The next frame that has this in it. */
  frame(part: string): Promise<Frame> {
    const from = this.frames.length;
    return eventually(part, () => this.frames.slice(from).find(({ text }) => text.includes(part)));
  }

  #readHeaders(): void {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return;
    this.headers = this.#received.subarray(0, end).toString();
    this.#received = this.#received.subarray(end + 4);
  }

  #readFrames(): void {
    for (;;) {
      if (this.#received.length < 2) return;
      // The server says goodbye.
      if ((this.#received[0] & 15) === 8) return void this.#socket.destroy();
      const short = this.#received[1] & 127;
      const at = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (this.#received.length < at) return;
      const length = short === 126 ? this.#received.readUInt16BE(2) : short === 127 ? Number(this.#received.readBigUInt64BE(2)) : short;
      if (this.#received.length < at + length) return;
      const payload = this.#received.subarray(at, at + length);
      const compressed = (this.#received[0] & 0x40) !== 0;
      this.frames.push({ compressed, text: (compressed ? inflated(payload) : payload).toString() });
      this.#received = this.#received.subarray(at + length);
    }
  }
}

/** RFC 7692, 7.2.2: by itself, since each message is compressed without those before it; the last four bytes are left out on the wire. */
function inflated(payload: Buffer): Buffer {
  return inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]), { finishFlush: constants.Z_SYNC_FLUSH });
}

async function follow(world: SocketWorld, extensions: string): Promise<RawClient> {
  const client = new RawClient(world.url, extensions);
  await client.frame('0{');
  const joined = client.frame('40/market,');
  client.send('40/market,');
  await joined;
  return client;
}

const DEFLATE = 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n';

for (const [what, extensions, compressed] of [['takes compressed messages', DEFLATE, true], ['takes none', '', false]] as const) {
  test(`a client that ${what} gets small ones plain, a large answer ${compressed ? 'compressed' : 'plain too'}, and plain what goes to many`, async (t) => {
    const world = await SocketWorld.during(t);
    for (let i = 0; i < 400; i++) world.commit(world.make.accepted('buy', 1_000 + i, 1));
    const client = await follow(world, extensions);
    assert.equal(/^sec-websocket-extensions: permessage-deflate; server_no_context_takeover/im.test(client.headers), compressed);
    assert.deepEqual([...new Set(client.frames.map((frame) => frame.compressed))], [false]);

    const [small, large] = [client.frame('43/market,1['), client.frame('43/market,2[')];
    client.send('42/market,1["subscribe",{"channel":"ticker","symbol":"BTC-USDT"}]');
    client.send('42/market,2["subscribe",{"channel":"orderbook","symbol":"BTC-USDT"}]');
    assert.equal((await small).compressed, false);
    const snapshot = await large;
    assert.equal(snapshot.compressed, compressed);
    // Four hundred levels of a price and a quantity with their marks.
    assert.ok(snapshot.text.length > 400 * 8 && snapshot.text.endsWith('}}]'), snapshot.text.slice(-20));

    const delta = client.frame('["orderbook"');
    for (let i = 0; i < 400; i++) world.commit(world.make.accepted('buy', 1_000 + i, 2));
    const { compressed: plain, text } = await delta;
    assert.ok(!plain && text.length > 2_048);
  });
}
