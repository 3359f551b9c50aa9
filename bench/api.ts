/**
 * Measures the running server beside the same pipeline with an empty handler, in interleaved rounds of the same run: durable orders over REST, batches,
 * orders over sockets, prices to many sockets. `npm run bench:api -- [--quick] [--json FILE] [--serving-cpu N|none]`. The load comes from one process of its own.
 * Where the system can do that, the serving thread of each server has a CPU to itself (SERVING_CPU), and everything else, the load among it, runs on the others: a client
 * that takes turns with the server on one core would be measured with it. `none` leaves all of it to the scheduler.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { readOptions, refuse } from '../scripts/options.ts';
import { Client } from '../tests/support/client.ts';
import { startServer, type ServerProcess } from '../tests/support/server-process.ts';
import { eventually } from '../tests/support/wait.ts';
import { allowedCpus, cpusBut, runOn } from '../src/utils/cpus.ts';
import { BATCH } from './api/orders.ts';
import type { Figures, Job } from './api/jobs.ts';

const USAGE = 'usage: npm run bench:api -- [--quick] [--json FILE] [--serving-cpu N|none]';
const { values: options } = readOptions(USAGE, { options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, 'serving-cpu': { type: 'string' } } });

/** Of each market, so that nobody's orders and private events are another load's work. */
const USERS = 64;
/** Enough that a disk whose sync takes milliseconds is kept busy. */
const CONNECTIONS = 128;
const BATCH_CONNECTIONS = 64;
/** Many short rounds: whatever else the machine does falls on both sides, and the median leaves the worst out. */
const ROUNDS = options.quick ? 3 : 9;
const WARMUP_MS = 300;
const MEASURE_MS = options.quick ? 700 : 1_500;
/** Before the first round, so that all code is compiled. */
const FIRST_WARMUP_MS = options.quick ? 1_000 : 4_000;
const LISTENERS = options.quick ? 200 : 1_000;
/** A market and users for each kind of load, so that what one leaves in the book is not the next one's work. */
const BASES = { orders: 'BNA', place: 'BNB', place_hearing: 'BNC', batches: 'BND' } as const;
const PLENTY = '10000000';

interface Row {
  readonly name: string;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

interface Report {
  readonly rows: Record<string, Row>;
  readonly restRatio: number;
  readonly socketRatio: number;
  readonly plainSocketRatio: number;
  readonly batchOrdersPerSecond: number;
  readonly failures: readonly string[];
}

const failures: string[] = [];
const load = fork(new URL('./api/load.ts', import.meta.url));
const servingCpu = setApart(options['serving-cpu']);
const placed: Record<string, string> = servingCpu === undefined ? {} : { SERVING_CPU: servingCpu };
const server = await startServer({ env: { RATE_LIMITS: 'off', ...placed } });
const empty = await startServer({ entry: 'bench/api/empty-server.ts', env: placed });
try {
  const report = await measure();
  print(report);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  if (failures.length > 0) process.exitCode = 1;
} finally {
  load.kill();
  await Promise.all([server.dispose(), empty.dispose()]);
}

async function measure(): Promise<Report> {
  const tokens = await listMarkets(server.url);
  const emptyTokens = [(await Client.register(empty.url, 'empty')).token];
  const { sockets, plain } = JSON.parse(empty.output().split('\n').find((line) => line.includes('"ready"')) ?? '{}') as Record<'sockets' | 'plain', string>;
  const job = (kind: Job['kind'], url: string, who: readonly string[]): Job =>
    ({ kind, url, tokens: who, connections: CONNECTIONS, warmupMs: WARMUP_MS, measureMs: MEASURE_MS, seed: 0, symbol: `${BASES[kind as keyof typeof BASES] ?? BASES.orders}-USDT` });

  const fanOut = await pricesToMany();
  const jobs = {
    orders: job('orders', server.url, tokens.orders),
    emptyRest: job('orders', empty.url, emptyTokens),
    place: job('place', server.url, tokens.place),
    emptyPlace: job('place', sockets, ['ann']),
    emptyEvent: job('empty', plain, ['']),
    hearing: { ...job('place_hearing', server.url, tokens.place_hearing), connections: USERS },
    batches: { ...job('batches', server.url, tokens.batches), connections: BATCH_CONNECTIONS },
  };
  const names = Object.keys(jobs) as (keyof typeof jobs)[];
  const runs = Object.fromEntries(names.map((name) => [name, [] as Figures[]])) as Record<keyof typeof jobs, Figures[]>;
  for (const name of names) await run({ ...jobs[name], measureMs: FIRST_WARMUP_MS });
  for (let round = 1; round <= ROUNDS; round++) {
    // To and fro, so that what the machine does slower and slower, or faster, falls on both sides of a comparison.
    for (const name of round % 2 === 0 ? names.toReversed() : names) {
      await projected();
      runs[name].push(await run({ ...jobs[name], seed: round }));
    }
  }
  const rows = {
    orders: row('POST /orders, durable', runs.orders),
    emptyRest: row('POST /orders, same pipeline, empty handler', runs.emptyRest),
    place: row('order:place by socket, durable', runs.place),
    emptyPlace: row('order:place, same pipeline, empty handler', runs.emptyPlace),
    emptyEvent: row('empty acknowledged event, plain Socket.IO', runs.emptyEvent),
    hearing: row('order:place by socket, durable, with all private events', runs.hearing),
    batches: row(`POST /orders/batch of ${BATCH}, durable`, runs.batches),
    ...fanOut,
  };
  return {
    rows,
    restRatio: ratio(runs.orders, runs.emptyRest),
    socketRatio: ratio(runs.place, runs.emptyPlace),
    plainSocketRatio: ratio(runs.place, runs.emptyEvent),
    batchOrdersPerSecond: median(runs.batches.map(({ units, seconds }) => units / seconds)),
    failures,
  };
}

/** The CPU that the serving threads get, the load being kept off it; undefined: none. One that was asked for and cannot be had is an error. */
function setApart(asked: string | undefined): string | undefined {
  if (asked === 'none') return undefined;
  try {
    const cpu = asked ?? String(allowedCpus()[0]);
    runOn(cpusBut(Number(cpu)), load.pid!);
    return cpu;
  } catch (error) {
    if (asked !== undefined) {
      load.kill();
      refuse(`--serving-cpu ${asked}: ${(error as Error).message}`, USAGE);
    }
    console.error(`no CPU for the serving threads alone: ${(error as Error).message}`);
    return undefined;
  }
}

type Tokens = Record<keyof typeof BASES, string[]>;

/** Markets with room for many orders, and users with money for each; their tokens. */
async function listMarkets(url: string): Promise<Tokens> {
  const admin = await Client.admin(url);
  const tokens: Tokens = { orders: [], place: [], place_hearing: [], batches: [] };
  for (const [kind, base] of Object.entries(BASES) as [keyof typeof BASES, string][]) {
    await admin.post('/admin/assets', { asset: base, scale: 8 });
    await admin.post('/admin/markets', { symbol: `${base}-USDT`, type: 'spot', base, quote: 'USDT', tickSize: '1', lotSize: '0.01', makerFee: '0.0002', takerFee: '0.0004', maxOpenOrders: 10_000 });
    for (let i = 0; i < USERS; i++) {
      const user = await Client.register(url, `${kind.replace('_', '')}${i}`);
      for (const asset of ['USDT', base]) await user.post('/wallets/deposits', { asset, amount: asset === 'USDT' ? PLENTY : '100000' });
      tokens[kind].push(user.token);
    }
  }
  return tokens;
}

/** All built-in markets change as often as prices are sent; the ticks that arrive, and the processor time that the server spends on it. */
async function pricesToMany(): Promise<Record<string, Row>> {
  const admin = await Client.admin(server.url);
  const symbols = (await admin.get<{ symbol: string }[]>('/markets')).map(({ symbol }) => symbol).filter((symbol) => !Object.values(BASES).some((base) => symbol.startsWith(base)));
  const listening = run({ kind: 'listen', url: server.url, tokens: [''], connections: LISTENERS, warmupMs: WARMUP_MS, measureMs: MEASURE_MS, seed: 0, symbol: symbols.join(',') });
  let stop = false;
  const moving = (async () => {
    for (let i = 0; !stop; i++) {
      await admin.post('/admin/prices', { prices: symbols.map((symbol) => ({ symbol, index: String(10_000 + (i % 100)) })) });
      await new Promise((wake) => setTimeout(wake, 50));
    }
  })();
  const before = processorSeconds(server);
  const startedAt = performance.now();
  const figures = await listening;
  const share = (processorSeconds(server) - before) / ((performance.now() - startedAt) / 1_000);
  stop = true;
  await moving;
  return {
    messages: { name: `prices messages to ${LISTENERS} sockets (server at ${Math.round(share * 100)} % of a core)`, perSecond: figures.answers / figures.seconds, p50: 0, p99: 0 },
    ticks: { name: `prices in them, ${symbols.length} a message`, perSecond: figures.units / figures.seconds, p50: 0, p99: 0 },
  };
}

/** Until the collections have what the last job left them, so that it does not burden the next. */
async function projected(): Promise<void> {
  await eventually('the collections have caught up', async () => {
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    return /^bourse_projection_lag_events 0$/m.test(metrics) || undefined;
  }, 120_000);
}

/** User and system time of all threads; 0 where the system does not tell. */
function processorSeconds({ pid }: ServerProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    // proc(5): utime and stime are fields 14 and 15, in ticks of which Linux has 100 a second.
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

function run(job: Job): Promise<Figures> {
  return new Promise((done, fail) => {
    const ended = (code: number | null): void => fail(new Error(`the load process ended with ${code}`));
    (load as ChildProcess).once('exit', ended);
    load.once('message', (figures: Figures) => {
      load.off('exit', ended);
      if (figures.failures > 0) failures.push(`${job.kind}: ${figures.failures} failures, the first: ${figures.firstFailure}`);
      done(figures);
    });
    load.send(job);
  });
}

function row(name: string, runs: readonly Figures[]): Row {
  return { name, perSecond: median(runs.map(perSecond)), p50: median(runs.map(({ p50 }) => p50)), p99: median(runs.map(({ p99 }) => p99)) };
}

/** Round by round, since the two of a round had the same machine. */
function ratio(full: readonly Figures[], bare: readonly Figures[]): number {
  return median(full.map((figures, round) => perSecond(figures) / perSecond(bare[round])));
}

function perSecond({ answers, seconds }: Figures): number {
  return answers / seconds;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function print({ rows, restRatio, socketRatio, plainSocketRatio, batchOrdersPerSecond }: Report): void {
  const whole = (value: number): string => Math.round(value).toLocaleString('en');
  console.log(`${cpus()[0]?.model ?? 'unknown CPU'} × ${cpus().length}, Node ${process.versions.node}, ${USERS} users and ${CONNECTIONS} connections for each, ${ROUNDS} interleaved rounds of ${MEASURE_MS / 1_000} s, medians${servingCpu === undefined ? '' : `, the serving threads alone on CPU ${servingCpu}`}\n`);
  const width = Math.max(...Object.values(rows).map(({ name }) => name.length));
  console.log(`  ${''.padEnd(width)}  ${'per second'.padStart(12)}  ${'p50 ms'.padStart(8)}  ${'p99 ms'.padStart(8)}`);
  for (const { name, perSecond, p50, p99 } of Object.values(rows)) {
    console.log(`  ${name.padEnd(width)}  ${whole(perSecond).padStart(12)}  ${(p50 > 0 ? p50.toFixed(2) : '').padStart(8)}  ${(p99 > 0 ? p99.toFixed(2) : '').padStart(8)}`);
  }
  const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`;
  console.log(`\n  POST /orders against the empty handler             ${percent(restRatio)}   (goal 80 %)`);
  console.log(`  order:place against the empty handler              ${percent(socketRatio)}   (goal 60 %)`);
  console.log(`  order:place against an empty event, no pipeline    ${percent(plainSocketRatio)}`);
  console.log(`  durable orders in batches                          ${whole(batchOrdersPerSecond)}/s   (goal 50,000/s)`);
  for (const failure of failures) console.log(`  FAILED ${failure}`);
}
