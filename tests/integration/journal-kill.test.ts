import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { DirectoryLockedError } from '../../src/journal/errors.ts';
import { SqliteJournalReader } from '../../src/journal/sqlite-reader.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { accepted, buy } from '../support/fixture.ts';
import { openLeader } from '../../src/sequencer/open.ts';
import { endOf } from '../../src/journal/journal.ts';
import { decodeBody } from '../../src/sequencer/record.ts';
import { recover } from '../../src/sequencer/recovery.ts';
import { SteadyClock } from '../../src/utils/clock.ts';

const ROUNDS = 5;

interface Sent {
  readonly account: number;
  readonly id: string;
  /** undefined = never acknowledged. */
  order: number | undefined;
}

/** Runs the child until it has had `acknowledged` orders acknowledged, then kills it. Collects what it said into `sent`. */
async function runAndKill(directory: string, round: number, acknowledged: number, sent: Map<string, Sent>): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'journal-kill-child.ts'), directory, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let count = 0;
  for await (const line of createInterface({ input: child.stdout! })) {
    const [what, account, id, order] = line.split(' ') as [string, string, string, string?];
    if (what === 'sent') sent.set(id, { account: Number(account), id, order: undefined });
    else {
      // The last line may be cut short by the kill.
      if (order !== undefined && sent.has(id)) sent.get(id)!.order = Number(order);
      if (++count === acknowledged) await checkLockedThenKill(directory, child);
    }
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  assert.equal(child.signalCode, 'SIGKILL');
}

async function checkLockedThenKill(directory: string, child: ChildProcess): Promise<void> {
  await assert.rejects(openLeader({ directory, clock: new SteadyClock(), logger: silentLogger, lockWaitMs: 0 }), (error) => error instanceof DirectoryLockedError && error.message.includes(`pid ${child.pid}`));
  child.kill('SIGKILL');
}

/** How often each id was accepted, over the whole journal. */
async function acceptances(directory: string): Promise<Map<string, number[]>> {
  const journal = new SqliteJournalReader(directory, silentLogger);
  const found = new Map<string, number[]>();
  for (let after = 0; after < journal.lastSeq;) {
    for (const record of await journal.read(after, 1_000)) {
      for (const event of decodeBody(record).events) {
        if (event.type === 'order_accepted') found.set(event.order.clientOrderId, [...(found.get(event.order.clientOrderId) ?? []), event.seq]);
      }
      after = endOf(record);
    }
  }
  journal.close();
  return found;
}

async function stateHash(directory: string, useSnapshots: boolean): Promise<string> {
  const journal = new SqliteJournalReader(directory, silentLogger);
  const { engine } = await recover(journal, { logger: silentLogger, idLimit: 1_000_000, useSnapshots });
  journal.close();
  return engine.stateHash();
}

test('whatever was acknowledged is there after kill -9, and sending it again has no second effect', { timeout: 120_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'bourse-kill-'));
  const sent = new Map<string, Sent>();
  try {
    for (let round = 0; round < ROUNDS; round++) {
      await runAndKill(directory, round, 1 + Math.floor(Math.random() * 1_500), sent);
      const stored = await acceptances(directory);
      for (const { id, order } of sent.values()) if (order !== undefined) assert.deepEqual(stored.get(id), [order], `order ${id} was acknowledged as ${order}`);
      assert.equal(await stateHash(directory, true), await stateHash(directory, false));
    }
    const leader = await openLeader({ directory, clock: new SteadyClock(), logger: silentLogger });
    for (const { account, id, order } of sent.values()) {
      const again = await accepted(leader, { type: 'place_order', account, order: buy(id) });
      if (order !== undefined) assert.ok(again.replayed && again.events.some(({ seq }) => seq === order));
    }
    await leader.close();
    const once = await acceptances(directory);
    // What it said last may not have got through before the kill: there may be more than we know of.
    for (const id of sent.keys()) assert.ok(once.has(id), `order ${id} is missing`);
    for (const [id, seqs] of once) assert.equal(seqs.length, 1, `order ${id} was accepted ${seqs.length} times`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
