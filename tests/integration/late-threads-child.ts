/** A process whose first thread has CPU `process.argv[2]` to itself before any other of its threads begins; prints where those of the data directory `process.argv[3]` run. */
import { readdirSync, readFileSync } from 'node:fs';
import { RemoteStore } from '../../src/models/remote.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { Projections } from '../../src/projections/projections.ts';
import { openLeader } from '../../src/sequencer/open.ts';
import { SteadyClock } from '../../src/utils/clock.ts';
import { allowedCpus, clearCpu, takeCpu } from '../../src/utils/cpus.ts';

const cpu = Number(process.argv[2]);
const directory = process.argv[3]!;
clearCpu(cpu);
takeCpu(cpu);
const leader = await openLeader({ directory, clock: new SteadyClock(), logger: silentLogger });
const store = new RemoteStore({ directory });
await store.ping();
const projections = new Projections({ directory, sequencer: leader, logger: silentLogger });
await leader.submit({ type: 'create_asset', code: 'USDT', scale: 6 });
await projections.reached(leader.committedSeq, 10_000);

const where = readdirSync('/proc/self/task').map((tid): [string, number[]] => [readFileSync(`/proc/self/task/${tid}/comm`, 'utf8').trim(), allowedCpus(`/proc/self/task/${tid}/status`)]);
console.log(JSON.stringify(where.filter(([name]) => ['journal', 'store', 'projector'].includes(name))));
await projections.close();
await store.close();
await leader.close();
