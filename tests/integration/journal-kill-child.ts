/** A process that places orders as fast as they are acknowledged, until it is killed. Says on stdout what it sends and what was acknowledged. */
import { silentLogger } from '../../src/observability/logger.ts';
import { accepted, buy, found } from '../support/fixture.ts';
import { openLeader } from '../../src/sequencer/open.ts';
import { SteadyClock } from '../../src/utils/clock.ts';

const [directory, round] = process.argv.slice(2) as [string, string];
const CONCURRENCY = 16;

const leader = await openLeader({ directory, clock: new SteadyClock(), logger: silentLogger, snapshotEvery: 500 });
if (leader.committedSeq === 0) await found(leader);

let next = 0;
async function placeForever(account: number): Promise<never> {
  for (;;) {
    const id = `${round}-${next++}`;
    process.stdout.write(`sent ${account} ${id}\n`);
    const { events } = await accepted(leader, { type: 'place_order', account, order: buy(id) });
    process.stdout.write(`stored ${account} ${id} ${events[0]!.seq}\n`);
  }
}
await Promise.all(Array.from({ length: CONCURRENCY }, (_, index) => placeForever(2 + (index % 2))));
