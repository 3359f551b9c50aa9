/** What each implementation is asked to do with the stream, and the loops that ask it: at full speed, or with the clock read around every command. */
import { CANCEL, LIMIT } from './stream.ts';
import type { Stream } from './stream.ts';

/** A limit order book that trades at the maker's price by price–time priority. */
export interface Matcher {
  /** A good-till-canceled limit order; lots traded at once. */
  limit(id: number, sell: boolean, price: number, quantity: number): number;
  /** What finds no counterpart is dropped; lots traded. */
  market(id: number, sell: boolean, quantity: number): number;
  /** The order is open. */
  cancel(id: number): void;
}

/** Feeds commands `from` … `to` - 1 and notes the lots that each traded. */
export function feed(matcher: Matcher, stream: Stream, from: number, to: number, traded: Int32Array): void {
  for (let i = from; i < to; i++) traded[i] = step(matcher, stream, i);
}

/** Nanoseconds that each of the commands `from` … `to` - 1 took, ascending, less what reading the clock takes. */
export function feedTimed(matcher: Matcher, stream: Stream, from: number, to: number): Float64Array {
  const taken = new Float64Array(to - from);
  for (let i = from; i < to; i++) {
    const start = performance.now();
    step(matcher, stream, i);
    taken[i - from] = performance.now() - start;
  }
  const overhead = clockOverhead();
  for (let i = 0; i < taken.length; i++) taken[i] = Math.max(0, taken[i] - overhead) * 1e6;
  return taken.sort();
}

/** The value below which a fraction of the ascending values lies. */
export function percentile(ascending: Float64Array, fraction: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * fraction))];
}

function step(matcher: Matcher, { kind, sell, price, quantity, target }: Stream, i: number): number {
  if (kind[i] === LIMIT) return matcher.limit(i, sell[i] === 1, price[i], quantity[i]);
  if (kind[i] !== CANCEL) return matcher.market(i, sell[i] === 1, quantity[i]);
  matcher.cancel(target[i]);
  return 0;
}

/** Milliseconds between two readings of the clock with nothing between them: the median. */
function clockOverhead(): number {
  const gaps = new Float64Array(10_000);
  for (let i = 0; i < gaps.length; i++) {
    const start = performance.now();
    gaps[i] = performance.now() - start;
  }
  return percentile(gaps.sort(), 0.5);
}
