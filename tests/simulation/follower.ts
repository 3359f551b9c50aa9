/**
 * Follows the journal of a simulated venue with an engine of its own, and is the judge of it: every law after every record, every id used
 * once, no gap. What it holds is what any recovery has to come to.
 */
import assert from 'node:assert/strict';
import { Engine } from '../../src/engine/engine.ts';
import type { EventType } from '../../src/engine/events.ts';
import type { Millis, Seq } from '../../src/engine/units.ts';
import type { JournalRecord, Snapshot } from '../../src/journal/journal.ts';
import { rememberIds } from '../../src/sequencer/idempotency.ts';
import { IdWindow } from '../../src/sequencer/id-window.ts';
import { decodeBody } from '../../src/sequencer/record.ts';
import { takeSnapshot } from '../../src/sequencer/recovery.ts';

export class Follower {
  readonly engine = Engine.create();
  /** Events by type, for the report. */
  readonly counts = new Map<string, number>();
  readonly #window: IdWindow;
  readonly #orderIds = new Set<string>();
  readonly #keys = new Set<string>();
  #time: Millis = 0;

  constructor(idLimit: number) {
    this.#window = new IdWindow(idLimit);
  }

  get seq(): Seq {
    return this.engine.seq;
  }

  follow(record: JournalRecord): void {
    assert.equal(record.seq, this.seq + 1, 'the journal has a gap');
    assert.ok(record.time >= this.#time, 'journaled time went back');
    const { events } = decodeBody(record);
    for (const event of events) {
      this.engine.apply(event, record.time);
      this.#count(event.type === 'trade' ? `trade by ${event.cause}` : event.type === 'funding_paid' && event.ahead === true ? 'funding paid ahead' : event.type);
      if (event.type === 'order_closed') this.#count(`closed: ${event.reason}`);
      if (event.type === 'order_accepted' && event.order.clientOrderId !== '') once(this.#orderIds, `${event.account}:${event.order.clientOrderId}`);
    }
    if (record.key !== '') once(this.#keys, record.key);
    rememberIds(this.#window, record, events);
    this.#time = record.time;
    this.engine.check();
  }

  snapshot(): Snapshot {
    return takeSnapshot(this.engine, this.#window, this.#time);
  }

  #count(type: EventType | string): void {
    this.counts.set(type, (this.counts.get(type) ?? 0) + 1);
  }
}

function once(used: Set<string>, id: string): void {
  assert.ok(!used.has(id), `the id ${id} has had two effects`);
  used.add(id);
}
