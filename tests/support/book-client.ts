/** An order book as a client keeps it: from nothing but a snapshot and deltas. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import type { BookDelta, BookSnapshot } from '../../src/projections/book-messages.ts';

export class BookClient {
  readonly #bids: Map<string, string>;
  readonly #asks: Map<string, string>;
  seq: number;

  constructor(snapshot: BookSnapshot) {
    this.#bids = new Map(snapshot.bids);
    this.#asks = new Map(snapshot.asks);
    this.seq = snapshot.seq;
    assert.equal(this.checksum, snapshot.checksum);
  }

  /** Throws when the delta does not go on from where the book is, or leads to another book than the server's. */
  apply(delta: BookDelta): void {
    assert.equal(delta.prevSeq, this.seq, 'the delta must go on where the book stands');
    for (const [side, levels] of [[this.#bids, delta.bids], [this.#asks, delta.asks]] as const) {
      for (const [price, quantity] of levels) {
        if (quantity === '0') side.delete(price);
        else side.set(price, quantity);
      }
    }
    this.seq = delta.seq;
    assert.equal(this.checksum, delta.checksum);
  }

  get bids(): [string, string][] {
    return [...this.#bids].sort(([a], [b]) => Number(b) - Number(a));
  }

  get asks(): [string, string][] {
    return [...this.#asks].sort(([a], [b]) => Number(a) - Number(b));
  }

  get checksum(): number {
    const { bids, asks } = this;
    return crc32(Array.from({ length: 25 }, (_, i) => [bids[i], asks[i]]).flat().filter((level) => level !== undefined).flat().join(':'));
  }
}
