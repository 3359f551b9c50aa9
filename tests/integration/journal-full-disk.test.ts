import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createMetrics } from '../../src/observability/metrics.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { accepted, found, place } from '../support/fixture.ts';
import { openLeader } from '../../src/sequencer/open.ts';
import { SteadyClock } from '../../src/utils/clock.ts';
import { UnavailableError } from '../../src/utils/errors.ts';
import { eventually } from '../support/wait.ts';

const FULL_PAGES = 400;

test('a full disk stops the acknowledgements, shows in the status, and is over when there is space again', { timeout: 60_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'bourse-full-'));
  let maxPages: number | undefined = FULL_PAGES;
  const metrics = createMetrics();
  const leader = await openLeader({ directory, clock: new SteadyClock(), logger: silentLogger, metrics, maxPages: () => maxPages });
  try {
    await found(leader);
    const told: number[] = [];
    leader.onCommitted(({ seq }) => told.push(seq));
    const first = leader.committedSeq + 1;
    let acknowledged = 0;
    let refusal: unknown;
    for (let n = 0; refusal === undefined; n++) {
      assert.ok(n < 1_000, 'the disk never filled');
      const batch = { type: 'place_orders', account: 2, orders: Array.from({ length: 50 }, (_, index) => place(`${n}-${index}`).order) } as const;
      await accepted(leader, batch).then(({ seq }) => { acknowledged = seq; }, (error: unknown) => { refusal = error; });
    }
    assert.ok(refusal instanceof UnavailableError);
    assert.equal(leader.status.state, 'recovering');
    assert.match(leader.status.reason!, /no space left/);
    await assert.rejects(leader.submit(place()), UnavailableError);
    maxPages = undefined;
    await eventually('the leader leads again', () => leader.status.state === 'leading' || undefined);
    assert.equal(leader.committedSeq, acknowledged);
    await accepted(leader, place('after'));
    const batches = Array.from({ length: told.length - 1 }, (_, index) => first + 49 + 50 * index);
    assert.deepEqual(told, [...batches, acknowledged + 1]);
    assert.match(await metrics.registry.metrics(), new RegExp(`bourse_committed_seq ${acknowledged + 1}`));
  } finally {
    await leader.close();
    rmSync(directory, { recursive: true, force: true });
  }
});
