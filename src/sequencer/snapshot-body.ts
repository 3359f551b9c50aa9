/** What a snapshot holds: the engine's bytes and the window of ids, each behind its length. */
const HEADER_BYTES = 16;

export interface SnapshotBody {
  readonly engine: Uint8Array;
  readonly ids: Uint8Array;
}

export function encodeSnapshotBody({ engine, ids }: SnapshotBody): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + engine.length + ids.length);
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, engine.length, true);
  view.setFloat64(8, ids.length, true);
  bytes.set(engine, HEADER_BYTES);
  bytes.set(ids, HEADER_BYTES + engine.length);
  return bytes;
}

/** Copies, so that both parts are aligned and own their memory. */
export function decodeSnapshotBody(bytes: Uint8Array): SnapshotBody {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [engine, ids] = [view.getFloat64(0, true), view.getFloat64(8, true)];
  if (bytes.length !== HEADER_BYTES + engine + ids) throw new Error('the parts of the snapshot have the wrong lengths');
  return { engine: bytes.slice(HEADER_BYTES, HEADER_BYTES + engine), ids: bytes.slice(HEADER_BYTES + engine) };
}
