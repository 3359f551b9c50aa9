/** A sequencer around a real engine without a journal, for tests of what stands on it: same order, same events, durable at once. Asserts after each command that every asset sums to zero. */
import assert from 'node:assert/strict';
import type { Command } from '../../src/engine/commands.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { EngineReader } from '../../src/engine/reader.ts';
import type { Reject } from '../../src/engine/reject.ts';
import type { Committed, CommittedRecord, Sequencer } from '../../src/sequencer/sequencer.ts';

export class MemorySequencer implements Sequencer {
  readonly #engine: Engine;
  readonly #clock: () => number;
  readonly #listeners = new Set<(record: CommittedRecord) => void>();
  /** Every command that was submitted, for what tests ask about it. */
  readonly commands: Command[] = [];
  readonly records: CommittedRecord[] = [];
  /** Set to make the next submits fail, as when the disk is full. */
  failure: Error | undefined;
  readonly status = { state: 'leading' } as const;

  constructor(clock: () => number = Date.now, engine = Engine.create()) {
    this.#clock = clock;
    this.#engine = engine;
  }

  get state(): EngineReader {
    return this.#engine;
  }

  get committedSeq(): number {
    return this.#engine.seq;
  }

  async submit(command: Command): Promise<Committed | Reject> {
    if (this.failure !== undefined) throw this.failure;
    const time = Math.max(this.#engine.time, Math.floor(this.#clock()));
    const due = this.#engine.nextTimer();
    if (due !== undefined && due <= time) this.#execute({ type: 'advance_time' }, time);
    this.commands.push(command);
    return this.#execute(command, time);
  }

  barrier(): Promise<void> {
    return Promise.resolve();
  }

  onCommitted(listener: (record: CommittedRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #execute(command: Command, time: number): Committed | Reject {
    const outcome = this.#engine.execute(command, time);
    if (!outcome.ok) return outcome;
    for (const row of this.#engine.audit()) assert.equal(row.sum, 0, `asset ${row.asset} does not sum to zero after ${command.type}`);
    const record: CommittedRecord = { seq: this.#engine.seq, time, events: outcome.events };
    this.records.push(record);
    for (const listener of this.#listeners) listener(record);
    return { ok: true, ...record, ...(outcome.results === undefined ? {} : { results: outcome.results }), replayed: false };
  }
}
