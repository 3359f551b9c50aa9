/** Whether this machine lets a test give a thread a CPU of its own. */
import { spawnSync } from 'node:child_process';
import { allowedCpus } from '../../src/utils/cpus.ts';

/** Of this process; [] where that is not known. */
export const cpus = process.platform === 'linux' ? allowedCpus() : [];

/** For a test's `skip`: why it cannot run, or false. */
export const unlessSeparable = cpus.length > 1 && spawnSync('taskset', ['--version']).status === 0 ? false : 'needs Linux, taskset and two CPUs';
