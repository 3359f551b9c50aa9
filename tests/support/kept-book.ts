/** An order book kept and proved as the public contract tells clients to, with nothing of the server's own code. */
import assert from 'node:assert/strict';

type Level = [price: string, quantity: string];
export interface Book { readonly symbol: string; readonly seq: number; readonly prevSeq?: number; readonly bids: Level[]; readonly asks: Level[]; readonly checksum: number }

/** CRC-32 (IEEE), bit by bit. */
function crc32(text: string): number {
  let crc = 0xffff_ffff;
  for (const byte of Buffer.from(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

/** A book as the contract tells clients to keep it. */
export class KeptBook {
  readonly bids = new Map<string, string>();
  readonly asks = new Map<string, string>();
  seq = -1;
  deltas = 0;

  take(message: Book): void {
    if (message.prevSeq !== undefined) {
      assert.equal(message.prevSeq, this.seq, 'deltas leave no gap');
      assert.ok(message.seq > message.prevSeq);
      this.deltas++;
    } else for (const side of [this.bids, this.asks]) side.clear();
    for (const [side, levels] of [[this.bids, message.bids], [this.asks, message.asks]] as const) {
      for (const [price, quantity] of levels) {
        if (quantity === '0') assert.ok(side.delete(price), 'what is removed was there');
        else side.set(price, quantity);
      }
    }
    this.seq = message.seq;
    assert.equal(this.checksum, message.checksum, 'the checksum proves the book');
  }

  sorted(): { bids: Level[]; asks: Level[] } {
    return { bids: [...this.bids].sort(([a], [b]) => Number(b) - Number(a)), asks: [...this.asks].sort(([a], [b]) => Number(a) - Number(b)) };
  }

  get checksum(): number {
    const { bids, asks } = this.sorted();
    const parts: string[] = [];
    for (let i = 0; i < 25; i++) for (const level of [bids[i], asks[i]]) if (level !== undefined) parts.push(level[0], level[1]);
    return crc32(parts.join(':'));
  }
}
