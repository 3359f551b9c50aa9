/** Whether this machine lets a test give a thread a CPU of its own. */
import { allowedCpus } from '../../src/utils/cpus.ts';
import { unlessInstalled } from './needs.ts';

/** Of this process; [] where that is not known. */
export const cpus = process.platform === 'linux' ? allowedCpus() : [];

/** For a test's `skip`: why it cannot run, or false. */
export const unlessSeparable = cpus.length > 1 ? unlessInstalled('taskset') : 'needs Linux and two CPUs';
