/**
 * Measures the order book and the whole engine beside published order books on the same seeded commands, and checks that all trade the same lots.
 * `npm run bench:engine -- [--quick] [--seed N] [--json FILE]`. Exits with 1 when the traded quantities differ.
 */
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { readOptions, wholeNumber } from '../scripts/options.ts';
import type { Figures, Implementation, Phase, Throughput, Workload } from './engine/phases.ts';
import { printReport } from './engine/report.ts';
import type { Report } from './engine/report.ts';

const USAGE = 'usage: npm run bench:engine -- [--quick] [--seed N] [--json FILE]';
const { values: options } = readOptions(USAGE, { options: { quick: { type: 'boolean', default: false }, seed: { type: 'string', default: '1' }, json: { type: 'string' } } });
const seed = wholeNumber('seed', options.seed, USAGE);

/** Commands per implementation: the slow ones get a prefix of the same stream. */
const COMMANDS: Record<Implementation, number> = { book: 2_000_000, spot: 2_000_000, perpetual: 2_000_000, 'nodejs-order-book': 200_000, 'orderbook-match-engine': 400_000 };
/** The pool has just made room for half as many orders again, and the map for twice as many: the most memory per order that there can be at this size. */
const POOL_JUST_GROWN = 1_119_745;
/** Of each measurement of a sweep, and how often each is made. */
const SWEEP_COMMANDS = 500_000;
const PASSES = options.quick ? 1 : 3;
const scale = options.quick ? 0.1 : 1;
const base: Workload = { seed, commands: 0, resting: 10_000, accounts: 1000, rounds: options.quick ? 1 : 3 };

const disagreements: string[] = [];
const report = await measure();
printReport(report);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
if (disagreements.length > 0) process.exitCode = 1;

async function measure(): Promise<Report> {
  const throughput = {} as Record<Implementation, Throughput>;
  for (const name of Object.keys(COMMANDS) as Implementation[]) throughput[name] = await speed(name, COMMANDS[name] * scale);
  await compare(throughput);
  return {
    seed, resting: base.resting, accounts: base.accounts, throughput, disagreements,
    latency: { spot: await delay('spot'), perpetual: await delay('perpetual') },
    byResting: await sweep(options.quick ? [1e3, 1e4, 1e5] : [1e3, 1e4, 1e5, 1e6], (resting) => ({ resting })),
    byRestingDeep: await sweep(options.quick ? [1e3, 1e5] : [1e3, 1e6], (resting) => ({ resting, deepShare: 0.5 })),
    byAccounts: await sweep(options.quick ? [10, 1e3, 1e5] : [10, 1e3, 1e6], (accounts) => ({ accounts })),
    memory: await memory(options.quick ? [1e5] : [1e6, POOL_JUST_GROWN]),
    reads: await reads([1, 4, 16, 64, 256]),
    marking: await marking(options.quick ? [10, 1e3, 1e4] : [10, 1e3, 1e5]),
  };
}

function speed(implementation: Implementation, commands: number, change: Partial<Workload> = {}): Promise<Throughput> {
  return run({ phase: 'throughput', implementation, workload: { ...base, commands, ...change } });
}

/** Every implementation must have traded, command by command, what the book trades on as many commands. */
async function compare(throughput: Record<Implementation, Throughput>): Promise<void> {
  for (const name of Object.keys(COMMANDS) as Implementation[]) {
    const expected = COMMANDS[name] === COMMANDS.book ? throughput.book : await speed('book', COMMANDS[name] * scale, { rounds: 1 });
    expectSame(name, throughput[name], expected);
  }
}

function expectSame(name: string, actual: Throughput, expected: Throughput): void {
  if (actual.digest !== expected.digest) disagreements.push(`${name} traded ${actual.traded} lots, the book ${expected.traded}`);
}

function delay(implementation: 'spot' | 'perpetual') {
  return run({ phase: 'latency', implementation, workload: { ...base, commands: 1_000_000 * scale } });
}

/** Nanoseconds per command over one dimension of the workload: of several passes over all values, so that a slower minute of the machine does not hit one of them alone, the fastest. */
async function sweep(values: readonly number[], change: (value: number) => Partial<Workload>): Promise<Report['byResting']> {
  const rows = values.map((value) => ({ value, book: Infinity, spot: Infinity, perpetual: Infinity }));
  for (let pass = 0; pass < PASSES; pass++) {
    for (const row of rows) {
      const at = (name: Implementation) => speed(name, SWEEP_COMMANDS * scale, { rounds: 1, ...change(row.value) });
      const [book, spot, perpetual] = [await at('book'), await at('spot'), await at('perpetual')];
      expectSame(`spot at ${row.value}`, spot, book);
      expectSame(`perpetual at ${row.value}`, perpetual, book);
      row.book = Math.min(row.book, 1e9 / book.commandsPerSecond);
      row.spot = Math.min(row.spot, 1e9 / spot.commandsPerSecond);
      row.perpetual = Math.min(row.perpetual, 1e9 / perpetual.commandsPerSecond);
    }
  }
  return rows;
}

async function memory(counts: readonly number[]): Promise<Report['memory']> {
  const rows = [];
  for (const orders of counts) {
    rows.push({
      orders,
      book: await run({ phase: 'memory', implementation: 'book', orders }),
      spot: await run({ phase: 'memory', implementation: 'spot', orders }),
      perpetual: await run({ phase: 'memory', implementation: 'perpetual', orders }),
    });
  }
  return rows;
}

async function marking(counts: readonly number[]): Promise<Report['marking']> {
  const rows = [];
  for (const positions of counts) rows.push(await run({ phase: 'marking', positions, moves: 20_000 }));
  return rows;
}

/** What a read costs that finds nothing in the caches: it is what makes big tables dearer than small ones. */
async function reads(sizes: readonly number[]): Promise<Report['reads']> {
  const rows = [];
  for (const mebibytes of sizes) rows.push({ mebibytes, nanoseconds: await run({ phase: 'read', mebibytes }) });
  return rows;
}

function run<P extends Phase>(phase: P): Promise<Figures<P>> {
  process.stderr.write(`\r\x1b[K${describe(phase)} …`);
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./engine/child.ts', import.meta.url), { execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'], serialization: 'advanced' });
    child.once('message', (figures) => {
      process.stderr.write('\r\x1b[K');
      resolve(figures as Figures<P>);
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code !== 0) reject(new Error(`${describe(phase)} failed (${signal ?? code})`));
    });
    child.send(phase);
  });
}

function describe(phase: Phase): string {
  switch (phase.phase) {
    case 'memory': return `memory of ${phase.orders.toLocaleString('en')} orders, ${phase.implementation}`;
    case 'marking': return `marking ${phase.positions.toLocaleString('en')} positions`;
    case 'read': return `reads among ${phase.mebibytes} MiB`;
    default: {
      const { commands, resting, accounts } = phase.workload;
      return `${phase.phase} of ${phase.implementation}: ${commands.toLocaleString('en')} commands, ${resting.toLocaleString('en')} resting orders, ${accounts.toLocaleString('en')} accounts`;
    }
  }
}
