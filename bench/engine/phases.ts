/** What is measured, one function a phase. Each runs in a process of its own, so that none finds another's garbage or type feedback. */
import { setTimeout } from 'node:timers/promises';
import { feed, feedTimed, percentile } from './matcher.ts';
import type { Matcher } from './matcher.ts';
import { MatchingBook } from './matching-book.ts';
import { NodejsOrderBook, OrderbookMatchEngine } from './peers.ts';
import { makeStream, START_PRICE } from './stream.ts';
import type { Stream, StreamOptions } from './stream.ts';
import { random } from '../../src/utils/random.ts';
import { HOUSE_MAKERS, Venue } from './venue.ts';

/** Commands on a throw-away book before a measurement. */
const WARM_UP = 50_000;
const SLICES = 4;
/** Bytes of a cache line, and reads of a measurement. */
const LINE = 64;
const READS = 2_000_000;

export type Implementation = 'book' | 'spot' | 'perpetual' | 'nodejs-order-book' | 'orderbook-match-engine';

export interface Workload extends StreamOptions {
  readonly accounts: number;
  readonly rounds: number;
}

export interface Throughput {
  /** Of the best slice: the one that other work on the machine disturbed least. */
  readonly commandsPerSecond: number;
  /** Lots traded by each command after the prefill, as a digest and in total. */
  readonly traded: number;
  readonly digest: string;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface Marking {
  readonly positions: number;
  /** Nanoseconds for one price move. */
  readonly perMove: number;
  readonly eventsPerMove: number;
}

export type Phase =
  | { readonly phase: 'throughput'; readonly implementation: Implementation; readonly workload: Workload }
  | { readonly phase: 'latency'; readonly implementation: Implementation; readonly workload: Workload }
  | { readonly phase: 'memory'; readonly implementation: 'book' | 'spot' | 'perpetual'; readonly orders: number }
  | { readonly phase: 'marking'; readonly positions: number; readonly moves: number }
  | { readonly phase: 'read'; readonly mebibytes: number };

export type Figures<P extends Phase> = P extends { phase: 'throughput' } ? Throughput : P extends { phase: 'latency' } ? Latency : P extends { phase: 'memory' | 'read' } ? number : Marking;

export function runPhase(phase: Phase): Throughput | Latency | Marking | number | Promise<number> {
  switch (phase.phase) {
    case 'throughput': return throughput(phase.implementation, phase.workload);
    case 'latency': return latency(phase.implementation, phase.workload);
    case 'memory': return bytesPerOrder(phase.implementation, phase.orders);
    case 'marking': return marking(phase.positions, phase.moves);
    case 'read': return read(phase.mebibytes * 2 ** 20);
  }
}

function make(implementation: Implementation, accounts: number, stream: Stream): Matcher {
  switch (implementation) {
    case 'book': return new MatchingBook();
    case 'nodejs-order-book': return new NodejsOrderBook();
    case 'orderbook-match-engine': return new OrderbookMatchEngine();
    default: return new Venue(implementation, accounts, stream.length);
  }
}

/** Lets the compiler see the code before anything is measured. */
function warmUp(implementation: Implementation): void {
  const stream = makeStream({ seed: 1, commands: WARM_UP, resting: 1000 });
  feed(make(implementation, 10, stream), stream, 0, stream.length, new Int32Array(stream.length));
}

function throughput(implementation: Implementation, workload: Workload): Throughput {
  warmUp(implementation);
  const stream = makeStream(workload);
  const traded = new Int32Array(stream.length);
  let best = 0;
  for (let round = 0; round < workload.rounds; round++) {
    const matcher = make(implementation, workload.accounts, stream);
    feed(matcher, stream, 0, stream.prefill, traded);
    for (let slice = 0; slice < SLICES; slice++) best = Math.max(best, rateOf(matcher, stream, slice, traded));
  }
  return { commandsPerSecond: best, ...summary(traded.subarray(stream.prefill)) };
}

/** Commands per second over one of the equal slices of what follows the prefill. */
function rateOf(matcher: Matcher, stream: Stream, slice: number, traded: Int32Array): number {
  const commands = stream.length - stream.prefill;
  const from = stream.prefill + Math.floor((commands * slice) / SLICES);
  const to = stream.prefill + Math.floor((commands * (slice + 1)) / SLICES);
  const start = performance.now();
  feed(matcher, stream, from, to, traded);
  return ((to - from) / (performance.now() - start)) * 1000;
}

function latency(implementation: Implementation, workload: Workload): Latency {
  warmUp(implementation);
  const stream = makeStream(workload);
  const matcher = make(implementation, workload.accounts, stream);
  feed(matcher, stream, 0, stream.prefill, new Int32Array(stream.length));
  const taken = feedTimed(matcher, stream, stream.prefill, stream.length);
  return { p50: percentile(taken, 0.5), p99: percentile(taken, 0.99), p999: percentile(taken, 0.999), max: taken[taken.length - 1] };
}

async function bytesPerOrder(implementation: 'book' | 'spot' | 'perpetual', orders: number): Promise<number> {
  warmUp(implementation);
  const stream = makeStream({ seed: 1, commands: 0, resting: orders });
  const traded = new Int32Array(stream.length);
  const matcher = make(implementation, 1000, stream);
  const before = await heldBytes();
  feed(matcher, stream, 0, orders, traded);
  const after = await heldBytes();
  matcher.cancel(0);
  return (after - before) / orders;
}

/** A position of one lot in each account, half of them long; then the mark moves to and fro by 0.1 %, far from any liquidation. */
function marking(positions: number, moves: number): Marking {
  const venue = new Venue('perpetual', HOUSE_MAKERS + positions, 0);
  for (let i = 0; i < positions; i++) venue.openPosition(HOUSE_MAKERS + i, i % 2 === 1, 1);
  for (let i = 0; i < moves; i++) venue.mark(moved(i));
  for (let i = 0; i < positions; i++) if (venue.position(HOUSE_MAKERS + i) === undefined) throw new Error(`position ${i} was not opened`);
  let events = 0;
  const start = performance.now();
  for (let i = 0; i < moves; i++) events += venue.mark(moved(i)).length;
  return { positions, perMove: ((performance.now() - start) / moves) * 1e6, eventsPerMove: events / moves };
}

/** Nanoseconds for one read at random among so many bytes, each of which says where the next one is: what a cache miss costs on this machine. */
function read(bytes: number): number {
  const lines = bytes / LINE;
  const next = new Int32Array(bytes / Int32Array.BYTES_PER_ELEMENT);
  const order = shuffled(lines);
  for (let i = 0; i < lines; i++) next[order[i] * (next.length / lines)] = order[(i + 1) % lines] * (next.length / lines);
  let at = 0;
  for (let i = 0; i < lines; i++) at = next[at];
  const start = performance.now();
  for (let i = 0; i < READS; i++) at = next[at];
  const taken = performance.now() - start;
  if (next[at] < 0) throw new Error('the chain of reads is broken');
  return (taken / READS) * 1e6;
}

function shuffled(length: number): Int32Array {
  const { next } = random(1);
  const order = Int32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const other = Math.floor(next() * (i + 1));
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}

function moved(i: number): number {
  return START_PRICE + ((i * 37) % 2001) - 1000;
}

/** FNV-1a over what each command traded. */
function summary(traded: Int32Array): { traded: number; digest: string } {
  let sum = 0;
  let hash = 0x811c9dc5;
  for (const lots of traded) {
    sum += lots;
    hash = Math.imul(hash ^ lots, 0x01000193);
  }
  return { traded: sum, digest: (hash >>> 0).toString(16).padStart(8, '0') };
}

/** Freed buffers are given back in the background, so garbage is collected more than once. */
async function heldBytes(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    if (globalThis.gc === undefined) throw new Error('needs --expose-gc');
    globalThis.gc();
    await setTimeout(20);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
