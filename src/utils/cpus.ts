/** On which CPUs the threads of this process run. Node has no call for it: on Linux util-linux's `taskset` does it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { threadId } from './thread-priority.ts';

/** Under this name threads that are started later find where they belong. */
const BACKGROUND = 'CPUs of background threads';

/** As cpuset(7) writes a list, "0-2,5". */
export function parseCpuList(text: string): number[] {
  return text.split(',').flatMap((range) => {
    const [first = NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** @param status proc(5) of a process or thread. */
export function allowedCpus(status = '/proc/self/status'): number[] {
  return parseCpuList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(status, 'utf8'))?.[1] ?? '');
}

/** Where this process may run without `cpu`. Throws an Error that says why `cpu` cannot be set apart. */
export function cpusBut(cpu: number): number[] {
  let allowed: number[];
  try {
    allowed = allowedCpus();
  } catch {
    throw new Error('only Linux can give a thread a CPU of its own');
  }
  if (!allowed.includes(cpu)) throw new Error(`CPU ${cpu} is not among those of this process (${allowed.join(', ')})`);
  if (allowed.length === 1) throw new Error('this process has one CPU only');
  return allowed.filter((other) => other !== cpu);
}

/** Moves all threads of a process to these CPUs; those that they start follow them. Throws an Error without `taskset`. */
export function runOn(cpus: readonly number[], pid: number): void {
  taskset(['--all-tasks', '--pid', '--cpu-list', cpus.join(','), String(pid)]);
}

/** All threads of this process, and those that they start, keep off `cpu` from here on. Throws as `cpusBut` and `runOn`. */
export function clearCpu(cpu: number): void {
  const others = cpusBut(cpu);
  runOn(others, process.pid);
  setEnvironmentData(BACKGROUND, others.join(','));
}

/** Gives the cleared CPU to the process's first thread. To be called when the process's lasting threads run: those that it starts from here on begin where it is. */
export function takeCpu(cpu: number): void {
  taskset(['--pid', '--cpu-list', String(cpu), String(process.pid)]);
}

/** In each other thread, first of all: it may be started, or started again, after `takeCpu`, and goes where background threads run. Where that fails it stays where it is. */
export function joinBackground(): void {
  const cpus = getEnvironmentData(BACKGROUND);
  if (typeof cpus !== 'string') return;
  try {
    taskset(['--pid', '--cpu-list', cpus, String(threadId())]);
  } catch {
    // It worked for the whole process at its start. What the thread is for matters more than where it runs.
  }
}

function taskset(options: readonly string[]): void {
  try {
    execFileSync('taskset', options, { stdio: 'ignore' });
  } catch (error) {
    throw new Error(`taskset (util-linux) failed: ${(error as Error).message}`, { cause: error });
  }
}
