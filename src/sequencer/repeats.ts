/** Finds what the ids of a command led to before, in memory or in the journal, until it is known whether the command is a repeat. Executes nothing. */
import type { Command } from '../engine/commands.ts';
import type { AccountId, Millis, OrderId, Seq } from '../engine/units.ts';
import type { JournalRecord } from '../journal/journal.ts';
import { UnavailableError } from '../utils/errors.ts';
import { isSuspect, judge, type IdLookup, type Source, type Verdict } from './idempotency.ts';
import type { IdWindow } from './id-window.ts';
import { decodeBody } from './record.ts';
import type { CommandMeta } from './sequencer.ts';

export interface RepeatsParts {
  readonly window: () => IdWindow;
  readonly openOrder: (account: AccountId, clientOrderId: string) => OrderId | undefined;
  /** The record that holds event `seq`, if it is not durable yet. */
  readonly queued: (seq: Seq) => Source | undefined;
  /** From the journal. */
  readonly recordAt: (seq: Seq) => Promise<JournalRecord | undefined>;
}

export type Judgement = Exclude<Verdict, { readonly kind: 'load' }>;

const NOTHING_THERE: Source = { record: { seq: 0, count: 0, time: 0, key: '', fingerprint: '', body: '' }, body: { events: [] } };
const NONE_LOADED: ReadonlyMap<Seq, Source> = new Map();

export class Repeats {
  readonly #parts: RepeatsParts;
  readonly #ids: IdLookup;
  #loading = 0;

  constructor(parts: RepeatsParts) {
    this.#parts = parts;
    this.#ids = this.#lookup(NONE_LOADED);
  }

  /** Commands that wait for the journal to be read. */
  get loading(): number {
    return this.#loading;
  }

  /** False is certain: none of its ids has been used. */
  suspects(command: Command, meta: CommandMeta | undefined, now: Millis): boolean {
    return isSuspect(command, meta, this.#ids, now);
  }

  /** Calls `decided` in the turn in which it is decided, before anything else can use the ids. `resumed` is called each time after waiting. Throws UnavailableError when the journal cannot be read, and what either throws. */
  async judge(command: Command, meta: CommandMeta | undefined, resumed: () => void, decided: (judgement: Judgement) => unknown): Promise<void> {
    const loaded = new Map<Seq, Source>();
    for (;;) {
      const verdict = judge(command, meta, this.#lookup(loaded));
      if (verdict.kind !== 'load') {
        await decided(verdict);
        return;
      }
      await this.#loadAll(verdict.seqs, loaded);
      resumed();
    }
  }

  #lookup(loaded: ReadonlyMap<Seq, Source>): IdLookup {
    const { window, openOrder, queued } = this.#parts;
    return {
      get window() { return window(); },
      openOrder,
      source: (seq) => loaded.get(seq) ?? queued(seq),
    };
  }

  async #loadAll(seqs: readonly Seq[], into: Map<Seq, Source>): Promise<void> {
    this.#loading++;
    try {
      await Promise.all(seqs.map(async (seq) => into.set(seq, await this.#load(seq))));
    } finally {
      this.#loading--;
    }
  }

  async #load(seq: Seq): Promise<Source> {
    try {
      const record = await this.#parts.recordAt(seq);
      return record === undefined ? NOTHING_THERE : { record, body: decodeBody(record) };
    } catch (error) {
      throw new UnavailableError(`an earlier command could not be read from the journal (${(error as Error).message})`, error);
    }
  }
}
