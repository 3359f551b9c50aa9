/**
 * `npm run sim -- --seed 42 --commands 1000000`: simulated venues with crashes and failing appends, all laws checked after every command.
 * A long run is cut into episodes, each with a seed of its own that is printed when it fails, and spread over threads.
 */
import { availableParallelism } from 'node:os';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { simulate, type SimulationReport } from '../tests/simulation/simulation.ts';
import { startProgress } from '../src/utils/progress.ts';
import { readOptions, wholeNumber } from './options.ts';

const USAGE = 'usage: npm run sim -- [--seed N] [--commands N] [--threads N]';

interface Episode {
  readonly seed: number;
  readonly commands: number;
}
type Message = { readonly type: 'progress'; readonly commands: number } | { readonly type: 'report'; readonly report: SimulationReport };

const EPISODE_COMMANDS = 20_000;
const MAX_THREADS = 2;

function episodesOf(seed: number, commands: number): Episode[] {
  const count = Math.ceil(commands / EPISODE_COMMANDS);
  return Array.from({ length: count }, (_, index) => ({ seed: seed + index, commands: Math.min(EPISODE_COMMANDS, commands - index * EPISODE_COMMANDS) }));
}

/** Runs in a worker: its episodes one after the other. */
async function work(port: NonNullable<typeof parentPort>, episodes: readonly Episode[]): Promise<void> {
  const send = (message: Message): void => port.postMessage(message);
  for (const episode of episodes) {
    let shown = 0;
    const report = await simulate({ ...episode, onProgress: (commands) => {
      send({ type: 'progress', commands: commands - shown });
      shown = commands;
    } });
    send({ type: 'progress', commands: report.commands - shown });
    send({ type: 'report', report });
  }
}

function runThread(episodes: readonly Episode[], onMessage: (message: Message) => void): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), { workerData: episodes });
  return new Promise((resolve, reject) => {
    worker.on('message', onMessage);
    worker.on('error', reject);
    worker.on('exit', () => resolve());
  });
}

async function main(): Promise<void> {
  const { values } = readOptions(USAGE, { options: { seed: { type: 'string', default: '1' }, commands: { type: 'string', default: '100000' }, threads: { type: 'string' } } });
  const seed = wholeNumber('seed', values.seed, USAGE);
  const commands = wholeNumber('commands', values.commands, USAGE);
  const episodes = episodesOf(seed, commands);
  const threads = Math.min(wholeNumber('threads', values.threads ?? String(Math.min(MAX_THREADS, availableParallelism())), USAGE) || 1, episodes.length);
  const reports: SimulationReport[] = [];
  const started = performance.now();
  const progress = startProgress('simulating', commands);
  const onMessage = (message: Message): void => {
    if (message.type === 'progress') progress.add(message.commands);
    else reports.push(message.report);
  };
  await Promise.all(Array.from({ length: threads }, (_, thread) => runThread(episodes.filter((_, index) => index % threads === thread), onMessage)));
  progress.end();
  print(reports, (performance.now() - started) / 1000);
}

function print(reports: readonly SimulationReport[], seconds: number): void {
  const counts = new Map<string, number>();
  for (const report of reports) for (const [what, count] of Object.entries(report.counts)) counts.set(what, (counts.get(what) ?? 0) + count);
  for (const [what, count] of [...counts].sort(([a], [b]) => a.localeCompare(b))) console.log(`${String(count).padStart(10)}  ${what}`);
  const commands = reports.reduce((sum, report) => sum + report.commands, 0);
  const events = reports.reduce((sum, report) => sum + report.events, 0);
  const hashes = reports.length === 1 ? `, state ${reports[0]!.stateHash}` : '';
  console.log(`${reports.length} episodes, ${commands} commands, ${events} events in ${seconds.toFixed(1)} s (${Math.round(commands / seconds)} commands/s); every law held${hashes}`);
}

if (isMainThread) {
  try {
    await main();
  } catch (error) {
    console.error(`\n${(error as Error).message}`);
    process.exit(1);
  }
} else {
  await work(parentPort!, workerData as readonly Episode[]);
}
