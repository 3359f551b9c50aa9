/** Prints the figures as tables that a person reads. */
import { cpus } from 'node:os';
import type { Implementation, Latency, Marking, Throughput } from './phases.ts';

/** Nanoseconds per command. */
interface Costs {
  readonly value: number;
  readonly book: number;
  readonly spot: number;
  readonly perpetual: number;
}

export interface Report {
  readonly seed: number;
  readonly resting: number;
  readonly accounts: number;
  readonly throughput: Record<Implementation, Throughput>;
  /** Which implementations did not trade the same lots on every command; empty = all did. */
  readonly disagreements: readonly string[];
  /** Nanoseconds. */
  readonly latency: { readonly spot: Latency; readonly perpetual: Latency };
  readonly byResting: readonly Costs[];
  /** The same where every second command touches a random place in the whole depth. */
  readonly byRestingDeep: readonly Costs[];
  readonly byAccounts: readonly Costs[];
  /** Bytes per resting order. */
  readonly memory: readonly { readonly orders: number; readonly book: number; readonly spot: number; readonly perpetual: number }[];
  readonly marking: readonly Marking[];
  /** One read at random among so much memory. */
  readonly reads: readonly { readonly mebibytes: number; readonly nanoseconds: number }[];
}

const TITLES: Record<Implementation, string> = {
  book: 'book alone', spot: 'whole engine, spot', perpetual: 'whole engine, perpetual',
  'nodejs-order-book': 'nodejs-order-book', 'orderbook-match-engine': 'orderbook-match-engine',
};

export function printReport(report: Report): void {
  console.log(`${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.versions.node}, one core, seed ${report.seed}`);
  section(`Throughput: ${count(report.resting)} resting orders, ${count(report.accounts)} accounts, limit and market orders and cancels around a moving touch`);
  const speed = (name: Implementation) => report.throughput[name].commandsPerSecond;
  table(['', 'commands/s', '× nodejs-order-book', '× orderbook-match-engine', 'lots traded'], (Object.keys(TITLES) as Implementation[]).map((name) => [
    TITLES[name], millions(speed(name)), ratio(speed(name) / speed('nodejs-order-book')), ratio(speed(name) / speed('orderbook-match-engine')), count(report.throughput[name].traded),
  ]));
  console.log(report.disagreements.length === 0 ? '  Each traded the same lots on every command (the npm packages get a prefix of the commands).' : `  TRADED QUANTITIES DIFFER: ${report.disagreements.join('; ')}`);
  section('Latency of one command, whole engine');
  table(['', 'p50', 'p99', 'p99.9', 'max'], (['spot', 'perpetual'] as const).map((name) => {
    const { p50, p99, p999, max } = report.latency[name];
    return [TITLES[name], micros(p50), micros(p99), micros(p999), micros(max)];
  }));
  costs('Cost of a command by resting orders', 'resting orders', report.byResting);
  costs('The same when every second command touches a random place in the whole depth', 'resting orders', report.byRestingDeep);
  costs('Cost of a command by accounts', 'accounts', report.byAccounts);
  section('For comparison: one read at random');
  table(['among', 'takes'], report.reads.map((row) => [`${row.mebibytes} MiB`, nanos(row.nanoseconds)]));
  section('Memory per resting order');
  table(['resting orders', 'book alone', 'spot', 'perpetual'], report.memory.map((row) => [count(row.orders), bytes(row.book), bytes(row.spot), bytes(row.perpetual)]));
  section('A price move that liquidates nobody');
  table(['open positions', 'per move', 'events'], report.marking.map((row) => [count(row.positions), micros(row.perMove), String(row.eventsPerMove)]));
}

function costs(title: string, label: string, rows: readonly Costs[]): void {
  section(title);
  const [least] = rows;
  const of = (row: Costs, name: 'book' | 'spot' | 'perpetual') => `${nanos(row[name])} (${(row[name] / least[name]).toFixed(1)}×)`;
  table([label, 'book alone', 'spot', 'perpetual'], rows.map((row) => [count(row.value), of(row, 'book'), of(row, 'spot'), of(row, 'perpetual')]));
}

function section(title: string): void {
  console.log(`\n${title}`);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column].length)));
  for (const row of [head, ...rows]) console.log(`  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  ')}`);
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function millions(perSecond: number): string {
  return `${(perSecond / 1e6).toFixed(2)} M`;
}

function ratio(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}

function nanos(value: number): string {
  return `${Math.round(value)} ns`;
}

function micros(value: number): string {
  return `${(value / 1000).toFixed(2)} µs`;
}

function bytes(value: number): string {
  return `${Math.round(value)} B`;
}
