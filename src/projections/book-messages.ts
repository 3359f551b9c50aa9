/** What clients are sent of a public order book: snapshots, and deltas that lead from one state to a later one, with a checksum. */
import { crc32 } from 'node:zlib';
import type { Level, LevelText } from './ladder.ts';

/** The checksum covers this many levels of each side. */
export const CHECKSUM_LEVELS = 25;

/** `seq` counts the changes of this book, one for each committed record that touched it. Best level first. */
export interface BookSnapshot {
  readonly symbol: string;
  readonly seq: number;
  readonly bids: readonly LevelText[];
  readonly asks: readonly LevelText[];
  /** CRC-32 over the best 25 levels of those sent. */
  readonly checksum: number;
}

/** What leads from one state of a book to a later one; quantity "0" removes the level. */
export interface BookDelta extends BookSnapshot {
  readonly prevSeq: number;
}

/** The best levels of a book at one moment. Levels are never changed, only replaced: the same object means the same quantity. */
export interface BookTop {
  readonly symbol: string;
  readonly seq: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/** The book as sent. */
export function snapshotOf({ symbol, seq, bids, asks }: BookTop): BookSnapshot {
  return { symbol, seq, bids: bids.map((level) => level.text), asks: asks.map((level) => level.text), checksum: checksumOf(bids, asks) };
}

/** From `before` to `after` of the same depth; undefined when no level of either differs. */
export function deltaOf(before: BookTop, after: BookTop): BookDelta | undefined {
  const bids = changes(before.bids, after.bids, -1);
  const asks = changes(before.asks, after.asks, 1);
  if (bids.length === 0 && asks.length === 0) return undefined;
  return { symbol: after.symbol, prevSeq: before.seq, seq: after.seq, bids, asks, checksum: checksumOf(after.bids, after.asks) };
}

/** Walks both lists, best first; `order` 1: prices ascend. */
function changes(before: readonly Level[], after: readonly Level[], order: 1 | -1): LevelText[] {
  const changed: LevelText[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    const old = before[i];
    const now = after[j];
    if (old === now) {
      i++;
      j++;
    } else if (now === undefined || (old !== undefined && (old.price - now.price) * order < 0)) {
      changed.push([old.text[0], '0']);
      i++;
    } else {
      if (old?.price === now.price) i++;
      changed.push(now.text);
      j++;
    }
  }
  return changed;
}

/** CRC-32 (IEEE, unsigned) of `b0p:b0q:a0p:a0q:b1p:…` over the best 25 levels, a missing level skipped. */
function checksumOf(bids: readonly Level[], asks: readonly Level[]): number {
  const parts: string[] = [];
  for (let i = 0; i < CHECKSUM_LEVELS; i++) {
    if (i < bids.length) parts.push(bids[i].text[0], bids[i].text[1]);
    if (i < asks.length) parts.push(asks[i].text[0], asks[i].text[1]);
  }
  return crc32(parts.join(':'));
}
