/** A TCP connection whose reads all land in one buffer: nothing is allocated per read, so that the client takes as little as it can of the machine that is measured. */
import { connect, type Socket } from 'node:net';

/** One for all: a chunk is taken before the next read. */
const BUFFER = Buffer.allocUnsafe(256 * 1024);

/** @param onChunk gets a view that is overwritten when it returns. */
export async function openConnection(url: string, onChunk: (chunk: Buffer) => void): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const take = (length: number): boolean => {
    onChunk(BUFFER.subarray(0, length));
    return true;
  };
  const socket = connect({ host: hostname, port: Number(port), noDelay: true, onread: { buffer: BUFFER, callback: take } });
  await new Promise<void>((done, fail) => socket.once('connect', done).once('error', fail));
  return socket;
}
