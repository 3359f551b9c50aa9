import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { cpus, unlessSeparable } from '../../tests/support/cpus.ts';
import { cpusBut, parseCpuList } from './cpus.ts';

test('a list of CPUs is read as cpuset(7) writes it', () => {
  // The examples of the manual page, section "List format".
  assert.deepEqual(parseCpuList('0-4,9'), [0, 1, 2, 3, 4, 9]);
  assert.deepEqual(parseCpuList('0-2,7,12-14'), [0, 1, 2, 7, 12, 13, 14]);
  assert.deepEqual(parseCpuList('3'), [3]);
});

test('a CPU that this process may not use cannot be set apart', { skip: process.platform !== 'linux' }, () => {
  assert.throws(() => cpusBut(4_095), /CPU 4095 is not among those of this process/);
});

/** In a process of its own: the list of CPUs of its first thread, and of a thread that is started late. */
const SCRIPT = `
  import { once } from 'node:events';
  import { isMainThread, parentPort, Worker } from 'node:worker_threads';
  import { allowedCpus, clearCpu, joinBackground, takeCpu } from ${JSON.stringify(new URL('./cpus.ts', import.meta.url).href)};
  const where = () => allowedCpus('/proc/thread-self/status');
  if (isMainThread) {
    const cpu = Number(process.env.CPU);
    clearCpu(cpu);
    takeCpu(cpu);
    const worker = new Worker(new URL(import.meta.url), { env: process.env });
    const [late] = await once(worker, 'message');
    console.log(JSON.stringify([where(), ...late]));
  } else {
    const before = where();
    joinBackground();
    parentPort.postMessage([before, where()]);
  }
`;

test('a thread that starts late begins on the CPU of the first one, and leaves it', { skip: unlessSeparable }, () => {
  const [cpu, ...others] = cpus;
  const script = `data:text/javascript,${encodeURIComponent(SCRIPT)}`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', `await import(${JSON.stringify(script)})`], { env: { ...process.env, CPU: String(cpu) }, encoding: 'utf8' });
  assert.notEqual(stdout, '', stderr);
  const [first, before, after] = JSON.parse(stdout) as number[][];
  assert.deepEqual([first, before, after], [[cpu], [cpu], others]);
});
